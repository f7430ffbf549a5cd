/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Level group: rms, rms_stability, peak, crest, dynamic_range, dc_offset.
	rms is the plain mean square. Wherever a level decides about frames (activity, noise floor,
	steadiness, range), the mean of the last second is taken out first: DC is no sound.
	source: metrics.md; 0 dBFS = full-scale peak */
#ifndef FB_LEVEL_H
#define FB_LEVEL_H

#include "trail.h"
#include "hop.h"

/** Running mean of each channel over the last second, or what there is of it. */
typedef struct fb_mean {
	double value[2];
	uint64_t hops; ///< at most a second's
} fb_mean;

typedef struct fb_level {
	fb_mean mean;
	double recent[40]; ///< power sums (FB_SUM_AC) of the last 40 hops: the 400 ms RMS
	double recent_frames[40];
	uint64_t hops;
	fb_trail blocks; ///< 400 ms levels every 100 ms: dB and dB squared
} fb_level;

bool fb_level_init(fb_level *level, bool live);
void fb_level_finish(fb_level *level);
void fb_level_clear(fb_level *level);
/** First and second moments and peaks of a hop, added to `part`. */
void fb_level_measure(fb_mean *mean, const fb_hop *hop, fb_part *part);
/** A whole hop has passed, and this is what it added. */
void fb_level_hop(fb_level *level, const fb_part *hop);
/** frames: the history of 50 ms frames */
void fb_level_read(const fb_level *level, const fb_trail *frames, const fb_reading *reading);

#endif
