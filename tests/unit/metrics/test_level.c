/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Level group on signals whose levels are known in closed form. */
#include "signals.h"

#define RATE 48000.0

/* Whole periods, so sums are exact; 1e-4 dB is the floats' rounding. */
static void test_sine(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 5.0);
	sig_tone(&s, 2, 0.0, 5.0, 1000.0, 1.0, 0.0);
	fb_metric_set set = measure(&s);
	assert_metric(set, FB_M_RMS, -3.0103, 1e-4);
	assert_metric(set, FB_M_PEAK, 0.0, 1e-4);
	assert_metric(set, FB_M_CREST, 3.0103, 2e-4);
	assert_metric(set, FB_M_DC_OFFSET, 0.0, 1e-6);
	assert_metric(set, FB_M_RMS_STABILITY, 1.0, 1e-3);
	assert_metric(set, FB_M_DYNAMIC_RANGE, 0.0, 0.1);
	sig_free(&s);
}

/* One channel alone carries half the power of both; a square's crest is 0. */
static void test_square_in_one_channel(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 2.0);
	for (size_t i = 0; i < s.n; i++) {
		s.x[0][i] = i / 24 % 2 ? -0.5f : 0.5f;
	}
	fb_metric_set set = measure(&s);
	assert_metric(set, FB_M_RMS, -6.0206 - 3.0103, 1e-4);
	assert_metric(set, FB_M_PEAK, -6.0206, 1e-4);
	assert_metric(set, FB_M_CREST, 3.0103, 2e-4);
	assert_metric(set, FB_M_CLIPPING, 0.0, 0.0);
	sig_free(&s);
}

/* The worse channel, with its sign. 1e-6: rounding of 0.05 in floats, and the tone's mean is 0. */
static void test_dc(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 2.0);
	sig_tone(&s, 2, 0.0, 2.0, 100.0, 0.3, 0.0);
	for (size_t i = 0; i < s.n; i++) {
		s.x[0][i] += 0.01f;
		s.x[1][i] -= 0.05f;
	}
	fb_metric_set set = measure(&s);
	assert_metric(set, FB_M_DC_OFFSET, -0.05, 1e-6);
	sig_free(&s);
}

/* A sine of 100 Hz and twice full scale, clipped: each half period stays at the rail for a third
   of a period, 200 times a second. */
static void test_clipping(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 3.0);
	sig_tone(&s, 1, 0.0, 3.0, 100.0, 2.0, 0.0);
	sig_tone(&s, 0, 0.0, 3.0, 100.0, 0.999, 0.0);
	for (size_t i = 0; i < s.n; i++) {
		s.x[1][i] = fmaxf(fminf(s.x[1][i], 1.0f), -1.0f);
	}
	fb_metric_set set = measure(&s);
	assert_metric(set, FB_M_CLIPPING, 200.0, 0.0);
	sig_free(&s);
}

/* Two samples at the rail are no clipping, three are, wherever the hops part them. */
static void test_clipping_counts_runs_of_three(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 1.0);
	sig_tone(&s, 2, 0.0, 1.0, 50.0, 0.1, 0.0);
	for (size_t start = 479; start < 48000 - 4; start += 480) { /* across the edge of each hop */
		for (size_t i = 0; i < 3; i++) {
			s.x[0][start + i] = 1.0f;
			s.x[1][start + i] = i < 2 ? -1.0f : 0.0f;
		}
	}
	fb_metric_set set = measure(&s);
	assert_metric(set, FB_M_CLIPPING, 99.0, 0.0);
	sig_free(&s);
}

/* Two levels, 10 dB apart, half the time each. Deviation of the 400 ms levels 5 dB but for those
   windows that hold the step (4 of 96), which pull it in by less than 0.15 dB. */
static void test_steadiness(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 10.0);
	sig_tone(&s, 2, 0.0, 5.0, 1000.0, from_db(-10.0), 0.0);
	sig_tone(&s, 2, 5.0, 5.0, 1000.0, from_db(-20.0), 0.0);
	/* quiet enough at the end for the noise floor to lie below both */
	sig quiet = sig_new(RATE, 13.0);
	sig_tone(&quiet, 2, 10.0, 3.0, 1000.0, from_db(-70.0), 0.0);
	memcpy(quiet.x[0], s.x[0], s.n * sizeof(float));
	memcpy(quiet.x[1], s.x[1], s.n * sizeof(float));
	fb_metric_set set = measure(&quiet);
	assert_metric(set, FB_M_RMS_STABILITY, 1.0 / (1.0 + 5.0 / 6.0), 0.02);
	assert_metric(set, FB_M_DYNAMIC_RANGE, 10.0, 0.2);
	sig_free(&s);
	sig_free(&quiet);
}

/* Levels spread evenly over 20 dB: from the 10th to the 95th percentile are 0.85 of it, and
   metrics.md allows 0.5 dB. */
static void test_dynamic_range(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 12.0);
	sig_tone(&s, 2, 0.0, 12.0, 1000.0, 1.0, 0.0);
	for (size_t i = 0; i < s.n; i++) {
		double at = (double)i / RATE;
		float gain = at < 10.0 ? (float)from_db(-30.0 + 2.0 * at) : 1e-4f;
		s.x[0][i] *= gain;
		s.x[1][i] *= gain;
	}
	fb_metric_set set = measure(&s);
	assert_metric(set, FB_M_DYNAMIC_RANGE, 17.0, 0.5);
	sig_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sine),
		cmocka_unit_test(test_square_in_one_channel),
		cmocka_unit_test(test_dc),
		cmocka_unit_test(test_clipping),
		cmocka_unit_test(test_clipping_counts_runs_of_three),
		cmocka_unit_test(test_steadiness),
		cmocka_unit_test(test_dynamic_range),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
