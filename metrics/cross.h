/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Spectra of both channels and between them, averaged over the window: coherence, the delay
   between the channels, and the strongest frequency of the mean spectrum. Frames below -60 dBFS are
   left out. Live, the window moves on in steps of a tenth. */
#ifndef FB_CROSS_H
#define FB_CROSS_H

#include "stft.h"

enum { FB_CROSS_BLOCKS = 6 }; ///< in a live window, which ends with the last, under way

typedef struct fb_cross {
	bool live;
	uint32_t bins, stride, size, frames_per_block; ///< stride: bins, in whole vectors
	double rate_hz;
	uint32_t frames; ///< of the block at hand
	uint64_t blocks; ///< whole ones
	float *now;      ///< [4][stride]: LL, RR, real and imaginary part of L conj(R)
	float *block;    ///< live: [FB_CROSS_BLOCKS - 1] of the same
	double *total;   ///< run: [4][stride] over the whole blocks
	double *sum;     ///< scratch of the same shape
	float *lag;      ///< scratch [size]
	fftwf_complex *whitened;
	fftwf_plan plan;
} fb_cross;

bool fb_cross_init(fb_cross *cross, const fb_stft *stft, double rate_hz, bool live);
void fb_cross_finish(fb_cross *cross);
void fb_cross_clear(fb_cross *cross);
void fb_cross_frame(fb_cross *cross, const fb_spectra *spectra);
void fb_cross_read(fb_cross *cross, const fb_spectra *spectra, const fb_reading *reading);

#endif
