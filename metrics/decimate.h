/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Decimation of a stream by a whole factor, 80 dB clean below 0.4 of the new rate. */
#ifndef FB_DECIMATE_H
#define FB_DECIMATE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct fb_decimate {
	uint32_t factor, taps, kept; ///< kept: samples waiting at the start of `line`
	uint32_t room;
	float *coefficients; ///< [taps]
	float *line;         ///< [taps + most input at once]
} fb_decimate;

/** range: factor >= 1; most: input samples per call at most
	errors: false when out of memory; finish it all the same */
bool fb_decimate_init(fb_decimate *decimate, uint32_t factor, uint32_t most);
void fb_decimate_finish(fb_decimate *decimate);
void fb_decimate_clear(fb_decimate *decimate);
/** Returns the samples written to `out`, at most n / factor + 1. */
uint32_t fb_decimate_run(fb_decimate *decimate, const float *in, uint32_t n, float *out);

#endif
