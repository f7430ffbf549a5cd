/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Onsets: notes, hits, syllables; how far the level rises at them and how evenly they come.

	The share of a frame's magnitude spectrum that the frame before did not have is near 0 for what
	goes on, 0.3 for steady noise and 1 for a beginning. An onset is a frame where it stands highest
	among its neighbours and 0.12 above its own median of the last half second, while the level
	rises or much of the spectrum changes. Its moment is the
	edge between two hops, within that frame, over which the level rises most.
	source: J. P. Bello et al., "A tutorial on onset detection in music signals", 2005 */
#ifndef FB_ONSET_H
#define FB_ONSET_H

#include "hop.h"
#include "tally.h"

enum {
	FB_ONSET_HISTORY = 23, ///< frames whose median is the threshold's base
	FB_ONSET_HOPS = 64,    ///< hops of levels remembered
};

typedef struct fb_onset {
	double rate_hz;
	uint32_t size;                 ///< frames of audio in one spectrum
	double rise[FB_ONSET_HISTORY]; ///< a ring
	double level[FB_ONSET_HISTORY];
	uint64_t frames;
	double power[FB_ONSET_HOPS]; ///< mean square of each hop, a ring
	uint64_t hops, last;         ///< last: hop at which the last onset was
	bool any;
	fb_tally rises; ///< dB
} fb_onset;

bool fb_onset_init(fb_onset *onset, double rate_hz, uint32_t stft_size, bool live);
void fb_onset_finish(fb_onset *onset);
void fb_onset_clear(fb_onset *onset);
void fb_onset_hop(fb_onset *onset, const fb_part *hop);
/** One spectrum: the new share of it, its level, the frame number of its first sample. Counts into
	FB_SUM_ONSETS and FB_SUM_GAP*. */
void fb_onset_frame(fb_onset *onset, double rise, double level_db, uint64_t first, fb_part *part);
void fb_onset_read(const fb_onset *onset, const fb_reading *reading);

#endif
