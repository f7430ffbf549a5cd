/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Spectrum group: what each STFT frame looks like, averaged over the active ones. Centroid,
   spread, roll-off, flatness, flux and contrast are means of the frames' own values; bands and tilt
   come from the powers summed over the frames; the strongest frequency comes from the mean spectrum
	(cross.h). */
#ifndef FB_SPECTRUM_H
#define FB_SPECTRUM_H

#include "trail.h"
#include "stft.h"

enum {
	FB_SEGMENTS = 33, ///< between the edges of third octaves and of the seven bands together
	FB_CONTRAST = 6,  ///< octaves from 250 Hz to 16 kHz
};

/** What is kept of a frame. */
typedef enum fb_feature {
	FB_FEATURE_CENTROID,
	FB_FEATURE_SPREAD,
	FB_FEATURE_ROLLOFF,
	FB_FEATURE_FLATNESS,
	FB_FEATURE_FLUX,
	FB_FEATURE_CONTRAST,
	FB_FEATURE_SEGMENT, ///< the first of FB_SEGMENTS powers
	FB_FEATURES = FB_FEATURE_SEGMENT + FB_SEGMENTS
} fb_feature;

typedef struct fb_spectrum {
	double edge_hz[FB_SEGMENTS + 1];
	double edge_bin[FB_SEGMENTS + 1]; ///< in bins, where bin k spans k - 0.5 .. k + 0.5
	double top_hz;                    ///< half the rate
	float *before;                    ///< [bins] magnitudes of the frame before, sum 1
	float sum_before;
	bool started; ///< there was a frame before
	uint32_t bins;
	fb_trail frames;
} fb_spectrum;

bool fb_spectrum_init(fb_spectrum *spectrum, const fb_stft *stft, double rate_hz, bool live);
void fb_spectrum_finish(fb_spectrum *spectrum);
void fb_spectrum_clear(fb_spectrum *spectrum);
/** One frame. Returns the share of its magnitude spectrum that the frame before did not have, 0..1,
	not normalised for level: what onsets are found by. */
double fb_spectrum_frame(fb_spectrum *spectrum, const fb_spectra *spectra);
/** As fb_analyser_thirds(), of the frames from that level bin on. */
void fb_spectrum_thirds(const fb_spectrum *spectrum, unsigned active_from, double *db);
void fb_spectrum_read(const fb_spectrum *spectrum, const fb_reading *reading);

#endif
