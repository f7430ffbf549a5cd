/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Reading a signal between its samples: eight taps, fitted by weighted least squares to a
	pure delay. Off it by less than -85 dB up to 1/8 of the rate, -59 dB up to 11/48, -37 dB at
   13/48. source: T. Laakso et al., "Splitting the unit delay" (1996), general least squares */
#ifndef FB_DSP_INTERP_H
#define FB_DSP_INTERP_H

#define FB_INTERP_TAPS 8
#define FB_INTERP_BEFORE 3 /**< taps before the one at the whole part of the position */
#define FB_INTERP_PHASES 256

/** For each phase of the fraction its taps, and what they lack to those of the next: between two
	phases, mix them in a straight line.
	x(position + f) = sum tap[k] x[position - FB_INTERP_BEFORE + k], f from 0 to 1 */
typedef struct fb_interp_row {
	_Alignas(64) float tap[FB_INTERP_TAPS];
	float step[FB_INTERP_TAPS];
} fb_interp_row;

/** The table, [FB_INTERP_PHASES], one for all; some milliseconds when it is first asked for.
	thread: control, any number of them */
const fb_interp_row *fb_interp_table(void);

#endif
