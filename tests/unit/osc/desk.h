/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A small owner of leaves for the tests of osc/: one of each kind, and any number of floats. */
#ifndef FB_TEST_DESK_H
#define FB_TEST_DESK_H

#include "testing.h"

#include "../../../osc/tree.h"
#include "../../../osc/value.h"

static const char *const desk_modes[] = {"auto", "manual", "bypass"};

typedef struct desk {
	double level, hz;
	int64_t voices, mode;
	bool mute, silent;
	char name[64];
	int commands, in_group, groups;
	bool grouped; ///< sets are expected in groups
	char said[256];
	fb_tree *tree;
} desk;

enum { LEVEL, HZ, VOICES, MODE, MUTE, NAME, METER };

static void desk_get(void *ctx, uint32_t index, fb_value *value)
{
	desk *d = ctx;
	switch (index) {
	case LEVEL:
	case METER:
		*value = (fb_value){.tag = 'f', .f = d->level};
		break;
	case HZ:
		*value = (fb_value){.tag = 'f', .f = (double)(float)d->hz};
		break;
	case VOICES:
		*value = (fb_value){.tag = 'i', .i = d->voices};
		break;
	case MODE:
		*value = (fb_value){.tag = 'i', .i = d->mode};
		break;
	case MUTE:
		*value = (fb_value){.tag = d->mute ? 'T' : 'F'};
		break;
	default:
		*value = (fb_value){.tag = 's', .s = d->name};
		break;
	}
}

static fb_status desk_set(
	void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error)
{
	desk *d = ctx;
	(void)origin;
	assert_true(!d->grouped || d->in_group);
	switch (index) {
	case LEVEL:
		if (value->f > 5.0) {
			return fb_fail(error, FB_UNAVAILABLE, "", "too loud for now");
		}
		d->level = value->f;
		break;
	case HZ:
		d->hz = value->f;
		break;
	case VOICES:
		d->voices = value->i;
		break;
	case MODE:
		d->mode = value->i;
		break;
	case MUTE:
		d->mute = value->tag == 'T';
		break;
	default:
		snprintf(d->name, sizeof d->name, "%s", value->s);
		break;
	}
	return FB_OK;
}

static fb_status desk_call(void *ctx, uint32_t index, const fb_value *argv, uint32_t argc,
	const fb_origin *origin, fb_answer *answer, fb_error *error)
{
	desk *d = ctx;
	(void)index;
	(void)error;
	d->commands++;
	fb_values_text(argv, argc, d->said, sizeof d->said);
	if (argc && argv[0].tag == 's' && strcmp(argv[0].s, "remove") == 0) {
		fb_tree_remove(d->tree, "/station/1");
	}
	if (argc && argv[0].tag == 's' && strcmp(argv[0].s, "recall") == 0) {
		d->level = -42.0;
		fb_tree_touch(d->tree, fb_tree_find(d->tree, "/station/1/gain/level"), origin);
	}
	if (argc) {
		answer->values[0] = (fb_value){.tag = 'i', .i = 7};
		answer->count = 1;
	}
	return FB_OK;
}

static bool desk_valid(void *ctx, uint32_t index)
{
	(void)index;
	return !((desk *)ctx)->silent;
}

static const fb_leaf_ops desk_ops = {
	.get = desk_get, .set = desk_set, .call = desk_call, .valid = desk_valid};

static inline fb_value f(double x)
{
	return (fb_value){.tag = 'f', .f = x};
}

static inline fb_value in(int64_t x)
{
	return (fb_value){.tag = 'i', .i = x};
}

static inline fb_value s(const char *x)
{
	return (fb_value){.tag = 's', .s = x};
}

static inline fb_value tag(char t)
{
	return (fb_value){.tag = t};
}

static desk board;

static inline void add(fb_tree *tree, const char *address, fb_leaf_spec spec)
{
	fb_error error = {0};
	if (!spec.ops) {
		spec.ops = &desk_ops;
		spec.ctx = &board;
	}
	if (!spec.access) {
		spec.access = spec.kind == FB_LEAF_COMMAND ? FB_WRITE : FB_READ_WRITE;
	}
	if (fb_tree_add(tree, address, &spec, &error)) {
		fail_msg("%s: %s", error.where, error.text);
	}
}

/** /station/1 with a leaf of each kind. */
static inline fb_tree *desk_tree(void)
{
	fb_tree *tree = fb_tree_create();
	board = (desk){.hz = 1000.0, .voices = 1, .name = "one", .tree = tree};
	add(tree, "/station/1/gain/level",
		(fb_leaf_spec){
			.kind = FB_LEAF_FLOAT, .label = "Level", .unit = "dB", .min = -60, .max = 12});
	add(tree, "/station/1/eq/hz",
		(fb_leaf_spec){.kind = FB_LEAF_FLOAT,
			.unit = "Hz",
			.min = 20,
			.max = 20000,
			.def = 1000,
			.scale = FB_SCALE_LOG,
			.index = HZ});
	add(tree, "/station/1/chorus/voices",
		(fb_leaf_spec){.kind = FB_LEAF_INT, .min = 1, .max = 8, .def = 1, .index = VOICES});
	add(tree, "/station/1/mode",
		(fb_leaf_spec){
			.kind = FB_LEAF_CHOICE, .choices = desk_modes, .n_choices = 3, .index = MODE});
	add(tree, "/station/1/mute", (fb_leaf_spec){.kind = FB_LEAF_BOOL, .index = MUTE});
	add(tree, "/station/1/name", (fb_leaf_spec){.kind = FB_LEAF_TEXT, .index = NAME});
	add(tree, "/station/1/meter/level",
		(fb_leaf_spec){.kind = FB_LEAF_FLOAT,
			.access = FB_READ,
			.unit = "dBFS",
			.min = -120,
			.max = 0,
			.meter = true,
			.index = METER});
	add(tree, "/station/1/do", (fb_leaf_spec){.kind = FB_LEAF_COMMAND, .args = "s?fiT"});
	return tree;
}

/* --- many floats, -60 .. 0 */

static double cells[20000];

static void cell_get(void *ctx, uint32_t index, fb_value *value)
{
	(void)ctx;
	*value = (fb_value){.tag = 'f', .f = cells[index]};
}

static fb_status cell_set(
	void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error)
{
	(void)ctx;
	(void)origin;
	(void)error;
	cells[index] = value->f;
	return FB_OK;
}

static const fb_leaf_ops cell_ops = {.get = cell_get, .set = cell_set};

/** n leaves /PREFIX/nNODE/vI, 20 to a node. */
static inline void add_cells(fb_tree *tree, const char *prefix, uint32_t n, fb_leaf_spec spec)
{
	char address[128];
	spec.ops = &cell_ops;
	spec.kind = FB_LEAF_FLOAT;
	spec.min = -60;
	for (uint32_t i = 0; i < n; i++) {
		cells[i] = 0.0;
		spec.index = i;
		snprintf(address, sizeof address, "/%s/n%u/v%u", prefix, i / 20, i);
		add(tree, address, spec);
	}
}

#endif
