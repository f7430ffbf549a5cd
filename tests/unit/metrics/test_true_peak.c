/* SPDX-License-Identifier: GPL-3.0-or-later */
/* EBU Tech 3341, table 1 ("Minimum requirements test signals"), cases 15 to 23 as its text defines
   them, and what the meter does between them. */
#include "signals.h"

#define RATE 48000.0

/* +0.2 / -0.4 dB, as Tech 3341 has it. */
static void assert_true_peak(const sig *s, double wanted)
{
	fb_metric_set set = measure(s);
	assert_metric(set, FB_M_TRUE_PEAK, wanted - 0.1, 0.3);
}

/* "Tapered with a 10 ms fade-in and fade-out." */
static void fade(sig *s)
{
	size_t n = (size_t)(0.01 * s->rate_hz);
	for (size_t i = 0; i < n; i++) {
		float gain = (float)i / (float)n;
		for (int c = 0; c < 2; c++) {
			s->x[c][i] *= gain;
			s->x[c][s->n - 1 - i] *= gain;
		}
	}
}

/* "Stereo sine wave with frequency fs/4, amplitude 0.50 FFS, phase 0.0 degrees", and so on. */
static void test_15_to_19(void **state)
{
	(void)state;
	static const struct {
		double divisor, peak, degrees, wanted;
	} rows[] = {
		{4, 0.5, 0, -6}, {4, 0.5, 45, -6}, {6, 0.5, 60, -6}, {8, 0.5, 67.5, -6}, {4, 1.41, 45, 3}};
	const double pi = acos(-1.0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		sig s = sig_new(RATE, 1.0);
		sig_tone(
			&s, 2, 0.0, 1.0, RATE / rows[i].divisor, rows[i].peak, rows[i].degrees * pi / 180.0);
		fade(&s);
		assert_true_peak(&s, rows[i].wanted);
		sig_free(&s);
	}
}

enum { OVER = 4, HALF = 400 };

/** "Stereo sine wave with frequency fs/6, amplitude 0.50 FFS, containing a single period of a sine
	wave with frequency fs/4, amplitude 1.00; the signal being continuous in phase at both sides of
	the single period", synthesized at 4 fs and tapered. */
static void synthesize(double *fine, int n)
{
	const double pi = acos(-1.0);
	const int slow = OVER * 6, fast = OVER * 4, start = n / 2 / slow * slow;
	for (int i = 0; i < n; i++) {
		bool single = i >= start && i < start + fast;
		double turns = i < start ? (double)i / slow
					   : single  ? (double)(i - start) / fast
								 : (double)(i - start - fast) / slow;
		double taper = fmin(1.0, fmin(i, n - 1 - i) / (0.01 * RATE * OVER));
		fine[i] = taper * (single ? 1.0 : 0.5) * sin(2.0 * pi * turns);
	}
}

/** "Lowpass (anti-aliasing) filtered": cut off at 0.45 fs by a sinc of 800 taps. */
static void limit_band(const double *fine, int n, double *low)
{
	const double pi = acos(-1.0);
	for (int i = HALF; i < n - HALF; i++) {
		low[i] = 0.0;
		for (int k = -HALF; k <= HALF; k++) {
			double t = 0.9 * k / OVER, w = 0.5 + 0.5 * cos(pi * k / (HALF + 1));
			low[i] += fine[i - k] * w * (k ? sin(pi * t) / (pi * t) : 1.0) * 0.9 / OVER;
		}
	}
}

/* "And downsampled to fs with a 0 samples offset" in case 20; 1, 2 and 3 at the 4 fs rate in the
   others. 0.0 +0.2/-0.4 dBTP. What the signal reaches is known from its samples at 4 fs as well,
   and there the meter has to be better than that. */
static void test_20_to_23(void **state)
{
	(void)state;
	const int n = OVER * (int)(0.25 * RATE);
	double *fine = calloc((size_t)n, sizeof *fine), *low = calloc((size_t)n, sizeof *low);
	double reached = 0.0;
	synthesize(fine, n);
	limit_band(fine, n, low);
	for (int i = 0; i < n; i++) {
		reached = fmax(reached, fabs(low[i]));
	}
	for (int offset = 0; offset < OVER; offset++) {
		sig s = sig_new(RATE, 0.25);
		for (size_t i = 0; i < s.n && i * OVER + (size_t)offset < (size_t)n; i++) {
			s.x[0][i] = s.x[1][i] = (float)low[i * OVER + (size_t)offset];
		}
		assert_true_peak(&s, 0.0);
		fb_metric_set set = measure(&s);
		assert_metric(set, FB_M_TRUE_PEAK, 20.0 * log10(reached), 0.1);
		sig_free(&s);
	}
	free(fine);
	free(low);
}

/* Any frequency up to 18 kHz and any phase: within the same bounds, at every usual rate. */
static void test_tones(void **state)
{
	(void)state;
	static const double rates[] = {8000, 22050, 44100, 48000, 96000, 192000};
	uint64_t random = 5;
	for (size_t r = 0; r < sizeof rates / sizeof rates[0]; r++) {
		for (int i = 0; i < 12; i++) {
			sig s = sig_new(rates[r], 0.25);
			double hz = rates[r] * (0.01 + 0.36 * fabs(random_next(&random)));
			sig_tone(&s, 2, 0.0, 0.25, hz, 0.7, 3.0 * random_next(&random));
			fade(&s);
			assert_true_peak(&s, 20.0 * log10(0.7));
			sig_free(&s);
		}
	}
}

/* In the last samples too, and in one channel alone. 45 degrees at fs / 4: samples at 0.707. */
static void test_at_the_end(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 0.1);
	size_t from = s.n - 64;
	for (size_t i = from; i < s.n; i++) {
		double window = 0.5 - 0.5 * cos(2.0 * acos(-1.0) * (double)(i - from) / 56.0);
		s.x[1][i] =
			(float)(i - from <= 56 ? window * sin(acos(-1.0) * (0.5 * (double)i + 0.25)) : 0);
	}
	fb_metric_set set = measure(&s);
	assert_metric(set, FB_M_TRUE_PEAK, 0.0, 0.3);
	assert_metric(set, FB_M_PEAK, -3.01, 0.05);
	sig_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_15_to_19),
		cmocka_unit_test(test_20_to_23),
		cmocka_unit_test(test_tones),
		cmocka_unit_test(test_at_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
