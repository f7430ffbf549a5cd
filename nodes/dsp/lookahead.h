/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A fixed delay of whole frames, tick by tick, in memory that the owner gives: what lets a
	detector see a peak before it is heard. */
#ifndef FB_DSP_LOOKAHEAD_H
#define FB_DSP_LOOKAHEAD_H

#include "../../graph/node.h"

#include <string.h>

/** Samples of memory that one channel takes. */
static inline size_t fb_lookahead_samples(uint32_t delay_frames)
{
	return ((size_t)delay_frames + 2 * FB_TICK - 1) / FB_TICK * FB_TICK;
}

/** One tick of one channel.
	shape: ring[fb_lookahead_samples(delay_frames)]
	range: `tick` counts the ticks since the ring was cleared
	rt:    yes */
static inline void fb_lookahead_tick(float *restrict ring, uint32_t delay_frames, uint64_t tick,
	const float *restrict in, float *restrict out)
{
	size_t n = fb_lookahead_samples(delay_frames);
	size_t at = (size_t)(tick % (n / FB_TICK)) * FB_TICK;
	memcpy(ring + at, in, FB_TICK * sizeof *in);
	size_t from = at >= delay_frames ? at - delay_frames : at + n - delay_frames;
	size_t part = n - from < FB_TICK ? n - from : FB_TICK;
	memcpy(out, ring + from, part * sizeof *out);
	memcpy(out + part, ring, (FB_TICK - part) * sizeof *out);
}

#endif
