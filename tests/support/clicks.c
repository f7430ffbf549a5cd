/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clicks.h"

#include <math.h>

enum { HALF = 512 };

/** Kaiser's window of shape 12: 118 dB and a transition of 0.0075 of the rate at this length. */
static double kaiser(double t)
{
	double y = 12.0 * sqrt(fmax(0.0, 1.0 - t * t)), sum = 1.0, term = 1.0;
	for (int k = 1; k < 60; k++) {
		term *= (y / 2.0 / k) * (y / 2.0 / k);
		sum += term;
	}
	return sum;
}

double clicks_peak_db(const float *x, size_t frames, double rate_hz, double cut_hz)
{
	static double tap[HALF + 1];
	double corner = 2.0 * 0.85 * cut_hz / rate_hz, norm = kaiser(0.0);
	for (int k = 0; k <= HALF; k++) {
		double low = k ? sin(M_PI * corner * k) / (M_PI * k) : corner;
		tap[k] = ((k ? 0.0 : 1.0) - low) * kaiser((double)k / (HALF + 1)) / norm;
	}
	double peak = 0.0;
	for (size_t i = 2 * HALF; i + 2 * HALF < frames; i++) {
		double y = tap[0] * (double)x[i];
		for (size_t k = 1; k <= HALF; k++) {
			y += tap[k] * ((double)x[i - k] + (double)x[i + k]);
		}
		peak = fmax(peak, fabs(y));
	}
	return 20.0 * log10(fmax(peak, 1e-15));
}
