/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A station's nodes in the tree: a leaf for every parameter, meter and bypass, kept in step with
	the patch as stages come and go. */
#include "meters.h"
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** One stage that is in the tree. */
struct fb_stage_view {
	fb_channel *channel;
	char id[FB_ID_LEN];
	const fb_node_desc *type;
	int place;         ///< in the patch, when last looked up; < 0: gone
	uint32_t revision; ///< of the patch, then
	fb_stage_view *next;
};

static int stage_of(fb_stage_view *view)
{
	const fb_station *station = view->channel->station;
	uint32_t revision = fb_station_revision(station);
	if (view->revision != revision) {
		view->place = fb_patch_find(fb_station_patch(station), view->id);
		view->revision = revision;
	}
	return view->place;
}

/* --- parameters */

static void param_get(void *ctx, uint32_t index, fb_value *value)
{
	fb_stage_view *view = ctx;
	const fb_param_info *info = &view->type->params[index];
	int stage = stage_of(view);
	float now = stage < 0 ? info->def
						  : fb_station_patch(view->channel->station)->stage[stage].values[index];
	*value = info->kind == FB_FLOAT  ? fb_float_value((double)now)
			 : info->kind == FB_BOOL ? fb_bool_value(now != 0.0f)
									 : (fb_value){.tag = 'i', .i = (int64_t)now};
}

static fb_status param_exchange(void *ctx, uint32_t index, double value, const fb_origin *origin,
	double *before, double *after, fb_error *error)
{
	(void)origin;
	fb_stage_view *view = ctx;
	fb_station *station = view->channel->station;
	int stage = stage_of(view);
	if (stage < 0) {
		return fb_fail(error, FB_NOT_FOUND, view->id, "the stage is gone");
	}
	const float *now = &fb_station_patch(station)->stage[stage].values[index];
	*before = (double)*now;
	fb_status status = fb_station_ride(
		station, (uint32_t)stage, index, (float)value, view->channel->server->group_s, error);
	*after = (double)*now;
	return status;
}

static fb_status param_set(
	void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error)
{
	double number = 0.0, before, after;
	(void)fb_value_number(value, &number); /* it is one */
	return param_exchange(ctx, index, number, origin, &before, &after, error);
}

static fb_leaf_kind leaf_kind(fb_param_kind kind)
{
	static const fb_leaf_kind kinds[] = {[FB_FLOAT] = FB_LEAF_FLOAT,
		[FB_INT] = FB_LEAF_INT,
		[FB_BOOL] = FB_LEAF_BOOL,
		[FB_CHOICE] = FB_LEAF_CHOICE};
	return kinds[kind];
}

static fb_status add_param(fb_stage_view *view, const char *base, uint32_t index, fb_error *error)
{
	static const fb_leaf_ops whole = {.get = param_get, .set = param_set};
	static const fb_leaf_ops real = {
		.get = param_get, .set = param_set, .exchange = param_exchange};
	const fb_param_info *info = &view->type->params[index];
	const fb_leaf_row row = FB_ROW(info->symbol, .kind = leaf_kind(info->kind),
		.label = info->label, .unit = info->unit, .doc = info->doc, .min = (double)info->min,
		.max = (double)info->max, .def = (double)info->def, .scale = info->scale,
		.choices = info->choices, .n_choices = info->choices ? (uint32_t)info->max + 1 : 0,
		.ops = info->kind == FB_FLOAT ? &real : &whole, .index = index);
	return fb_leaves_add(view->channel->server->tree, base, &row, 1, view, error);
}

/* --- bypass and meters */

static void bypass_get(void *ctx, uint32_t index, fb_value *value)
{
	(void)index;
	fb_stage_view *view = ctx;
	int stage = stage_of(view);
	bool on = stage >= 0 && fb_station_patch(view->channel->station)->stage[stage].bypass;
	*value = fb_bool_value(on);
}

static fb_status bypass_set(
	void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error)
{
	(void)index, (void)origin;
	fb_stage_view *view = ctx;
	int stage = stage_of(view);
	if (stage < 0) {
		return fb_fail(error, FB_NOT_FOUND, view->id, "the stage is gone");
	}
	fb_station_ride_bypass(
		view->channel->station, (uint32_t)stage, value->tag == 'T', view->channel->server->group_s);
	return FB_OK;
}

static void meter_get(void *ctx, uint32_t index, fb_value *value)
{
	fb_stage_view *view = ctx;
	int stage = stage_of(view);
	float now = stage < 0 ? view->type->meters[index].min
						  : fb_station_meter(view->channel->station, (uint32_t)stage, index);
	*value = fb_float_value((double)now);
}

static fb_status add_meter(fb_stage_view *view, const char *base, uint32_t index, fb_error *error)
{
	static const fb_leaf_ops ops = {.get = meter_get};
	const fb_meter_info *info = &view->type->meters[index];
	char leaf[FB_LEAF_ADDRESS_LEN];
	const fb_leaf_row row = FB_ROW(leaf, .kind = FB_LEAF_FLOAT, .label = info->label,
		.unit = info->unit, .doc = info->doc, .min = (double)info->min, .max = (double)info->max,
		.def = (double)info->min, .meter = true, .ops = &ops, .index = index);
	snprintf(leaf, sizeof leaf, "meter/%s", info->symbol);
	return fb_leaves_add(view->channel->server->tree, base, &row, 1, view, error);
}

/* --- time */

static fb_time time_of(fb_stage_view *view)
{
	int stage = stage_of(view);
	fb_time time = {0};
	if (stage >= 0) {
		(void)fb_station_time(view->channel->station, (uint32_t)stage, &time);
	}
	return time;
}

FB_GETTER(fb_stage_view, mean_get, fb_float_value(time_of(self).mean_us))
FB_GETTER(fb_stage_view, worst_get, fb_float_value(time_of(self).worst_us))
FB_GETTER(fb_stage_view, share_get, fb_float_value(100.0 * time_of(self).mean_share))

/** What every node has. */
static const fb_leaf_row common[] = {
	FB_ROW("cpu/mean", .kind = FB_LEAF_FLOAT, .label = "Time", .unit = "us",
		.doc = "What the node takes for a tick of 32 frames, lately.", .max = 1e6, .meter = true,
		.ops = FB_OPS(.get = mean_get)),
	FB_ROW("cpu/worst", .kind = FB_LEAF_FLOAT, .label = "Worst time", .unit = "us",
		.doc = "The most it took for a tick since /server/cpu/reset; one tick in seven is looked "
			   "at.",
		.max = 1e6, .meter = true, .ops = FB_OPS(.get = worst_get)),
	FB_ROW("cpu/share", .kind = FB_LEAF_FLOAT, .label = "Share", .unit = "%",
		.doc = "Of the time there is, what the node takes lately.", .max = 1e6, .meter = true,
		.ops = FB_OPS(.get = share_get)),
	FB_ROW("bypass", .kind = FB_LEAF_BOOL, .label = "Bypass",
		.doc = "Pass the input on, as late as the node would; switched without a click.",
		.max = 1.0, .ops = FB_OPS(.get = bypass_get, .set = bypass_set)),
};

/* --- stages */

static fb_status add_stage(fb_channel *channel, const fb_stage *stage, fb_error *error)
{
	char base[FB_LEAF_ADDRESS_LEN];
	fb_stage_view *view = calloc(1, sizeof *view);
	if (!view) {
		return fb_fail(error, FB_NO_MEMORY, stage->id, "out of memory");
	}
	view->channel = channel;
	view->type = stage->type;
	memcpy(view->id, stage->id, sizeof view->id);
	view->next = channel->views;
	channel->views = view;
	fb_channel_address(channel, stage->id, base);
	fb_status status = fb_tree_describe(channel->server->tree, base, stage->id, stage->type->doc);
	snprintf(base + strlen(base), sizeof base - strlen(base), "/");
	for (uint32_t i = 0; i < stage->type->n_params && !status; i++) {
		status = add_param(view, base, i, error);
	}
	for (uint32_t i = 0; i < stage->type->n_meters && !status; i++) {
		status = add_meter(view, base, i, error);
	}
	return status ? status
				  : fb_leaves_add(channel->server->tree, base, FB_ROWS(common), view, error);
}

/** Take stages out of the tree that the patch has no more, or has as another type. */
static void drop_stages(fb_channel *channel, bool all)
{
	const fb_patch *patch = fb_station_patch(channel->station);
	for (fb_stage_view **at = &channel->views; *at;) {
		fb_stage_view *view = *at;
		int stage = fb_patch_find(patch, view->id);
		if (!all && stage >= 0 && patch->stage[stage].type == view->type) {
			at = &view->next;
			continue;
		}
		char base[FB_LEAF_ADDRESS_LEN];
		fb_channel_address(channel, view->id, base);
		fb_tree_remove(channel->server->tree, base);
		*at = view->next;
		free(view);
	}
}

static bool in_tree(const fb_channel *channel, const char *id)
{
	for (const fb_stage_view *view = channel->views; view; view = view->next) {
		if (!strcmp(view->id, id)) {
			return true;
		}
	}
	return false;
}

static fb_status add_stages(fb_channel *channel, fb_error *error)
{
	const fb_patch *patch = fb_station_patch(channel->station);
	fb_status status = FB_OK;
	for (uint32_t i = 0; i < patch->n_stages && !status; i++) {
		if (!in_tree(channel, patch->stage[i].id)) {
			status = add_stage(channel, &patch->stage[i], error);
		}
	}
	return status;
}

fb_status fb_channel_add(fb_channel *channel, fb_error *error)
{
	fb_status status = fb_channel_add_own(channel, error);
	return status ? status : add_stages(channel, error);
}

void fb_channel_remove(fb_channel *channel)
{
	if (channel->station) {
		drop_stages(channel, true);
	}
}

/* --- what changed by itself */

static void touch_stage_leaf(
	fb_channel *channel, const char *id, const char *name, const fb_origin *origin)
{
	char leaf[FB_LEAF_ADDRESS_LEN];
	snprintf(leaf, sizeof leaf, "%s/%s", id, name);
	fb_channel_touch(channel, leaf, origin);
}

static void touch_differences(fb_channel *channel, const fb_patch *before, const fb_origin *origin)
{
	const fb_patch *now = fb_station_patch(channel->station);
	for (uint32_t i = 0; i < now->n_stages; i++) {
		const fb_stage *stage = &now->stage[i];
		int k = fb_patch_find(before, stage->id);
		if (k < 0 || before->stage[k].type != stage->type) {
			continue;
		}
		for (uint32_t p = 0; p < stage->type->n_params; p++) {
			if (before->stage[k].values[p] != stage->values[p]) {
				touch_stage_leaf(channel, stage->id, stage->type->params[p].symbol, origin);
			}
		}
		if (before->stage[k].bypass != stage->bypass) {
			touch_stage_leaf(channel, stage->id, "bypass", origin);
		}
	}
}

/** A node refused later what a set had put in: the value in force is the one before again. */
static void on_refusal(void *ctx, uint32_t stage, uint32_t param, float asked, const fb_error *why)
{
	static const fb_origin origin = {"engine", NULL};
	fb_channel *channel = ctx;
	fb_tree *tree = channel->server->tree;
	const fb_stage *s = &fb_station_patch(channel->station)->stage[stage];
	char name[FB_LEAF_ADDRESS_LEN];
	fb_value before, after = fb_float_value((double)asked);
	snprintf(name, sizeof name, "%s/%s", s->id, s->type->params[param].symbol);
	fb_branch *leaf = fb_channel_find(channel, name);
	if (leaf) {
		fb_tree_get(tree, leaf, &before);
		fb_tree_record(tree, leaf, &before, &after, &origin, why);
		fb_tree_touch(tree, leaf, &origin);
	}
}

/** The goal that a patch carries, or the default one. */
static fb_status patch_goal(const fb_patch *patch, fb_goal *goal, fb_error *error)
{
	const json_t *object = fb_patch_goal(patch);
	if (!object) {
		fb_goal_default(goal);
		return FB_OK;
	}
	return fb_goal_parse(object, "goal", goal, error);
}

void fb_channel_sync(fb_channel *channel, const fb_patch *before, const fb_origin *origin)
{
	fb_error error;
	drop_stages(channel, false);
	if (add_stages(channel, &error)) {
		fb_log_error("a stage could not be listed", &error);
	}
	touch_differences(channel, before, origin);
	fb_channel_touch(channel, "meter/order", origin);
	(void)patch_goal(
		fb_station_patch(channel->station), &channel->goal, NULL); /* checked when it came */
	fb_channel_touch(channel, "patch", origin);
	fb_channel_touch(channel, "goal/target_lufs", origin);
	fb_meters_set_target(channel->server->meters, channel->index, channel->goal.target_lufs);
}

fb_status fb_channel_check(const fb_channel *channel, const fb_patch *patch, fb_error *error)
{
	fb_goal goal;
	fb_status status = patch_goal(patch, &goal, error);
	return status ? status : fb_station_check(channel->station, patch, error);
}

/** The first patch of all. */
static fb_status begin(fb_channel *channel, fb_patch *take, fb_error *error)
{
	fb_goal goal;
	fb_status status = patch_goal(take, &goal, error);
	if (!status) {
		status = fb_station_create(
			channel->server->engine, channel->index, take, &channel->station, error);
	}
	if (!status) {
		channel->goal = goal;
		fb_station_on_refusal(channel->station, on_refusal, channel);
	}
	return status;
}

/* A morph as short as this would be a click: each parameter's own smoothing is in its place. */
#define LEAST_GLIDE_S 0.05

typedef fb_status take_fn(fb_station *station, fb_patch *take, double glide_ms, fb_error *error);

static fb_status change(fb_channel *channel, fb_patch *take, take_fn *into_force, double glide_s,
	const fb_origin *origin, fb_error *error)
{
	fb_goal goal;
	fb_status status = patch_goal(take, &goal, error);
	fb_patch *before = status ? NULL : fb_patch_copy(fb_station_patch(channel->station));
	if (!before) {
		return status ? status : fb_fail(error, FB_NO_MEMORY, "patch", "out of memory");
	}
	fb_tree_begin(channel->server->tree);
	status =
		into_force(channel->station, take, glide_s < LEAST_GLIDE_S ? -1.0 : glide_s * 1e3, error);
	if (!status) {
		fb_channel_sync(channel, before, origin);
	}
	fb_tree_end(channel->server->tree);
	fb_patch_destroy(before);
	return status;
}

fb_status fb_channel_load(
	fb_channel *channel, fb_patch *take, double glide_s, const fb_origin *origin, fb_error *error)
{
	return channel->station ? change(channel, take, fb_station_edit, glide_s, origin, error)
							: begin(channel, take, error);
}

fb_status fb_channel_change(
	fb_channel *channel, fb_patch *take, const fb_origin *origin, fb_error *error)
{
	return change(channel, take, fb_station_apply, -1.0, origin, error);
}
