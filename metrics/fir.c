/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fir.h"

#include <math.h>

/* The beta that puts a low-pass's stop band 80 dB down. */
#define BETA_80_DB 7.86

double fb_sinc(double t)
{
	double x = acos(-1.0) * t;
	return fabs(x) < 1e-9 ? 1.0 : sin(x) / x;
}

/* Modified Bessel function of order 0, by its series. */
static double bessel_i0(double x)
{
	double sum = 1.0, term = 1.0;
	for (int k = 1; term > 1e-16 * sum; k++) {
		term *= (x / (2.0 * k)) * (x / (2.0 * k));
		sum += term;
	}
	return sum;
}

double fb_kaiser(double x, double beta)
{
	return bessel_i0(beta * sqrt(fmax(1.0 - x * x, 0.0)));
}

void fb_fir_low_pass(float *taps, unsigned n, double cutoff)
{
	double sum = 0.0;
	for (unsigned i = 0; i < n; i++) {
		double t = (double)i - ((double)n - 1.0) / 2.0;
		double tap = fb_sinc(2.0 * cutoff * t) * fb_kaiser(2.0 * t / (double)n, BETA_80_DB);
		taps[i] = (float)tap;
		sum += tap;
	}
	for (unsigned i = 0; i < n; i++) {
		taps[i] = (float)((double)taps[i] / sum);
	}
}
