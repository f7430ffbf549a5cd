/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A whole-frame delay of one channel, in ticks: keeps branches and dry paths in step with nodes
	that have latency. Audio runs it; control makes it. */
#ifndef FB_ALIGN_H
#define FB_ALIGN_H

#include "node.h"

typedef struct fb_align {
	float *line; ///< [size]
	uint32_t size, frames, at;
} fb_align;

/** errors: false when out of memory. thread: control */
bool fb_align_init(fb_align *align, uint32_t frames);
void fb_align_finish(fb_align *align);
void fb_align_clear(fb_align *align) FB_RT; ///< silence in the line. thread: audio
/** out[FB_TICK] becomes what in[FB_TICK] was `frames` before. thread: audio */
void fb_align_tick(fb_align *align, const float *in, float *out) FB_RT;

#endif
