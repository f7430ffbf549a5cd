/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A fixed delay of whole frames, tick by tick, in memory that the owner gives: what lets a
	detector see a peak before it is heard. */
#ifndef FB_DSP_LOOKAHEAD_H
#define FB_DSP_LOOKAHEAD_H

#include "../../graph/node.h"

#include <string.h>

typedef struct fb_lookahead {
	uint32_t delay, size; ///< frames; samples of memory that one channel takes
	uint32_t at;          ///< where the next tick goes
} fb_lookahead;

static inline fb_lookahead fb_lookahead_make(uint32_t delay_frames)
{
	return (fb_lookahead){delay_frames, (delay_frames + 2 * FB_TICK - 1) / FB_TICK * FB_TICK, 0};
}

/** One of so many ms, to the nearest frame. */
static inline fb_lookahead fb_lookahead_of(double rate_hz, float ms)
{
	return fb_lookahead_make((uint32_t)lround((double)ms * 1e-3 * rate_hz));
}

/** Bytes that two channels take. */
static inline size_t fb_lookahead_bytes(const fb_lookahead *ahead)
{
	return 2 * (size_t)ahead->size * sizeof(float);
}

/** Call after all channels had their tick. rt: yes */
static inline void fb_lookahead_advance(fb_lookahead *ahead)
{
	ahead->at = ahead->at + FB_TICK < ahead->size ? ahead->at + FB_TICK : 0;
}

/** One tick of one channel. shape: memory[size]. rt: yes */
static inline void fb_lookahead_tick(const fb_lookahead *ahead, float *restrict memory,
	const float *restrict in, float *restrict out)
{
	uint32_t at = ahead->at,
			 from = at >= ahead->delay ? at - ahead->delay : at + ahead->size - ahead->delay;
	memcpy(memory + at, in, FB_TICK * sizeof *in);
	if (from + FB_TICK <= ahead->size) {
		memcpy(out, memory + from, FB_TICK * sizeof *out);
		return;
	}
	uint32_t part = ahead->size - from;
	memcpy(out, memory + from, part * sizeof *out);
	memcpy(out + part, memory, (FB_TICK - part) * sizeof *out);
}

/** One tick of two channels, and on to the next. shape: memory[2][size]. rt: yes */
static inline void fb_lookahead_pair(
	fb_lookahead *ahead, float *memory, const float *l, const float *r, float *const out[2])
{
	fb_lookahead_tick(ahead, memory, l, out[0]);
	fb_lookahead_tick(ahead, memory + ahead->size, r, out[1]);
	fb_lookahead_advance(ahead);
}

#endif
