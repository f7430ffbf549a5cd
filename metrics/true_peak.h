/* SPDX-License-Identifier: GPL-3.0-or-later */
/** True peak: the largest magnitude between the samples, 4 times oversampled.
	source: ITU-R BS.1770-4 Annex 2; own filter, a Kaiser-windowed sinc (beta 4) of 12 taps a phase,
	flat within 0.12 dB to 0.39 of the sample rate (18.7 kHz at 48 kHz) */
#ifndef FB_TRUE_PEAK_H
#define FB_TRUE_PEAK_H

#include "hop.h"

enum { FB_TRUE_PEAK_TAPS = 12, FB_TRUE_PEAK_BEFORE = FB_TRUE_PEAK_TAPS - 1 };

typedef struct fb_true_peak {
	float taps[3][FB_TRUE_PEAK_TAPS]; ///< for the points at 1/4, 2/4 and 3/4 between two samples
	float kept[2][FB_TRUE_PEAK_BEFORE + 7]; ///< the last samples, not all used yet
	uint32_t n_kept; ///< FB_TRUE_PEAK_BEFORE and up to 7: points are made in eights
} fb_true_peak;

void fb_true_peak_init(fb_true_peak *true_peak);
void fb_true_peak_clear(fb_true_peak *true_peak);
/** Raise part->true_peak to what the hop reaches, late by half the filter and
	up to a vector: 14 samples at most. Sample peaks
	(part->peak) are the fourth phase. */
void fb_true_peak_hop(fb_true_peak *true_peak, const fb_hop *hop, fb_part *part);
/** What the last samples still reach when silence follows. */
void fb_true_peak_tail(fb_true_peak *true_peak, fb_part *part);
/** dBTP of what a part has reached. */
double fb_true_peak_db(const fb_part *part);

#endif
