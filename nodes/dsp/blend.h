/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Dry against wet where the two have little in common, so that their powers add: the level stays
	as the mix moves. */
#ifndef FB_DSP_BLEND_H
#define FB_DSP_BLEND_H

#include "ramp.h"

typedef struct fb_blend {
	float percent, dry, wet; ///< what the gains were made of; where the last tick ended
} fb_blend;

/** At rest on a mix of 0..100: exactly dry at 0, exactly wet at 100. rt: yes */
static inline void fb_blend_set(fb_blend *blend, float percent)
{
	double angle = (double)percent * 0.01 * M_PI_2;
	*blend = (fb_blend){percent, percent == 100.0f ? 0.0f : (float)cos(angle), (float)sin(angle)};
}

/** Mix one channel's tick on the way from one blend to the next. rt: yes */
static inline void fb_blend_tick(const fb_blend *from, const fb_blend *to,
	const float *restrict dry, const float *restrict wet, float *restrict out)
{
	fb_ramp d = fb_ramp_of(from->dry, to->dry), w = fb_ramp_of(from->wet, to->wet);
	for (uint32_t i = 0; i < FB_TICK; i++) {
		out[i] = dry[i] * fb_ramp_at(&d, i) + wet[i] * fb_ramp_at(&w, i);
	}
}

#endif
