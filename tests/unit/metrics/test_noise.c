/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Noise and defects: known noise under known signals, clicks and holes at known places. */
#include "signals.h"

#define RATE 48000.0

/* A tone in bursts over noise: 1 s on, 1 s off. The quietest tenth of frames lies a little below
   the noise's own level: 50 ms of white noise vary by 0.09 dB, so the lowest tenth by some 0.15
   dB. */
static sig bursts(double seconds, double tone_rms_db, double noise_rms_db)
{
	sig s = sig_new(RATE, seconds);
	for (double at = 0.0; at < seconds; at += 2.0) {
		sig_tone(&s, 2, at, 1.0, 1000.0, from_db(tone_rms_db) * sqrt(2.0), 0.0);
	}
	sig_noise(&s, 0, 0.0, seconds, from_db(noise_rms_db), 1);
	sig_noise(&s, 1, 0.0, seconds, from_db(noise_rms_db), 2);
	return s;
}

static void test_snr(void **state)
{
	(void)state;
	for (double snr = 10.0; snr <= 50.0; snr += 10.0) {
		sig s = bursts(20.0, -20.0, -20.0 - snr);
		fb_metric_set set = measure(&s);
		assert_metric(set, FB_M_NOISE_FLOOR, -20.0 - snr - 0.15, 0.1);
		assert_metric(set, FB_M_SNR, snr + 0.15, 0.15);
		assert_metric(set, FB_M_SILENCE_RATIO, 0.5, 0.005);
		sig_free(&s);
	}
}

/* Without pauses the sound itself is no noise that hides it: it is active, its SNR is near 0. */
static void test_no_pauses(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 5.0);
	sig_tone(&s, 2, 0.0, 5.0, 1000.0, 0.1, 0.0);
	fb_metric_set set = measure(&s);
	assert_metric(set, FB_M_SILENCE_RATIO, 0.0, 0.0);
	assert_metric(set, FB_M_NOISE_FLOOR, -23.01, 0.01);
	assert_metric(set, FB_M_SNR, 0.0, 0.5);
	sig_free(&s);
}

static void test_silence(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 4.0);
	fb_metric_set set = measure(&s);
	assert_metric(set, FB_M_NOISE_FLOOR, -120.0, 0.0);
	assert_metric(set, FB_M_SILENCE_RATIO, 1.0, 0.0);
	assert_none(set, FB_M_SNR);
	sig_free(&s);
}

/* Hum of 50 or 60 Hz with two harmonics under noise: the sum of their powers. 0.3 dB: the noise
   within the harmonics' bins, at 30 dB below. */
static void test_hum(void **state)
{
	(void)state;
	for (int mains = 50; mains <= 60; mains += 10) {
		sig s = sig_new(RATE, 6.0);
		sig_noise(&s, 0, 0.0, 6.0, from_db(-40.0), 3);
		sig_noise(&s, 1, 0.0, 6.0, from_db(-40.0), 4);
		sig_tone(&s, 2, 0.0, 6.0, mains, from_db(-40.0), 0.3);
		sig_tone(&s, 2, 0.0, 6.0, 2 * mains, from_db(-46.0), 1.3);
		sig_tone(&s, 2, 0.0, 6.0, 3 * mains, from_db(-50.0), 2.3);
		double power = 0.5 * (1e-4 + from_db(-92.0) + from_db(-100.0));
		fb_metric_set set = measure(&s);
		assert_metric(set, FB_M_HUM, 10.0 * log10(power), 0.3);
		sig_free(&s);
	}
}

/* Noise alone hums not, nor does a bass line that moves, nor a steady tone elsewhere. */
static void test_what_is_no_hum(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 8.0);
	sig_noise(&s, 2, 0.0, 8.0, 0.1, 5);
	fb_metric_set set = measure(&s);
	assert_metric(set, FB_M_HUM, -120.0, 30.0);
	sig_free(&s);

	s = sig_new(RATE, 8.0);
	for (int note = 0; note < 32; note++) { /* 55 Hz upwards, a note every quarter second */
		sig_tone(&s, 2, 0.25 * note, 0.25, 55.0 * exp2((note * 5 % 12) / 12.0), 0.3, 0.0);
	}
	set = measure(&s);
	assert_true(set.value[FB_M_HUM] < -60.0);
	sig_free(&s);

	s = sig_new(RATE, 8.0);
	sig_tone(&s, 2, 0.0, 8.0, 440.0, 0.3, 0.0);
	set = measure(&s);
	assert_metric(set, FB_M_HUM, -120.0, 0.0);
	sig_free(&s);
}

/* Clicks of one sample, 6 times the noise's deviation above what prediction leaves: 10 in 5 s. */
static void test_clicks(void **state)
{
	(void)state;
	for (int channel = 0; channel < 3; channel++) {
		sig s = sig_new(RATE, 5.0);
		sig_noise(&s, 0, 0.0, 5.0, 0.01, 6);
		sig_noise(&s, 1, 0.0, 5.0, 0.01, 7);
		sig_tone(&s, 2, 0.0, 5.0, 300.0, 0.3, 0.0);
		fb_metric_set before = measure(&s);
		assert_metric(before, FB_M_ARTIFACTS, 0.0, 0.0);
		for (int i = 0; i < 10; i++) {
			size_t at = (size_t)((0.21 + 0.483 * i) * RATE);
			for (int c = 0; c < 2; c++) {
				s.x[c][at] += channel == 2 || channel == c ? 0.2f : 0.0f;
				s.x[c][at + 96] -= channel == 2 || channel == c ? 0.2f : 0.0f; /* 2 ms: the same */
			}
		}
		fb_metric_set set = measure(&s);
		assert_metric(set, FB_M_ARTIFACTS, 2.0, 0.0);
		sig_free(&s);
	}
}

/* Beginnings are no clicks: noise bursts that jump in within one sample, and decay. */
static void test_beginnings_are_no_clicks(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 5.0);
	sig_noise(&s, 2, 0.0, 5.0, 0.3, 8);
	for (size_t i = 0; i < s.n; i++) {
		double since = fmod((double)i / RATE, 0.37);
		float gain = (float)(0.001 + exp(-since / 0.05));
		s.x[0][i] *= gain;
		s.x[1][i] *= gain;
	}
	fb_metric_set set = measure(&s);
	assert_metric(set, FB_M_ARTIFACTS, 0.0, 0.25);
	sig_free(&s);
}

/* Holes of 1 ms and more count, shorter ones and pauses that fade do not. 8 holes in 4 s, in one
   channel, in the other and in both. */
static void test_dropouts(void **state)
{
	(void)state;
	static const double hole_ms[] = {0.8, 1.0, 5.0, 400.0, 700.0};
	static const int wanted[] = {0, 4, 4, 4, 0};
	for (int k = 0; k < 5; k++) {
		for (int channel = 0; channel < 3; channel++) {
			sig s = sig_new(RATE, 4.0);
			sig_tone(&s, 0, 0.0, 4.0, 333.0, 0.2, 0.1);
			sig_tone(&s, 1, 0.0, 4.0, 517.0, 0.2, 0.2);
			for (int hole = 0; hole < 4; hole++) {
				size_t at = (size_t)((0.1234 + hole) * RATE);
				size_t n = (size_t)llround(hole_ms[k] * 1e-3 * RATE);
				for (int c = 0; c < 2; c++) {
					if (channel == 2 || channel == c) {
						memset(s.x[c] + at, 0, n * sizeof(float));
					}
				}
			}
			fb_metric_set set = measure(&s);
			assert_metric(set, FB_M_DROPOUTS, wanted[k] / 4.0, 0.0);
			sig_free(&s);
		}
	}
}

static void test_fades_are_no_dropouts(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 4.0);
	sig_tone(&s, 2, 0.0, 4.0, 333.0, 0.2, 0.1);
	for (size_t i = 0; i < s.n; i++) {
		double at = fmod((double)i / RATE, 1.0); /* silent for 0.1 s, faded over 50 ms */
		double gain = fmin(fmax((fabs(at - 0.5) - 0.05) / 0.05, 0.0), 1.0);
		s.x[0][i] *= (float)gain;
		s.x[1][i] *= (float)gain;
	}
	fb_metric_set set = measure(&s);
	assert_metric(set, FB_M_DROPOUTS, 0.0, 0.0);
	sig_free(&s);
}

/* One value per 32 frames, whatever the stretches are. */
static void test_gain_reduction(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 1.6);
	float reduction[2400];
	for (int i = 0; i < 2400; i++) {
		reduction[i] = i < 1200 ? 3.0f : 9.0f;
	}
	fb_analyser *analyser = analyser_new(&s, FB_WINDOW_RUN);
	fb_metric_set set;
	fb_analyser_read(analyser, &set);
	assert_none(set, FB_M_GAIN_REDUCTION);
	for (size_t at = 0; at < s.n;) {
		size_t n = at / 32 % 3 * 320 + 32;
		n = n < s.n - at ? n : s.n - at;
		fb_stretch stretch = {
			.out = {s.x[0] + at, s.x[1] + at}, .reduction_db = reduction + at / 32, .frames = n};
		fb_analyser_feed(analyser, &stretch);
		at += n;
	}
	fb_analyser_read(analyser, &set);
	assert_metric(set, FB_M_GAIN_REDUCTION, 6.0, 1e-9);
	fb_analyser_destroy(analyser);
	sig_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_snr),
		cmocka_unit_test(test_no_pauses),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_hum),
		cmocka_unit_test(test_what_is_no_hum),
		cmocka_unit_test(test_clicks),
		cmocka_unit_test(test_beginnings_are_no_clicks),
		cmocka_unit_test(test_dropouts),
		cmocka_unit_test(test_fades_are_no_dropouts),
		cmocka_unit_test(test_gain_reduction),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
