/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Noise floor, activity, SNR, silence; gain change and gain reduction.

	An active frame is louder than max(-60 dBFS, min(noise floor + 6 dB, rms - 4 dB)). The last term
   is for sound without pauses, dense music or a test tone: its quietest tenth is the sound itself,
   and 6 dB above that there would be nothing. */
#ifndef FB_NOISE_H
#define FB_NOISE_H

#include "trail.h"
#include "hop.h"

/** Fill in what the other parts ask of a window: floor_power, whole, active_from.
	frames: the history of 50 ms frames, FB_SUMS features each; window.sum is there already */
void fb_noise_prepare(const fb_trail *frames, fb_reading *reading);
void fb_noise_read(const fb_trail *frames, bool has_input, const fb_reading *reading);

#endif
