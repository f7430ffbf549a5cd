/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A stream of stereo spectra and back, with the resolution of a long window and the latency of a
	short one: the analysis window rises slowly and falls fast, the synthesis window is short, and
	their product is Hann's, which sums to 1 at half overlap. Unchanged spectra give the signal
   back.

	Left and right ride as real and imaginary part of one complex signal; a real gain that is the
	same for bins k and size - k acts on both alike.
	source: D. Mauler, R. Martin, "A low delay, variable resolution, perfect reconstruction spectral
			analysis-synthesis system for speech enhancement" (2007) */
#ifndef FB_DSP_STFT_H
#define FB_DSP_STFT_H

#include "../../graph/node.h"

#include <fftw3.h>

typedef struct fb_stft {
	uint32_t size;     ///< frames in the long window, a power of two >= 256
	uint32_t hop;      ///< size / 4, frames from one spectrum to the next
	uint32_t filled;   ///< frames of the newest hop that have come in
	uint32_t taken;    ///< frames of the ready hop that have gone out
	float *rise_fall;  ///< [size] analysis window
	float *short_part; ///< [2 hop] synthesis window, of the newest frames
	float *past[2];    ///< [size] the newest frames
	float *ready[2];   ///< [2 hop] the hop that goes out, and what the next spectrum adds to
	fftwf_complex *time, *bin; ///< [size]
	fftwf_plan forward, backward;
} fb_stft;

/** The window's size for a rate: the power of two next to 20 ms, at least 256. */
uint32_t fb_stft_size(double rate_hz);
/** Floats that fb_stft_init() wants. */
size_t fb_stft_room(uint32_t size);
/** room: zeroed, FB_ALIGN aligned. False when FFTW has no plan. thread: control */
bool fb_stft_init(fb_stft *stft, uint32_t size, float *room);
void fb_stft_finish(fb_stft *stft); ///< thread: control
void fb_stft_reset(fb_stft *stft) FB_RT;

/** Take in a tick. True once a hop: then fb_stft_analyse() is due, before the next push. */
bool fb_stft_push(fb_stft *stft, const float l[FB_TICK], const float r[FB_TICK]) FB_RT;
/** The spectrum of the newest frames, to bin[]. */
void fb_stft_analyse(fb_stft *stft) FB_RT;
/** Make a hop of sound from bin[], scaled back. As many ticks after each analysis, before pull. */
void fb_stft_synthesise(fb_stft *stft) FB_RT;
/** Give out a tick. */
void fb_stft_pull(fb_stft *stft, float l[FB_TICK], float r[FB_TICK]) FB_RT;

/** Frames from in to out when synthesis follows so many ticks after analysis. */
static inline uint32_t fb_stft_latency(uint32_t size, uint32_t ticks_later)
{
	return size / 2 - FB_TICK + ticks_later * FB_TICK;
}

#endif
