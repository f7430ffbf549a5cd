/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The leaves of a station that belong to no node: name, mode, switches, metrics, scores, undo,
	runs. */
#include "server.h"

#include "calibration.h"
#include "rating.h"
#include "scene.h"

#include <stdio.h>
#include <string.h>

enum { ADDRESS_LEN = 128 };

static void leaf_address(const fb_channel *channel, const char *leaf, char *address)
{
	snprintf(address, ADDRESS_LEN, "/station/%u/%s", channel->index + 1, leaf);
}

void fb_channel_touch(fb_channel *channel, const char *leaf, const fb_origin *origin)
{
	char address[ADDRESS_LEN];
	leaf_address(channel, leaf, address);
	fb_branch *branch = fb_tree_find(channel->server->tree, address);
	if (branch) {
		fb_tree_touch(channel->server->tree, branch, origin);
	}
}

static fb_value text_value(const char *text)
{
	return (fb_value){.tag = 's', .s = text};
}

static fb_value bool_value(bool on)
{
	return (fb_value){.tag = on ? 'T' : 'F'};
}

/* --- name, mode, switches, patch */

static void name_get(void *ctx, uint32_t index, fb_value *value)
{
	(void)index;
	*value = text_value(((fb_channel *)ctx)->name);
}

static fb_status name_set(
	void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error)
{
	(void)index, (void)origin;
	fb_channel *channel = ctx;
	if (strlen(value->s) >= sizeof channel->name) {
		return fb_fail(error, FB_TOO_LARGE, "name", "at most %zu bytes", sizeof channel->name - 1);
	}
	snprintf(channel->name, sizeof channel->name, "%s", value->s);
	fb_driver_set_name(channel->server->driver, channel->index, channel->name);
	return FB_OK;
}

static const char *const modes[] = {"auto", "manual", "bypass"};

static void mode_get(void *ctx, uint32_t index, fb_value *value)
{
	(void)index;
	*value = text_value(modes[((fb_channel *)ctx)->mode]);
}

static fb_status mode_set(
	void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error)
{
	(void)index, (void)origin, (void)error;
	fb_channel *channel = ctx;
	channel->mode = (fb_mode)value->i;
	fb_station_switch(channel->station, FB_SWITCH_BYPASS, channel->mode == FB_MODE_BYPASS);
	return FB_OK;
}

static void switch_get(void *ctx, uint32_t index, fb_value *value)
{
	*value = bool_value(fb_station_switched(((fb_channel *)ctx)->station, (fb_switch)index));
}

static fb_status switch_set(
	void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error)
{
	(void)origin, (void)error;
	fb_station_switch(((fb_channel *)ctx)->station, (fb_switch)index, value->tag == 'T');
	return FB_OK;
}

/* --- metrics and scores */

static void metric_get(void *ctx, uint32_t index, fb_value *value)
{
	*value = (fb_value){.tag = 'f', .f = ((fb_channel *)ctx)->metrics.value[index]};
}

static bool metric_valid(void *ctx, uint32_t index)
{
	return fb_metric_valid(&((fb_channel *)ctx)->metrics, (int)index);
}

/** The recogniser's confidence is the one metric that a client writes. */
static fb_status stt_set(
	void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error)
{
	(void)origin, (void)error;
	fb_channel *channel = ctx;
	fb_meters_set_stt(channel->server->meters, channel->index, value->f);
	channel->metrics.value[index] = value->f;
	channel->metrics.valid |= 1ull << index;
	return FB_OK;
}

static void score_get(void *ctx, uint32_t index, fb_value *value)
{
	const fb_channel *channel = ctx;
	*value = (fb_value){.tag = 'f', .f = index ? channel->voidline : channel->quality};
}

static void part_get(void *ctx, uint32_t index, fb_value *value)
{
	*value =
		(fb_value){.tag = 'f', .f = fmax(((fb_channel *)ctx)->voidline_part[index], 0.0) * 100.0};
}

static bool part_valid(void *ctx, uint32_t index)
{
	return ((fb_channel *)ctx)->voidline_part[index] >= 0.0;
}

void fb_channel_rate(fb_channel *channel, const fb_origin *origin)
{
	double before[FB_VOIDLINE_PARTS], quality = channel->quality, voidline = channel->voidline;
	char leaf[ADDRESS_LEN];
	memcpy(before, channel->voidline_part, sizeof before);
	channel->quality = fb_score(&channel->goal, &channel->metrics, NULL);
	channel->voidline =
		fb_voidline(&channel->metrics, channel->goal.target_lufs, channel->voidline_part);
	if (quality != channel->quality) {
		fb_channel_touch(channel, "score/quality", origin);
	}
	if (voidline != channel->voidline) {
		fb_channel_touch(channel, "score/voidline", origin);
	}
	for (int i = 0; i < FB_VOIDLINE_PARTS; i++) {
		if (before[i] != channel->voidline_part[i]) {
			snprintf(leaf, sizeof leaf, "score/voidline/%s", fb_voidline_parts[i].id);
			fb_channel_touch(channel, leaf, origin);
		}
	}
}

static void target_get(void *ctx, uint32_t index, fb_value *value)
{
	(void)index;
	*value = (fb_value){.tag = 'f', .f = ((fb_channel *)ctx)->goal.target_lufs};
}

/* --- undo */

/** Undo and redo. */
static fb_status travel_call(void *ctx, uint32_t index, const fb_value *argv, uint32_t argc,
	const fb_origin *origin, fb_answer *answer, fb_error *error)
{
	(void)argv, (void)argc, (void)answer;
	fb_channel *channel = ctx;
	fb_scenes_settle(channel->server->scenes, channel->index);
	fb_patch *before = fb_patch_copy(fb_station_patch(channel->station));
	if (!before) {
		return fb_fail(error, FB_NO_MEMORY, "undo", "out of memory");
	}
	fb_status status = index ? fb_station_redo(channel->station, -1.0, error)
							 : fb_station_undo(channel->station, -1.0, error);
	if (!status) {
		fb_channel_sync(channel, before, origin);
	}
	fb_patch_destroy(before);
	return status;
}

/* --- runs */

static fb_status run_call(void *ctx, uint32_t index, const fb_value *argv, uint32_t argc,
	const fb_origin *origin, fb_answer *answer, fb_error *error)
{
	(void)index;
	fb_channel *channel = ctx;
	return fb_calibration_run_live(
		channel->server->calibration, channel, argc ? argv[0].f : 10.0, origin, answer, error);
}

/** SCORE [NOTES [RUN]] */
static fb_status rate_call(void *ctx, uint32_t index, const fb_value *argv, uint32_t argc,
	const fb_origin *origin, fb_answer *answer, fb_error *error)
{
	(void)index, (void)origin, (void)answer;
	fb_channel *channel = ctx;
	const char *run = argc > 2 ? argv[2].s : channel->last_run;
	if (!(argv[0].f >= 0.0 && argv[0].f <= FB_MARK_MAX)) {
		return fb_fail(error, FB_INVALID, "rate", "a mark runs from 0 to %g", FB_MARK_MAX);
	}
	if (!*run) {
		return fb_fail(error, FB_NOT_FOUND, "rate", "this station has no run yet");
	}
	return fb_rating_give(
		channel->server, run, argv[0].f, argc > 1 ? argv[1].s : NULL, NULL, NULL, error);
}

static void last_run_get(void *ctx, uint32_t index, fb_value *value)
{
	const fb_channel *channel = ctx;
	*value = index ? (fb_value){.tag = 'f', .f = channel->last_run_score}
				   : text_value(channel->last_run);
}

static void run_state_get(void *ctx, uint32_t index, fb_value *value)
{
	(void)index;
	static char failed[sizeof((fb_channel *)0)->run_failed + 16]; /* borrowed until the next call */
	const fb_channel *channel = ctx;
	const char *doing = fb_calibration_doing(channel->server->calibration, channel->index);
	if (doing) {
		*value = text_value(doing);
	} else if (channel->run_failed[0]) {
		snprintf(failed, sizeof failed, "failed: %s", channel->run_failed);
		*value = text_value(failed);
	} else {
		*value = text_value(channel->last_run[0] ? "done" : "idle");
	}
}

/* --- the list */

#define OPS(...)                                                                                   \
	&(const fb_leaf_ops)                                                                           \
	{                                                                                              \
		__VA_ARGS__                                                                                \
	}

/** Every leaf of a station that is not of a node and not a metric. */
static const struct {
	const char *leaf;
	fb_leaf_spec spec;
} own_leaves[] = {
	{"name", {.kind = FB_LEAF_TEXT,
				 .access = FB_READ_WRITE,
				 .label = "Name",
				 .doc = "What people call this station.",
				 .ops = OPS(.get = name_get, .set = name_set)}},
	{"mode",
		{.kind = FB_LEAF_CHOICE,
			.access = FB_READ_WRITE,
			.label = "Mode",
			.doc =
				"auto: an armed proposal may change it; manual: only people do; bypass: the input "
				"passes, as late as the chain.",
			.choices = modes,
			.n_choices = 3,
			.def = FB_MODE_MANUAL,
			.ops = OPS(.get = mode_get, .set = mode_set)}},
	{"mute", {.kind = FB_LEAF_BOOL,
				 .access = FB_READ_WRITE,
				 .label = "Mute",
				 .max = 1,
				 .doc = "Silence the station's output, faded.",
				 .index = FB_SWITCH_MUTE,
				 .ops = OPS(.get = switch_get, .set = switch_set)}},
	{"mono", {.kind = FB_LEAF_BOOL,
				 .access = FB_READ_WRITE,
				 .label = "Mono input",
				 .max = 1,
				 .doc = "The left input feeds both channels.",
				 .index = FB_SWITCH_MONO,
				 .ops = OPS(.get = switch_get, .set = switch_set)}},
	{"goal/target_lufs", {.kind = FB_LEAF_FLOAT,
							 .access = FB_READ,
							 .label = "Loudness target",
							 .unit = "LUFS",
							 .doc = "The loudness that the station's goal asks for.",
							 .min = -60,
							 .max = 0,
							 .def = -23,
							 .ops = OPS(.get = target_get)}},
	{"score/quality", {.kind = FB_LEAF_FLOAT,
						  .access = FB_READ,
						  .label = "Quality",
						  .doc = "How well the live metrics meet the station's goal.",
						  .max = 100,
						  .meter = true,
						  .ops = OPS(.get = score_get),
						  .index = 0}},
	{"score/voidline", {.kind = FB_LEAF_FLOAT,
						   .access = FB_READ,
						   .label = "Voidline",
						   .doc = "How finished the output is as a master.",
						   .max = 100,
						   .meter = true,
						   .ops = OPS(.get = score_get),
						   .index = 1}},
	{"undo", {.kind = FB_LEAF_COMMAND,
				 .access = FB_WRITE,
				 .label = "Undo",
				 .doc = "Take the last change of parameters or nodes back.",
				 .args = "",
				 .ops = OPS(.call = travel_call),
				 .index = 0}},
	{"redo", {.kind = FB_LEAF_COMMAND,
				 .access = FB_WRITE,
				 .label = "Redo",
				 .doc = "Make the change again that undo took back.",
				 .args = "",
				 .ops = OPS(.call = travel_call),
				 .index = 1}},
	{"run",
		{.kind = FB_LEAF_COMMAND,
			.access = FB_WRITE,
			.label = "Run",
			.doc =
				"[SECONDS]: capture the live input, measure the station's settings on it and store "
				"the run.",
			.args = "?f",
			.ops = OPS(.call = run_call)}},
	{"run/rate",
		{.kind = FB_LEAF_COMMAND,
			.access = FB_WRITE,
			.label = "Rate",
			.doc = "SCORE [NOTES [RUN]]: what the engineer thinks of a run, 0 to 5; of the "
				   "newest, unless another is named.",
			.args = "f?ss",
			.ops = OPS(.call = rate_call)}},
	{"run/state", {.kind = FB_LEAF_TEXT,
					  .access = FB_READ,
					  .label = "Run's state",
					  .doc = "idle, listening, measuring, done, or failed: and why.",
					  .ops = OPS(.get = run_state_get)}},
	{"run/last", {.kind = FB_LEAF_TEXT,
					 .access = FB_READ,
					 .label = "Last run",
					 .doc = "Id of the newest run.",
					 .ops = OPS(.get = last_run_get),
					 .index = 0}},
	{"run/score", {.kind = FB_LEAF_FLOAT,
					  .access = FB_READ,
					  .label = "Last score",
					  .doc = "Score of the newest run.",
					  .max = 100,
					  .ops = OPS(.get = last_run_get),
					  .index = 1}},
};

static fb_status add_metric(fb_channel *channel, int metric, fb_error *error)
{
	static const fb_leaf_ops ops = {.get = metric_get, .valid = metric_valid};
	static const fb_leaf_ops written = {.get = metric_get, .set = stt_set, .valid = metric_valid};
	const fb_metric_info *info = &fb_metric_catalogue[metric];
	char address[ADDRESS_LEN];
	bool by_client = metric == FB_M_STT_CONFIDENCE;
	snprintf(address, sizeof address, "/station/%u/metric/%s", channel->index + 1, info->id);
	fb_leaf_spec spec = {.kind = FB_LEAF_FLOAT,
		.access = by_client ? FB_READ_WRITE : FB_READ,
		.label = info->label,
		.unit = info->unit,
		.doc = info->doc,
		.min = fmin(info->scale_lo, info->none),
		.max = info->scale_hi,
		.def = info->none,
		.meter = true,
		.unaudited = by_client,
		.ops = by_client ? &written : &ops,
		.ctx = channel,
		.index = (uint32_t)metric};
	fb_status status = fb_tree_add(channel->server->tree, address, &spec, error);
	channel->metric_leaf[metric] = fb_tree_find(channel->server->tree, address);
	return status;
}

static fb_status add_voidline_part(fb_channel *channel, int part, fb_error *error)
{
	static const fb_leaf_ops ops = {.get = part_get, .valid = part_valid};
	const fb_voidline_part *info = &fb_voidline_parts[part];
	char address[ADDRESS_LEN];
	snprintf(
		address, sizeof address, "/station/%u/score/voidline/%s", channel->index + 1, info->id);
	fb_leaf_spec spec = {.kind = FB_LEAF_FLOAT,
		.access = FB_READ,
		.label = info->label,
		.unit = "%",
		.doc = info->doc,
		.max = 100.0,
		.meter = true,
		.ops = &ops,
		.ctx = channel,
		.index = (uint32_t)part};
	channel->voidline_part[part] = -1.0;
	return fb_tree_add(channel->server->tree, address, &spec, error);
}

fb_status fb_channel_add_own(fb_channel *channel, fb_error *error)
{
	char address[ADDRESS_LEN];
	fb_status status = FB_OK;
	for (size_t i = 0; i < sizeof own_leaves / sizeof *own_leaves && !status; i++) {
		fb_leaf_spec spec = own_leaves[i].spec;
		spec.ctx = channel;
		spec.unit = spec.unit ? spec.unit : "";
		leaf_address(channel, own_leaves[i].leaf, address);
		status = fb_tree_add(channel->server->tree, address, &spec, error);
	}
	for (int i = 0; i < FB_VOIDLINE_PARTS && !status; i++) {
		status = add_voidline_part(channel, i, error);
	}
	for (int i = 0; i < FB_METRICS && !status; i++) {
		channel->metrics.value[i] = fb_metric_catalogue[i].none;
		status = add_metric(channel, i, error);
	}
	if (!status) {
		status = fb_channel_add_patch(channel, error);
	}
	if (!status) {
		status = fb_channel_add_edits(channel, error);
	}
	if (!status) {
		status = fb_proposal_add_leaves(channel, error);
	}
	if (!status) {
		status = fb_channel_add_counts(channel, error);
	}
	if (!status) {
		status = fb_channel_add_health(channel, error);
	}
	return status ? status : fb_channel_add_rows(channel, error);
}
