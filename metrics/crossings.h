/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Zero crossings of the mid signal, about its mean of the last second. */
#ifndef FB_CROSSINGS_H
#define FB_CROSSINGS_H

#include "hop.h"

typedef struct fb_crossings {
	double mean;   ///< of the mid signal, times two
	uint64_t hops; ///< that went into it, at most a second's
	bool negative; ///< the last sample was
} fb_crossings;

void fb_crossings_clear(fb_crossings *crossings);
/** Counts into FB_SUM_CROSSINGS; part->sum[FB_SUM_L] and _R must hold the hop's already. */
void fb_crossings_hop(fb_crossings *crossings, const fb_hop *hop, fb_part *part);
void fb_crossings_read(const fb_reading *reading);

#endif
