/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stereo.h"

#define SILENCE 1e-12 /* mean square, -120 dBFS */

void fb_stereo_read(const fb_reading *reading)
{
	const double *sum = reading->window.sum;
	fb_metric_set *set = reading->set;
	double n = sum[FB_SUM_FRAMES];
	double ll = sum[FB_SUM_LL], rr = sum[FB_SUM_RR], lr = sum[FB_SUM_LR];
	if (n < 1.0 || (ll + rr) / (2.0 * n) <= SILENCE) {
		return;
	}
	/* side energy is (ll + rr - 2 lr) / 2, mid (ll + rr + 2 lr) / 2: lr keeps them apart */
	fb_answer(set, FB_M_WIDTH, fmin(fmax((ll + rr - 2.0 * lr) / (2.0 * (ll + rr)), 0.0), 1.0));
	fb_answer(set, FB_M_BALANCE, fb_power_db(rr / n) - fb_power_db(ll / n));
	if (ll / n > SILENCE && rr / n > SILENCE) {
		fb_answer(set, FB_M_CORRELATION, fmin(fmax(lr / sqrt(ll * rr), -1.0), 1.0));
	}
	double both = sum[FB_SUM_K_LL] + sum[FB_SUM_K_RR];
	if (both / n > SILENCE) {
		double mono = fmax(0.5 * (both + 2.0 * sum[FB_SUM_K_LR]), both * 1e-12);
		fb_answer(set, FB_M_MONO_LOSS, fmax(10.0 * log10(both / mono), 0.0));
	}
}
