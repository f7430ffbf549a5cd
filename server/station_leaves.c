/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The leaves of a station that belong to no node: name, mode, switches, metrics, scores, undo,
	runs. */
#include "server.h"

#include "calibration.h"
#include "rating.h"
#include "scene.h"

#include "../osc/later.h"

#include <stdio.h>
#include <string.h>

/* --- name, mode, switches */

FB_GETTER(fb_channel, name_get, fb_text_value(self->name))

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

static void set_mode(fb_channel *channel, fb_mode mode)
{
	channel->mode = mode;
	fb_station_switch(channel->station, FB_SWITCH_BYPASS, mode == FB_MODE_BYPASS);
}

FB_GETTER(fb_channel, mode_get, fb_text_value(modes[self->mode]))
FB_SETTER(fb_channel, mode_set, set_mode(self, (fb_mode)value->i))
FB_GETTER(
	fb_channel, switch_get, fb_bool_value(fb_station_switched(self->station, (fb_switch)index)))
FB_SETTER(
	fb_channel, switch_set, fb_station_switch(self->station, (fb_switch)index, value->tag == 'T'))

const fb_leaf_ops fb_switch_ops = {.get = switch_get, .set = switch_set};

uint32_t fb_channel_switches(const fb_channel *channel, const fb_branch *leaf, const fb_value *fit)
{
	const fb_leaf_spec *spec = fb_branch_leaf(leaf);
	bool mode = spec->ops->set == mode_set;
	fb_switch which = mode ? FB_SWITCH_BYPASS : (fb_switch)spec->index;
	bool on = mode ? fit->i == FB_MODE_BYPASS : fit->tag == 'T';
	bool moves =
		(mode || spec->ops == &fb_switch_ops) && on != fb_station_switched(channel->station, which);
	return moves ? 1u << which : 0;
}

/* --- metrics and scores */

FB_GETTER(fb_channel, metric_get, fb_float_value(self->metrics.value[index]))

static bool metric_valid(void *ctx, uint32_t index)
{
	return fb_metric_valid(&((fb_channel *)ctx)->metrics, (int)index);
}

static void set_stt(fb_channel *channel, uint32_t metric, double confidence)
{
	fb_meters_set_stt(channel->server->meters, channel->index, confidence);
	channel->metrics.value[metric] = confidence;
	channel->metrics.valid |= 1ull << metric;
}

FB_SETTER(fb_channel, stt_set, set_stt(self, index, value->f))
FB_GETTER(fb_channel, quality_get, fb_float_value(self->quality))
FB_GETTER(fb_channel, voidline_get, fb_float_value(self->voidline))
FB_GETTER(fb_channel, part_get, fb_float_value(fmax(self->voidline_part[index], 0.0) * 100.0))
FB_GETTER(fb_channel, target_get, fb_float_value(self->goal.target_lufs))

static bool part_valid(void *ctx, uint32_t index)
{
	return ((fb_channel *)ctx)->voidline_part[index] >= 0.0;
}

void fb_channel_rate(fb_channel *channel, const fb_origin *origin)
{
	double before[FB_VOIDLINE_PARTS], quality = channel->quality, voidline = channel->voidline;
	char leaf[FB_LEAF_ADDRESS_LEN];
	memcpy(before, channel->voidline_part, sizeof before);
	channel->quality = fb_score_now(&channel->goal, &channel->metrics);
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

/* --- undo */

enum { UNDO, REDO };

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
	fb_status status = index == REDO ? fb_station_redo(channel->station, -1.0, error)
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

static void rated(void *ctx, const json_t *answer, const fb_error *error)
{
	fb_later_end(
		ctx, error ? error->where : json_string_value(json_object_get(answer, "run_id")), error);
}

/** SCORE [NOTES [RUN]]: who asked is told of its end, for the run has to be found first. */
static fb_status rate_call(void *ctx, uint32_t index, const fb_value *argv, uint32_t argc,
	const fb_origin *origin, fb_answer *answer, fb_error *error)
{
	(void)index, (void)origin;
	fb_channel *channel = ctx;
	const char *run = argc > 2 ? argv[2].s : channel->last_run;
	if (!(argv[0].f >= 0.0 && argv[0].f <= FB_MARK_MAX)) {
		return fb_fail(error, FB_INVALID, "rate", "a mark runs from 0 to %g", FB_MARK_MAX);
	}
	if (!*run) {
		return fb_fail(error, FB_NOT_FOUND, "rate", "this station has no run yet");
	}
	fb_later *later = fb_later_create();
	fb_status status = fb_rating_give(channel->server, run, channel->index + 1, argv[0].f,
		argc > 1 ? argv[1].s : NULL, rated, later, error);
	if (status) {
		fb_later_end(later, run, error);
		return status;
	}
	answer->later = later;
	snprintf(answer->text, sizeof answer->text, "%s", run);
	answer->values[answer->count++] = (fb_value){.tag = 's', .s = answer->text};
	return FB_OK;
}

FB_GETTER(fb_channel, last_run_get, fb_text_value(self->last_run))
FB_GETTER(fb_channel, last_score_get, fb_float_value(self->last_run_score))

static const char *run_state(const fb_channel *channel)
{
	static char failed[sizeof channel->run_failed + 16]; /* borrowed until the next call */
	const char *doing = fb_calibration_doing(channel->server->calibration, channel->index);
	if (!doing && channel->run_failed[0]) {
		snprintf(failed, sizeof failed, "failed: %s", channel->run_failed);
		return failed;
	}
	return doing ? doing : channel->last_run[0] ? "done" : "idle";
}

FB_GETTER(fb_channel, run_state_get, fb_text_value(run_state(self)))

/* --- the list */

/** Every leaf of a station that is not of a node and not a metric. */
static const fb_leaf_row leaves[] = {
	FB_ROW("name", .kind = FB_LEAF_TEXT, .label = "Name", .doc = "What people call this station.",
		.ops = FB_OPS(.get = name_get, .set = name_set)),
	FB_ROW("mode", .kind = FB_LEAF_CHOICE, .label = "Mode",
		.doc = "auto: an armed proposal may change it; manual: only people do; bypass: the input "
			   "passes, as late as the chain.",
		.choices = modes, .n_choices = 3, .def = FB_MODE_MANUAL,
		.ops = FB_OPS(.get = mode_get, .set = mode_set)),
	FB_ROW("mute", .kind = FB_LEAF_BOOL, .label = "Mute", .max = 1,
		.doc = "Silence the station's output, faded.", .ops = &fb_switch_ops,
		.index = FB_SWITCH_MUTE),
	FB_ROW("mono", .kind = FB_LEAF_BOOL, .label = "Mono input", .max = 1,
		.doc = "The left input feeds both channels.", .ops = &fb_switch_ops,
		.index = FB_SWITCH_MONO),
	FB_ROW("goal/target_lufs", .kind = FB_LEAF_FLOAT, .label = "Loudness target", .unit = "LUFS",
		.doc = "The loudness that the station's goal asks for.", .min = -60, .max = 0, .def = -23,
		.ops = FB_OPS(.get = target_get)),
	FB_ROW("score/quality", .kind = FB_LEAF_FLOAT, .label = "Quality",
		.doc = "How well the live metrics meet the station's goal.", .max = 100, .meter = true,
		.ops = FB_OPS(.get = quality_get)),
	FB_ROW("score/voidline", .kind = FB_LEAF_FLOAT, .label = "Voidline",
		.doc = "How finished the output is as a master.", .max = 100, .meter = true,
		.ops = FB_OPS(.get = voidline_get)),
	FB_ROW("undo", .kind = FB_LEAF_COMMAND, .label = "Undo",
		.doc = "Take the last change of parameters or nodes back.",
		.ops = FB_OPS(.call = travel_call), .index = UNDO),
	FB_ROW("redo", .kind = FB_LEAF_COMMAND, .label = "Redo",
		.doc = "Make the change again that undo took back.", .ops = FB_OPS(.call = travel_call),
		.index = REDO),
	FB_ROW("run", .kind = FB_LEAF_COMMAND, .label = "Run",
		.doc = "[SECONDS]: capture the live input, measure the station's settings on it and store "
			   "the run.",
		.args = "?f", .ops = FB_OPS(.call = run_call)),
	FB_ROW("run/rate", .kind = FB_LEAF_COMMAND, .label = "Rate",
		.doc = "SCORE [NOTES [RUN]]: what the engineer thinks of a run, 0 to 5; of the newest, "
			   "unless another is named.",
		.args = "f?ss", .ops = FB_OPS(.call = rate_call)),
	FB_ROW("run/state", .kind = FB_LEAF_TEXT, .label = "Run's state",
		.doc = "idle, listening, measuring, done, or failed: and why.",
		.ops = FB_OPS(.get = run_state_get)),
	FB_ROW("run/last", .kind = FB_LEAF_TEXT, .label = "Last run", .doc = "Id of the newest run.",
		.ops = FB_OPS(.get = last_run_get)),
	FB_ROW("run/score", .kind = FB_LEAF_FLOAT, .label = "Last score",
		.doc = "Score of the newest run.", .max = 100, .ops = FB_OPS(.get = last_score_get)),
};

/** The recogniser's confidence is the one metric that a client writes. */
static fb_status add_metric(fb_channel *channel, int metric, fb_error *error)
{
	static const fb_leaf_ops ops = {.get = metric_get, .valid = metric_valid};
	static const fb_leaf_ops written = {.get = metric_get, .set = stt_set, .valid = metric_valid};
	const fb_metric_info *info = &fb_metric_catalogue[metric];
	char leaf[FB_LEAF_ADDRESS_LEN];
	bool by_client = metric == FB_M_STT_CONFIDENCE;
	const fb_leaf_row row = FB_ROW(leaf, .kind = FB_LEAF_FLOAT, .label = info->label,
		.unit = info->unit, .doc = info->doc, .min = fmin(info->scale_lo, info->none),
		.max = info->scale_hi, .def = info->none, .meter = true, .unaudited = by_client,
		.ops = by_client ? &written : &ops, .index = (uint32_t)metric);
	snprintf(leaf, sizeof leaf, "metric/%s", info->id);
	channel->metrics.value[metric] = info->none;
	fb_status status = fb_channel_add_leaves(channel, &row, 1, error);
	channel->metric_leaf[metric] = fb_channel_find(channel, leaf);
	return status;
}

static fb_status add_voidline_part(fb_channel *channel, int part, fb_error *error)
{
	static const fb_leaf_ops ops = {.get = part_get, .valid = part_valid};
	const fb_voidline_part *info = &fb_voidline_parts[part];
	char leaf[FB_LEAF_ADDRESS_LEN];
	const fb_leaf_row row = FB_ROW(leaf, .kind = FB_LEAF_FLOAT, .label = info->label, .unit = "%",
		.doc = info->doc, .max = 100.0, .meter = true, .ops = &ops, .index = (uint32_t)part);
	snprintf(leaf, sizeof leaf, "score/voidline/%s", info->id);
	channel->voidline_part[part] = -1.0;
	return fb_channel_add_leaves(channel, &row, 1, error);
}

fb_status fb_channel_add_own(fb_channel *channel, fb_error *error)
{
	static fb_status (*const others[])(fb_channel *, fb_error *) = {fb_channel_add_patch,
		fb_channel_add_edits, fb_proposal_add_leaves, fb_channel_add_counts, fb_channel_add_health,
		fb_channel_add_rows};
	fb_status status = fb_channel_add_leaves(channel, FB_ROWS(leaves), error);
	for (int i = 0; i < FB_VOIDLINE_PARTS && !status; i++) {
		status = add_voidline_part(channel, i, error);
	}
	for (int i = 0; i < FB_METRICS && !status; i++) {
		status = add_metric(channel, i, error);
	}
	for (size_t i = 0; i < sizeof others / sizeof *others && !status; i++) {
		status = others[i](channel, error);
	}
	return status;
}
