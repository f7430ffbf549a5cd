/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The largest magnitude of the last while: a level detector without ripple. A window of half a
	period or more reads a steady tone as one steady figure, so that what is steered by it does not
	distort. */
#ifndef FB_DSP_CREST_H
#define FB_DSP_CREST_H

#include "../../graph/node.h"
#include "lanes.h"

enum { FB_CREST_BLOCKS = 16 };

/** The window is n whole blocks and the one being filled: between n and n + 1 blocks long. */
typedef struct fb_crest {
	float blocks[FB_CREST_BLOCKS]; ///< the largest of each whole block
	float past;                    ///< the largest of them
	float filling;                 ///< the largest of the block being filled
	int32_t n, length, left, at;   ///< blocks, frames a block, frames to the next, oldest block
} fb_crest;

/** Set the window to about this many frames; what was heard is kept. rt: yes */
static inline void fb_crest_set(fb_crest *crest, double frames)
{
	int32_t length = (int32_t)ceil(frames / (FB_CREST_BLOCKS * FB_LANES)) * FB_LANES;
	crest->length = length < FB_LANES ? FB_LANES : length;
	int32_t n = (int32_t)(frames / crest->length + 0.5);
	crest->n = n > FB_CREST_BLOCKS ? FB_CREST_BLOCKS : n;
	if (crest->left > crest->length || crest->left < 1) {
		crest->left = crest->length;
	}
}

/** Frames the window spans on average. rt: yes */
static inline double fb_crest_frames(const fb_crest *crest)
{
	return (crest->n + 0.5) * crest->length;
}

static inline void fb_crest_push(fb_crest *crest, float block)
{
	crest->at = (crest->at + 1) % FB_CREST_BLOCKS;
	crest->blocks[crest->at] = block;
	crest->left = crest->length;
	float past = 0.0f;
	for (int32_t i = 0; i < crest->n; i++) {
		float one = crest->blocks[(crest->at - i + FB_CREST_BLOCKS) % FB_CREST_BLOCKS];
		past = one > past ? one : past;
	}
	crest->past = past;
}

/** All through the window there was silence: the blocks begin anew with what comes next, so that it
	is read the same whenever it comes. */
static inline void fb_crest_rest(fb_crest *crest)
{
	for (int i = 0; i < FB_CREST_BLOCKS; i++) {
		crest->blocks[i] = 0.0f;
	}
	crest->at = 0;
	crest->left = crest->length;
}

/** Magnitudes in place of which the largest of the window to date are written. rt: yes */
static inline void fb_crest_tick(fb_crest *crest, float x[FB_TICK])
{
	fb_lanes past = fb_lanes_all(crest->past), filling = fb_lanes_all(crest->filling);
	for (int i = 0; i < FB_TICK; i += FB_LANES) {
		filling = fb_lanes_max(filling, fb_lanes_largest_yet(fb_lanes_load(x + i)));
		fb_lanes_store(x + i, fb_lanes_max(filling, past));
		filling = fb_lanes_last(filling);
		crest->left -= FB_LANES;
		if (crest->left == 0) {
			fb_crest_push(crest, filling[0]);
			past = fb_lanes_all(crest->past);
			filling = fb_lanes_all(0.0f);
		}
	}
	crest->filling = filling[0];
	if (crest->past == 0.0f && crest->filling == 0.0f) {
		fb_crest_rest(crest);
	}
}

#endif
