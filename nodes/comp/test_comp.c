/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "hammer.h"
#include "rig.h"

enum { RATE = 48000, LONG = 96000 };

/** The curve as an engineer draws it: what a level comes out as. */
static double curve(double level, double threshold, double ratio, double knee)
{
	double over = level - threshold;
	if (2 * over <= -knee) {
		return level;
	}
	if (2 * over < knee) {
		return level + (1 / ratio - 1) * (over + knee / 2) * (over + knee / 2) / (2 * knee);
	}
	return threshold + over / ratio;
}

static double worst_on_curve(const char *detector, double threshold, double ratio, double knee)
{
	rig_sound s = rig_sound_open(LONG);
	fb_rig *rig = rig_open("comp", RATE);
	rig_set(rig, "threshold", threshold);
	rig_set(rig, "ratio", ratio);
	rig_set(rig, "knee", knee);
	rig_set(rig, "attack", 5);
	rig_set(rig, "release", 100);
	rig_choose(rig, "detector", detector);
	double worst = 0;
	for (double level = -80; level <= 0; level += 2.5) {
		rig_prepare(rig);
		sig_sine(s.in[0], LONG, RATE, 997, pow(10, level / 20), 0);
		memcpy(s.in[1], s.in[0], LONG * sizeof(float));
		rig_run(rig, (const float *const *)s.in, s.out, LONG / 2);
		double heard = strcmp(detector, "rms") ? level : level - sig_db(sqrt(2.0));
		double wanted = level + curve(heard, threshold, ratio, knee) - heard;
		double got = sig_rms_db(s.out[0] + LONG / 4, LONG / 4) + sig_db(sqrt(2.0));
		worst = fmax(worst, fabs(got - wanted));
	}
	rig_close(rig);
	rig_sound_close(&s);
	return worst;
}

/* The node's figure: the drawn curve within 0.05 dB, -80 to 0 dBFS, soft and hard knee. */
static void test_static_curve(void **state)
{
	(void)state;
	static const double knees[] = {0, 6, 18};
	double worst = 0;
	for (int k = 0; k < 3; k++) {
		worst = fmax(worst, worst_on_curve("peak", -20, 4, knees[k]));
		worst = fmax(worst, worst_on_curve("peak", -50, 2, knees[k]));
		worst = fmax(worst, worst_on_curve("peak", -30, 100, knees[k]));
		worst = fmax(worst, worst_on_curve("rms", -24, 4, knees[k]));
	}
	printf("# worst distance from the drawn curve: %.4f dB\n", worst);
	assert_true(worst < 0.05);
}

/** Time in ms to 63 % of the way in dB after a step between two constant levels at frame 48000. */
static double time_of(
	const char *detector, double attack, double release, double before, double after, double rate)
{
	rig_sound s = rig_sound_open(LONG);
	fb_rig *rig = rig_open("comp", rate);
	rig_choose(rig, "detector", detector);
	rig_set(rig, "threshold", -30);
	rig_set(rig, "ratio", 4);
	rig_set(rig, "knee", 0);
	rig_set(rig, "attack", attack);
	rig_set(rig, "release", release);
	rig_prepare(rig);
	for (size_t i = 0; i < LONG; i++) {
		s.in[0][i] = s.in[1][i] = (float)(i < LONG / 2 ? before : after);
	}
	rig_sound_run(rig, &s);
	double start = sig_db((double)s.out[0][LONG / 2 - 1] / before);
	double end = curve(sig_db(after), -30, 4, 0) - sig_db(after);
	double part = start + (end - start) * (1 - exp(-1));
	size_t at = LONG / 2;
	while (at < LONG && (sig_db((double)s.out[0][at] / after) - part) * (start - end) > 0) {
		at++;
	}
	rig_close(rig);
	rig_sound_close(&s);
	return (double)(at - LONG / 2 + 1) * 1000 / rate;
}

/* The node's figure: within 5 %; the shortest may be off by the one sample it is measured with. */
static void test_attack_and_release_times(void **state)
{
	(void)state;
	static const double attacks[] = {0.1, 1, 10, 100};
	static const double releases[] = {20, 60, 150, 400};
	for (int i = 0; i < 4; i++) {
		double sample = 1000.0 / RATE;
		double attack = time_of("peak", attacks[i], 150, 0.05, 0.9, RATE);
		printf("# attack %g ms takes %.3f\n", attacks[i], attack);
		assert_near(attack, attacks[i], 0.05 * attacks[i] + sample);
		for (int k = 0; k < 4; k++) {
			double release =
				time_of("peak", attacks[k] < 100 ? attacks[k] : 30, releases[i], 0.9, 0.05, RATE);
			printf(
				"# release %g ms after attack %g takes %.2f\n", releases[i], attacks[k], release);
			assert_near(release, releases[i], 0.05 * releases[i]);
		}
	}
	assert_near(time_of("peak", 10, 100, 0.05, 0.9, 96000), 10, 0.5);
	assert_near(time_of("peak", 10, 100, 0.9, 0.05, 96000), 100, 5);
}

/* What the documentation says that the RMS detector's two averagers of 5 ms add: some 5 ms to an
   attack; a release waits for their fall of 10 log10(e) dB in 5 ms: 20 dB in 23 ms and the rounded
   start of two of them. A long one swallows most of that. */
static void test_what_rms_adds(void **state)
{
	(void)state;
	for (double attack = 0.1; attack <= 100; attack *= 10) {
		double more = time_of("rms", attack, 150, 0.1, 0.5, RATE) - attack;
		printf("# rms: attack %g ms takes %.2f more\n", attack, more);
		assert_near(more, 5, 2);
	}
	for (double release = 5; release <= 400; release *= 3) {
		double more = time_of("rms", 1, release, 0.5, 0.05, RATE) - release;
		printf("# rms: release %g ms takes %.2f more\n", release, more);
		assert_true(more > 0 && more < 28 && (release > 5 || more > 15));
	}
}

/** Total harmonic distortion in dB of a tone compressed by about 12 dB. */
static double thd(double freq, double attack, double release, const char *detector)
{
	rig_sound s = rig_sound_open(LONG);
	fb_rig *rig = rig_open("comp", RATE);
	rig_set(rig, "threshold", -22);
	rig_set(rig, "ratio", 4);
	rig_set(rig, "attack", attack);
	rig_set(rig, "release", release);
	rig_choose(rig, "detector", detector);
	rig_prepare(rig);
	sig_sine(s.in[0], LONG, RATE, freq, 0.5, 0);
	memcpy(s.in[1], s.in[0], LONG * sizeof(float));
	rig_sound_run(rig, &s);
	const float *tail = s.out[0] + LONG / 2;
	double sum = 0;
	for (int h = 2; h <= 20; h++) {
		sum += pow(10, sig_level_db(tail, LONG / 2, RATE, freq * h) / 10);
	}
	double result = 10 * log10(sum) - sig_level_db(tail, LONG / 2, RATE, freq);
	rig_close(rig);
	rig_sound_close(&s);
	return result;
}

/* The node's figure: 100 Hz at 4:1, 16 dB over the threshold. The crest detector reads a steady
   tone as one figure, so the usual settings leave nothing; the RMS detector's ripple at twice the
   frequency is what it leaves. Very short releases cut into the wave whatever is done. */
static void test_distortion(void **state)
{
	(void)state;
	double usual = thd(100, 10, 150, "peak"), odd = thd(97.3, 10, 150, "peak");
	double low = thd(50, 10, 150, "peak"), fast = thd(100, 1, 60, "peak");
	double rms = thd(100, 10, 150, "rms");
	printf("# THD: 100 Hz %.1f dB, 97.3 Hz %.1f, 50 Hz %.1f, 1/60 ms %.1f, rms %.1f\n", usual, odd,
		low, fast, rms);
	assert_true(usual < -100);
	assert_true(odd < -90);
	assert_true(low < -100);
	assert_true(rms < -90);
	assert_true(fast < -100);
}

static void test_untouched_below_threshold(void **state)
{
	(void)state;
	rig_sound s = rig_sound_open(LONG);
	sig_noise(s.in[0], LONG, 0.02, 1);
	sig_noise(s.in[1], LONG, 0.02, 2);
	fb_rig *rig = rig_open("comp", RATE);
	rig_sound_run(rig, &s);
	assert_memory_equal(s.in[0], s.out[0], LONG * sizeof(float));
	assert_memory_equal(s.in[1], s.out[1], LONG * sizeof(float));
	assert_true(rig_meter(rig, "reduction") == 0);
	rig_close(rig);
	rig_sound_close(&s);
}

static void test_lookahead_is_its_latency(void **state)
{
	(void)state;
	rig_sound s = rig_sound_open(LONG);
	fb_rig *rig = rig_open("comp", RATE);
	static const double times[] = {0, 0.5, 1, 5, 20};
	for (int i = 0; i < 5; i++) {
		rig_set(rig, "lookahead", times[i]);
		rig_prepare(rig);
		uint32_t delay = rig_latency(rig);
		assert_int_equal(delay, (int)(times[i] * RATE / 1000));
		sig_noise(s.in[0], LONG, 0.01, 3);
		rig_sound_run(rig, &s);
		assert_memory_equal(s.out[0] + delay, s.in[0], (LONG - delay) * sizeof(float));
	}
	rig_close(rig);
	rig_sound_close(&s);
}

static void test_key_link_and_mix(void **state)
{
	(void)state;
	rig_sound s = rig_sound_open(LONG);
	sig_sine(s.in[0], LONG, RATE, 1000, 1.0, 0);
	sig_sine(s.in[1], LONG, RATE, 1000, 0.01, 0);
	fb_rig *rig = rig_open("comp", RATE);
	rig_set(rig, "knee", 0);
	rig_set(rig, "ratio", 4);
	rig_sound_run(rig, &s);
	/* linked: the quiet side goes down with the loud one, 15 dB */
	assert_near(rig_meter(rig, "reduction"), 15, 0.05);
	assert_near(sig_rms_db(s.out[1] + LONG / 2, LONG / 2), -40 - 3.01 - 15, 0.05);
	rig_set(rig, "link", 0);
	rig_sound_run(rig, &s);
	assert_near(sig_rms_db(s.out[1] + LONG / 2, LONG / 2), -40 - 3.01, 0.05);
	assert_near(sig_rms_db(s.out[0] + LONG / 2, LONG / 2), -3.01 - 15, 0.05);
	/* half dry: 0.5 + 0.5 * 10^(-15/20) */
	rig_set(rig, "mix", 50);
	rig_sound_run(rig, &s);
	assert_near(sig_rms_db(s.out[0] + LONG / 2, LONG / 2),
		-3.01 + sig_db(0.5 + 0.5 * pow(10, -0.75)), 0.05);
	/* a silent key asks for nothing; an unconnected one is not waited for */
	rig_set(rig, "mix", 100);
	rig_choose(rig, "sidechain", "external");
	rig_sound_run(rig, &s);
	assert_near(sig_rms_db(s.out[0] + LONG / 2, LONG / 2), -3.01 - 15, 0.05);
	s.in[2] = sig_alloc(LONG);
	s.in[3] = sig_alloc(LONG);
	rig_sound_run(rig, &s);
	assert_near(sig_rms_db(s.out[0] + LONG - 4800, 4800), -3.01, 0.1);
	rig_close(rig);
	rig_sound_close(&s);
}

static void test_sidechain_high_pass(void **state)
{
	(void)state;
	rig_sound s = rig_sound_open(LONG);
	fb_rig *rig = rig_open("comp", RATE);
	rig_set(rig, "sc_hpf", 200);
	rig_set(rig, "ratio", 100);
	rig_set(rig, "threshold", -40);
	rig_set(rig, "knee", 0);
	rig_prepare(rig);
	/* 12 dB per octave: 50 Hz is heard 24.1 dB down (Butterworth) */
	sig_sine(s.in[0], LONG, RATE, 50, 1.0, 0);
	sig_sine(s.in[1], LONG, RATE, 50, 1.0, 0);
	rig_sound_run(rig, &s);
	assert_near(rig_meter(rig, "reduction"), (40 - 24.1) * 0.99, 0.2);
	rig_close(rig);
	rig_sound_close(&s);
}

static void test_automatic_makeup(void **state)
{
	(void)state;
	rig_sound s = rig_sound_open(LONG);
	sig_sine(s.in[0], LONG, RATE, 1000, 0.001, 0);
	sig_sine(s.in[1], LONG, RATE, 1000, 0.001, 0);
	fb_rig *rig = rig_open("comp", RATE);
	rig_set(rig, "knee", 0);
	rig_set(rig, "ratio", 4);
	rig_set(rig, "auto_makeup", 1);
	rig_set(rig, "makeup", 2);
	rig_sound_run(rig, &s);
	/* half of (1 - 1/4) of 20 dB, and the 2 dB set by hand */
	assert_near(sig_rms_db(s.out[0], LONG) - sig_rms_db(s.in[0], LONG), 7.5 + 2, 0.001);
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
	fb_rig *rig = rig_open("comp", RATE);
	rig_set(rig, "threshold", -30);
	rig_set(rig, "link", 40);
	rig_set(rig, "sc_hpf", 100);
	rig_prepare(rig);
	rig_sound_run(rig, &s);
	assert_true(rig_meter(rig, "reduction") > 1);
	assert_memory_equal(s.out[0], s.out[1], LONG * sizeof(float));
	rig_close(rig);
	rig_sound_close(&s);
}

/* Bound: 30 dB of makeup and 30 of automatic makeup before the attack. */
static void test_hammer(void **state)
{
	(void)state;
	hammer_node("comp", 2.0, 1100.0, 0.1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_static_curve),
		cmocka_unit_test(test_attack_and_release_times),
		cmocka_unit_test(test_what_rms_adds),
		cmocka_unit_test(test_distortion),
		cmocka_unit_test(test_untouched_below_threshold),
		cmocka_unit_test(test_lookahead_is_its_latency),
		cmocka_unit_test(test_key_link_and_mix),
		cmocka_unit_test(test_sidechain_high_pass),
		cmocka_unit_test(test_automatic_makeup),
		cmocka_unit_test(test_mono_stays_mono),
		cmocka_unit_test(test_hammer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
