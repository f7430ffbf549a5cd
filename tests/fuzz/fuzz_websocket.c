/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OSCQuery's commands of one WebSocket client, a line each. Whatever comes: a client listens to no
   more leaves than there are, and a refusal names its reason. */
#include "fuzz.h"

#include "../../osc/command.h"

#include <string.h>

enum { LEAVES = 3 };

static fb_tree *tree;
static fb_osc *osc;

static void get(void *ctx, uint32_t index, fb_value *value)
{
	(void)ctx;
	*value = (fb_value){.tag = 'f', .f = (double)index};
}

static bool send_packet(void *ctx, const void *data, size_t size)
{
	(void)ctx, (void)data;
	must(size >= 8 && size % 4 == 0);
	return true;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const addresses[LEAVES] = {"/a", "/a/b", "/station/1/gain/gain"};
	static const fb_leaf_ops ops = {.get = get};
	fb_osc_options options = {0};
	(void)argc, (void)argv;
	tree = fb_tree_create();
	must(tree);
	for (uint32_t i = 0; i < LEAVES; i++) {
		fb_leaf_spec spec = {.kind = FB_LEAF_FLOAT,
			.access = FB_READ,
			.label = "",
			.unit = "",
			.doc = "",
			.max = 9,
			.ops = &ops,
			.index = i};
		must(fb_tree_add(tree, addresses[i], &spec, NULL) == FB_OK);
	}
	must(fb_osc_open(tree, &options, &osc, NULL) == FB_OK);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const fb_osc_transport transport = {
		.send = send_packet, .packet_max = 65536, .reliable = true};
	static int64_t now_us = 1000000;
	char token[FB_TOKEN_MAX];
	fb_osc_stats stats;
	fb_osc_client *client = fb_osc_client_add(osc, &transport, NULL, "fuzz");
	must(client);
	while (size) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t n = end ? (size_t)(end - data) : size;
		fb_error error = {0};
		if (fb_oscquery_command(osc, client, (const char *)data, n, token, &error)) {
			must(error.status && error.text[0] && !token[0]);
			fb_osc_tell_error(client, &error, now_us);
		}
		now_us += 5000;
		fb_osc_flush(osc, now_us);
		size -= n + (end != NULL);
		data += n + (end != NULL);
	}
	fb_osc_get_stats(osc, &stats);
	must(stats.leaves <= LEAVES);
	fb_osc_client_remove(osc, client);
	fb_osc_get_stats(osc, &stats);
	must(!stats.leaves && !stats.clients);
	return 0;
}
