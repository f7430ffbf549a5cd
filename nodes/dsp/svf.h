/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A second-order Butterworth filter that gives its band and low outputs at once; any numerator is
	a mixture of them and the input:
	low  = w^2 / (s^2 + sqrt(2) w s + w^2), band = w s / (same), high = x - sqrt(2) band - low.
	Moving the mixture moves no pole, and the trapezoidal integrators take any movement of the
	corner. In double, for scalar loops: the cost is that of float, and a corner of 20 Hz at 192 kHz
	stays clean.
	source: A. Simper, "Linear trapezoidal state variable filter" */
#ifndef FB_DSP_SVF_H
#define FB_DSP_SVF_H

#include <math.h>

typedef double fb_svf_pair __attribute__((vector_size(16))); ///< {band, low}

/** The state's next value by what it comes from. */
typedef struct fb_svf_coef {
	fb_svf_pair band, low, x;
} fb_svf_coef;

/** The corner as the filter's tangent-warped frequency w; held below 0.47 of the rate. rt: yes */
static inline double fb_svf_warp(double corner_hz, double rate_hz)
{
	return tan(M_PI * fmin(corner_hz / rate_hz, 0.47));
}

/** rt: yes */
static inline fb_svf_coef fb_svf_make(double warped)
{
	double a = 2.0 / (1.0 + warped * (warped + M_SQRT2)), b = warped * a, c = warped * b;
	return (fb_svf_coef){{a - 1.0, b}, {-b, 1.0 - c}, {b, c}};
}

/** One frame. Returns {band, low}; the trapezoidal rule is that they are the mean of the state
	before and after. state: 0 at rest. rt: yes */
static inline fb_svf_pair fb_svf_step(fb_svf_pair *state, const fb_svf_coef *coef, double x)
{
	fb_svf_pair was = *state;
	*state = coef->x * x + coef->band * was[0] + coef->low * was[1];
	return 0.5 * (was + *state);
}

/** A mixture of both outputs. rt: yes */
static inline double fb_svf_mix(fb_svf_pair out, fb_svf_pair weight)
{
	out *= weight;
	return out[0] + out[1];
}

#endif
