/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Mains hum: spectra of 1 s every half second, both channels, of the signal at about 1.5 kHz. */
#ifndef FB_HUM_H
#define FB_HUM_H

#include "decimate.h"
#include "hop.h"

#include <fftw3.h>

enum { FB_HUM_SEGMENTS = 5, FB_HUM_BINS = 560 };

typedef struct fb_hum {
	double rate_hz; ///< after decimation
	bool live;
	uint32_t size, fill;
	fb_decimate decimate[2];
	float *x[2], *window, *work;
	fftwf_complex *spectrum;
	fftwf_plan plan;
	uint64_t segments;
	double sum[FB_HUM_BINS];                    ///< run: power spectra so far
	float recent[FB_HUM_SEGMENTS][FB_HUM_BINS]; ///< live: those of the last 3 s
	double power;                               ///< the answer so far
} fb_hum;

/** rate_hz: of what is fed; most: frames a call at most */
bool fb_hum_init(fb_hum *hum, double rate_hz, uint32_t most, bool live);
void fb_hum_finish(fb_hum *hum);
void fb_hum_clear(fb_hum *hum);
void fb_hum_feed(fb_hum *hum, const float *l, const float *r, uint32_t frames);
void fb_hum_read(const fb_hum *hum, const fb_reading *reading);

#endif
