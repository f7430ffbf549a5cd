/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Keeps what is no number out of filters and envelopes, where it would stay for ever. */
#ifndef FB_DSP_CLEAN_H
#define FB_DSP_CLEAN_H

#include "../../graph/node.h"

#define FB_CLEAN_MAX 1e9f /**< +180 dBFS: beyond it there is no signal, only a fault upstream */

/** The sample itself, to the bit; 0 for NaN, infinity and magnitudes above FB_CLEAN_MAX. rt: yes */
static inline float fb_clean(float x)
{
	return fabsf(x) <= FB_CLEAN_MAX ? x : 0.0f;
}

/** One channel's tick, cleaned. rt: yes */
static inline void fb_clean_tick(const float *restrict in, float *restrict out)
{
	for (int i = 0; i < FB_TICK; i++) {
		out[i] = fb_clean(in[i]);
	}
}

#endif
