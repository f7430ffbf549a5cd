/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What the analyser hands its parts, and what they hand back. Inside metrics/ only.

	Audio is measured in hops of 10 ms and frames of 5 hops. Parts add what they find to the sums of
	the frame at hand; finished frames go into a history that either slides (live) or grows in
	bounded memory (run). At the end of a run the rest, shorter than a hop, is measured the same
	way, on copies of the parts that need it. */
#ifndef FB_HOP_H
#define FB_HOP_H

#include "analyser.h"

#include <math.h>

enum {
	FB_HOPS_PER_SECOND = 100,
	FB_HOPS_PER_FRAME = 5,
	FB_FRAMES_PER_SECOND = FB_HOPS_PER_SECOND / FB_HOPS_PER_FRAME,
	FB_LIVE_SECONDS = 3,
	FB_LIVE_HOPS = FB_LIVE_SECONDS * FB_HOPS_PER_SECOND,
	FB_LIVE_FRAMES = FB_LIVE_SECONDS * FB_FRAMES_PER_SECOND,
	FB_MAX_HOP = 1921, ///< frames in a hop at 192 kHz, and one for rates that 100 does not divide
};

/** The most frames that a hop has at a rate, and up to a whole vector. */
static inline uint32_t fb_hop_most(double rate_hz)
{
	return ((uint32_t)(rate_hz / FB_HOPS_PER_SECOND) + 1 + 7) / 8 * 8;
}

/** One hop of clean audio. */
typedef struct fb_hop {
	const float *out[2], *in[2]; ///< `in` is silence where there is none
	uint32_t frames;
	uint64_t first; ///< frames measured before it since reset
} fb_hop;

/** What adds up over frames. */
typedef enum fb_sum {
	FB_SUM_FRAMES,
	FB_SUM_L,
	FB_SUM_R,
	FB_SUM_LL,
	FB_SUM_RR,
	FB_SUM_LR,
	FB_SUM_AC,   ///< both channels' squares about their mean of the last second: level without DC
	FB_SUM_K_LL, ///< the same after K weighting
	FB_SUM_K_RR,
	FB_SUM_K_LR,
	FB_SUM_K_IN, ///< both channels of the input
	FB_SUM_CLIPS_L,
	FB_SUM_CLIPS_R,
	FB_SUM_CLICKS,
	FB_SUM_DROPOUTS,
	FB_SUM_CROSSINGS,
	FB_SUM_ONSETS,
	FB_SUM_GAPS, ///< between onsets: how many, their sum in seconds, their squares'
	FB_SUM_GAP,
	FB_SUM_GAP_SQUARED,
	FB_SUM_VOICED,   ///< voiced 20 ms frames
	FB_SUM_HARMONIC, ///< dB of harmonics to noise over them
	FB_SUM_CYCLES,   ///< pairs of neighbouring cycles of the voice
	FB_SUM_JITTER,   ///< relative difference of their periods
	FB_SUM_SHIMMER,  ///< difference of their levels in dB
	FB_SUM_REDUCTION,
	FB_SUM_REDUCTIONS, ///< how many values FB_SUM_REDUCTION is made of
	FB_SUMS
} fb_sum;

/** What one stretch adds: the frame at hand, a window. */
typedef struct fb_part {
	double sum[FB_SUMS];
	float peak[2], true_peak;
	float mean[2]; ///< of the last second: what FB_SUM_AC is taken about
} fb_part;

/** All that the parts need to answer. */
typedef struct fb_reading {
	fb_part window;       ///< summed over the window
	uint64_t whole;       ///< whole 50 ms frames in the window
	double floor_power;   ///< mean square of the quietest tenth of them
	unsigned active_from; ///< level bin (trail.h) from which a frame is active
	double rate_hz;
	bool live;
	fb_metric_set *set;
} fb_reading;

/** dB of a power; silence reads FB_LEVEL_FLOOR. */
static inline double fb_power_db(double power)
{
	return power > 1e-12 ? 10.0 * log10(power) : FB_LEVEL_FLOOR;
}

/** Mean square of what a part holds, without DC. */
static inline double fb_part_power(const double *sum)
{
	return sum[FB_SUM_FRAMES] > 0.0 ? sum[FB_SUM_AC] / (2.0 * sum[FB_SUM_FRAMES]) : 0.0;
}

/** Give a metric its answer. What is no number counts as none. */
static inline void fb_answer(fb_metric_set *set, fb_metric metric, double value)
{
	if (isfinite(value)) {
		set->value[metric] = value;
		set->valid |= (uint64_t)1 << metric;
	}
}

/** Where hop (or any other step of `per_second`) number `index` starts, in frames since reset:
   whole frames also where the rate is no multiple. */
static inline uint64_t fb_step_start(double rate_hz, double per_second, uint64_t index)
{
	return (uint64_t)floor((double)index * rate_hz / per_second);
}

#endif
