/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "../../../metrics/score.h"

static fb_status parse(const char *text, fb_goal *goal, fb_error *error)
{
	json_error_t where;
	json_t *object = json_loads(text, JSON_DECODE_ANY, &where);
	assert_non_null(object);
	fb_status status = fb_goal_parse(object, "p.json/goal", goal, error);
	json_decref(object);
	return status;
}

static void test_catalogue(void **state)
{
	(void)state;
	for (int i = 0; i < FB_METRICS; i++) {
		const fb_metric_info *info = &fb_metric_catalogue[i];
		assert_non_null(info->id);
		assert_int_equal(fb_metric_find(info->id), i);
		assert_true(info->label && *info->label && info->doc && *info->doc && info->unit);
		assert_true(info->scale_lo < info->scale_hi);
		assert_true(info->sense != FB_TARGET || info->tolerance > 0.0);
		for (const char *c = info->id; *c; c++) {
			assert_true((*c >= 'a' && *c <= 'z') || *c == '_');
		}
	}
	assert_int_equal(FB_METRICS, 55);
	assert_int_equal(fb_metric_find("loudness"), -1);
}

static void test_goal(void **state)
{
	(void)state;
	fb_goal goal;
	fb_error error;
	assert_int_equal(
		parse("{\"target_lufs\": -16, \"epsilon\": 0.01, \"weights\": {\"snr\": 2, \"latency\": 0,"
			  "\"lufs_integrated\": 1, \"width\": {\"weight\": 0.5, \"target\": 0.3},"
			  "\"hnr\": {\"minimize\": true}}}",
			&goal, &error),
		FB_OK);
	assert_int_equal(goal.n_aims, 4);
	assert_near(goal.target_lufs, -16.0, 0.0);
	assert_near(goal.epsilon, 0.01, 0.0);
	assert_int_equal(goal.aims[0].metric, FB_M_SNR);
	assert_int_equal(goal.aims[0].sense, FB_MORE);
	assert_near(goal.aims[0].weight, 2.0, 0.0);
	assert_int_equal(goal.aims[1].sense, FB_TARGET);
	assert_near(goal.aims[1].target, -16.0, 0.0);
	assert_near(goal.aims[2].target, 0.3, 0.0);
	assert_near(goal.aims[2].tolerance, fb_metric_catalogue[FB_M_WIDTH].tolerance, 0.0);
	assert_int_equal(goal.aims[3].sense, FB_LESS);
	assert_near(goal.aims[3].weight, 1.0, 0.0);
}

static void test_goal_errors_name_the_key(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{"[]", "p.json/goal"},
		{"{\"weight\": {}}", "p.json/goal/weight"},
		{"{\"target_lufs\": \"loud\"}", "p.json/goal/target_lufs"},
		{"{\"target_lufs\": 3}", "p.json/goal/target_lufs"},
		{"{\"epsilon\": -0.1}", "p.json/goal/epsilon"},
		{"{\"weights\": []}", "p.json/goal/weights"},
		{"{\"weights\": {\"loudness\": 1}}", "p.json/goal/weights/loudness"},
		{"{\"weights\": {\"snr\": -1}}", "p.json/goal/weights/snr"},
		{"{\"weights\": {\"snr\": true}}", "p.json/goal/weights/snr"},
		{"{\"weights\": {\"snr\": {\"weights\": 1}}}", "p.json/goal/weights/snr/weights"},
		{"{\"weights\": {\"snr\": {\"maximize\": false}}}", "p.json/goal/weights/snr/maximize"},
		{"{\"weights\": {\"snr\": {\"maximize\": true, \"minimize\": true}}}",
			"p.json/goal/weights/snr"},
		{"{\"weights\": {\"snr\": {\"tolerance\": 1}}}", "p.json/goal/weights/snr"},
		{"{\"weights\": {\"rms\": {\"target\": -20, \"tolerance\": 0}}}",
			"p.json/goal/weights/rms/tolerance"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		fb_goal goal = {.n_aims = 77};
		fb_error error = {0};
		assert_int_equal(parse(rows[i][0], &goal, &error), FB_INVALID);
		assert_string_equal(error.where, rows[i][1]);
		assert_true(strlen(error.text) > 5);
		assert_int_equal(goal.n_aims, 77); /* nothing half applied */
	}
}

/* 100 (sum of good norms - sum of bad norms), rescaled: by hand. */
static void test_score(void **state)
{
	(void)state;
	fb_goal goal;
	fb_error error;
	assert_int_equal(
		parse(
			"{\"weights\": {\"snr\": 1, \"clipping\": 1, \"rms\": {\"weight\": 2, \"target\": -20,"
			"\"tolerance\": 3}, \"stoi\": 5}}",
			&goal, &error),
		FB_OK);
	fb_metric_set set = {0};
	set.value[FB_M_SNR] = 45.0;     /* 0.75 of 0..60 */
	set.value[FB_M_CLIPPING] = 5.0; /* 0.25 of 0..20, bad */
	set.value[FB_M_RMS] = -23.0;    /* one tolerance off: 1 / sqrt 2 */
	set.valid = 1ull << FB_M_SNR | 1ull << FB_M_CLIPPING | 1ull << FB_M_RMS;
	double parts[FB_METRICS];
	double wanted = 100.0 * (0.75 + 0.75 + 2.0 * sqrt(0.5)) / 4.0;
	assert_near(fb_score(&goal, &set, parts), wanted, 1e-9);
	assert_near(parts[2], sqrt(0.5), 1e-12);
	assert_near(parts[3], -1.0, 0.0);                     /* no answer: left out */
	goal.required = 1ull << FB_M_STOI | 1ull << FB_M_SNR; /* the second has an answer */
	assert_near(fb_score(&goal, &set, parts), wanted * 4.0 / 9.0, 1e-9);
	assert_near(parts[3], 0.0, 0.0);
	set.valid = 0;
	goal.required = 0;
	assert_near(fb_score(&goal, &set, NULL), 0.0, 0.0);
	fb_goal_default(&goal);
	assert_int_equal(goal.n_aims, 6);
}

/** What is to stay as it is in the source has no target until that is known, and is left out. */
static void test_as_the_source(void **state)
{
	(void)state;
	fb_goal goal, again;
	fb_error error;
	assert_int_equal(
		parse("{\"weights\": {\"snr\": 1, \"width\": {\"target\": \"source\", \"tolerance\": 0.1},"
			  "\"hnr\": {\"target\": \"source\"}}}",
			&goal, &error),
		FB_OK);
	fb_metric_set set = {0}, source = {0};
	set.value[FB_M_SNR] = 30.0; /* half of its scale */
	set.value[FB_M_WIDTH] = 0.5;
	set.value[FB_M_HNR] = 20.0;
	set.valid = 1ull << FB_M_SNR | 1ull << FB_M_WIDTH | 1ull << FB_M_HNR;
	assert_near(fb_score(&goal, &set, NULL), 50.0, 1e-9);
	json_t *json = fb_goal_to_json(&goal);
	assert_int_equal(fb_goal_parse(json, "again", &again, &error), FB_OK);
	assert_true(again.aims[1].as_source && again.aims[2].as_source);
	json_decref(json);
	source.value[FB_M_WIDTH] = 0.4; /* of its hnr nothing is known */
	source.valid = 1ull << FB_M_WIDTH;
	fb_goal_learn(&goal, &source);
	assert_near(fb_score(&goal, &set, NULL), 100.0 * (0.5 + sqrt(0.5)) / 2.0, 1e-9);
	json = fb_goal_to_json(&goal);
	assert_int_equal(fb_goal_parse(json, "again", &again, &error), FB_OK);
	assert_near(again.aims[1].target, 0.4, 0.0);
	json_decref(json);
	assert_int_equal(
		parse("{\"weights\": {\"hnr\": {\"target\": \"sauce\"}}}", &goal, &error), FB_INVALID);
	assert_string_equal(error.where, "p.json/goal/weights/hnr/target");
}

/** Live, what was heard an hour ago does not count. */
static void test_now(void **state)
{
	(void)state;
	fb_goal goal;
	fb_error error;
	assert_int_equal(
		parse("{\"target_lufs\": -20, \"weights\": {\"lufs_integrated\": {\"tolerance\": 3}}}",
			&goal, &error),
		FB_OK);
	fb_metric_set live = {0};
	live.value[FB_M_LUFS_INTEGRATED] = -20.0;
	live.value[FB_M_LUFS_SHORT_TERM] = -23.0;
	live.valid = 1ull << FB_M_LUFS_INTEGRATED | 1ull << FB_M_LUFS_SHORT_TERM;
	assert_near(fb_score(&goal, &live, NULL), 100.0, 1e-9);
	assert_near(fb_score_now(&goal, &live), 100.0 * sqrt(0.5), 1e-9);
	live.valid = 1ull << FB_M_LUFS_INTEGRATED;
	assert_near(fb_score_now(&goal, &live), 0.0, 0.0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_catalogue),
		cmocka_unit_test(test_goal),
		cmocka_unit_test(test_goal_errors_name_the_key),
		cmocka_unit_test(test_score),
		cmocka_unit_test(test_as_the_source),
		cmocka_unit_test(test_now),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
