/* SPDX-License-Identifier: GPL-3.0-or-later */
/** K weighting of output and input, four channels side by side.
	source: ITU-R BS.1770-4 Annex 1, at any rate by the bilinear transform of the analogue pair that
	gives the standard's own coefficients at 48 kHz */
#ifndef FB_WEIGHTING_H
#define FB_WEIGHTING_H

#include "hop.h"
#include "wide.h"

typedef struct fb_weighting {
	double b[3], a[2];     ///< the shelf
	double c[2];           ///< the high-pass's denominator; its numerator is 1 -2 1
	fb_v4d s1, s2, h1, h2; ///< state of both, lanes out L, out R, in L, in R
} fb_weighting;

void fb_weighting_init(fb_weighting *weighting, double rate_hz);
void fb_weighting_clear(fb_weighting *weighting);
/** Adds the weighted powers of the hop to part->sum[FB_SUM_K_*]. */
void fb_weighting_hop(fb_weighting *weighting, const fb_hop *hop, fb_part *part);

#endif
