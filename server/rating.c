/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rating.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/** On its way: read the run, mark it, write it. */
typedef struct rating {
	fb_server *server;
	char *run_id, *notes;
	uint32_t station;
	double mark;
	json_t *answer;
	fb_store_done *done;
	void *ctx;
} rating;

static void finish(rating *r, const json_t *answer, const fb_error *error)
{
	r->done(r->ctx, answer, error);
	json_decref(r->answer);
	free(r->run_id);
	free(r->notes);
	free(r);
}

static void revised(void *ctx, const json_t *rows, const fb_error *error)
{
	rating *r = ctx;
	(void)rows;
	finish(r, error ? NULL : r->answer, error);
}

/** The goal that a run was scored by; auditions keep none, they have their station's. */
static bool find_goal(const rating *r, const json_t *report, fb_goal *goal)
{
	const json_t *own = json_object_get(report, "goal");
	json_int_t station = json_integer_value(json_object_get(report, "station_id"));
	if (own) {
		return !fb_goal_parse(own, "goal", goal, NULL);
	}
	if (station < 1 || station > r->server->n_channels) {
		return false;
	}
	*goal = r->server->channel[station - 1].goal;
	return true;
}

/** A score made anew from what was measured then. */
static void score_anew(const rating *r, json_t *report)
{
	size_t at;
	json_t *id;
	fb_goal goal;
	fb_metric_set set = {0};
	if (!find_goal(r, report, &goal) || goal.subjective_weight <= 0.0) {
		return;
	}
	for (int i = 0; i < FB_METRICS; i++) {
		const json_t *value =
			json_object_get(json_object_get(report, "metrics"), fb_metric_catalogue[i].id);
		set.value[i] = json_number_value(value);
		set.valid |= value ? 1ull << i : 0;
	}
	json_array_foreach(json_object_get(report, "invalid"), at, id)
	{
		int metric = json_is_string(id) ? fb_metric_find(json_string_value(id)) : -1;
		if (metric >= 0) {
			set.valid &= ~(1ull << metric);
			/* what had no answer and yet counted is among the parts, with 0 */
			const json_t *part =
				json_object_get(json_object_get(report, "score_parts"), json_string_value(id));
			goal.required |= part ? 1ull << metric : 0;
		}
	}
	goal.mark = r->mark;
	json_object_set_new(report, "score", json_real(fb_score(&goal, &set, NULL)));
}

static void run_read(void *ctx, const json_t *rows, const fb_error *error)
{
	rating *r = ctx;
	/* what the store adds of its own to a report */
	static const char *const added[] = {"session", "time_us", "source_hash", "snapshot"};
	if (error) {
		finish(r, NULL, error);
		return;
	}
	json_int_t station = json_integer_value(json_object_get(rows, "station_id"));
	if (r->station && station != r->station) {
		fb_error why;
		fb_fail(&why, FB_NOT_FOUND, r->run_id, "that is a run of station %lld", station);
		finish(r, NULL, &why);
		return;
	}
	json_t *report = json_deep_copy(rows);
	for (size_t i = 0; i < sizeof added / sizeof *added; i++) {
		json_object_del(report, added[i]);
	}
	json_object_set_new(report, "subjective", isnan(r->mark) ? json_null() : json_real(r->mark));
	if (r->notes) {
		json_object_set_new(report, "notes", json_string(r->notes));
	}
	score_anew(r, report);
	r->answer = json_pack("{s:s, s:O?, s:O?, s:O?}", "run_id", r->run_id, "subjective",
		json_object_get(report, "subjective"), "notes", json_object_get(report, "notes"), "score",
		json_object_get(report, "score"));
	if (fb_store_revise_run(r->server->store, r->run_id, report, revised, r)) {
		finish(r, NULL, fb_store_refusal(r->server->store));
	}
	json_decref(report);
}

fb_status fb_rating_give(fb_server *server, const char *run_id, uint32_t station, double mark,
	const char *notes, fb_store_done *done, void *ctx, fb_error *error)
{
	if (notes && strlen(notes) > FB_NOTES_MAX) {
		return fb_fail(error, FB_TOO_LARGE, "notes", "at most %u bytes", FB_NOTES_MAX);
	}
	rating *r = calloc(1, sizeof *r);
	if (!r) {
		return fb_fail(error, FB_NO_MEMORY, run_id, "out of memory");
	}
	*r = (rating){.server = server,
		.run_id = strdup(run_id),
		.notes = notes ? strdup(notes) : NULL,
		.station = station,
		.mark = mark,
		.done = done,
		.ctx = ctx};
	fb_status status = FB_OK;
	if (!r->run_id || (notes && !r->notes)) {
		status = fb_fail(error, FB_NO_MEMORY, run_id, "out of memory");
	} else if (fb_store_find_run(server->store, run_id, run_read, r)) {
		*error = *fb_store_refusal(server->store);
		status = error->status;
	}
	if (status) {
		free(r->run_id);
		free(r->notes);
		free(r);
	}
	return status;
}
