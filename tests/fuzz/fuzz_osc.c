/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OSC packets from one client to a service over a small tree, each behind two bytes of length (the
   last takes what is left). Whatever comes: values stay within their ranges, and every answer is
   itself good OSC. */
#include "fuzz.h"

#include "../../osc/codec.h"
#include "../../osc/server.h"
#include "../../osc/value.h"

#include <math.h>
#include <string.h>

static fb_tree *tree;
static fb_osc *osc;
static int64_t now_us = 1000000;

static struct {
	double level, hz;
	int64_t voices, mode;
	bool mute;
	char name[4200];
} desk;
enum { LEVEL, HZ, VOICES, MODE, MUTE, NAME };

static void desk_get(void *ctx, uint32_t index, fb_value *value)
{
	(void)ctx;
	switch (index) {
	case LEVEL:
	case HZ:
		*value = (fb_value){.tag = 'f', .f = index == LEVEL ? desk.level : desk.hz};
		break;
	case VOICES:
	case MODE:
		*value = (fb_value){.tag = 'i', .i = index == MODE ? desk.mode : desk.voices};
		break;
	case MUTE:
		*value = (fb_value){.tag = desk.mute ? 'T' : 'F'};
		break;
	default:
		*value = (fb_value){.tag = 's', .s = desk.name};
	}
}

static fb_status desk_set(
	void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error)
{
	(void)ctx, (void)origin, (void)error;
	switch (index) {
	case LEVEL:
		must(value->tag == 'f' && value->f >= -60.0 && value->f <= 12.0);
		desk.level = value->f;
		break;
	case HZ:
		must(value->tag == 'f' && value->f >= 20.0 && value->f <= 20000.0);
		desk.hz = value->f;
		break;
	case VOICES:
		must(value->tag == 'i' && value->i >= 1 && value->i <= 8);
		desk.voices = value->i;
		break;
	case MODE:
		must(value->tag == 'i' && value->i >= 0 && value->i <= 2);
		desk.mode = value->i;
		break;
	case MUTE:
		must(value->tag == 'T' || value->tag == 'F');
		desk.mute = value->tag == 'T';
		break;
	default:
		must(
			value->tag == 's' && fb_text_is_clean(value->s) && strlen(value->s) < sizeof desk.name);
		strcpy(desk.name, value->s);
	}
	return FB_OK;
}

/** What a patch edit does: places come and go while packets are dealt with. */
static fb_status desk_call(void *ctx, uint32_t index, const fb_value *argv, uint32_t argc,
	const fb_origin *origin, fb_answer *answer, fb_error *error)
{
	(void)ctx, (void)index, (void)origin;
	fb_leaf_spec spec = {.kind = FB_LEAF_FLOAT, .access = FB_READ_WRITE, .min = -60, .max = 12};
	static const fb_leaf_ops ops = {.get = desk_get, .set = desk_set};
	spec.ops = &ops;
	must(argc >= 1 && argv[0].tag == 's');
	answer->values[answer->count++] = (fb_value){.tag = 'i', .i = argc};
	if (argv[0].s[0] == '-') {
		fb_tree_remove(tree, "/station/1/extra");
		return FB_OK;
	}
	return fb_tree_add(tree, "/station/1/extra/level", &spec, error);
}

static const fb_leaf_ops desk_ops = {.get = desk_get, .set = desk_set, .call = desk_call};

static void add(const char *address, fb_leaf_spec spec)
{
	spec.access = spec.kind == FB_LEAF_COMMAND ? FB_WRITE : FB_READ_WRITE;
	spec.ops = &desk_ops;
	must(fb_tree_add(tree, address, &spec, NULL) == FB_OK);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const modes[] = {"auto", "manual", "bypass"};
	static const char *const status[] = {"/station/1/name", "/station/1/mute", NULL};
	static const fb_osc_options options = {.status = status};
	(void)argc, (void)argv;
	tree = fb_tree_create();
	must(tree);
	add("/station/1/gain/level", (fb_leaf_spec){.kind = FB_LEAF_FLOAT, .min = -60, .max = 12});
	add("/station/1/eq/hz",
		(fb_leaf_spec){
			.kind = FB_LEAF_FLOAT, .min = 20, .max = 20000, .scale = FB_SCALE_LOG, .index = HZ});
	add("/station/1/chorus/voices",
		(fb_leaf_spec){.kind = FB_LEAF_INT, .min = 1, .max = 8, .index = VOICES});
	add("/station/1/mode",
		(fb_leaf_spec){.kind = FB_LEAF_CHOICE, .choices = modes, .n_choices = 3, .index = MODE});
	add("/station/1/mute", (fb_leaf_spec){.kind = FB_LEAF_BOOL, .index = MUTE});
	add("/station/1/name", (fb_leaf_spec){.kind = FB_LEAF_TEXT, .index = NAME});
	add("/station/1/edit", (fb_leaf_spec){.kind = FB_LEAF_COMMAND, .args = "s?fi"});
	must(fb_osc_open(tree, &options, &osc, NULL) == FB_OK);
	return 0;
}

static bool take_answer(void *ctx, const void *data, size_t size)
{
	const fb_osc_transport *transport = ctx;
	must(fb_osc_check(data, size, NULL) == FB_OK);
	must(transport->bundles || !fb_osc_is_bundle(data, size));
	return now_us % 7 != 0; /* a transport that sometimes takes nothing */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const fb_osc_transport kinds[] = {
		{.send = take_answer, .packet_max = 1400, .bundles = true},
		{.send = take_answer, .packet_max = 65507, .reliable = true},
	};
	memset(&desk, 0, sizeof desk);
	desk.hz = 1000.0;
	desk.voices = 1;
	const fb_osc_transport *kind = &kinds[size % 2];
	fb_osc_client *client = fb_osc_client_add(osc, kind, (void *)(uintptr_t)kind, "fuzz");
	must(client);
	while (size >= 2) {
		size_t n = (size_t)data[0] << 8 | data[1];
		data += 2;
		size -= 2;
		n = n > size ? size : n;
		now_us += 3001;
		fb_osc_packet(osc, client, data, n, now_us);
		fb_osc_flush(osc, now_us);
		data += n;
		size -= n;
	}
	fb_osc_flush(osc, now_us += 2000000);
	fb_osc_client_remove(osc, client);
	fb_osc_flush(osc, now_us += 61000000); /* bundles of the future: their sender has gone */
	fb_osc_stats stats;
	fb_osc_get_stats(osc, &stats);
	must(stats.subscriptions == 0 && stats.leaves == 0 && stats.held == 0 && stats.clients == 0);
	fb_tree_remove(tree, "/station/1/extra");
	return 0;
}
