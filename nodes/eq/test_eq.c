/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "hammer.h"
#include "rig.h"

#include <complex.h>

enum { RATE = 48000, LONG = 1 << 15 };

/* --- the analogue filters, written down again from their definitions, s = j f / f0 */

static double complex butterworth(int order, double q, double complex s)
{
	double complex h = 1.0;
	for (int i = 0; i < order / 2; i++) {
		double pair_q = 0.5 / cos(M_PI * (2 * i + 1) / (2.0 * order));
		pair_q *= i == order / 2 - 1 ? q * sqrt(2.0) : 1.0;
		h /= s * s + s / pair_q + 1.0;
	}
	return order & 1 ? h / (s + 1.0) : h;
}

static double analogue_db(const char *type, int order, double f0, double gain, double q, double f)
{
	double complex s = I * f / f0, h = 1.0;
	double a = pow(10.0, gain / 40.0), r = sqrt(a);
	if (!strcmp(type, "bell")) {
		h = (s * s + s * a / q + 1.0) / (s * s + s / (a * q) + 1.0);
	} else if (!strcmp(type, "low_shelf")) {
		h = a * (s * s + r / q * s + a) / (a * s * s + r / q * s + 1.0);
	} else if (!strcmp(type, "high_shelf")) {
		h = a * (a * s * s + r / q * s + 1.0) / (s * s + r / q * s + a);
	} else if (!strcmp(type, "notch")) {
		h = (s * s + 1.0) / (s * s + s / q + 1.0);
	} else if (!strcmp(type, "low_pass")) {
		h = butterworth(order, q, s);
	} else {
		h = butterworth(order, q, 1.0 / s);
	}
	return 20.0 * log10(cabs(h) + 1e-12);
}

static double digital_db(const float *impulse, double rate, double f)
{
	double complex sum = 0, turn = cexp(-I * 2.0 * M_PI * f / rate), z = 1.0;
	for (int i = 0; i < LONG; i++) {
		sum += (double)impulse[i] * z;
		z *= turn;
	}
	return 20.0 * log10(cabs(sum) + 1e-12);
}

/** Largest distance in dB from the analogue curve, 20 Hz to 20 kHz, wherever that is above -70 dB:
	below, float output has too few bits left to judge by. */
static double worst_error(
	double rate, const char *type, const char *slope, int order, double f0, double gain, double q)
{
	rig_sound s = rig_sound_open(LONG);
	s.in[0][0] = s.in[1][0] = 1.0f;
	fb_rig *rig = rig_open("eq", rate);
	rig_choose(rig, "b3_type", type);
	rig_choose(rig, "b3_slope", slope);
	rig_set(rig, "b3_freq", f0);
	rig_set(rig, "b3_gain", gain);
	rig_set(rig, "b3_q", q);
	rig_prepare(rig);
	rig_sound_run(rig, &s);
	assert_memory_equal(s.out[0], s.out[1], LONG * sizeof(float));
	double worst = 0;
	for (int i = 0; i <= 40; i++) {
		double f = 20.0 * pow(1000.0, i / 40.0);
		double wanted = analogue_db(type, order, f0, gain, q, f);
		double error = fabs(digital_db(s.out[0], rate, f) - wanted);
		worst = wanted > -70.0 && error > worst ? error : worst;
	}
	rig_close(rig);
	rig_sound_close(&s);
	if (worst > 0.1) {
		printf(
			"# %s %s %g Hz %g dB Q %g at %g: %.3f dB off\n", type, slope, f0, gain, q, rate, worst);
	}
	return worst;
}

/* The node's figure: 0.1 dB from the analogue prototype to 20 kHz at 48 kHz, every type. */
static void test_response_is_analogue(void **state)
{
	(void)state;
	static const double freqs[] = {125, 500, 3000, 8000, 12000, 16000, 20000};
	static const char *const slopes[] = {"6dB", "12dB", "18dB", "24dB", "36dB", "48dB"};
	static const int orders[] = {1, 2, 3, 4, 6, 8};
	double worst = 0;
	for (int i = 0; i < 7; i++) {
		double f = freqs[i];
		for (double gain = -24; gain <= 24; gain += 12) {
			for (double q = 0.3; q < 12; q *= 2.5) {
				worst = fmax(worst, worst_error(RATE, "bell", "6dB", 0, f, gain, q));
			}
			for (double q = 0.4; q < 1.5; q += 0.35) {
				worst = fmax(worst, worst_error(RATE, "low_shelf", "6dB", 0, f, gain, q));
				worst = fmax(worst, worst_error(RATE, "high_shelf", "6dB", 0, f, gain, q));
			}
		}
		for (int k = 0; k < 6; k++) {
			for (double q = 0.5; q < 5; q *= 2.1) {
				worst = fmax(worst, worst_error(RATE, "low_pass", slopes[k], orders[k], f, 0, q));
				worst = fmax(worst, worst_error(RATE, "high_pass", slopes[k], orders[k], f, 0, q));
			}
		}
		for (double q = 0.3; q < 12; q *= 2.5) {
			worst = fmax(worst, worst_error(RATE, "notch", "6dB", 0, f, 0, q));
		}
	}
	printf("# worst distance from the analogue curve: %.4f dB\n", worst);
	assert_true(worst < 0.1);
}

static void test_response_at_other_rates(void **state)
{
	(void)state;
	static const double rates[] = {88200, 96000, 176400, 192000};
	for (int i = 0; i < 4; i++) {
		assert_true(worst_error(rates[i], "bell", "6dB", 0, 16000, 12, 1) < 0.1);
		assert_true(worst_error(rates[i], "high_shelf", "6dB", 0, 12000, -12, 0.7) < 0.1);
		assert_true(worst_error(rates[i], "low_pass", "48dB", 8, 18000, 0, 0.70710678) < 0.1);
	}
	/* 20 kHz is 0.91 of Nyquist here; the figure is given for 48 kHz, this is its neighbour */
	assert_true(worst_error(44100, "bell", "6dB", 0, 16000, 12, 1) < 0.3);
}

/* Not within -140 dB but the same bits: bands at 0 dB are out of the path. */
static void test_flat_is_exact(void **state)
{
	(void)state;
	rig_sound s = rig_sound_open(LONG);
	sig_noise(s.in[0], LONG, 1.0, 1);
	sig_noise(s.in[1], LONG, 1.0, 2);
	fb_rig *rig = rig_open("eq", RATE);
	for (int b = 1; b <= 8; b++) {
		char name[16];
		snprintf(name, sizeof name, "b%d_on", b);
		rig_set(rig, name, 1);
		snprintf(name, sizeof name, "b%d_type", b);
		rig_set(rig, name, b % 3);
	}
	rig_prepare(rig);
	rig_sound_run(rig, &s);
	assert_memory_equal(s.in[0], s.out[0], LONG * sizeof(float));
	/* and again after a gain was up and came back */
	rig_set(rig, "b3_gain", 12);
	rig_sound_run(rig, &s);
	assert_true(memcmp(s.in[0], s.out[0], LONG * sizeof(float)) != 0);
	rig_set(rig, "b3_gain", 0);
	rig_sound_run(rig, &s);
	rig_sound_run(rig, &s);
	assert_memory_equal(s.in[0], s.out[0], LONG * sizeof(float));
	rig_close(rig);
	rig_sound_close(&s);
}

/** Level of what is far from any product of a slow change: a 12th-order high pass at 6 kHz, peak of
	the 1 kHz tone = 0 dB. A click is wide and shows there; the tone and its side bands do not. */
static double click_db(const float *x, size_t frames)
{
	/* linear-phase windowed sinc, 511 taps, stop band below -110 dB */
	enum { TAPS = 511 };
	static double h[TAPS];
	for (int i = 0; i < TAPS; i++) {
		double t = i - TAPS / 2, u = (double)i / (TAPS - 1);
		double window = 0.35875 - 0.48829 * cos(2 * M_PI * u) + 0.14128 * cos(4 * M_PI * u) -
						0.01168 * cos(6 * M_PI * u);
		double fc = 6000.0 / RATE;
		double low = t == 0 ? 2 * fc : sin(2 * M_PI * fc * t) / (M_PI * t);
		h[i] = window * ((t == 0) - low);
	}
	double peak = 1e-12;
	for (size_t i = TAPS; i + TAPS < frames; i++) {
		double y = 0;
		for (int k = 0; k < TAPS; k++) {
			y += h[k] * (double)x[i - (size_t)k];
		}
		peak = fmax(peak, fabs(y));
	}
	return 20 * log10(peak);
}

/** Clicks of a full sweep of the frequency, up and down, in the parameter's own 50 ms. */
static double sweep_clicks(const char *type, double gain, double q)
{
	rig_sound s = rig_sound_open(LONG);
	sig_sine(s.in[0], LONG, RATE, 997, 1.0, 0);
	sig_sine(s.in[1], LONG, RATE, 997, 1.0, 0);
	fb_rig *rig = rig_open("eq", RATE);
	rig_choose(rig, "b3_type", type);
	rig_choose(rig, "b3_slope", "24dB");
	rig_set(rig, "b3_gain", gain);
	rig_set(rig, "b3_freq", 20);
	rig_set(rig, "b3_q", q);
	rig_prepare(rig);
	float *in[2] = {s.in[0], s.in[1]}, *out[2] = {s.out[0], s.out[1]};
	enum { PART = 4096 };
	for (int i = 0; i < LONG / PART; i++) {
		rig_set(rig, "b3_freq", i & 1 ? 20000 : 20);
		rig_run(rig, (const float *const *)in, out, PART);
		for (int c = 0; c < 2; c++) {
			in[c] += PART;
			out[c] += PART;
		}
	}
	double clicks = click_db(s.out[0] + PART, LONG - PART);
	rig_close(rig);
	rig_sound_close(&s);
	return clicks;
}

static void test_sweep_has_no_zipper(void **state)
{
	(void)state;
	static const char *const types[] = {
		"bell", "low_shelf", "high_shelf", "low_pass", "high_pass", "notch"};
	double worst = -200;
	for (int i = 0; i < 6; i++) {
		double clicks = sweep_clicks(types[i], 12, 0.707);
		printf("# %s swept in 50 ms: clicks %.1f dB\n", types[i], clicks);
		worst = fmax(worst, clicks);
	}
	assert_true(worst < -80);
}

/* A switch or a change of type fades over 10 ms; so wide a change leaves more than a sweep, but no
   click: the ramp's own corners bound it. */
static void test_switching_fades(void **state)
{
	(void)state;
	static const char *const types[] = {"bell", "low_pass", "notch", "high_shelf", "high_pass"};
	rig_sound s = rig_sound_open(LONG);
	sig_sine(s.in[0], LONG, RATE, 997, 1.0, 0);
	sig_sine(s.in[1], LONG, RATE, 997, 1.0, 0);
	fb_rig *rig = rig_open("eq", RATE);
	rig_set(rig, "b3_gain", 12);
	rig_prepare(rig);
	float *in[2] = {s.in[0], s.in[1]}, *out[2] = {s.out[0], s.out[1]};
	enum { PART = 2048 };
	for (int i = 0; i < LONG / PART; i++) {
		rig_choose(rig, "b3_type", types[i % 5]);
		rig_set(rig, "b3_on", i % 3 != 0);
		rig_run(rig, (const float *const *)in, out, PART);
		for (int c = 0; c < 2; c++) {
			in[c] += PART;
			out[c] += PART;
		}
	}
	double clicks = click_db(s.out[0], LONG);
	printf("# switching: clicks %.1f dB\n", clicks);
	assert_true(clicks < -55);
	rig_close(rig);
	rig_sound_close(&s);
}

/* Bound: eight bands of +24 dB and resonant passes. */
static void test_hammer(void **state)
{
	(void)state;
	hammer_node("eq", 2.0, 1e13, 0.2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_response_is_analogue),
		cmocka_unit_test(test_response_at_other_rates),
		cmocka_unit_test(test_flat_is_exact),
		cmocka_unit_test(test_sweep_has_no_zipper),
		cmocka_unit_test(test_switching_fades),
		cmocka_unit_test(test_hammer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
