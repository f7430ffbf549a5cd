/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Zero crossings of the mid signal, about its mean of the last second. */
#ifndef FB_CROSSINGS_H
#define FB_CROSSINGS_H

#include "hop.h"

typedef struct fb_crossings {
	bool any, negative; ///< there was a sample, and the last one was below the mean
} fb_crossings;

void fb_crossings_clear(fb_crossings *crossings);
/** Counts into FB_SUM_CROSSINGS; part->mean must be the hop's already. */
void fb_crossings_hop(fb_crossings *crossings, const fb_hop *hop, fb_part *part);
void fb_crossings_read(const fb_reading *reading);

#endif
