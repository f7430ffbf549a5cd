/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time and voice: crossings, onsets, pitch, harmonics and steadiness that are known. */
#include "signals.h"

#define RATE 48000.0

/* Two crossings a period, DC or not; the ends may lose one. */
static void test_zero_crossings(void **state)
{
	(void)state;
	for (int dc = 0; dc < 2; dc++) {
		sig s = sig_new(RATE, 4.0);
		sig_tone(&s, 2, 0.0, 4.0, 440.0, 0.2, 0.1);
		for (size_t i = 0; i < s.n; i++) {
			s.x[0][i] += 0.15f * (float)dc;
			s.x[1][i] += 0.15f * (float)dc;
		}
		fb_metric_set set = measure(&s);
		assert_metric(set, FB_M_ZCR, 880.0, 0.5);
		sig_free(&s);
	}
}

/* Bursts over noise 40 dB lower, 4 a second, 32 of them but the first, which is there from the
   start. Starting on a hop's edge the rise is 40 dB; the noise adds nothing to the burst, and its
   own level wavers by 0.2 dB. */
static void test_onsets(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 8.0);
	sig_noise(&s, 2, 0.0, 8.0, from_db(-60.0), 1);
	for (int i = 0; i < 32; i++) {
		sig_tone(&s, 2, 0.25 * i, 0.1, 500.0 + 40.0 * i, from_db(-20.0) * sqrt(2.0), 0.0);
	}
	fb_metric_set set = measure(&s);
	assert_metric(set, FB_M_ONSET_RATE, 31.0 / 8.0, 1e-9);
	assert_metric(set, FB_M_TRANSIENT, 40.0, 0.3);
	sig_free(&s);
}

static void test_no_onsets(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 8.0);
	sig_noise(&s, 2, 0.0, 8.0, 0.1, 1);
	fb_metric_set set = measure(&s);
	assert_metric(set, FB_M_ONSET_RATE, 0.0, 0.0);
	assert_none(set, FB_M_TRANSIENT);
	assert_none(set, FB_M_PITCH);
	assert_none(set, FB_M_HNR);
	assert_none(set, FB_M_HUME_STABILITY);
	sig_free(&s);
	s = sig_new(RATE, 4.0);
	sig_tone(&s, 2, 0.0, 4.0, 440.0, 0.2, 0.1);
	set = measure(&s);
	assert_metric(set, FB_M_ONSET_RATE, 0.0, 0.0);
	sig_free(&s);
}

static void add_harmonics(sig *s, double hz, double peak, double top_hz)
{
	for (int k = 1; k * hz < top_hz; k++) {
		sig_tone(s, 2, 0.0, (double)s->n / s->rate_hz, k * hz, peak / k, 0.7 * k * k);
	}
}

/* 0.15 %: the median is counted in steps of 1.25 cents, 0.07 %, and the rest is interpolation. */
static void test_pitch(void **state)
{
	(void)state;
	static const double pitches[] = {55.0, 82.4, 110.0, 196.5, 220.5, 440.0, 987.0};
	static const double rates[] = {8000.0, 16000.0, 44100.0, 48000.0, 192000.0};
	for (size_t r = 0; r < sizeof rates / sizeof rates[0]; r++) {
		for (size_t p = 0; p < sizeof pitches / sizeof pitches[0]; p++) {
			sig s = sig_new(rates[r], 1.0);
			add_harmonics(&s, pitches[p], 0.1, 3500.0);
			fb_metric_set set = measure(&s);
			assert_metric(set, FB_M_PITCH, pitches[p], 0.0015 * pitches[p]);
			assert_true(set.value[FB_M_HNR] > 30.0);
			sig_free(&s);
		}
	}
}

/* Harmonics under noise: what counts is the noise below the decimation's edge at 6 kHz, a quarter
   of all. 0.5 dB: the edge is not square. */
static void test_hnr(void **state)
{
	(void)state;
	for (double hnr = 10.0; hnr <= 20.0; hnr += 5.0) {
		sig s = sig_new(RATE, 6.0);
		add_harmonics(&s, 150.0, 0.1, 3500.0);
		double power = 0.0;
		for (int k = 1; k * 150.0 < 3500.0; k++) {
			power += 0.005 / (k * k);
		}
		double noise = sqrt(power * pow(10.0, -hnr / 10.0) * 4.0);
		sig_noise(&s, 2, 0.0, 6.0, noise, 5);
		fb_metric_set set = measure(&s);
		assert_metric(set, FB_M_HNR, hnr, 0.5);
		assert_metric(set, FB_M_PITCH, 150.0, 0.5);
		sig_free(&s);
	}
}

/* A voice of pulses that each ring at 700 Hz and die within 2 ms; periods and heights alternate. */
static sig pulses(double hz, double jitter, double shimmer_db)
{
	sig s = sig_new(RATE, 6.0);
	const double pi = acos(-1.0);
	double at = 0.01;
	for (int k = 0; at < 5.9; k++) {
		double height = 0.3 * from_db(k % 2 ? 0.5 * shimmer_db : -0.5 * shimmer_db);
		size_t first = (size_t)ceil(at * RATE);
		for (size_t i = first; i < first + 480 && i < s.n; i++) {
			double t = (double)i / RATE - at;
			double v = height * sin(2.0 * pi * 700.0 * t) * exp(-t / 5e-4) * (1.0 - exp(-t / 2e-4));
			s.x[0][i] += (float)v;
			s.x[1][i] += (float)v;
		}
		/* neighbours differ by `jitter` of their mean */
		at += (1.0 + (k % 2 ? 0.5 : -0.5) * jitter) / hz;
	}
	return s;
}

/* hume_stability by its formula (voice.h), with no onsets to count a pace by. 0.01: a
   jitter of 1 % is one sample of 12 kHz in a period, found by interpolation. */
static void test_stability(void **state)
{
	(void)state;
	static const double jitters[] = {0.0, 0.01, 0.02, 0.0};
	static const double shimmers[] = {0.0, 0.0, 1.0, 2.0};
	for (int i = 0; i < 4; i++) {
		sig s = pulses(118.0, jitters[i], shimmers[i]);
		fb_metric_set set = measure(&s);
		double wanted = 0.5 / (1.0 + jitters[i] / 0.02) + 0.5 / (1.0 + shimmers[i] / 1.0);
		assert_metric(set, FB_M_PITCH, 118.0, 0.3);
		assert_metric(set, FB_M_HUME_STABILITY, wanted, 0.01);
		sig_free(&s);
	}
}

/* A confidence holds for 10 s of live audio, and until reset in a run. */
static void test_recogniser(void **state)
{
	(void)state;
	sig s = sig_new(8000.0, 11.0);
	for (int run = 0; run < 2; run++) {
		fb_analyser *analyser = analyser_new(&s, run ? FB_WINDOW_RUN : FB_WINDOW_LIVE);
		fb_metric_set set;
		fb_analyser_read(analyser, &set);
		assert_none(set, FB_M_STT_CONFIDENCE);
		fb_analyser_set_stt(analyser, 0.8);
		feed(analyser, &s, 0, 8000 * 9);
		fb_analyser_read(analyser, &set);
		assert_metric(set, FB_M_STT_CONFIDENCE, 0.8, 0.0);
		feed(analyser, &s, 8000 * 9, s.n);
		fb_analyser_read(analyser, &set);
		assert_int_equal(fb_metric_valid(&set, FB_M_STT_CONFIDENCE), run);
		fb_analyser_set_stt(analyser, 1.7);
		fb_analyser_read(analyser, &set);
		assert_metric(set, FB_M_STT_CONFIDENCE, 1.0, 0.0);
		fb_analyser_set_stt(analyser, (double)NAN);
		fb_analyser_read(analyser, &set);
		assert_none(set, FB_M_STT_CONFIDENCE);
		fb_analyser_destroy(analyser);
	}
	sig_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zero_crossings),
		cmocka_unit_test(test_onsets),
		cmocka_unit_test(test_no_onsets),
		cmocka_unit_test(test_pitch),
		cmocka_unit_test(test_hnr),
		cmocka_unit_test(test_stability),
		cmocka_unit_test(test_recogniser),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
