/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "../../../metrics/voidline.h"

enum { LOUDNESS, TRUE_PEAK, DYNAMICS, STEREO, SPECTRUM, DEFECTS };

static void answer(fb_metric_set *set, int metric, double value)
{
	set->value[metric] = value;
	set->valid |= (uint64_t)1 << metric;
}

/* A master that does all that is asked. */
static fb_metric_set ideal(void)
{
	fb_metric_set set = {0};
	answer(&set, FB_M_LUFS_INTEGRATED, -14.0);
	answer(&set, FB_M_TRUE_PEAK, -1.2);
	answer(&set, FB_M_PSR, 9.5);
	answer(&set, FB_M_PLR, 12.0);
	answer(&set, FB_M_CORRELATION, 0.6);
	answer(&set, FB_M_MONO_LOSS, 1.0);
	answer(&set, FB_M_BALANCE, -0.5);
	for (int i = FB_M_BAND_SUB; i <= FB_M_BAND_AIR; i++) {
		answer(&set, i, fb_metric_catalogue[i].target);
	}
	answer(&set, FB_M_CLIPPING, 0.0);
	answer(&set, FB_M_ARTIFACTS, 0.0);
	answer(&set, FB_M_DROPOUTS, 0.0);
	answer(&set, FB_M_DC_OFFSET, 0.0);
	return set;
}

static void test_shares(void **state)
{
	(void)state;
	double sum = 0.0;
	for (int i = 0; i < FB_VOIDLINE_PARTS; i++) {
		sum += fb_voidline_parts[i].share;
		assert_true(*fb_voidline_parts[i].id && *fb_voidline_parts[i].doc);
	}
	assert_near(sum, 1.0, 1e-12);
	fb_metric_set set = ideal();
	assert_near(fb_voidline(&set, -14.0, NULL), 100.0, 1e-9);
}

/* Each part by its formula, alone; the whole loses its share of what the part loses. */
static void test_parts(void **state)
{
	(void)state;
	static const struct {
		int metric;
		double value;
		int part;
		double wanted;
	} rows[] = {
		{FB_M_LUFS_INTEGRATED, -15.0, LOUDNESS, 0.70710678},
		{FB_M_LUFS_INTEGRATED, -11.0, LOUDNESS, 0.31622777},
		{FB_M_TRUE_PEAK, 0.0, TRUE_PEAK, 0.5},
		{FB_M_TRUE_PEAK, 3.0, TRUE_PEAK, 0.0},
		{FB_M_PSR, 6.5, DYNAMICS, 0.75},
		{FB_M_PLR, 5.0, DYNAMICS, 0.5},
		{FB_M_CORRELATION, -0.4, STEREO, 2.0 / 3.0},
		{FB_M_MONO_LOSS, 6.0, STEREO, 2.5 / 3.0},
		{FB_M_BALANCE, -6.0, STEREO, 2.0 / 3.0},
		{FB_M_CLIPPING, 1.0, DEFECTS, 0.5},
		{FB_M_ARTIFACTS, 4.0, DEFECTS, 0.5},
		{FB_M_DROPOUTS, 0.1, DEFECTS, 0.5},
		{FB_M_DC_OFFSET, -0.01, DEFECTS, 0.5},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		fb_metric_set set = ideal();
		set.value[rows[i].metric] = rows[i].value;
		double parts[FB_VOIDLINE_PARTS];
		double score = fb_voidline(&set, -14.0, parts);
		assert_near(parts[rows[i].part], rows[i].wanted, 1e-6);
		double lost = fb_voidline_parts[rows[i].part].share * (1.0 - rows[i].wanted);
		assert_near(score, 100.0 * (1.0 - lost), 1e-4);
	}
	fb_metric_set set = ideal();
	set.value[FB_M_BAND_SUB] += fb_metric_catalogue[FB_M_BAND_SUB].tolerance;
	double parts[FB_VOIDLINE_PARTS];
	fb_voidline(&set, -14.0, parts);
	assert_near(parts[SPECTRUM], (6.0 + sqrt(0.5)) / 7.0, 1e-6);
}

/* What has no answer is left out, and says so. */
static void test_no_answer(void **state)
{
	(void)state;
	fb_metric_set set = ideal();
	set.valid &= ~((uint64_t)1 << FB_M_LUFS_INTEGRATED);
	set.value[FB_M_LUFS_INTEGRATED] = -120.0;
	double parts[FB_VOIDLINE_PARTS];
	assert_near(fb_voidline(&set, -14.0, parts), 100.0, 1e-9);
	assert_near(parts[LOUDNESS], -1.0, 0.0);
	set.valid = 0;
	assert_near(fb_voidline(&set, -14.0, parts), 0.0, 0.0);
	for (int i = 0; i < FB_VOIDLINE_PARTS; i++) {
		assert_near(parts[i], -1.0, 0.0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_no_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
