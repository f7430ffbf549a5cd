/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The largest and the smallest of a tick, in lanes: a compiler may not reorder a float maximum by
 * itself. */
#ifndef FB_DSP_LARGEST_H
#define FB_DSP_LARGEST_H

#include "lanes.h"

/** Largest of n values >= 0; n a multiple of 8. rt: yes */
static inline float fb_largest(const float *x, int n)
{
	fb_lanes a = fb_lanes_all(0.0f), b = a;
	for (int i = 0; i < n; i += 2 * FB_LANES) {
		a = fb_lanes_max(a, fb_lanes_load(x + i));
		b = fb_lanes_max(b, fb_lanes_load(x + i + FB_LANES));
	}
	return fb_lanes_largest_yet(fb_lanes_max(a, b))[FB_LANES - 1];
}

/** Smallest of n values >= 0; n a multiple of 4. rt: yes */
static inline float fb_smallest(const float *x, int n)
{
	fb_lanes least = fb_lanes_load(x);
	for (int i = FB_LANES; i < n; i += FB_LANES) {
		least = fb_lanes_min(least, fb_lanes_load(x + i));
	}
	float a = least[0] < least[1] ? least[0] : least[1],
		  b = least[2] < least[3] ? least[2] : least[3];
	return a < b ? a : b;
}

#endif
