/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The mean of the last n values, without drift: values are rounded to a grid on which every sum is
	exact, in whatever order it is made, so that what goes in comes out again to the bit. */
#ifndef FB_DSP_BOXCAR_H
#define FB_DSP_BOXCAR_H

#include "../../graph/node.h"

#include <string.h>

typedef struct fb_boxcar {
	uint32_t n, at; ///< where in the ring the next tick goes
	double sum, share;
} fb_boxcar;

/** Values in the ring of a mean of n. */
static inline uint32_t fb_boxcar_frames(uint32_t n)
{
	return (n + 2 * FB_TICK - 1) / FB_TICK * FB_TICK;
}

/** Doubles of memory: the ring, and its first tick again behind its end, so that no read wraps. */
static inline size_t fb_boxcar_room(uint32_t n)
{
	return fb_boxcar_frames(n) + FB_TICK;
}

/** Fill with one value. shape: memory[fb_boxcar_room(n)]. rt: yes */
static inline void fb_boxcar_fill(fb_boxcar *box, double *memory, uint32_t n, double value)
{
	*box = (fb_boxcar){.n = n, .sum = value * n, .share = 1.0 / n};
	for (size_t i = 0; i < fb_boxcar_room(n); i++) {
		memory[i] = value;
	}
}

/** Values of 0..2, in place of which the means of the last n are written; n <= 4096.
	errors: the grid is 2^-40 (-240 dB). rt: yes */
static inline void fb_boxcar_tick(fb_boxcar *box, double *restrict memory, double x[FB_TICK])
{
	uint32_t at = box->at, frames = fb_boxcar_frames(box->n);
	for (int i = 0; i < FB_TICK; i++) {
		x[i] = (x[i] + 4096.0) - 4096.0;
	}
	memcpy(memory + at, x, FB_TICK * sizeof *x);
	if (at == 0) {
		memcpy(memory + frames, x, FB_TICK * sizeof *x);
	}
	const double *old = memory + (at >= box->n ? at - box->n : at + frames - box->n);
	for (int i = 0; i < FB_TICK; i++) {
		x[i] -= old[i];
	}
	double sum = box->sum, share = box->share;
	for (int i = 0; i < FB_TICK; i += 2) { /* two at a time: the sum waits half as often */
		double first = sum + x[i];
		sum += x[i] + x[i + 1];
		x[i] = first * share;
		x[i + 1] = sum * share;
	}
	box->sum = sum;
	box->at = at + FB_TICK < frames ? at + FB_TICK : 0;
}

#endif
