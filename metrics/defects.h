/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Clipping and dropouts: runs of samples that no sound makes.

	A dropout is a run of exact zeros, 1 to 500 ms long, whose edges are cut off: the 2 ms before it
	are above -60 dBFS and within 12 dB of the passage they end, the 2 ms after it above -60 dBFS
	and within 20 dB of it. A fade to silence and back is none. */
#ifndef FB_DEFECTS_H
#define FB_DEFECTS_H

#include "hop.h"

enum { FB_DEFECT_BEFORE = 577 }; ///< frames in 3 ms at 192 kHz, and one

/** Frames where the last few events were: the same event in the other channel, or its echo within
	5 ms, is not another one. */
typedef struct fb_events {
	uint64_t at[16], merge_frames;
	uint32_t n;
} fb_events;

void fb_events_init(fb_events *events, double rate_hz);
/** Is this a new event? Then remember it. */
bool fb_events_add(fb_events *events, uint64_t frame);

typedef struct fb_defects {
	uint32_t edge_frames, least_frames, most_frames;
	fb_events dropouts;
	struct fb_defect_channel {
		int clip_sign;
		uint32_t clip_run, zero_run;
		bool loud_before; ///< there was signal right before the zeros at hand
		uint32_t after;   ///< frames still to come to judge what followed a hole; 0: no hole
		float passage, before_that; ///< mean square of the last two hops, of the last
		float least_after;          ///< mean square that must follow the hole
		double after_power;
		float before[FB_DEFECT_BEFORE]; ///< the last 3 ms
	} channel[2];
} fb_defects;

void fb_defects_init(fb_defects *defects, double rate_hz);
void fb_defects_clear(fb_defects *defects);
/** Counts into FB_SUM_CLIPS_L, _R and FB_SUM_DROPOUTS; the hop's level must be in `part`
	already. */
void fb_defects_hop(fb_defects *defects, const fb_hop *hop, fb_part *part);
void fb_defects_read(const fb_reading *reading);

#endif
