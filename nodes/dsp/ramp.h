/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A value on its straight way through one tick, so that a glide is as fine as the frames. */
#ifndef FB_DSP_RAMP_H
#define FB_DSP_RAMP_H

#include "../../graph/node.h"

typedef struct fb_ramp {
	float at, step; ///< frame i has at + step * (i + 1)
} fb_ramp;

/** From where the last tick ended to where this one will. rt: yes */
static inline fb_ramp fb_ramp_of(float from, float to)
{
	return (fb_ramp){from, (to - from) / FB_TICK};
}

/** The value on frame i of the tick. rt: yes */
static inline float fb_ramp_at(const fb_ramp *ramp, uint32_t i)
{
	return ramp->at + ramp->step * (float)(int32_t)(i + 1);
}

/** A value that follows such ramps half a tick late and without their corners: the mean of their
	last FB_TICK frames, a parabola in each tick. */
typedef struct fb_bend {
	float at, step, bend; ///< frame i has at + (step + bend * (i + 1)) * (i + 1)
} fb_bend;

/** before, from, to: where the ramp stood at the start and at the end of the last tick, and where
	it will at the end of this. All alike: exactly that. rt: yes */
static inline fb_bend fb_bend_of(float before, float from, float to)
{
	float was = (from - before) / FB_TICK, will = (to - from) / FB_TICK;
	return (fb_bend){0.5f * (before + from), was, (will - was) * (0.5f / FB_TICK)};
}

/** The value on frame i of the tick. rt: yes */
static inline float fb_bend_at(const fb_bend *bend, uint32_t i)
{
	float k = (float)(int32_t)(i + 1);
	return bend->at + (bend->step + bend->bend * k) * k;
}

/** The S curve from 0 to 1 over t from 0 to 1: a fade without corners, which would click softly on
	a low tone. rt: yes */
static inline float fb_ease(float t)
{
	return t * t * (3.0f - 2.0f * t);
}

#endif
