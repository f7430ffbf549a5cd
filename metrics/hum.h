/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Mains hum: what stands above the spectrum around it at 50 or 60 Hz and their harmonics, in
   spectra of 1 s every half second of both channels, decimated to about 1.6 kHz.

	Each harmonic's level is averaged in decibels over the spectra, so what is there all the time
	counts in full and a bass note that comes and goes hardly. */
#ifndef FB_HUM_H
#define FB_HUM_H

#include "decimate.h"
#include "hop.h"

#include <fftw3.h>

enum { FB_HUM_SEGMENTS = 5, FB_HUM_TONES = 16 }; ///< tones: 8 of 50 Hz, 8 of 60 Hz

typedef struct fb_hum {
	double rate_hz; ///< after decimation
	bool live;
	uint32_t size, fill;
	fb_decimate decimate[2];
	float *x[2], *window, *work, *power;
	fftwf_complex *spectrum;
	fftwf_plan plan;
	uint64_t segments;
	double sum_db[FB_HUM_TONES];                     ///< run: over all spectra
	double recent_db[FB_HUM_SEGMENTS][FB_HUM_TONES]; ///< live: of the last 3 s
} fb_hum;

/** rate_hz: of what is fed; most: frames a call at most. false: out of memory, finish all
	the same */
bool fb_hum_init(fb_hum *hum, double rate_hz, uint32_t most, bool live);
void fb_hum_finish(fb_hum *hum);
void fb_hum_clear(fb_hum *hum);
void fb_hum_feed(fb_hum *hum, const float *l, const float *r, uint32_t frames);
void fb_hum_read(const fb_hum *hum, const fb_reading *reading);

#endif
