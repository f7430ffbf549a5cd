/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "../../../clients/optimizer/part.h"

enum { N = 6 };

static double target_part(double metric, double target, double tolerance)
{
	double off = (metric - target) / tolerance;
	return 1.0 / sqrt(1.0 + off * off);
}

/** Pairs of a target, from metrics that lie as given: the target is found wherever they lie. */
static void check_target(const double *metric, double target, double tolerance)
{
	double part[N];
	for (int i = 0; i < N; i++) {
		part[i] = target_part(metric[i], target, tolerance);
	}
	fb_part learned = fb_part_learn(metric, part, N);
	assert_int_equal(learned.kind, FB_PART_TARGET);
	/* rounding alone: the pairs are exact */
	assert_near(learned.target, target, 1e-6);
	assert_near(learned.tolerance, tolerance, 1e-6);
}

static void test_targets(void **state)
{
	(void)state;
	const double below[N] = {-41, -39.5, -38, -37, -36.2, -30},
				 above[N] = {-20, -19, -17, -15, -9, -5},
				 around[N] = {-30, -28, -24, -22, -20, -16};
	check_target(below, -23, 1);
	check_target(above, -23, 1);
	check_target(around, -23, 4);
}

static void test_slopes(void **state)
{
	(void)state;
	/* 0..60 dB, more is better; two of the metrics are off the scale */
	const double metric[N] = {-5, 10, 20, 35, 50, 70},
				 part[N] = {0, 1 / 6.0, 1 / 3.0, 35 / 60.0, 5 / 6.0, 1};
	fb_part learned = fb_part_learn(metric, part, N);
	assert_int_equal(learned.kind, FB_PART_SLOPE);
	assert_near(learned.slope, 1 / 60.0, 1e-9);
	assert_near(fb_part_at(&learned, 30), 0.5, 1e-9);
	assert_near(fb_part_at(&learned, 90), 1.0, 0.0);
	assert_near(fb_part_at(&learned, -9), 0.0, 0.0);
}

/** What follows no known form is predicted as it is. */
static void test_unknown_forms(void **state)
{
	(void)state;
	const double metric[N] = {1, 2, 3, 4, 5, 6}, part[N] = {0.1, 0.5, 0.2, 0.9, 0.3, 0.4};
	assert_int_equal(fb_part_learn(metric, part, N).kind, FB_PART_RAW);
	const double same[N] = {3, 3, 3, 3, 3, 3};
	assert_int_equal(fb_part_learn(same, part, N).kind, FB_PART_RAW);
	const double met[N] = {1, 1, 1, 1, 1, 1};
	assert_int_equal(fb_part_learn(metric, met, N).kind, FB_PART_RAW);
}

/** Derivatives against differences; the less is known the less is expected. */
static void test_expected(void **state)
{
	(void)state;
	const fb_part parts[] = {{.kind = FB_PART_TARGET, .target = -23, .tolerance = 3},
		{.kind = FB_PART_SLOPE, .slope = -0.02, .offset = 0.1}, {.kind = FB_PART_FREE}};
	const double h = 1e-5; /* differences of second order: good to about h squared */
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		for (double metric = -40; metric < 0; metric += 3.3) {
			double by_metric, by_variance, unused[2];
			fb_part_expected(&parts[i], metric, 4.0, &by_metric, &by_variance);
			double more = fb_part_expected(&parts[i], metric + h, 4.0, &unused[0], &unused[1]),
				   less = fb_part_expected(&parts[i], metric - h, 4.0, &unused[0], &unused[1]);
			assert_near(by_metric, (more - less) / (2 * h), 1e-7);
			more = fb_part_expected(&parts[i], metric, 4.0 + h, &unused[0], &unused[1]);
			less = fb_part_expected(&parts[i], metric, 4.0 - h, &unused[0], &unused[1]);
			assert_near(by_variance, (more - less) / (2 * h), 1e-7);
		}
	}
	double unused[2];
	assert_true(fb_part_expected(&parts[0], -23, 9.0, &unused[0], &unused[1]) < 0.75);
	assert_near(fb_part_at(&parts[0], -23), 1.0, 0.0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_targets),
		cmocka_unit_test(test_slopes), cmocka_unit_test(test_unknown_forms),
		cmocka_unit_test(test_expected)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
