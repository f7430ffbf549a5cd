/* SPDX-License-Identifier: GPL-3.0-or-later */
/** True peak for limiters: the crest of the wave between samples, on eight points a frame. Four are
	those of the standard's own meter, so that what it will read is known and not guessed; the
   sample and three more lie between, for meters on that grid. source: ITU-R BS.1770-4, Annex 2,
   order 48 interpolating filter; the quarter points are least-squares interpolators to 0.43 of the
   rate */
#ifndef FB_DSP_TRUEPEAK_H
#define FB_DSP_TRUEPEAK_H

#include "../../graph/node.h"

enum {
	FB_TRUEPEAK_TAPS = 12,
	FB_TRUEPEAK_PAST = FB_TRUEPEAK_TAPS - 1, ///< frames of history before a tick
	FB_TRUEPEAK_DELAY = 6, ///< a peak is reported this much after the sample that follows it
};

/** No point exceeds the largest sample of the frames it is made of by more than this. */
#define FB_TRUEPEAK_MOST 2.1f

/** Largest magnitude about each frame of a tick.
	shape: x[FB_TRUEPEAK_PAST + FB_TICK], the tick at its end; out[i] covers the time from the
   sample x[i + 5] to x[i + 6], the latter included rt:    yes */
void fb_truepeak_tick(const float *x, float out[FB_TICK]);

#endif
