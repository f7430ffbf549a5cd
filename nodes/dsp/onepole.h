/* SPDX-License-Identifier: GPL-3.0-or-later */
/** First-order low and high pass, 6 dB/oct, with a trapezoidal integrator: exact at DC and at
	Nyquist, and stable for any movement of its corner. */
#ifndef FB_DSP_ONEPOLE_H
#define FB_DSP_ONEPOLE_H

#include <math.h>

/** The coefficient for a corner (-3 dB), held below 0.45 of the rate. rt: yes */
static inline float fb_onepole_coef(double corner_hz, double rate_hz)
{
	double g = tan(M_PI * fmin(corner_hz / rate_hz, 0.45));
	return (float)(g / (1.0 + g));
}

/** One frame of the low pass; x less the result is the high pass. state: 0 at rest. rt: yes */
static inline float fb_onepole_low(float *state, float coef, float x)
{
	float low = coef * x + (1.0f - coef) * *state;
	*state = 2.0f * coef * x + (1.0f - 2.0f * coef) * *state;
	return low;
}

#endif
