/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "package_parts.h"

#include "walk.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const fb_trial *best_of(const fb_trials *history)
{
	return &history->trial[history->best];
}

static bool is_aim(const fb_trials *history, int metric)
{
	for (int i = 0; i < history->aims; i++) {
		if (history->aim[i] == metric) {
			return true;
		}
	}
	return false;
}

double fb_part_told(double value)
{
	double size = fabs(value);
	double grain = size >= 100.0 ? 10.0
				   : size >= 0.1 ? 1000.0
				   : size > 0.0  ? pow(10.0, 3.0 - floor(log10(size)))
								 : 1.0;
	double told = round(value * grain) / grain;
	return isfinite(told) ? told : 0.0;
}

static json_t *number(double value)
{
	return json_real(fb_part_told(value));
}

static json_t *value_json(const fb_knob *knob, double value)
{
	return knob->kind == FB_KNOB_FLOAT ? number(value) : fb_knob_json(knob, value);
}

/** What differs between two parameter sets. */
static json_t *differences(const fb_trials *history, const double *from, const double *to)
{
	json_t *out = json_object();
	for (int k = 0; k < history->knobs->count; k++) {
		const fb_knob *knob = &history->knobs->knob[k];
		if (from[k] != to[k]) {
			json_object_set_new(out, knob->key, value_json(knob, to[k]));
		}
	}
	return out;
}

/* --- the report */

static void put(json_t *to, const char *key, const json_t *from)
{
	json_t *value = json_object_get(from, key);
	json_object_set_new(to, key, value ? json_incref(value) : json_null());
}

json_t *fb_part_report(const fb_brief *brief, const fb_trials *history, const fb_detail *detail)
{
	const fb_trial *best = best_of(history);
	json_t *metrics = json_object(), *invalid = json_array(), *before, *after;
	json_t *changes = differences(history, history->trial[0].value, best->value);
	for (int i = 0; i < history->metrics; i++) {
		if (detail->all_metrics || is_aim(history, i)) {
			json_object_set_new(metrics, history->metric_id[i], number(best->metric[i]));
		}
		if (!best->valid[i]) {
			json_array_append_new(invalid, json_string(history->metric_id[i]));
		}
	}
	before = detail->all_metrics ? json_incref(json_object_get(brief->report, "params_before"))
								 : json_object();
	after = detail->all_metrics ? json_deep_copy(before) : json_object();
	json_object_update(after, changes);
	json_t *report = json_pack("{s:s, s:O, s:o, s:o, s:o, s:o, s:o, s:o}", "run_id", best->run_id,
		"station_id", json_object_get(brief->report, "station_id"), "parameters", changes,
		"params_before", before, "params_after", after, "metrics", metrics, "invalid", invalid,
		"score", number(best->score));
	if (report) {
		put(report, "frame_start", brief->report);
		put(report, "frame_end", brief->report);
		put(report, "sample_rate", brief->report);
		json_object_set_new(report, "audio_snapshot_base64", json_string(""));
		json_object_set_new(report, "subjective", json_null()); /* nobody has heard it yet */
		json_object_set_new(report, "notes", json_string(best->why));
	}
	return report;
}

json_t *fb_part_third_octaves(const fb_brief *brief, const fb_trials *history)
{
	json_t *thirds = json_copy(json_object_get(brief->report, "third_octaves"));
	if (thirds && best_of(history)->thirds) {
		json_object_set(thirds, "out", best_of(history)->thirds);
	}
	return thirds;
}

/* --- the goal */

static const char *met_text(double part, char text[32])
{
	if (isnan(part)) {
		return "no answer";
	}
	snprintf(text, 32, "met %.0f %%", 100.0 * part);
	return text;
}

/** "Integrated loudness (lufs_integrated): near -23 LUFS, within 2; weight 2; now -31, met 24 %" */
static json_t *aim_in_words(
	const fb_brief *brief, const fb_trials *history, int index, const json_t *aim)
{
	char wanted[96], met[32], words[320];
	int metric = history->aim[index];
	const fb_trial *best = best_of(history);
	const char *id = history->metric_id[metric], *unit = fb_walk_metric_unit(brief->tree, id),
			   *blank = *unit ? " " : "";
	const json_t *target = json_object_get(aim, "target");
	if (target) {
		snprintf(wanted, sizeof wanted, "near %.6g%s%s, within %.6g", json_number_value(target),
			blank, unit, json_number_value(json_object_get(aim, "tolerance")));
	} else {
		snprintf(wanted, sizeof wanted, "%s",
			json_object_get(aim, "minimize") ? "the less the better" : "the more the better");
	}
	snprintf(words, sizeof words, "%s (%s): %s; weight %.6g; now %.4g%s%s, %s",
		fb_walk_metric_label(brief->tree, id), id, wanted,
		json_number_value(json_object_get(aim, "weight")), best->metric[metric], blank, unit,
		met_text(best->part[index], met));
	return json_string(words);
}

json_t *fb_part_goal(const fb_brief *brief, const fb_trials *history)
{
	json_t *words = json_array(), *goal = json_object_get(brief->report, "goal");
	const json_t *weights = json_object_get(goal, "weights");
	for (int i = 0; i < history->aims; i++) {
		const json_t *aim = json_object_get(weights, history->metric_id[history->aim[i]]);
		json_array_append_new(words, aim_in_words(brief, history, i, aim));
	}
	json_t *part = json_pack("{s:s, s:o}", "meaning",
		"score = 100 * mean of how well each aim is met, by weight; more is better", "in_words",
		words);
	if (part && goal) {
		json_object_update(part, goal);
	}
	return part;
}

/* --- the parameters */

/** Might turning one wake the other? Bands of a node have nothing to do with each other. */
static bool belong(const fb_knob *a, const fb_knob *b)
{
	return !strcmp(a->node, b->node) &&
		   (!*a->section || !*b->section || !strcmp(a->section, b->section));
}

/** Was it seen to do nothing, and is what it belongs to as it was then? */
static bool is_silent(const fb_trials *history, const bool *live, int k)
{
	const fb_knob *knob = history->knobs->knob;
	const double *was = history->trial[0].value, *now = best_of(history)->value;
	bool silent = live && !live[k];
	for (int j = 0; silent && j < history->knobs->count; j++) {
		silent = was[j] == now[j] || !belong(&knob[j], &knob[k]);
	}
	return silent;
}

/** What a knob is, without where it stands. */
static json_t *meaning(const fb_knob *knob, const fb_detail *detail)
{
	json_t *row = json_object();
	if (knob->kind == FB_KNOB_CHOICE) {
		json_t *names = json_array();
		for (int i = 0; i < knob->n_choices; i++) {
			json_array_append_new(names, json_string(knob->choices[i]));
		}
		json_object_set_new(row, "choices", names);
	} else if (knob->kind != FB_KNOB_BOOL) {
		json_object_set_new(
			row, "range", json_pack("[o, o]", number(knob->min), number(knob->max)));
		if (*knob->unit) {
			json_object_set_new(row, "unit", json_string(knob->unit));
		}
		if (knob->scale == FB_SCALE_LOG) {
			json_object_set_new(row, "scale", json_string("log"));
		}
	}
	if (detail->docs) {
		json_object_set_new(row, "does", json_string(*knob->doc ? knob->doc : knob->label));
	}
	return row;
}

/** Bands have eight of each: what one means is told once. `told`: {key: meaning} so far. */
static json_t *parameter(
	const fb_trials *history, int k, const bool *live, const fb_detail *detail, json_t *told)
{
	const char *key;
	json_t *other, *row = json_object(), *means = meaning(&history->knobs->knob[k], detail);
	const fb_knob *knob = &history->knobs->knob[k];
	bool known = false;
	json_object_set_new(row, "now", value_json(knob, best_of(history)->value[k]));
	json_object_foreach(told, key, other)
	{
		if (!known && json_object_size(means) && json_equal(means, other)) {
			json_object_set_new(row, "like", json_string(key));
			known = true;
		}
	}
	if (!known) {
		json_object_update(row, means);
		json_object_set(told, knob->key, means);
	}
	if (is_silent(history, live, k)) {
		json_object_set_new(row, "silent", json_true());
	}
	json_decref(means);
	return row;
}

json_t *fb_part_parameters(const fb_trials *history, const bool *live, const fb_detail *detail)
{
	json_t *out = json_object(), *meanings = json_object();
	for (int k = 0; k < history->knobs->count; k++) {
		const fb_knob *knob = &history->knobs->knob[k];
		bool told = detail->dead || !is_silent(history, live, k);
		json_object_set_new(out, knob->key,
			told ? parameter(history, k, live, detail, meanings)
				 : value_json(knob, best_of(history)->value[k]));
	}
	json_decref(meanings);
	return out;
}

/* --- what was tried */

/** What the goal's metrics (or all) became; `than`: only what differs from that trial. */
static json_t *metrics_of(
	const fb_trials *history, const fb_trial *trial, const fb_trial *than, bool all)
{
	json_t *out = json_object();
	for (int i = 0; i < history->metrics; i++) {
		if ((all || is_aim(history, i)) && trial->valid[i] &&
			(!than || trial->metric[i] != than->metric[i])) {
			json_object_set_new(out, history->metric_id[i], number(trial->metric[i]));
		}
	}
	return out;
}

/** The best trial before a round began. */
static const fb_trial *best_before(const fb_trials *history, int round)
{
	const fb_trial *best = &history->trial[0];
	for (int i = 1; i < history->count && history->trial[i].round < round; i++) {
		best = history->trial[i].merit > best->merit ? &history->trial[i] : best;
	}
	return best;
}

static bool is_models(const fb_trial *trial)
{
	return !strncmp(trial->why, "model", 5);
}

static json_t *trial_json(
	const fb_trials *history, const fb_trial *trial, const fb_trial *before, bool newest)
{
	static const char said[] = "model: ";
	json_t *row = json_pack("{s:s, s:o}", "by", is_models(trial) ? "you" : "numeric search",
		"tried", differences(history, before->value, trial->value));
	if (!strncmp(trial->why, said, sizeof said - 1)) {
		json_object_set_new(row, "why", json_string(trial->why + sizeof said - 1));
	}
	json_object_set_new(row, "score", number(trial->score));
	json_object_set_new(row, "gain", number(trial->score - before->score));
	json_object_set_new(row, "metrics", metrics_of(history, trial, before, newest));
	return row;
}

/** What a model proposed in a round, and the best that a numeric search found. */
static json_t *round_in_full(const fb_trials *history, int round, bool newest)
{
	json_t *trials = json_array();
	const fb_trial *before = best_before(history, round), *searched = NULL;
	for (int i = 0; i < history->count; i++) {
		const fb_trial *trial = &history->trial[i];
		if (trial->round != round || trial == before) {
			continue;
		}
		if (is_models(trial)) {
			json_array_append_new(trials, trial_json(history, trial, before, newest));
		} else if (!searched || trial->score > searched->score) {
			searched = trial;
		}
	}
	if (searched) {
		json_array_append_new(trials, trial_json(history, searched, before, newest));
	}
	return json_pack(
		"{s:i, s:o, s:o}", "round", round, "score_before", number(before->score), "trials", trials);
}

/** A round in a line: how many were tried, what the best came to. */
static json_t *round_in_short(const fb_trials *history, int round)
{
	int tried = 0;
	double best = -1.0;
	char line[120];
	for (int i = 0; i < history->count; i++) {
		if (history->trial[i].round == round) {
			tried++;
			best = fmax(best, history->trial[i].score);
		}
	}
	snprintf(line, sizeof line, "round %d: %d tried, the best scored %.2f (before: %.2f)", round,
		tried, best, best_before(history, round)->score);
	return json_string(line);
}

json_t *fb_part_history(const fb_trials *history, const fb_detail *detail)
{
	json_t *out = json_array();
	int last = history->trial[history->count - 1].round;
	for (int round = 1; round <= last; round++) {
		bool full = round > last - detail->rounds;
		json_array_append_new(
			out, full ? round_in_full(history, round, round == last && detail->all_metrics)
					  : round_in_short(history, round));
	}
	return out;
}

/* --- what steps do */

typedef struct step {
	int trial, base, knob;
	double effect;
} step;

static int by_effect(const void *a, const void *b)
{
	const step *x = a, *y = b;
	double dx = fabs(x->effect), dy = fabs(y->effect);
	return dx > dy ? -1 : dx < dy ? 1 : x->trial - y->trial;
}

/** The newest pair of trials for each knob that differ in that alone. */
static int find_steps(const fb_trials *history, step *steps)
{
	int n = 0;
	for (int k = 0; k < history->knobs->count; k++) {
		steps[k] = (step){.trial = -1, .knob = k};
	}
	for (int t = 1; t < history->count; t++) {
		for (int base = 0; base < t; base++) {
			int k = fb_trials_only_difference(history, base, t);
			if (k >= 0) {
				steps[k] = (step){t, base, k, history->trial[t].score - history->trial[base].score};
			}
		}
	}
	for (int k = 0; k < history->knobs->count; k++) {
		if (steps[k].trial >= 0 && !fb_trials_sound_alike(history, steps[k].trial, steps[k].base)) {
			steps[n++] = steps[k];
		}
	}
	qsort(steps, (size_t)n, sizeof *steps, by_effect);
	return n;
}

json_t *fb_part_sensitivities(const fb_trials *history, const fb_detail *detail)
{
	json_t *out = json_array();
	step *steps = calloc((size_t)history->knobs->count + 1, sizeof *steps);
	int n = steps ? find_steps(history, steps) : 0;
	for (int i = 0; i < n && i < detail->sensitivities; i++) {
		const fb_trial *to = &history->trial[steps[i].trial],
					   *from = &history->trial[steps[i].base];
		const fb_knob *knob = &history->knobs->knob[steps[i].knob];
		json_t *metrics = json_object();
		for (int a = 0; a < history->aims; a++) {
			int m = history->aim[a];
			double by = to->metric[m] - from->metric[m];
			if (to->valid[m] && from->valid[m] && fabs(by) >= 0.001) {
				json_object_set_new(metrics, history->metric_id[m], number(by));
			}
		}
		json_array_append_new(out, json_pack("{s:s, s:o, s:o, s:o, s:o}", "parameter", knob->key,
									   "from", value_json(knob, from->value[steps[i].knob]), "to",
									   value_json(knob, to->value[steps[i].knob]), "score",
									   number(steps[i].effect), "metrics", metrics));
	}
	free(steps);
	return out;
}
