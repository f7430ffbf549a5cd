/* SPDX-License-Identifier: GPL-3.0-or-later */
/** One band of the equaliser: from what the engineer sets to analogue prototypes to sections. */
#ifndef FB_EQ_BAND_H
#define FB_EQ_BAND_H

#include "../dsp/matched.h"

typedef enum band_type {
	BAND_BELL,
	BAND_LOW_SHELF,
	BAND_HIGH_SHELF,
	BAND_LOW_PASS,
	BAND_HIGH_PASS,
	BAND_NOTCH,
	BAND_OFF,
} band_type;

enum { BAND_PROTOTYPES = 4, BAND_SECTIONS = BAND_PROTOTYPES + 1 };

/** What a change of needs a crossfade; everything else glides. */
typedef struct band_shape {
	band_type type;
	int order; ///< of a pass, 1..8; 0 for the other types
} band_shape;

typedef struct band_setting {
	float freq_hz, gain_db, q;
} band_setting;

/** The analogue sections of a band, s in radians per frame; returns how many. rt: yes
	source: R. Bristow-Johnson, "Cookbook formulae for audio EQ", its analogue prototypes;
			passes are Butterworth, with the Q of the most resonant pair raised or lowered */
int band_prototype(
	band_shape shape, const band_setting *set, double rate_hz, fb_analog out[BAND_PROTOTYPES]);

/** The digital sections of a band; returns how many, 0 if it leaves the signal as it is. rt: yes */
int band_design(
	band_shape shape, const band_setting *set, double rate_hz, fb_section out[BAND_SECTIONS]);

#endif
