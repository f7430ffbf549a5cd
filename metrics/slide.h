/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Sum of the last n values, without subtracting: nothing drifts over hours and silence reads 0.
	The lap before is kept as sums from each place to its end; with the lap at hand they make the
	window. Inside metrics/ only. */
#ifndef FB_SLIDE_H
#define FB_SLIDE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct fb_slide {
	uint32_t n, at; ///< at: values of this lap
	bool full;      ///< n values have come
	double lap;     ///< sum of this lap
	double *value;  ///< [n] of this lap
	double *to_end; ///< [n + 1] of the lap before: sum from each place to the end
} fb_slide;

bool fb_slide_init(fb_slide *slide, uint32_t n); ///< false: out of memory; finish all the same
void fb_slide_finish(fb_slide *slide);
void fb_slide_clear(fb_slide *slide);
void fb_slide_push(fb_slide *slide, double value);
double fb_slide_sum(const fb_slide *slide);

#endif
