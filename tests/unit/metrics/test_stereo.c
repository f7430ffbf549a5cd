/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stereo group: channels whose relation is known. */
#include "signals.h"

#define RATE 48000.0

static void test_mono(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 4.0);
	sig_noise(&s, 2, 0.0, 4.0, 0.1, 1);
	fb_metric_set set = measure(&s);
	assert_metric(set, FB_M_CORRELATION, 1.0, 0.0);
	assert_metric(set, FB_M_WIDTH, 0.0, 0.0);
	assert_metric(set, FB_M_BALANCE, 0.0, 0.0);
	assert_metric(set, FB_M_MONO_LOSS, 0.0, 1e-9);
	assert_metric(set, FB_M_INTERCHANNEL_DELAY, 0.0, 1e-6);
	assert_metric(set, FB_M_PHASE_COHERENCE, 1.0, 1e-6);
	sig_free(&s);
}

static void test_out_of_phase(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 4.0);
	sig_noise(&s, 0, 0.0, 4.0, 0.1, 1);
	for (size_t i = 0; i < s.n; i++) {
		s.x[1][i] = -s.x[0][i];
	}
	fb_metric_set set = measure(&s);
	assert_metric(set, FB_M_CORRELATION, -1.0, 0.0);
	assert_metric(set, FB_M_WIDTH, 1.0, 0.0);
	assert_metric(set, FB_M_PHASE_COHERENCE, 1.0, 1e-6);
	assert_true(set.value[FB_M_MONO_LOSS] > 100.0);
	sig_free(&s);
}

/* Unrelated noise: correlation 0 within 3 deviations of 1 / sqrt(n); half the energy is side, mono
   loses 3 dB. Coherence of n averaged spectra is 1 / n for nothing at all: 370 of them here, half
   overlapped, count as some 200. No delay stands out. */
static void test_unrelated(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 8.0);
	sig_noise(&s, 0, 0.0, 8.0, 0.1, 1);
	sig_noise(&s, 1, 0.0, 8.0, 0.1, 2);
	fb_metric_set set = measure(&s);
	assert_metric(set, FB_M_CORRELATION, 0.0, 0.005);
	assert_metric(set, FB_M_WIDTH, 0.5, 0.003);
	assert_metric(set, FB_M_MONO_LOSS, 3.01, 0.05);
	assert_metric(set, FB_M_PHASE_COHERENCE, 0.004, 0.003);
	assert_none(set, FB_M_INTERCHANNEL_DELAY);
	sig_free(&s);
}

/* L = a + b, R = a - b with known powers: correlation, width and coherence follow. */
static void test_partly_related(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 8.0), a = sig_new(RATE, 8.0);
	sig_noise(&a, 0, 0.0, 8.0, 0.2, 1);
	sig_noise(&a, 1, 0.0, 8.0, 0.1, 2);
	for (size_t i = 0; i < s.n; i++) {
		s.x[0][i] = a.x[0][i] + a.x[1][i];
		s.x[1][i] = a.x[0][i] - a.x[1][i];
	}
	fb_metric_set set = measure(&s);
	assert_metric(set, FB_M_CORRELATION, (0.04 - 0.01) / (0.04 + 0.01), 0.005);
	assert_metric(set, FB_M_WIDTH, 0.01 / 0.05, 0.003);
	assert_metric(set, FB_M_MONO_LOSS, 10.0 * log10(0.05 / 0.04), 0.05);
	assert_metric(set, FB_M_PHASE_COHERENCE, 0.36, 0.01);
	sig_free(&s);
	sig_free(&a);
}

static void test_balance(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 4.0);
	sig_tone(&s, 0, 0.0, 4.0, 1000.0, 0.1, 0.0);
	sig_tone(&s, 1, 0.0, 4.0, 1000.0, 0.2, 0.0);
	fb_metric_set set = measure(&s);
	assert_metric(set, FB_M_BALANCE, 20.0 * log10(2.0), 1e-5);
	sig_free(&s);
	s = sig_new(RATE, 4.0);
	sig_tone(&s, 0, 0.0, 4.0, 1000.0, 1.0, 0.0);
	set = measure(&s); /* right silent, at the floor */
	assert_metric(set, FB_M_BALANCE, -120.0 + 3.01, 0.01);
	assert_none(set, FB_M_CORRELATION);
	assert_none(set, FB_M_PHASE_COHERENCE);
	sig_free(&s);
}

/* Delays of whole and half samples, either way, under noise of their own 10 dB down. The peak is
   interpolated: a tenth of a sample, 2 us, and metrics.md's unit is ms. */
static void test_delay(void **state)
{
	(void)state;
	static const double delays[] = {0.0, 1.0, -7.0, 48.0, -200.0, 239.0, 12.5};
	const double pi = acos(-1.0);
	enum { HALF = 32 };
	for (size_t d = 0; d < sizeof delays / sizeof delays[0]; d++) {
		sig s = sig_new(RATE, 4.0);
		sig_noise(&s, 0, 0.0, 4.0, 0.1, 9);
		double whole = floor(delays[d]), part = delays[d] - whole;
		for (long i = 300; i < (long)s.n - 300; i++) {
			double sum = 0.0;
			for (int k = -HALF; k <= HALF; k++) {
				double t = k - part, w = 0.5 + 0.5 * cos(pi * t / (HALF + 1.0));
				double tap = fabs(t) < 1e-9 ? 1.0 : sin(pi * t) / (pi * t);
				sum += part > 0.0 || k == 0 ? w * tap * (double)s.x[0][i - (long)whole - k] : 0.0;
			}
			s.x[1][i] = (float)sum;
		}
		sig_noise(&s, 0, 0.0, 4.0, 0.03, 10);
		sig_noise(&s, 1, 0.0, 4.0, 0.03, 11);
		fb_metric_set set = measure(&s);
		assert_metric(set, FB_M_INTERCHANNEL_DELAY, delays[d] / RATE * 1e3, 0.002);
		sig_free(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mono),
		cmocka_unit_test(test_out_of_phase),
		cmocka_unit_test(test_unrelated),
		cmocka_unit_test(test_partly_related),
		cmocka_unit_test(test_balance),
		cmocka_unit_test(test_delay),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
