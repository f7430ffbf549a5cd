/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A switch that moves between 0 and 1 in whole ticks: how a choice or an on/off, which the host
	does not smooth, changes sound without a click. */
#ifndef FB_DSP_FADE_H
#define FB_DSP_FADE_H

#include "../../graph/node.h"

typedef struct fb_fade {
	float at;   ///< 0..1, where the last tick ended
	float step; ///< travel per tick
} fb_fade;

/** A switch that takes `ms` from one end to the other, at 0. */
static inline void fb_fade_init(fb_fade *fade, double rate_hz, double ms)
{
	double ticks = ceil(ms * 1e-3 * rate_hz / FB_TICK);
	fade->step = (float)(1.0 / (ticks < 1.0 ? 1.0 : ticks));
	fade->at = 0.0f;
}

/** Put it at one end at once. rt: yes */
static inline void fb_fade_set(fb_fade *fade, bool on)
{
	fade->at = on ? 1.0f : 0.0f;
}

/** Advance one tick towards `on`: *from where the tick starts, returns where it ends. rt: yes */
static inline float fb_fade_tick(fb_fade *fade, bool on, float *from)
{
	*from = fade->at;
	float to = fade->at + (on ? fade->step : -fade->step);
	fade->at = to < 0.0f ? 0.0f : to > 1.0f ? 1.0f : to;
	return fade->at;
}

#endif
