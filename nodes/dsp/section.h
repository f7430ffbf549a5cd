/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A second-order filter section on a stereo signal that may be moved at audio rate.

	It is the state-variable filter with trapezoidal integrators, written as a state-space step. Its
	2 x 2 state matrix is the Cayley transform of a dissipative one and so never lengthens the state
	vector; nor does any blend of two such matrices. A straight line between two settings,
   coefficient by coefficient, is therefore stable however fast and wild the settings move. source:
   A. Simper, "Linear trapezoidal state variable filter"; V. Zavalishin, "The Art of VA Filter
   Design", on time-varying stability; the blend argument is the line above */
#ifndef FB_DSP_SECTION_H
#define FB_DSP_SECTION_H

#include "../../graph/node.h"

/** Left and right of one frame. */
typedef double fb_stereo __attribute__((vector_size(16)));

/** A biquad's numerator or denominator c0 + c1 z^-1 + c2 z^-2 by what stays precise at low
	frequencies: its value at DC, at Nyquist, and c0 - c2. */
typedef struct fb_quad {
	double dc, nyquist, skew;
} fb_quad;

/** Coefficients of one section:
	u = x - s2; s1' = a s1 + b u; s2' = s2 + b s1 + c u; y = d x + e s1 + f s2 */
typedef struct fb_section {
	double a, b, c, d, e, f;
} fb_section;

typedef struct fb_section_state {
	fb_stereo s1, s2;
} fb_section_state;

/** The section that passes its input unchanged, whatever its state. */
extern const fb_section fb_section_identity;

/** The section (n2 s^2 + n1 g s + n0 g^2) / (s^2 + k g s + g^2), s = (1 - z^-1) / (1 + z^-1): g is
	tan(w/2) of the natural frequency, k is 1/Q. range: g, k > 0. rt: yes */
fb_section fb_section_svf(double g, double k, double n2, double n1, double n0);

/** The section gain * num / den.
	range: den has its roots within the unit circle (dc, nyquist and skew > 0)
	rt:    yes */
fb_section fb_section_make(const fb_quad *num, const fb_quad *den, double gain);

/** Filter one tick in place with n sections in series, up to four at a time: while one waits for
	its own result the others work on their samples. The same bits as one after the other.
	rt: yes */
void fb_section_run_all(int n, const fb_section *const *sections, fb_section_state *const *states,
	fb_stereo x[FB_TICK]);

/** Filter some frames in place while the coefficients go from one setting to another in a straight
	line; `to` is in force on the last frame. rt: yes */
void fb_section_glide(const fb_section *from, const fb_section *to, fb_section_state *state,
	fb_stereo *x, int frames);

#endif
