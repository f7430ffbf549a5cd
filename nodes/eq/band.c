/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "band.h"

/* A steeper shelf would overshoot by more than it is set to, and its roots leave the band. */
static const double SHELF_Q_MAX = 1.5;

static int pass(bool high, int order, double w, double q, fb_analog *out)
{
	int n = 0;
	for (int i = 0; i < order / 2; i++) {
		double pair_q = 0.5 / cos(M_PI * (2 * i + 1) / (2.0 * order));
		if (i == order / 2 - 1) {
			/* the pair nearest the axis is the one that rings; 1/sqrt(2) leaves it Butterworth */
			pair_q *= q * M_SQRT2;
		}
		out[n++] = (fb_analog){.n2 = high, .n0 = high ? 0.0 : w * w, 1.0, w / pair_q, w * w};
	}
	if (order & 1) {
		out[n++] = (fb_analog){.n1 = high, .n0 = high ? 0.0 : w, 0.0, 1.0, w};
	}
	return n;
}

int band_prototype(
	band_shape shape, const band_setting *set, double rate_hz, fb_analog out[BAND_PROTOTYPES])
{
	/* at low rates the end of the band is nearer than the end of the parameter */
	double w = 2.0 * M_PI * fmin((double)set->freq_hz / rate_hz, 0.46);
	double q = (double)set->q, a = pow(10.0, (double)set->gain_db / 40.0);
	double shelf = sqrt(a) / fmin(q, SHELF_Q_MAX) * w;
	switch (shape.type) {
	case BAND_BELL:
		*out = (fb_analog){1.0, w * a / q, w * w, 1.0, w / (a * q), w * w};
		return 1;
	case BAND_LOW_SHELF:
		*out = (fb_analog){a, a * shelf, a * a * w * w, a, shelf, w * w};
		return 1;
	case BAND_HIGH_SHELF:
		*out = (fb_analog){a * a, a * shelf, a * w * w, 1.0, shelf, a * w * w};
		return 1;
	case BAND_LOW_PASS:
		return pass(false, shape.order, w, q, out);
	case BAND_HIGH_PASS:
		return pass(true, shape.order, w, q, out);
	case BAND_NOTCH:
		*out = (fb_analog){1.0, 0.0, w * w, 1.0, w / q, w * w};
		return 1;
	case BAND_OFF:
		break;
	}
	return 0;
}

int band_design(
	band_shape shape, const band_setting *set, double rate_hz, fb_section out[BAND_SECTIONS])
{
	bool flat = shape.type <= BAND_HIGH_SHELF && set->gain_db == 0.0f;
	if (flat || shape.type == BAND_OFF) {
		return 0;
	}
	fb_analog analog[BAND_PROTOTYPES];
	return fb_match(analog, band_prototype(shape, set, rate_hz, analog), out);
}
