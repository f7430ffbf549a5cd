/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Loudness group: momentary, short-term, integrated, range, plr, psr, loudness_error; and drift.
	source: ITU-R BS.1770-4, EBU Tech 3341 and 3342 */
#ifndef FB_LOUDNESS_H
#define FB_LOUDNESS_H

#include "trail.h"
#include "hop.h"
#include "slide.h"

/** Block loudnesses above the absolute gate, in bins of 0.01 LU: hours in bounded memory. */
typedef struct fb_gate {
	uint32_t *count; ///< [bins]
	double *coarse;  ///< sum of the blocks' powers for each 100 bins
	uint64_t *coarse_count;
	uint64_t blocks;
} fb_gate;

typedef struct fb_loudness {
	double rate_hz;
	uint64_t hops;
	fb_slide momentary, short_term;       ///< K-weighted power of the hops
	fb_gate blocks;                       ///< 400 ms every 100 ms
	fb_gate range;                        ///< 3 s every 100 ms
	double max_momentary, max_short_term; ///< powers; a run's answers
	float peaks[30];                      ///< true peak of each of the last 30 tenths of a second
	double tenth_power, tenth_frames;     ///< plain power of the tenth of a second at hand
	double psr, min_psr;                  ///< NAN while there is none
	fb_trail drift;                       ///< short-term loudness every 100 ms: t, L, t t, t L
} fb_loudness;

bool fb_loudness_init(fb_loudness *loudness, double rate_hz, bool live);
void fb_loudness_finish(fb_loudness *loudness);
/** Start the sliding windows again; keep what counts since the last reset. */
void fb_loudness_clear_windows(fb_loudness *loudness);
/** Start integrated loudness and range again, as a loudness meter's reset does. */
void fb_loudness_reset(fb_loudness *loudness);
/** A whole hop has passed, and this is what it added. */
void fb_loudness_hop(fb_loudness *loudness, const fb_part *hop);
void fb_loudness_read(const fb_loudness *loudness, double target_lufs, const fb_reading *reading);

#endif
