/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "clicks.h"
#include "hammer.h"
#include "rig.h"

enum { RATE = 48000, FRAMES = 9600 };

static rig_sound noise(void)
{
	rig_sound s = rig_sound_open(FRAMES);
	sig_noise(s.in[0], FRAMES, 1.0, 7u);
	sig_noise(s.in[1], FRAMES, 1.0, 8u);
	return s;
}

/* The node's figure: neutral is not near, it is the same bits, -0 and denormals among them. */
static void test_neutral_is_exact(void **state)
{
	(void)state;
	rig_sound s = noise();
	s.in[0][3] = -0.0f;
	s.in[1][4] = 1e-40f;
	fb_rig *rig = rig_open("gain", RATE);
	rig_sound_run(rig, &s);
	assert_memory_equal(s.in[0], s.out[0], FRAMES * sizeof(float));
	assert_memory_equal(s.in[1], s.out[1], FRAMES * sizeof(float));
	rig_close(rig);
	rig_sound_close(&s);
}

/* 1e-5 dB: the float of the gain and of the product; the dB conversion states 3e-6 dB. */
static void test_gain_in_db(void **state)
{
	(void)state;
	rig_sound s = noise();
	fb_rig *rig = rig_open("gain", RATE);
	for (double db = -50; db <= 24; db += 1) {
		rig_set(rig, "gain", db);
		rig_prepare(rig);
		rig_sound_run(rig, &s);
		assert_near(sig_rms_db(s.out[0], FRAMES) - sig_rms_db(s.in[0], FRAMES), db, 1e-5);
	}
	rig_set(rig, "gain", -60);
	rig_prepare(rig);
	rig_sound_run(rig, &s);
	assert_true(sig_peak(s.out[0], FRAMES) == 0.0);
	rig_close(rig);
	rig_sound_close(&s);
}

static void test_balance_polarity_mono(void **state)
{
	(void)state;
	rig_sound s = noise();
	fb_rig *rig = rig_open("gain", RATE);
	rig_set(rig, "balance", 100);
	rig_prepare(rig);
	rig_sound_run(rig, &s);
	assert_true(sig_peak(s.out[0], FRAMES) == 0.0);
	assert_memory_equal(s.in[1], s.out[1], FRAMES * sizeof(float));

	rig_set(rig, "balance", 0);
	rig_set(rig, "invert_l", 1);
	rig_prepare(rig);
	rig_sound_run(rig, &s);
	for (size_t i = 0; i < FRAMES; i++) {
		assert_true(s.out[0][i] == -s.in[0][i] && s.out[1][i] == s.in[1][i]);
	}

	rig_set(rig, "mono", 1);
	rig_prepare(rig);
	rig_sound_run(rig, &s);
	for (size_t i = 0; i < FRAMES; i++) {
		assert_near(s.out[0][i], 0.5 * ((double)s.in[1][i] - (double)s.in[0][i]), 1e-7);
		assert_true(s.out[0][i] == s.out[1][i]);
	}
	rig_close(rig);
	rig_sound_close(&s);
}

/** Turn something once a second while a 200 Hz tone plays, and look for clicks above 2 kHz. */
static double turning(double rate_hz, const char *symbol, double a, double b)
{
	size_t second = (size_t)(rate_hz / FB_TICK) * FB_TICK, frames = 4 * second;
	rig_bench bench;
	rig_bench_open(&bench, "gain", rate_hz, frames);
	for (int c = 0; c < 2; c++) {
		sig_sine(bench.in[c], frames, rate_hz, 200, 1.0, 0.7 * c);
		for (size_t i = 0; i < second / 5; i++) { /* a tone that starts at once is a click itself */
			double t = (double)i / (double)(second / 5);
			bench.in[c][i] *= (float)(t * t * (3.0 - 2.0 * t));
		}
	}
	for (size_t k = 0; k < 4; k++) {
		rig_set(bench.rig, symbol, k % 2 ? b : a);
		rig_bench_run(&bench, k * second, second);
	}
	double clicks = fmax(clicks_peak_db(bench.out[0], frames, rate_hz, 2000),
		clicks_peak_db(bench.out[1], frames, rate_hz, 2000));
	rig_bench_close(&bench);
	return clicks;
}

/* -80 dB is the project's bound on clicks; what a hand does stays 20 dB below it. The last, all of
   the fader's travel up to +24 dB within 20 ms, is a bang by itself: 80 dB below where it ends. */
static void test_changes_make_no_click(void **state)
{
	(void)state;
	static const struct {
		const char *symbol;
		double a, b, bound;
	} cases[] = {{"gain", 0, -3, -100}, {"gain", 0, -12, -100}, {"gain", 0, -60, -80},
		{"balance", 0, 50, -100}, {"balance", -100, 100, -80}, {"invert_l", 0, 1, -100},
		{"invert_r", 0, 1, -100}, {"mono", 0, 1, -100}, {"gain", 24, -60, 24 - 80}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		double clicks = turning(RATE, cases[i].symbol, cases[i].a, cases[i].b);
		printf("# %s %g to %g: clicks %.1f dB\n", cases[i].symbol, cases[i].a, cases[i].b, clicks);
		if (!(clicks < cases[i].bound)) {
			fail_msg("%s from %g to %g clicks at %.1f dB", cases[i].symbol, cases[i].a, cases[i].b,
				clicks);
		}
	}
}

/* Bound: +24 dB. */
static void test_hammer(void **state)
{
	(void)state;
	hammer_node("gain", 2.0, 16.0, 0.1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_neutral_is_exact),
		cmocka_unit_test(test_gain_in_db),
		cmocka_unit_test(test_balance_polarity_mono),
		cmocka_unit_test(test_changes_make_no_click),
		cmocka_unit_test(test_hammer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
