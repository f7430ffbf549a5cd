/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The mean of the last n values, without drift: values are rounded to a grid on which every sum is
	exact, so that what goes in comes out again to the bit. */
#ifndef FB_DSP_BOXCAR_H
#define FB_DSP_BOXCAR_H

#include <stdint.h>

typedef struct fb_boxcar {
	uint32_t n, at;
	double sum, share;
} fb_boxcar;

/** Fill with one value. shape: memory[n]. rt: yes */
static inline void fb_boxcar_fill(fb_boxcar *box, double *memory, uint32_t n, double value)
{
	*box = (fb_boxcar){.n = n, .sum = value * n, .share = 1.0 / n};
	for (uint32_t i = 0; i < n; i++) {
		memory[i] = value;
	}
}

/** Take a value of 0..2 and give the mean of the last n, it included; n <= 4096.
	errors: the grid is 2^-40 (-240 dB). rt: yes */
static inline double fb_boxcar_push(fb_boxcar *box, double *memory, double x)
{
	x = (x + 4096.0) - 4096.0;
	box->sum += x - memory[box->at];
	memory[box->at] = x;
	box->at = box->at + 1 < box->n ? box->at + 1 : 0;
	return box->sum * box->share;
}

#endif
