/* SPDX-License-Identifier: GPL-3.0-or-later */
/** How far each bin is turned down: the log-spectral amplitude estimator, weighed by the
   probability that the bin holds speech at all, which is what keeps the rest of the noise from
   twittering. source: Y. Ephraim, D. Malah, "Speech enhancement using a minimum mean-square error
   log-spectral amplitude estimator" (1985); I. Cohen, "Optimal speech enhancement under signal
   presence uncertainty using log-spectral amplitude estimator" (2002) */
#ifndef FB_NR_GAIN_H
#define FB_NR_GAIN_H

#include "../../graph/node.h"

typedef struct fb_nr_gain {
	uint32_t bins;
	float *log2_gain;  ///< [bins] the result, <= 0
	float *clean;      ///< [bins] estimated power of the speech in the last spectrum
	float *prior;      ///< [bins] ratio of speech to noise, before this spectrum spoke
	float *post;       ///< [bins] ratio of this spectrum to the noise
	float *steady;     ///< [bins] `prior`, smoothed in time
	float *near, *far; ///< [bins] mean of `steady` over few and over many bins around
	float *sum;        ///< [bins + 1] running sum of `steady`
	float keep_prior, keep_steady;
	uint32_t near_reach, far_reach; ///< bins to each side that the means take in
	uint32_t speech_lo, speech_hi;  ///< the bins that tell whether the frame holds speech
	float frame, frame_peak;        ///< mean of `steady` over them; where it last peaked
} fb_nr_gain;

size_t fb_nr_gain_room(uint32_t bins); ///< floats
void fb_nr_gain_init(fb_nr_gain *gain, uint32_t bins, double bin_hz, double hop_s, float *room);
void fb_nr_gain_reset(fb_nr_gain *gain) FB_RT;
/** The gains for a spectrum. power, noise: [bins]; floor_log2: the gain of a bin without speech. */
void fb_nr_gain_make(
	fb_nr_gain *gain, const float *power, const float *noise, float floor_log2) FB_RT;

#endif
