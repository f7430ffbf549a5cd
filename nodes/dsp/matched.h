/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Digital sections with the magnitude of an analogue filter up to the end of the band: none of the
	cramping of the bilinear transform.

	Poles and zeros are taken over by the matched z-transform, which keeps their frequency and width
	exactly. What is then wrong with the magnitude is the sum of their aliases: a smooth, nearly
   flat curve. One more section, a rational function of sin^2(w/2) through five points of that
   curve, puts it right; where the curve is flat within 0.004 dB it is left out. errors: magnitude
   within 0.1 dB of the analogue filter to 20 kHz at 48 kHz, for roots below Nyquist; phase follows
   as both are minimum phase source: derived here; the formulas of squared magnitude after M.
   Vicanek, "Matched Second Order Digital Filters" (2016) */
#ifndef FB_DSP_MATCHED_H
#define FB_DSP_MATCHED_H

#include "section.h"

/** (n2 s^2 + n1 s + n0) / (d2 s^2 + d1 s + d0), s in radians per frame. */
typedef struct fb_analog {
	double n2, n1, n0, d2, d1, d0;
} fb_analog;

/** Squared magnitude of an analogue section at w radians per frame. */
double fb_analog_power(const fb_analog *section, double w);

/** Squared magnitude of a digital section at w radians per frame. */
double fb_section_power(const fb_section *section, double w);

/** Make the digital sections that stand for `n` analogue ones in series.
	range:  n 1..4; denominators stable; numerators without roots in the right half plane
	rt:     yes, some hundreds of ns
	returns n, or n + 1 with the correction as the last */
int fb_match(const fb_analog *analog, int n, fb_section *out);

#endif
