/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Short-time spectra of both channels: Hann, about 43 ms, half overlapped; made once, used by
	spectrum, stereo and onset parts. */
#ifndef FB_STFT_H
#define FB_STFT_H

#include "hop.h"

#include <fftw3.h>

/** One frame's spectra. Powers are scaled so that their sum is the frame's mean square; DC is taken
	out of each frame. */
typedef struct fb_spectra {
	uint32_t bins; ///< 0 Hz .. half the rate
	double hz_per_bin;
	uint32_t low, high;         ///< bins that lie in 20 Hz .. 20 kHz, both included
	const fftwf_complex *l, *r; ///< [bins]
	const float *power;         ///< [bins] mean of both channels
	const float *magnitude;     ///< [bins] its root
	double level_db;            ///< of the whole frame
} fb_spectra;

typedef struct fb_stft {
	uint32_t size, fill;
	uint64_t first; ///< frame number of x[0]
	fb_spectra spectra;
	float *x[2], *window, *work, *power, *magnitude;
	fftwf_complex *bins[2];
	fftwf_plan plan[2];
} fb_stft;

/** Frames of audio in one spectrum at this rate: 2048 at 48 kHz, else the next number that 2, 3 and
	5 make. */
uint32_t fb_stft_size(double rate_hz);

bool fb_stft_init(fb_stft *stft, double rate_hz); ///< false: out of memory; finish all the same
void fb_stft_finish(fb_stft *stft);
void fb_stft_clear(fb_stft *stft);
/** Gather a hop. */
void fb_stft_hop(fb_stft *stft, const fb_hop *hop);
/** The next whole frame's spectra, or NULL until more has come. Valid until the next call. */
const fb_spectra *fb_stft_next(fb_stft *stft);

#endif
