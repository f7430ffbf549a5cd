/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

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

/* Every switch thrown at once on a steady tone: the largest step between two samples may grow by
   the ramp's share of one sample (2 / 480 for a polarity turned within 10 ms), no more. */
static void test_switches_do_not_click(void **state)
{
	(void)state;
	rig_sound s = noise();
	sig_sine(s.in[0], FRAMES, RATE, 50, 1.0, 1.0);
	sig_sine(s.in[1], FRAMES, RATE, 50, 1.0, 2.0);
	fb_rig *rig = rig_open("gain", RATE);
	rig_prepare(rig);
	rig_sound_run(rig, &s);
	double last[2] = {(double)s.out[0][FRAMES - 1], (double)s.out[1][FRAMES - 1]};
	/* 200 ms of 50 Hz are whole periods: the second run continues the first */
	rig_set(rig, "invert_l", 1);
	rig_set(rig, "mono", 1);
	rig_set(rig, "gain", -60);
	rig_sound_run(rig, &s);
	double own = 2.0 * M_PI * 50 / RATE;
	for (int c = 0; c < 2; c++) {
		for (size_t i = 0; i < FRAMES; i++) {
			assert_true(fabs((double)s.out[c][i] - last[c]) < own + 3.0 / 480);
			last[c] = (double)s.out[c][i];
		}
	}
	rig_close(rig);
	rig_sound_close(&s);
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
		cmocka_unit_test(test_switches_do_not_click),
		cmocka_unit_test(test_hammer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
