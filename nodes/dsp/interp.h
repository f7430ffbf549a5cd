/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Reading a signal between its samples: eight taps, fitted by weighted least squares to a
	pure delay. Off it by less than -85 dB up to 1/8 of the rate, -59 dB up to 11/48, -37 dB at
   13/48. source: T. Laakso et al., "Splitting the unit delay" (1996), general least squares */
#ifndef FB_DSP_INTERP_H
#define FB_DSP_INTERP_H

#define FB_INTERP_TAPS 8
#define FB_INTERP_BEFORE 3 /**< taps before the one at the whole part of the position */
#define FB_INTERP_PHASES 256

/** Taps for each phase of the fraction; between two rows, mix them in a straight line.
	x(position + f) = sum tap[f][k] x[position - FB_INTERP_BEFORE + k], f from 0 to 1 */
typedef struct fb_interp {
	_Alignas(64) float tap[FB_INTERP_PHASES + 1][FB_INTERP_TAPS];
} fb_interp;

/** Work the taps out; some milliseconds at most. thread: control */
void fb_interp_init(fb_interp *interp);

#endif
