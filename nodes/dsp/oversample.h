/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Oversampling around a curve without memory, for one channel: four times up to 50 kHz, twice
	above, with filters of linear phase that keep 15/48 of the rate within 0.1 dB and are 66 dB down
	from half the rate on. Inlined, so that the loops become as wide as those around them.

	The samples at the high rate come in an order of their own, of no matter to a curve: one array
	of FB_TICK for each place within a frame.
	source: T. Parks, J. McClellan, "Chebyshev approximation for nonrecursive digital filters with
	linear phase" (1972) */
#ifndef FB_DSP_OVERSAMPLE_H
#define FB_DSP_OVERSAMPLE_H

#include "../../graph/node.h"

#include <string.h>

#define FB_OVERSAMPLE_MOST 4
enum {
	FB_OVERSAMPLE_LONG = 16, ///< frames that the filters next to the base rate look at
	FB_OVERSAMPLE_SHORT = 8, ///< past frames kept for those between 2x and 4x; three are used
};

/** What one channel remembers; 0 at rest. */
typedef struct fb_oversample_state {
	float base[FB_OVERSAMPLE_LONG], back[2][FB_OVERSAMPLE_LONG];
	float twice[2][FB_OVERSAMPLE_SHORT], many[FB_OVERSAMPLE_MOST][FB_OVERSAMPLE_SHORT];
} fb_oversample_state;

/** A tick on its way, with what is remembered before it. The curve reads up[] and writes many[],
	both from FB_OVERSAMPLE_SHORT on. */
typedef struct fb_oversample_tick {
	float base[FB_OVERSAMPLE_LONG + FB_TICK], back[2][FB_OVERSAMPLE_LONG + FB_TICK];
	float up[FB_OVERSAMPLE_MOST][FB_OVERSAMPLE_SHORT + FB_TICK];
	float many[FB_OVERSAMPLE_MOST][FB_OVERSAMPLE_SHORT + FB_TICK];
} fb_oversample_tick;

/* Equiripple, and mirror images of themselves, so they may be read from either end. Next to the
   base rate: 31 taps, those of even and those of odd number. */
static const float fb_oversample_even[FB_OVERSAMPLE_LONG] = {-0.00146674879f, 0.00123772029f,
	0.00816229016f, -0.0175671041f, 0.0232641534f, -0.00825024007f, -0.0498695379f, 0.294367716f,
	0.294367716f, -0.0498695379f, -0.00825024007f, 0.0232641534f, -0.0175671041f, 0.00816229016f,
	0.00123772029f, -0.00146674879f};
static const float fb_oversample_odd[FB_OVERSAMPLE_LONG - 1] = {-0.0022483917f, 0.0079208278f,
	-0.00455692571f, -0.00772330021f, 0.0344570036f, -0.0682385113f, 0.0972874385f, 0.386447219f,
	0.0972874385f, -0.0682385113f, 0.0344570036f, -0.00772330021f, -0.00455692571f, 0.0079208278f,
	-0.0022483917f};
/* Half-bands between 2x and 4x, one half: all other taps are 0 but for the middle. */
static const float fb_oversample_up_taps[3] = {0.0192115857f, -0.115826532f, 0.596958137f};
static const float fb_oversample_down_taps[4] = {
	-0.00373765573f, 0.0205698949f, -0.0723219047f, 0.305370474f};

#define FB_OVERSAMPLE_INLINE static inline __attribute__((always_inline))

/** Times the rate. */
static inline int fb_oversample_factor(double rate_hz)
{
	return rate_hz <= 50000.0 ? 4 : 2;
}

/** Frames of the base rate that going up and down again takes. */
static inline uint32_t fb_oversample_latency(int factor)
{
	return factor == 4 ? 18 : 15;
}

/** Put the past before a tick, and keep what will be past. */
FB_OVERSAMPLE_INLINE void fb_oversample_past(float *tick, float *past, size_t frames)
{
	memcpy(tick, past, frames * sizeof *past);
	memcpy(past, tick + FB_TICK, frames * sizeof *past);
}

/** From 2x to 4x: between e, o, e, o come a, b, a, b. */
FB_OVERSAMPLE_INLINE void fb_oversample_between(
	const float *e, const float *o, float *restrict a, float *restrict b)
{
	const float *h = fb_oversample_up_taps;
	for (int i = 0; i < FB_TICK; i++) {
		a[i] =
			h[0] * (e[i] + o[i - 3]) + h[1] * (o[i - 1] + e[i - 2]) + h[2] * (e[i - 1] + o[i - 2]);
		b[i] = h[0] * (o[i] + e[i - 2]) + h[1] * (e[i] + o[i - 2]) + h[2] * (o[i - 1] + e[i - 1]);
	}
}

/** in[FB_TICK] -> tick->up; rt: yes */
FB_OVERSAMPLE_INLINE void fb_oversample_up(
	int factor, fb_oversample_state *state, fb_oversample_tick *tick, const float *in)
{
	enum { LONG = FB_OVERSAMPLE_LONG, SHORT = FB_OVERSAMPLE_SHORT };
	memcpy(tick->base + LONG, in, FB_TICK * sizeof *in);
	fb_oversample_past(tick->base, state->base, LONG);
	const float *x = tick->base + 1;
	float *restrict e = tick->up[0] + SHORT, *restrict o = tick->up[1] + SHORT;
	for (int i = 0; i < FB_TICK; i++) {
		float even = x[i] * fb_oversample_even[0], odd = 0.0f;
		for (int k = 1; k < LONG; k++) {
			even += x[i + k] * fb_oversample_even[k];
			odd += x[i + k] * fb_oversample_odd[k - 1];
		}
		e[i] = 2.0f * even;
		o[i] = 2.0f * odd;
	}
	if (factor == 4) {
		fb_oversample_past(tick->up[0], state->twice[0], SHORT);
		fb_oversample_past(tick->up[1], state->twice[1], SHORT);
		fb_oversample_between(
			tick->up[0] + SHORT, tick->up[1] + SHORT, tick->up[2] + SHORT, tick->up[3] + SHORT);
	}
}

/** From 4x to 2x: from e, a, o, b to e and o. */
FB_OVERSAMPLE_INLINE void fb_oversample_thin(
	const float (*in)[FB_OVERSAMPLE_SHORT + FB_TICK], float *restrict to_e, float *restrict to_o)
{
	enum { SHORT = FB_OVERSAMPLE_SHORT };
	const float *h = fb_oversample_down_taps;
	const float *e = in[0] + SHORT, *o = in[1] + SHORT, *a = in[2] + SHORT, *b = in[3] + SHORT;
	for (int i = 0; i < FB_TICK; i++) {
		to_e[i] = 0.5f * e[i - 3] + h[0] * (a[i] + b[i - 4]) + h[1] * (b[i - 1] + a[i - 3]) +
				  h[2] * (a[i - 1] + b[i - 3]) + h[3] * (b[i - 2] + a[i - 2]);
		to_o[i] = 0.5f * o[i - 3] + h[0] * (b[i] + a[i - 3]) + h[1] * (a[i] + b[i - 3]) +
				  h[2] * (b[i - 1] + a[i - 2]) + h[3] * (a[i - 1] + b[i - 2]);
	}
}

/** tick->many -> out[FB_TICK]; rt: yes */
FB_OVERSAMPLE_INLINE void fb_oversample_down(
	int factor, fb_oversample_state *state, fb_oversample_tick *tick, float *restrict out)
{
	enum { LONG = FB_OVERSAMPLE_LONG, SHORT = FB_OVERSAMPLE_SHORT };
	if (factor == 4) {
		for (int p = 0; p < 4; p++) {
			fb_oversample_past(tick->many[p], state->many[p], SHORT);
		}
		fb_oversample_thin((const float(*)[SHORT + FB_TICK]) tick->many, tick->back[0] + LONG,
			tick->back[1] + LONG);
	} else {
		memcpy(tick->back[0] + LONG, tick->many[0] + SHORT, FB_TICK * sizeof(float));
		memcpy(tick->back[1] + LONG, tick->many[1] + SHORT, FB_TICK * sizeof(float));
	}
	fb_oversample_past(tick->back[0], state->back[0], LONG);
	fb_oversample_past(tick->back[1], state->back[1], LONG);
	const float *e = tick->back[0] + 1, *o = tick->back[1];
	for (int i = 0; i < FB_TICK; i++) {
		float even = e[i] * fb_oversample_even[0], odd = 0.0f;
		for (int k = 1; k < LONG; k++) {
			even += e[i + k] * fb_oversample_even[k];
			odd += o[i + k] * fb_oversample_odd[k - 1];
		}
		out[i] = even + odd;
	}
}

#endif
