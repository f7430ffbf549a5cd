/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "hammer.h"
#include "rig.h"

enum { RATE = 48000, LONG = 144000 };

/** Both sides of the input: the same. */
static void both(rig_sound *s)
{
	memcpy(s->in[1], s->in[0], LONG * sizeof(float));
}

/* The node's figure: closed, the drawn line within 0.1 dB, down to the range; open, nothing. */
static void test_static_curve(void **state)
{
	(void)state;
	static const double settings[][3] = {/* threshold, ratio, range */
		{-30, 2, 60}, {-20, 4, 30}, {-50, 10, 90}, {-40, 1.5, 12}, {-25, 100, 40}};
	rig_sound s = rig_sound_open(LONG);
	double worst = 0;
	for (int k = 0; k < 5; k++) {
		double threshold = settings[k][0], ratio = settings[k][1], range = settings[k][2];
		fb_rig *rig = rig_open("gate", RATE);
		rig_set(rig, "threshold", threshold);
		rig_set(rig, "ratio", ratio);
		rig_set(rig, "range", range);
		rig_set(rig, "hysteresis", 6);
		rig_set(rig, "release", 50);
		for (double level = -80; level <= 0; level += 1.9) {
			rig_prepare(rig);
			sig_sine(s.in[0], LONG, RATE, 997, pow(10, level / 20), 0);
			both(&s);
			rig_sound_run(rig, &s);
			double down = fmax(0, fmin(range, (ratio - 1) * (threshold - level)));
			double got = sig_rms_db(s.out[0] + LONG / 2, LONG / 2) + sig_db(sqrt(2.0));
			worst = fmax(worst, fabs(got - (level - down)));
		}
		rig_close(rig);
	}
	printf("# worst distance from the drawn line: %.4f dB\n", worst);
	assert_true(worst < 0.1);
	rig_sound_close(&s);
}

/* Once open, it stays so until the level is the hysteresis below the threshold. */
static void test_hysteresis(void **state)
{
	(void)state;
	rig_sound s = rig_sound_open(LONG);
	fb_rig *rig = rig_open("gate", RATE);
	rig_set(rig, "threshold", -30);
	rig_set(rig, "hysteresis", 8);
	rig_prepare(rig);
	static const double levels[] = {-30.2, -29.8, -37.8, -38.2, -30.2};
	static const bool open[] = {false, true, true, false, false};
	for (int k = 0; k < 5; k++) {
		sig_sine(s.in[0], LONG, RATE, 440, pow(10, levels[k] / 20), 0);
		both(&s);
		rig_sound_run(rig, &s);
		assert_true((rig_meter(rig, "open") > 0.5) == open[k]);
	}
	rig_close(rig);
	rig_sound_close(&s);
}

/* The node's figure: within 5 %. Opening is to 63 % of the amplitude, closing to 63 % of the dB and
   counted from the end of the hold. */
static void test_times(void **state)
{
	(void)state;
	static const double attacks[] = {0.1, 1, 10, 50}, releases[] = {20, 100, 400};
	static const double holds[] = {5, 20, 100, 500};
	enum { UP = 4800, DOWN = 48000 };
	rig_sound s = rig_sound_open(LONG);
	for (size_t i = 0; i < LONG; i++) {
		s.in[0][i] = s.in[1][i] = i >= UP && i < DOWN ? 0.9f : 0.001f;
	}
	for (int k = 0; k < 12; k++) {
		double attack = attacks[k % 4], release = releases[k % 3], hold = holds[k / 3];
		fb_rig *rig = rig_open("gate", RATE);
		rig_set(rig, "threshold", -20);
		rig_set(rig, "ratio", 100);
		rig_set(rig, "range", 40);
		rig_set(rig, "attack", attack);
		rig_set(rig, "release", release);
		rig_set(rig, "hold", hold);
		rig_prepare(rig);
		rig_sound_run(rig, &s);
		size_t at = UP;
		while ((double)s.out[0][at] < 0.9 * (0.01 + 0.99 * (1 - exp(-1)))) {
			at++;
		}
		assert_near((double)(at - UP + 1) * 1000 / RATE, attack, 0.05 * attack + 1000.0 / RATE);
		at = DOWN;
		while ((double)s.out[0][at] >= (double)s.in[0][at] * 0.999) {
			at++;
		}
		double held = (double)(at - DOWN) * 1000 / RATE;
		size_t closing = at;
		while (sig_db((double)s.out[0][at] / (double)s.in[0][at]) > -40 * (1 - exp(-1))) {
			at++;
		}
		assert_near(held, hold, 0.05 * hold + 0.1);
		assert_near((double)(at - closing) * 1000 / RATE, release, 0.05 * release);
		rig_close(rig);
	}
	rig_sound_close(&s);
}

/* A bass note that dies away under hum and noise, with the shortest hold: opens once, closes once.
 */
static void test_no_chatter(void **state)
{
	(void)state;
	static const double freqs[] = {41.2, 55, 98, 330};
	rig_sound s = rig_sound_open(LONG);
	for (int k = 0; k < 4; k++) {
		float *noise = sig_alloc(LONG);
		sig_noise(noise, LONG, 0.002, 3);
		for (size_t i = 0; i < LONG; i++) {
			double t = (double)i / RATE;
			double note = t > 0.1 ? exp(-(t - 0.1) * 3) * sin(2 * M_PI * freqs[k] * (t - 0.1)) : 0;
			note += 0.004 * sin(2 * M_PI * 50 * t);
			s.in[0][i] = s.in[1][i] = (float)note + noise[i];
		}
		fb_rig *rig = rig_open("gate", RATE);
		rig_set(rig, "threshold", -20);
		rig_set(rig, "hold", 12.5);
		rig_prepare(rig);
		int changes = 0;
		double was = 0;
		for (size_t i = 0; i + FB_TICK <= LONG; i += FB_TICK) {
			const float *in[4] = {s.in[0] + i, s.in[1] + i, NULL, NULL};
			rig_run(rig, in, s.out, FB_TICK);
			changes += rig_meter(rig, "open") != was;
			was = rig_meter(rig, "open");
		}
		assert_int_equal(changes, 2);
		rig_close(rig);
		free(noise);
	}
	rig_sound_close(&s);
}

/* Above the threshold the very bits pass, as late as the look-ahead; with it the front is whole. */
static void test_open_is_exact_and_lookahead_helps(void **state)
{
	(void)state;
	rig_sound s = rig_sound_open(LONG);
	for (size_t i = 0; i < LONG; i++) {
		s.in[0][i] = s.in[1][i] = i < 9600 ? 0.0f : (float)sin((double)i * 0.1);
	}
	fb_rig *rig = rig_open("gate", RATE);
	rig_set(rig, "lookahead", 5);
	rig_set(rig, "attack", 0.5);
	rig_prepare(rig);
	assert_int_equal(rig_latency(rig), 240);
	rig_sound_run(rig, &s);
	/* ten attack times before the sound: e^-10 is left */
	for (size_t i = 0; i < 240; i++) {
		assert_near(s.out[0][9600 + 240 + i], s.in[0][9600 + i], 1e-4);
	}
	assert_memory_equal(s.out[0] + 48000 + 240, s.in[0] + 48000, 48000 * sizeof(float));
	rig_close(rig);
	rig_sound_close(&s);
}

static void test_key_and_its_filters(void **state)
{
	(void)state;
	rig_sound s = rig_sound_open(LONG);
	sig_sine(s.in[0], LONG, RATE, 1000, 0.5, 0);
	both(&s);
	s.in[2] = sig_alloc(LONG);
	s.in[3] = sig_alloc(LONG);
	fb_rig *rig = rig_open("gate", RATE);
	rig_choose(rig, "sidechain", "external");
	rig_set(rig, "threshold", -20);
	rig_set(rig, "ratio", 100);
	rig_prepare(rig);
	rig_sound_run(rig, &s);
	assert_near(rig_meter(rig, "reduction"), 40, 0.01);
	/* a key at one side is enough; 50 Hz and 12 kHz are kept out by the filters, 1 kHz is not */
	static const double freqs[] = {50, 1000, 12000};
	for (int k = 0; k < 3; k++) {
		sig_sine(s.in[3], LONG, RATE, freqs[k], 0.5, 0);
		rig_set(rig, "sc_hpf", 20);
		rig_set(rig, "sc_lpf", 20000);
		rig_sound_run(rig, &s);
		assert_true(rig_meter(rig, "open") == 1);
		rig_set(rig, "sc_hpf", 300);
		rig_set(rig, "sc_lpf", 3000);
		rig_sound_run(rig, &s);
		assert_true((rig_meter(rig, "open") == 1) == (k == 1));
	}
	rig_close(rig);
	rig_sound_close(&s);
}

/* Equal sides in, equal sides out, to the bit. */
static void test_mono_stays_mono(void **state)
{
	(void)state;
	rig_sound s = rig_sound_open(LONG);
	sig_noise(s.in[0], LONG, 0.9, 8);
	memcpy(s.in[1], s.in[0], LONG * sizeof(float));
	fb_rig *rig = rig_open("gate", RATE);
	rig_set(rig, "threshold", -1);
	rig_set(rig, "sc_lpf", 2000);
	rig_prepare(rig);
	rig_sound_run(rig, &s);
	assert_true(rig_meter(rig, "reduction") > 1);
	assert_memory_equal(s.out[0], s.out[1], LONG * sizeof(float));
	rig_close(rig);
	rig_sound_close(&s);
}

/* Bound: never louder. */
static void test_hammer(void **state)
{
	(void)state;
	hammer_node("gate", 2.0, 1.0001, 0.1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_static_curve),
		cmocka_unit_test(test_hysteresis),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_no_chatter),
		cmocka_unit_test(test_open_is_exact_and_lookahead_helps),
		cmocka_unit_test(test_key_and_its_filters),
		cmocka_unit_test(test_mono_stays_mono),
		cmocka_unit_test(test_hammer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
