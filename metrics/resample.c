/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resample.h"

#include "fir.h"
#include "wide.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	ZEROS = 24,  ///< the sinc's zero crossings to each side
	PHASES = 64, ///< filters kept between two input samples; in between, linear
};

bool fb_resampler_init(fb_resampler *resampler, double from_hz, double to_hz)
{
	double ratio = resampler->ratio = to_hz / from_hz, pass = fmin(1.0, ratio);
	uint32_t half = (uint32_t)ceil(ZEROS / pass / 4.0) * 4, taps = resampler->taps = 2 * half;
	resampler->filters = calloc((size_t)(PHASES + 1) * taps, sizeof(float));
	if (!resampler->filters) {
		return false;
	}
	for (uint32_t phase = 0; phase <= PHASES; phase++) {
		float *filter = resampler->filters + (size_t)phase * taps;
		double sum = 0.0;
		for (uint32_t i = 0; i < taps; i++) {
			double t = (double)i - (half - 1.0) - (double)phase / PHASES;
			double tap = fb_sinc(0.95 * pass * t) * fb_kaiser(t / half, 7.86);
			filter[i] = (float)tap;
			sum += tap;
		}
		for (uint32_t i = 0; i < taps; i++) {
			filter[i] = (float)((double)filter[i] / sum);
		}
	}
	return true;
}

void fb_resampler_finish(fb_resampler *resampler)
{
	free(resampler->filters);
}

size_t fb_resampler_length(const fb_resampler *resampler, size_t frames)
{
	return (size_t)ceil((double)frames * resampler->ratio);
}

FB_WIDE static float apply(
	const float *x, const float *filter, const float *next, uint32_t taps, float part)
{
	fb_v8 here = {0}, there = {0};
	for (uint32_t i = 0; i < taps; i += 8) {
		fb_v8 in = FB_LOAD8(x + i);
		here += in * FB_LOAD8(filter + i);
		there += in * FB_LOAD8(next + i);
	}
	here += (there - here) * part;
	return FB_FOLD8(here);
}

bool fb_resampler_run(const fb_resampler *resampler, const float *in, size_t frames, float *out)
{
	uint32_t taps = resampler->taps;
	float *padded = calloc(frames + 2 * (size_t)taps, sizeof *padded);
	if (!padded) {
		return false;
	}
	memcpy(padded + taps, in, frames * sizeof *in);
	size_t length = fb_resampler_length(resampler, frames);
	for (size_t i = 0; i < length; i++) {
		double at = (double)i / resampler->ratio, whole = floor(at);
		double phase = (at - whole) * PHASES;
		uint32_t row = (uint32_t)phase;
		const float *filter = resampler->filters + (size_t)row * taps;
		out[i] = apply(padded + taps + (size_t)whole - (taps / 2 - 1), filter, filter + taps, taps,
			(float)(phase - row));
	}
	free(padded);
	return true;
}
