/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stft.h"

#include "fft.h"
#include "wide.h"

#include <stdlib.h>
#include <string.h>

#define SECONDS (2048.0 / 48000.0)
#define ROUNDING 1e-12 /* of the constant's power; a float and its transform are 20 dB better */

static bool is_smooth(uint32_t n)
{
	static const uint32_t factors[] = {2, 3, 5};
	for (int i = 0; i < 3; i++) {
		while (n % factors[i] == 0) {
			n /= factors[i];
		}
	}
	return n == 1;
}

uint32_t fb_stft_size(double rate_hz)
{
	/* a hair less, so that rounding never skips a size that fits exactly; steps of 8 for vectors */
	uint32_t n = (uint32_t)ceil(SECONDS * rate_hz - 1e-6);
	n = (n + 7) / 8 * 8;
	while (!is_smooth(n)) {
		n += 8;
	}
	return n;
}

bool fb_stft_init(fb_stft *stft, double rate_hz)
{
	memset(stft, 0, sizeof *stft);
	uint32_t n = stft->size = fb_stft_size(rate_hz), bins = n / 2 + 1;
	/* loops over bins run in whole vectors: room for the last one */
	size_t room = bins + 8;
	bool ok = true;
	for (int i = 0; i < 2; i++) {
		stft->x[i] = calloc(n + fb_hop_most(rate_hz), sizeof(float));
		stft->bins[i] = fftwf_alloc_complex(room);
		ok = ok && stft->x[i] && stft->bins[i];
	}
	stft->window = fftwf_alloc_real(n);
	stft->work = fftwf_alloc_real(n);
	stft->power = fftwf_alloc_real(room);
	stft->magnitude = fftwf_alloc_real(room);
	if (!ok || !stft->window || !stft->work || !stft->power || !stft->magnitude) {
		return false;
	}
	for (int i = 0; i < 2; i++) {
		memset(stft->bins[i], 0, room * sizeof(fftwf_complex));
		stft->plan[i] = fb_fft_real(n, stft->work, stft->bins[i]);
	}
	memset(stft->power, 0, room * sizeof(float));
	memset(stft->magnitude, 0, room * sizeof(float));
	/* scaled so that the squared spectra of both channels add up to the mean square of the two:
	   the window's own power is 3/8, each bin stands for two, each channel counts half */
	double turn = 2.0 * acos(-1.0) / n, scale = 1.0 / (sqrt(0.375) * n);
	for (uint32_t i = 0; i < n; i++) {
		stft->window[i] = (float)(scale * (0.5 - 0.5 * cos(turn * i)));
	}
	double hz_per_bin = rate_hz / n;
	uint32_t high = (uint32_t)floor(20000.0 / hz_per_bin);
	stft->spectra = (fb_spectra){
		.bins = bins,
		.hz_per_bin = hz_per_bin,
		.low = (uint32_t)ceil(20.0 / hz_per_bin),
		.high = high < bins - 1 ? high : bins - 1,
		.l = (const fftwf_complex *)stft->bins[0],
		.r = (const fftwf_complex *)stft->bins[1],
		.power = stft->power,
		.magnitude = stft->magnitude,
	};
	return stft->plan[0] && stft->plan[1];
}

void fb_stft_finish(fb_stft *stft)
{
	for (int i = 0; i < 2; i++) {
		free(stft->x[i]);
		fftwf_free(stft->bins[i]);
		fb_fft_destroy(stft->plan[i]);
	}
	fftwf_free(stft->window);
	fftwf_free(stft->work);
	fftwf_free(stft->power);
	fftwf_free(stft->magnitude);
}

void fb_stft_clear(fb_stft *stft)
{
	stft->fill = 0;
	stft->first = 0;
}

void fb_stft_hop(fb_stft *stft, const fb_hop *hop)
{
	for (int i = 0; i < 2; i++) {
		memcpy(stft->x[i] + stft->fill, hop->out[i], hop->frames * sizeof(float));
	}
	stft->fill += hop->frames;
}

FB_WIDE static void shape(const float *x, const float *window, uint32_t n, float *out)
{
	for (uint32_t i = 0; i < n; i++) {
		out[i] = x[i] * window[i];
	}
}

/* Power and magnitude of each bin; returns the sum of the powers. */
FB_WIDE static double measure(
	const fftwf_complex *l, const fftwf_complex *r, uint32_t bins, float *power, float *magnitude)
{
	for (uint32_t i = 0; i < bins; i++) {
		power[i] =
			(l[i][0] * l[i][0] + l[i][1] * l[i][1]) + (r[i][0] * r[i][0] + r[i][1] * r[i][1]);
	}
	fb_v8 sum = {0};
	for (uint32_t i = 0; i < bins; i += 8) {
		sum += FB_LOAD8(power + i);
	}
	for (uint32_t i = 0; i < bins; i++) {
		magnitude[i] = sqrtf(power[i]);
	}
	return (double)FB_FOLD8(sum);
}

/* A constant shows in bin 0 and, half as large and negative, in bin 1 (the window's own spectrum).
   Returns the power it had. */
static double remove_dc(fftwf_complex *bins)
{
	double dc = (double)bins[0][0];
	bins[1][0] += 0.5f * bins[0][0];
	bins[0][0] = bins[0][1] = 0.0f;
	return dc * dc;
}

/* What is left beside a great constant is the rounding of the transform, and no sound. */
static void silence(fb_stft *stft)
{
	uint32_t bins = stft->spectra.bins;
	for (int i = 0; i < 2; i++) {
		memset(stft->bins[i], 0, bins * sizeof *stft->bins[i]);
	}
	memset(stft->power, 0, bins * sizeof *stft->power);
	memset(stft->magnitude, 0, bins * sizeof *stft->magnitude);
}

const fb_spectra *fb_stft_next(fb_stft *stft)
{
	uint32_t n = stft->size, bins = stft->spectra.bins;
	double dc = 0.0;
	if (stft->fill < n) {
		return NULL;
	}
	for (int i = 0; i < 2; i++) {
		if (i == 1 && memcmp(stft->x[0], stft->x[1], n * sizeof(float)) == 0) {
			memcpy(stft->bins[1], stft->bins[0], bins * sizeof(fftwf_complex)); /* mono */
			break;
		}
		shape(stft->x[i], stft->window, n, stft->work);
		fftwf_execute(stft->plan[i]);
		dc += remove_dc(stft->bins[i]);
	}
	double power = measure(stft->spectra.l, stft->spectra.r, bins, stft->power, stft->magnitude);
	if (power < ROUNDING * dc) {
		silence(stft);
		power = 0.0;
	}
	stft->spectra.level_db = fb_power_db(power);
	uint32_t step = n / 2;
	stft->fill -= step;
	stft->first += step;
	for (int i = 0; i < 2; i++) {
		memmove(stft->x[i], stft->x[i] + step, stft->fill * sizeof(float));
	}
	return &stft->spectra;
}
