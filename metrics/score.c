/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "score.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* A signal with a flat spectrum, alike in both channels on average, reads this much more in LUFS
   than in dBFS RMS: two channels add 3.01 dB, BS.1770 takes off 0.69. */
#define RMS_BELOW_LUFS 2.32

static fb_aim default_aim(int metric, double weight, double target_lufs)
{
	const fb_metric_info *info = &fb_metric_catalogue[metric];
	fb_aim aim = {metric, weight, info->sense, info->target, info->tolerance, false};
	switch (metric) {
	case FB_M_LUFS_MOMENTARY:
	case FB_M_LUFS_SHORT_TERM:
	case FB_M_LUFS_INTEGRATED:
		aim.target = target_lufs;
		break;
	case FB_M_RMS:
		aim.target = target_lufs - RMS_BELOW_LUFS;
		break;
	default:
		break;
	}
	return aim;
}

static void set_default_aims(fb_goal *goal)
{
	static const struct {
		int metric;
		double weight;
	} rows[] = {
		{FB_M_SNR, 1.0},
		{FB_M_RMS, 1.0},
		{FB_M_HUME_STABILITY, 0.5},
		{FB_M_ARTIFACTS, 1.0},
		{FB_M_CLIPPING, 1.0},
		{FB_M_LATENCY, 0.2},
	};
	goal->n_aims = 0;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		goal->aims[goal->n_aims++] = default_aim(rows[i].metric, rows[i].weight, goal->target_lufs);
	}
}

void fb_goal_default(fb_goal *goal)
{
	memset(goal, 0, sizeof *goal);
	goal->target_lufs = -23.0;
	goal->epsilon = 0.002;
	goal->mark = NAN;
	set_default_aims(goal);
}

enum { PLACE = sizeof((fb_error *)0)->where };

/* "where/key", cut where it is too long */
static void join(char place[PLACE], const char *where, const char *key)
{
	if (snprintf(place, PLACE, "%s/%s", where, key) < 0) {
		place[0] = '\0';
	}
}

/* A number under `key`, within lo..hi; absent leaves *value as it was. */
static fb_status read_number(const json_t *object, const char *key, const char *where, double lo,
	double hi, double *value, fb_error *error)
{
	const json_t *item = json_object_get(object, key);
	if (!item) {
		return FB_OK;
	}
	char place[PLACE];
	join(place, where, key);
	if (!json_is_number(item)) {
		return fb_fail(error, FB_INVALID, place, "must be a number");
	}
	double number = json_number_value(item);
	if (!(number >= lo && number <= hi)) {
		return fb_fail(error, FB_INVALID, place, "is %g, must be from %g to %g", number, lo, hi);
	}
	*value = number;
	return FB_OK;
}

static fb_status check_keys(const json_t *object, const char *where, const char *const *known,
	const char *list, fb_error *error)
{
	const char *key;
	json_t *item;
	json_object_foreach((json_t *)(uintptr_t)object, key, item)
	{
		const char *const *k = known;
		while (*k && strcmp(*k, key) != 0) {
			k++;
		}
		if (!*k) {
			char place[PLACE];
			join(place, where, key);
			return fb_fail(error, FB_INVALID, place, "unknown key; a %s", list);
		}
	}
	return FB_OK;
}

static fb_status read_flag(
	const json_t *object, const char *key, const char *where, bool *set, fb_error *error)
{
	const json_t *item = json_object_get(object, key);
	*set = item != NULL;
	if (item && !json_is_true(item)) {
		char place[PLACE];
		join(place, where, key);
		return fb_fail(error, FB_INVALID, place, "must be true, or left out");
	}
	return FB_OK;
}

/* {"weight": w, and at most one of "maximize", "minimize", "target" (with "tolerance")} */
static fb_status read_aim(const json_t *object, const char *where, fb_aim *aim, fb_error *error)
{
	static const char *const known[] = {
		"weight", "maximize", "minimize", "target", "tolerance", NULL};
	bool maximize, minimize;
	fb_status status = check_keys(object, where, known,
		"weight may have weight, maximize, minimize, target and tolerance", error);
	if (!status) {
		status = read_flag(object, "maximize", where, &maximize, error);
	}
	if (!status) {
		status = read_flag(object, "minimize", where, &minimize, error);
	}
	if (status) {
		return status;
	}
	const json_t *wanted = json_object_get(object, "target");
	bool target = wanted != NULL;
	aim->as_source = json_is_string(wanted) && !strcmp(json_string_value(wanted), "source");
	if (maximize + minimize + target > 1) {
		return fb_fail(error, FB_INVALID, where,
			"at most one of maximize, minimize and target can be asked for");
	}
	aim->sense = maximize ? FB_MORE : minimize ? FB_LESS : target ? FB_TARGET : aim->sense;
	if (aim->sense != FB_TARGET && json_object_get(object, "tolerance")) {
		return fb_fail(error, FB_INVALID, where, "tolerance goes with a target");
	}
	const fb_metric_info *info = &fb_metric_catalogue[aim->metric];
	if (aim->tolerance <= 0.0) {
		aim->tolerance = (info->scale_hi - info->scale_lo) / 10.0;
	}
	status = read_number(object, "weight", where, 0.0, 1e6, &aim->weight, error);
	if (!status && !aim->as_source) {
		status = read_number(object, "target", where, -1e6, 1e6, &aim->target, error);
	}
	if (!status) {
		status = read_number(object, "tolerance", where, 1e-6, 1e6, &aim->tolerance, error);
	}
	return status;
}

static fb_status read_weights(
	const json_t *weights, const char *where, fb_goal *goal, fb_error *error)
{
	if (!json_is_object(weights)) {
		return fb_fail(error, FB_INVALID, where, "must be an object of metrics and weights");
	}
	goal->n_aims = 0;
	const char *key;
	json_t *item;
	json_object_foreach((json_t *)(uintptr_t)weights, key, item)
	{
		char place[PLACE];
		join(place, where, key);
		if (!strcmp(key, "subjective")) {
			fb_status mark =
				read_number(weights, key, where, 0.0, 1e6, &goal->subjective_weight, error);
			if (mark) {
				return mark;
			}
			continue;
		}
		int metric = fb_metric_find(key);
		if (metric < 0) {
			return fb_fail(error, FB_INVALID, place, "there is no metric of this name");
		}
		fb_aim aim = default_aim(metric, 1.0, goal->target_lufs);
		fb_status status;
		if (json_is_object(item)) {
			status = read_aim(item, place, &aim, error);
		} else {
			status = read_number(weights, key, where, 0.0, 1e6, &aim.weight, error);
		}
		if (status) {
			return status;
		}
		if (aim.weight > 0.0) {
			goal->aims[goal->n_aims++] = aim;
		}
	}
	return FB_OK;
}

fb_status fb_goal_parse(const json_t *object, const char *where, fb_goal *out, fb_error *error)
{
	static const char *const known[] = {"target_lufs", "weights", "epsilon", "curve", NULL};
	if (!json_is_object(object)) {
		return fb_fail(error, FB_INVALID, where, "a goal must be an object");
	}
	fb_goal goal;
	fb_goal_default(&goal);
	fb_status status = check_keys(
		object, where, known, "goal may have target_lufs, weights, epsilon and curve", error);
	if (!status) {
		status = read_number(object, "target_lufs", where, -70.0, 0.0, &goal.target_lufs, error);
	}
	if (!status) {
		status = read_number(object, "epsilon", where, 0.0, 1.0, &goal.epsilon, error);
	}
	if (status) {
		return status;
	}
	const json_t *weights = json_object_get(object, "weights"),
				 *curve = json_object_get(object, "curve");
	char place[PLACE];
	join(place, where, "curve");
	status = curve ? fb_goal_read_curve(curve, place, &goal, error) : FB_OK;
	if (status) {
		return status;
	}
	if (weights) {
		join(place, where, "weights");
		status = read_weights(weights, place, &goal, error);
		if (status) {
			return status;
		}
	} else {
		set_default_aims(&goal);
	}
	*out = goal;
	return FB_OK;
}

void fb_goal_learn(fb_goal *goal, const fb_metric_set *source)
{
	for (uint32_t i = 0; i < goal->n_aims; i++) {
		fb_aim *aim = &goal->aims[i];
		if (aim->as_source && fb_metric_valid(source, aim->metric)) {
			aim->target = source->value[aim->metric];
			aim->as_source = false;
		}
	}
}

double fb_aim_part(const fb_aim *aim, double value)
{
	const fb_metric_info *info = &fb_metric_catalogue[aim->metric];
	if (aim->sense == FB_TARGET) {
		double off = (value - aim->target) / aim->tolerance;
		return 1.0 / sqrt(1.0 + off * off);
	}
	double n = (value - info->scale_lo) / (info->scale_hi - info->scale_lo);
	n = n < 0.0 ? 0.0 : n > 1.0 ? 1.0 : n;
	return aim->sense == FB_MORE ? n : 1.0 - n;
}

double fb_score(const fb_goal *goal, const fb_metric_set *set, double *parts)
{
	double sum = 0.0, weights = 0.0;
	for (uint32_t i = 0; i < goal->n_aims; i++) {
		const fb_aim *aim = &goal->aims[i];
		double part = -1.0;
		if (aim->as_source) {
			part = -1.0;
		} else if (fb_metric_valid(set, aim->metric)) {
			part = fb_aim_part(aim, set->value[aim->metric]);
			sum += aim->weight * part;
			weights += aim->weight;
		} else if (goal->required >> aim->metric & 1u) {
			part = 0.0;
			weights += aim->weight;
		}
		if (parts) {
			parts[i] = part;
		}
	}
	if (goal->subjective_weight > 0.0 && !isnan(goal->mark)) {
		sum += goal->subjective_weight * goal->mark / FB_MARK_MAX;
		weights += goal->subjective_weight;
	}
	return weights > 0.0 ? 100.0 * sum / weights : 0.0;
}

/** A metric reads what another one does. */
static void stand_in(fb_metric_set *set, int metric, int other, double less)
{
	set->value[metric] = set->value[other] - less;
	set->valid &= ~(1ull << metric);
	set->valid |= fb_metric_valid(set, other) ? 1ull << metric : 0;
}

double fb_score_now(const fb_goal *goal, const fb_metric_set *live)
{
	fb_metric_set now = *live;
	stand_in(&now, FB_M_LUFS_INTEGRATED, FB_M_LUFS_SHORT_TERM, 0.0);
	stand_in(&now, FB_M_LOUDNESS_ERROR, FB_M_LUFS_SHORT_TERM, goal->target_lufs);
	stand_in(&now, FB_M_PLR, FB_M_PSR, 0.0);
	return fb_score(goal, &now, NULL);
}
