/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What a run report says besides its numbers, so that it can be understood far from the server. */
#include "audition.h"

#include "../metrics/analyser.h"

#include <math.h>

static json_t *chain_to_json(const fb_patch *patch)
{
	uint32_t order[FB_STAGES_MAX];
	fb_error error;
	json_t *chain = json_array();
	if (fb_patch_order(patch, order, &error)) {
		return chain; /* it was rendered, so it has one */
	}
	for (uint32_t i = 0; i < patch->n_stages; i++) {
		const fb_stage *stage = &patch->stage[order[i]];
		json_array_append_new(
			chain, json_pack("{s:s, s:s, s:s, s:b}", "id", stage->id, "type", stage->type->id,
					   "does", stage->type->doc, "bypass", stage->bypass));
	}
	return chain;
}

/** Nobody hears a tenth of a decibel in a third octave. */
static json_t *level(double db)
{
	return json_real(round(10.0 * db) / 10.0);
}

static json_t *levels(const double *third_db)
{
	json_t *list = json_array();
	for (int i = 0; i < FB_THIRDS; i++) {
		json_array_append_new(list, level(third_db[i]));
	}
	return list;
}

static json_t *thirds_to_json(const fb_shadow_job *job, const double *third_db)
{
	json_t *hz = json_array(), *curve = json_array();
	for (int i = 0; i < FB_THIRDS; i++) {
		double wanted;
		json_array_append_new(hz, json_integer(lround(fb_third_hz(i))));
		if (fb_goal_curve(&job->goal, fb_third_hz(i), &wanted)) {
			json_array_append_new(curve, level(wanted));
		}
	}
	json_t *thirds = json_pack(
		"{s:o, s:o, s:o}", "hz", hz, "in", levels(job->source->third_db), "out", levels(third_db));
	if (thirds && json_array_size(curve)) {
		json_object_set(thirds, "goal", curve);
	}
	json_decref(curve);
	return thirds;
}

void fb_shadow_explain_balance(const fb_candidate *candidate, const double *third_db)
{
	json_object_set_new(
		candidate->report, "third_octaves", json_pack("{s:o}", "out", levels(third_db)));
}

void fb_shadow_explain(
	const fb_shadow_job *job, const fb_candidate *candidate, const double *third_db)
{
	json_t *patch = fb_patch_to_json(candidate->patch);
	json_t *connections = json_object_get(patch, "connections");
	json_object_set_new(candidate->report, "goal", fb_goal_to_json(&job->goal));
	json_object_set_new(candidate->report, "chain", chain_to_json(candidate->patch));
	if (connections) {
		json_object_set(candidate->report, "connections", connections);
	}
	json_object_set_new(candidate->report, "third_octaves", thirds_to_json(job, third_db));
	json_decref(patch);
}
