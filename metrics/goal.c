/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Goals beside their scoring: written out again, and the curve they may carry. */
#include "score.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *aim_to_json(const fb_aim *aim)
{
	json_t *out = json_pack("{s:f}", "weight", aim->weight);
	if (aim->sense == FB_TARGET) {
		json_object_set_new(
			out, "target", aim->as_source ? json_string("source") : json_real(aim->target));
		json_object_set_new(out, "tolerance", json_real(aim->tolerance));
	} else {
		json_object_set_new(out, aim->sense == FB_MORE ? "maximize" : "minimize", json_true());
	}
	return out;
}

json_t *fb_goal_to_json(const fb_goal *goal)
{
	json_t *weights = json_object(), *curve = json_object();
	for (uint32_t i = 0; i < goal->n_aims; i++) {
		json_object_set_new(
			weights, fb_metric_catalogue[goal->aims[i].metric].id, aim_to_json(&goal->aims[i]));
	}
	for (uint32_t i = 0; i < goal->n_curve; i++) {
		char hz[32];
		snprintf(hz, sizeof hz, "%.6g", goal->curve[i].hz);
		json_object_set_new(curve, hz, json_real(goal->curve[i].db));
	}
	if (goal->subjective_weight > 0.0) {
		json_object_set_new(weights, "subjective", json_real(goal->subjective_weight));
	}
	json_t *out = json_pack("{s:f, s:f, s:o}", "target_lufs", goal->target_lufs, "epsilon",
		goal->epsilon, "weights", weights);
	if (out && goal->n_curve) {
		json_object_set(out, "curve", curve);
	}
	json_decref(curve);
	return out;
}

static int by_hz(const void *a, const void *b)
{
	double x = ((const fb_curve_point *)a)->hz, y = ((const fb_curve_point *)b)->hz;
	return (x > y) - (x < y);
}

fb_status fb_goal_read_curve(
	const json_t *object, const char *where, fb_goal *goal, fb_error *error)
{
	const char *key;
	json_t *value;
	if (!json_is_object(object) || json_object_size(object) > FB_CURVE_MAX) {
		return fb_fail(error, FB_INVALID, where,
			"must be an object of at most %d frequencies in Hz and levels in dB", FB_CURVE_MAX);
	}
	goal->n_curve = 0;
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		char place[sizeof error->where], *end;
		double hz = strtod(key, &end), db = json_number_value(value);
		snprintf(place, sizeof place, "%.100s/%.60s", where, key);
		if (*end || end == key || !(hz >= 10.0 && hz <= 30000.0)) {
			return fb_fail(error, FB_INVALID, place, "is no frequency from 10 to 30000 Hz");
		}
		if (!json_is_number(value) || !(db >= -120.0 && db <= 120.0)) {
			return fb_fail(error, FB_INVALID, place, "must be a level from -120 to 120 dB");
		}
		goal->curve[goal->n_curve++] = (fb_curve_point){hz, db};
	}
	qsort(goal->curve, goal->n_curve, sizeof *goal->curve, by_hz);
	return FB_OK;
}

bool fb_goal_curve(const fb_goal *goal, double hz, double *db)
{
	const fb_curve_point *point = goal->curve;
	uint32_t n = goal->n_curve, i = 1;
	if (!n) {
		return false;
	}
	if (hz <= point[0].hz || hz >= point[n - 1].hz) {
		*db = hz <= point[0].hz ? point[0].db : point[n - 1].db;
		return true;
	}
	while (point[i].hz < hz) {
		i++;
	}
	double share = log(hz / point[i - 1].hz) / log(point[i].hz / point[i - 1].hz);
	*db = point[i - 1].db + share * (point[i].db - point[i - 1].db);
	return true;
}
