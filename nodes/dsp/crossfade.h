/* SPDX-License-Identifier: GPL-3.0-or-later */
/** From one stereo signal to another in the course of a switch. */
#ifndef FB_DSP_CROSSFADE_H
#define FB_DSP_CROSSFADE_H

#include "section.h"

/** One tick: from, to are where the switch stands at its start and end, 0 the old signal, 1 the
	new; the share follows an S curve, which has no corners. out may be either. rt: yes */
static inline void fb_crossfade(
	float from, float to, const fb_stereo *old, const fb_stereo *next, fb_stereo *out)
{
	double by = (double)(to - from) / FB_TICK;
	for (int i = 0; i < FB_TICK; i++) {
		double at = (double)from + by * (i + 1);
		at = at * at * (3.0 - 2.0 * at);
		out[i] = old[i] + (next[i] - old[i]) * (fb_stereo){at, at};
	}
}

#endif
