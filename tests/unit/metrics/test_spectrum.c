/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Spectrum group: tones and noise whose spectra are known. A bin is 23.4375 Hz at 48 kHz. */
#include "signals.h"

#include "../../../metrics/stft.h"

#define RATE 48000.0
#define BIN (48000.0 / 2048.0)

static void test_size(void **state)
{
	(void)state;
	assert_int_equal(fb_stft_size(48000.0), 2048);
	assert_int_equal(fb_stft_size(44100.0), 1920);
	assert_int_equal(fb_stft_size(96000.0), 4096);
	assert_int_equal(fb_stft_size(8000.0), 360);
	assert_int_equal(fb_stft_size(192000.0), 8192);
}

/* A tone in the middle of bin 42. Hann spreads its power over three bins as 1 : 4 : 1, so its
   spread is sqrt(1/3) bins, and 85 % are reached a tenth into bin 43. */
static void test_tone(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 4.0);
	sig_tone(&s, 2, 0.0, 4.0, 42.0 * BIN, 0.5, 0.3);
	fb_metric_set set = measure(&s);
	assert_metric(set, FB_M_CENTROID, 42.0 * BIN, 0.1);
	assert_metric(set, FB_M_SPREAD, BIN / sqrt(3.0), 0.1);
	assert_metric(set, FB_M_ROLLOFF, 42.6 * BIN, 0.1);
	assert_metric(set, FB_M_FLATNESS, 0.0, 1e-3);
	assert_metric(set, FB_M_FLUX, 0.0, 1e-3);
	assert_metric(set, FB_M_PEAK_FREQUENCY, 42.0 * BIN, 0.01);
	assert_metric(set, FB_M_BAND_MID, 0.0, 0.01);
	sig_free(&s);
}

/* Anywhere between bins. A parabola through three levels of a Hann peak errs by 5 % of a bin. */
static void test_peak_frequency(void **state)
{
	(void)state;
	static const double hz[] = {50.0, 441.0, 3333.3, 15678.9};
	for (size_t i = 0; i < sizeof hz / sizeof hz[0]; i++) {
		sig s = sig_new(RATE, 2.0);
		sig_tone(&s, 2, 0.0, 2.0, hz[i], 0.5, 0.3);
		sig_tone(&s, 2, 0.0, 2.0, 1000.0, 0.1, 0.3);
		fb_metric_set set = measure(&s);
		assert_metric(set, FB_M_PEAK_FREQUENCY, hz[i], 0.06 * BIN);
		sig_free(&s);
	}
}

/* White noise, alike in both channels: the powers of bins are exponential, so geometric over
   arithmetic mean is exp(-Euler's constant) = 0.5615, and between the 10th and the 90th percentile
   lie 10 log10(ln 10 / -ln 0.9) = 13.4 dB, half a dB less over octaves of ten bins. Third octaves
   rise by 3.01 dB an octave, the centroid is the middle of 20 Hz .. 20 kHz and the spread its
   length / sqrt(12). Two magnitudes of unrelated noise differ by (1 - sqrt(1/2)) of their sum:
   0.293, less a little, since frames overlap by half. Bands hold power by their widths. Tolerances
   are three deviations over 370 frames. */
static void test_white_noise(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 8.0);
	sig_noise(&s, 2, 0.0, 8.0, 0.1, 3);
	fb_metric_set set = measure(&s);
	assert_metric(set, FB_M_FLATNESS, 0.5615, 0.005);
	assert_metric(set, FB_M_CONTRAST, 12.9, 0.3);
	assert_metric(set, FB_M_TILT, 3.01, 0.1);
	assert_metric(set, FB_M_CENTROID, 10010.0, 60.0);
	assert_metric(set, FB_M_SPREAD, 19980.0 / sqrt(12.0), 30.0);
	assert_metric(set, FB_M_ROLLOFF, 20.0 + 0.85 * 19980.0, 60.0);
	assert_metric(set, FB_M_FLUX, 0.285, 0.008);
	static const double edges[] = {20, 60, 250, 500, 2000, 4000, 8000, 20000};
	for (int i = 0; i < 7; i++) {
		double share = (edges[i + 1] - edges[i]) / 19980.0, spread_db = i ? 0.5 : 1.5;
		assert_metric(set, FB_M_BAND_SUB + i, 10.0 * log10(share), spread_db);
	}
	sig_free(&s);
}

/* Unrelated in both channels: the mean of two exponentials has exp(1 - Euler) / 2 = 0.763. */
static void test_flatness_of_two(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 8.0);
	sig_noise(&s, 0, 0.0, 8.0, 0.1, 3);
	sig_noise(&s, 1, 0.0, 8.0, 0.1, 4);
	fb_metric_set set = measure(&s);
	assert_metric(set, FB_M_FLATNESS, 0.763, 0.005);
	sig_free(&s);
}

/* A tone in each band but the lowest, where 43 ms cannot part 40 Hz from 60. */
static void test_bands(void **state)
{
	(void)state;
	static const double hz[] = {150, 375, 1000, 3000, 6000, 12000};
	static const double db[] = {-6, -12, 0, -20, -30, -40};
	double total = 0.0;
	sig s = sig_new(RATE, 4.0);
	for (int i = 0; i < 6; i++) {
		sig_tone(&s, 2, 0.0, 4.0, hz[i], 0.3 * from_db(db[i]), i);
		total += pow(10.0, 0.1 * db[i]);
	}
	fb_metric_set set = measure(&s);
	for (int i = 0; i < 6; i++) {
		assert_metric(set, FB_M_BAND_BASS + i, db[i] - 10.0 * log10(total), 0.05);
	}
	assert_true(set.value[FB_M_BAND_SUB] < -50.0);
	sig_free(&s);
	s = sig_new(RATE, 4.0);
	sig_tone(&s, 2, 0.0, 4.0, 35.0, 0.3, 0.0);
	set = measure(&s);
	assert_metric(set, FB_M_BAND_SUB, 0.0, 2.0);
	sig_free(&s);
}

/* One tone per third octave, on a slope. 0.3 dB/oct: in the lowest octave 43 ms cannot quite keep
   neighbours apart. */
static void test_tilt(void **state)
{
	(void)state;
	for (double slope = -6.0; slope <= 3.0; slope += 3.0) {
		sig s = sig_new(RATE, 4.0);
		for (int i = -13; i <= 11; i++) {
			double hz = 1000.0 * pow(10.0, i / 10.0), octaves = log2(hz / 1000.0);
			/* noise-like phases: no two tones beat in step */
			sig_tone(&s, 2, 0.0, 4.0, hz, 0.02 * from_db(slope * octaves), i * i);
		}
		fb_metric_set set = measure(&s);
		assert_metric(set, FB_M_TILT, slope, 0.3);
		sig_free(&s);
	}
}

/* From one tone to another and back, 21 times, cross-faded over 0.2 s: each change replaces the
   whole spectrum once, and since it goes one way, the half-wave rectified changes add up to 1. 3 %:
   what the frames' sidelobes do beside it. */
static void test_flux(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 10.5);
	const double turn = 2.0 * acos(-1.0) / RATE;
	for (size_t i = 0; i < s.n; i++) {
		double at = fmod((double)i / RATE + 0.1, 1.0);
		double up = fmin(at, 0.2) / 0.2, down = fmin(fmax(at - 0.5, 0.0), 0.2) / 0.2;
		double mix = up - down;
		double a = sin(turn * 42.0 * BIN * (double)i), b = sin(turn * 170.0 * BIN * (double)i);
		s.x[0][i] = s.x[1][i] = (float)(0.3 * (mix * a + (1.0 - mix) * b));
	}
	fb_metric_set set = measure(&s);
	double frames = floor((10.5 * RATE - 2048.0) / 1024.0) + 1.0;
	assert_metric(set, FB_M_FLUX, 21.0 / frames, 0.03 * 21.0 / frames);
	sig_free(&s);
}

/* DC is no spectrum. */
static void test_dc(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 4.0);
	sig_tone(&s, 2, 0.0, 4.0, 1000.0, 0.1, 0.0);
	for (size_t i = 0; i < s.n; i++) {
		s.x[0][i] += 0.5f;
		s.x[1][i] += 0.5f;
	}
	fb_metric_set set = measure(&s);
	assert_metric(set, FB_M_CENTROID, 1000.0, 1.0);
	assert_true(set.value[FB_M_BAND_SUB] < -80.0);
	sig_free(&s);
}

/* The same tone reads the same at every rate; bands above half the rate have no answer. */
static void test_rates(void **state)
{
	(void)state;
	static const double rates[] = {8000, 11025, 16000, 22050, 44100, 88200, 96000, 192000};
	for (size_t r = 0; r < sizeof rates / sizeof rates[0]; r++) {
		sig s = sig_new(rates[r], 2.0);
		sig_tone(&s, 2, 0.0, 2.0, 1000.0, 0.3, 0.0);
		fb_metric_set set = measure(&s);
		assert_metric(set, FB_M_PEAK_FREQUENCY, 1000.0, 0.06 * 24.0);
		assert_metric(set, FB_M_CENTROID, 1000.0, 1.0);
		assert_metric(set, FB_M_BAND_MID, 0.0, 0.01);
		assert_int_equal(fb_metric_valid(&set, FB_M_BAND_AIR), rates[r] > 16000.0);
		sig_free(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_tone),
		cmocka_unit_test(test_peak_frequency),
		cmocka_unit_test(test_white_noise),
		cmocka_unit_test(test_flatness_of_two),
		cmocka_unit_test(test_bands),
		cmocka_unit_test(test_tilt),
		cmocka_unit_test(test_flux),
		cmocka_unit_test(test_dc),
		cmocka_unit_test(test_rates),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
