/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Whole signals from one rate to a lower one, 80 dB clean below 0.9 of its half. Inside metrics/
	only. */
#ifndef FB_RESAMPLE_H
#define FB_RESAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fb_resampler {
	double ratio; ///< new rate / old rate
	uint32_t taps;
	float *filters; ///< [phases + 1][taps]
} fb_resampler;

bool fb_resampler_init(fb_resampler *resampler, double from_hz, double to_hz); ///< false: no memory
void fb_resampler_finish(fb_resampler *resampler);
size_t fb_resampler_length(const fb_resampler *resampler, size_t frames);
/** shape: out[fb_resampler_length()]; false: out of memory */
bool fb_resampler_run(const fb_resampler *resampler, const float *in, size_t frames, float *out);

#endif
