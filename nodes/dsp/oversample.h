/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Oversampling around a curve without memory, for one channel: four times up to 50 kHz, twice
	above, with filters of linear phase that keep 15/48 of the rate and are 68 dB down from half the
	rate on.

	The samples at the high rate come in an order of their own, of no matter to a curve: first those
	of even number, then those of odd number, each in order of time. */
#ifndef FB_DSP_OVERSAMPLE_H
#define FB_DSP_OVERSAMPLE_H

#include "../../graph/node.h"

#define FB_OVERSAMPLE_MOST 4
enum {
	FB_OVERSAMPLE_STEEP = 45, ///< taps of the filter next to the base rate
	FB_OVERSAMPLE_UP = 15,    ///< of the half-band filters between 2x and 4x
	FB_OVERSAMPLE_DOWN = 19,
};

/** The filters, by their phases; shared by all channels of a node. */
typedef struct fb_oversample {
	int factor;
	uint32_t latency; ///< frames of the base rate, up and down again
	float steep[2][FB_OVERSAMPLE_STEEP / 2 + 1];
	float up[FB_OVERSAMPLE_UP / 2 + 1], down[FB_OVERSAMPLE_DOWN / 2 + 1];
} fb_oversample;

/** What one channel remembers, each array with room for a tick behind it. */
typedef struct fb_oversample_state {
	float base[22 + FB_TICK], twice[8 + 2 * FB_TICK];
	float even[10 + 2 * FB_TICK], odd[10 + 2 * FB_TICK];
	float back_even[22 + FB_TICK], back_odd[22 + FB_TICK];
} fb_oversample_state;

/** thread: control */
void fb_oversample_init(fb_oversample *over, double rate_hz);
/** in[FB_TICK] -> out[factor * FB_TICK]; rt: yes */
void fb_oversample_up(
	const fb_oversample *over, fb_oversample_state *state, const float *in, float *out);
/** in[factor * FB_TICK] -> out[FB_TICK]; rt: yes */
void fb_oversample_down(
	const fb_oversample *over, fb_oversample_state *state, const float *in, float *out);

#endif
