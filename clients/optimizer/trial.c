/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trial.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void finish_trial(fb_trial *trial)
{
	free(trial->value);
	free(trial->metric);
	free(trial->valid);
	free(trial->part);
	json_decref(trial->thirds);
}

void fb_trials_finish(fb_trials *history)
{
	for (int i = 0; i < history->count; i++) {
		finish_trial(&history->trial[i]);
	}
	for (int i = 0; i < history->metrics; i++) {
		free(history->metric_id[i]);
	}
	free(history->trial);
	free(history->metric_id);
	free(history->aim);
	*history = (fb_trials){0};
}

/* --- names of metrics and aims: as the baseline's report lists them */

static int metric_index(const fb_trials *history, const char *id)
{
	for (int i = 0; i < history->metrics; i++) {
		if (!strcmp(history->metric_id[i], id)) {
			return i;
		}
	}
	return -1;
}

static fb_status learn_names(fb_trials *history, const json_t *report, fb_error *error)
{
	const char *id;
	json_t *value;
	json_t *metrics = json_object_get(report, "metrics"),
		   *parts = json_object_get(report, "score_parts");
	history->metric_id = calloc(json_object_size(metrics) + 1, sizeof *history->metric_id);
	history->aim = calloc(json_object_size(parts) + 1, sizeof *history->aim);
	if (!history->metric_id || !history->aim) {
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	json_object_foreach(metrics, id, value)
	{
		history->metric_id[history->metrics++] = strdup(id);
	}
	json_object_foreach(parts, id, value)
	{
		int metric = metric_index(history, id);
		if (metric >= 0) {
			history->aim[history->aims++] = metric;
		}
	}
	return FB_OK;
}

/* --- trials */

static fb_status read_result(
	const fb_trials *history, const json_t *result, fb_trial *trial, fb_error *error)
{
	size_t at;
	json_t *name;
	const json_t *metrics = json_object_get(result, "metrics"),
				 *parts = json_object_get(result, "score_parts"),
				 *score = json_object_get(result, "score");
	const char *run_id = json_string_value(json_object_get(result, "run_id"));
	if (!run_id || !json_is_number(score) || !json_is_object(metrics) || !json_is_object(parts)) {
		return fb_fail(error, FB_IO, "", "the server's run report lacks its score or its metrics");
	}
	snprintf(trial->run_id, sizeof trial->run_id, "%s", run_id);
	trial->score = json_number_value(score);
	for (int i = 0; i < history->metrics; i++) {
		trial->metric[i] = json_number_value(json_object_get(metrics, history->metric_id[i]));
		trial->valid[i] = true;
	}
	json_array_foreach(json_object_get(result, "invalid"), at, name)
	{
		int metric = json_is_string(name) ? metric_index(history, json_string_value(name)) : -1;
		if (metric >= 0) {
			trial->valid[metric] = false;
		}
	}
	for (int i = 0; i < history->aims; i++) {
		const json_t *part = json_object_get(parts, history->metric_id[history->aim[i]]);
		trial->part[i] = part ? json_number_value(part) : (double)NAN;
	}
	trial->thirds = json_incref(json_object_get(json_object_get(result, "third_octaves"), "out"));
	return FB_OK;
}

fb_status fb_trials_add(fb_trials *history, const double *value, const char *why, int round,
	const json_t *result, fb_error *error)
{
	size_t knobs = (size_t)history->knobs->count, metrics = (size_t)history->metrics;
	if (history->count == history->room) {
		int room = 2 * history->room + 64;
		fb_trial *grown = realloc(history->trial, (size_t)room * sizeof *grown);
		if (!grown) {
			return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
		}
		history->trial = grown;
		history->room = room;
	}
	fb_trial trial = {.value = calloc(knobs + 1, sizeof(double)),
		.metric = calloc(metrics + 1, sizeof(double)),
		.valid = calloc(metrics + 1, sizeof(bool)),
		.part = calloc((size_t)history->aims + 1, sizeof(double)),
		.round = round};
	fb_status status = FB_OK;
	if (!trial.value || !trial.metric || !trial.valid || !trial.part) {
		status = fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	status = status ? status : read_result(history, result, &trial, error);
	if (status) {
		finish_trial(&trial);
		return status;
	}
	memcpy(trial.value, value, knobs * sizeof(double));
	snprintf(trial.why, sizeof trial.why, "%s", why);
	trial.merit = trial.score - history->worth * fb_knobs_cost(history->knobs, value);
	history->trial[history->count] = trial;
	if (history->count && trial.merit > history->trial[history->best].merit) {
		history->best = history->count;
	}
	history->count++;
	return FB_OK;
}

fb_status fb_trials_begin(
	fb_trials *history, const fb_knobs *knobs, double worth, const json_t *report, fb_error *error)
{
	*history = (fb_trials){.knobs = knobs, .worth = worth};
	double *start = calloc((size_t)knobs->count + 1, sizeof *start);
	fb_status status = start ? learn_names(history, report, error)
							 : fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	for (int k = 0; start && k < knobs->count; k++) {
		start[k] = knobs->knob[k].start;
	}
	if (!status) {
		status = fb_trials_add(history, start, "as found", 0, report, error);
	}
	free(start);
	if (status) {
		fb_trials_finish(history);
	}
	return status;
}

int fb_trials_find(const fb_trials *history, const double *value)
{
	size_t size = (size_t)history->knobs->count * sizeof *value;
	for (int i = 0; i < history->count; i++) {
		if (!memcmp(history->trial[i].value, value, size)) {
			return i;
		}
	}
	return -1;
}

int fb_trials_only_difference(const fb_trials *history, int a, int b)
{
	int found = -1;
	const double *x = history->trial[a].value, *y = history->trial[b].value;
	for (int k = 0; k < history->knobs->count; k++) {
		if (x[k] != y[k]) {
			if (found >= 0) {
				return -1;
			}
			found = k;
		}
	}
	return found;
}

bool fb_trials_foreign(const fb_trials *history, int trial)
{
	const double *value = history->trial[trial].value, *best = history->trial[history->best].value;
	for (int k = 0; k < history->knobs->count; k++) {
		const fb_knob *knob = &history->knobs->knob[k];
		if (fb_knob_says_what(knob) && value[k] != knob->start && value[k] != best[k]) {
			return true;
		}
	}
	return false;
}

bool fb_trials_sound_alike(const fb_trials *history, int a, int b)
{
	const fb_trial *x = &history->trial[a], *y = &history->trial[b];
	return !memcmp(x->metric, y->metric, (size_t)history->metrics * sizeof *x->metric);
}

void fb_trials_fingerprint(const fb_trials *history, int trial, char out[17])
{
	uint64_t hash = 0xcbf29ce484222325u;
	const unsigned char *bytes = (const unsigned char *)history->trial[trial].metric;
	for (size_t i = 0; i < (size_t)history->metrics * sizeof(double); i++) {
		hash = (hash ^ bytes[i]) * 0x100000001b3u;
	}
	snprintf(out, 17, "%016" PRIx64, hash);
}

json_t *fb_values_json(const fb_knobs *knobs, const double *value)
{
	json_t *out = json_object();
	for (int k = 0; out && k < knobs->count; k++) {
		const fb_knob *knob = &knobs->knob[k];
		if (value[k] != knob->start &&
			json_object_set_new(out, knob->key, fb_knob_json(knob, value[k]))) {
			json_decref(out);
			out = NULL;
		}
	}
	return out;
}
