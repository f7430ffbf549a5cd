/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weighting.h"

#include <string.h>

/* The analogue pair behind BS.1770's figures: a shelf of 3.9998 dB with its midpoint at 1682 Hz and
   a high-pass at 38.1 Hz. The shelf's exponent makes its numerator pass through the standard's b1.
   source: B. De Man, "Evaluation of implementations of the EBU R128 loudness measurement", 2018 */
#define SHELF_HZ 1681.974450955533
#define SHELF_DB 3.999843853973347
#define SHELF_Q 0.7071752369554196
#define SHELF_EXPONENT 0.4996667741545416
#define HIGH_PASS_HZ 38.13547087602444
#define HIGH_PASS_Q 0.5003270373238773

void fb_weighting_init(fb_weighting *weighting, double rate_hz)
{
	double pi = acos(-1.0);
	double k = tan(pi * SHELF_HZ / rate_hz);
	double high = pow(10.0, SHELF_DB / 20.0), band = pow(high, SHELF_EXPONENT);
	double a0 = 1.0 + k / SHELF_Q + k * k;
	weighting->b[0] = (high + band * k / SHELF_Q + k * k) / a0;
	weighting->b[1] = 2.0 * (k * k - high) / a0;
	weighting->b[2] = (high - band * k / SHELF_Q + k * k) / a0;
	weighting->a[0] = 2.0 * (k * k - 1.0) / a0;
	weighting->a[1] = (1.0 - k / SHELF_Q + k * k) / a0;
	k = tan(pi * HIGH_PASS_HZ / rate_hz);
	a0 = 1.0 + k / HIGH_PASS_Q + k * k;
	weighting->c[0] = 2.0 * (k * k - 1.0) / a0;
	weighting->c[1] = (1.0 - k / HIGH_PASS_Q + k * k) / a0;
	fb_weighting_clear(weighting);
}

void fb_weighting_clear(fb_weighting *weighting)
{
	weighting->s1 = weighting->s2 = weighting->h1 = weighting->h2 = (fb_v4d){0};
}

/* A decaying filter must not end in denormal numbers, which take a hundred times as long. */
static void settle(fb_v4d *state)
{
	for (int i = 0; i < 4; i++) {
		(*state)[i] = fabs((*state)[i]) < 1e-30 ? 0.0 : (*state)[i];
	}
}

FB_WIDE void fb_weighting_hop(fb_weighting *weighting, const fb_hop *hop, fb_part *part)
{
	const float *l = hop->out[0], *r = hop->out[1], *in_l = hop->in[0], *in_r = hop->in[1];
	const double b0 = weighting->b[0], b1 = weighting->b[1], b2 = weighting->b[2];
	const double a1 = weighting->a[0], a2 = weighting->a[1];
	const double c1 = weighting->c[0], c2 = weighting->c[1];
	fb_v4d s1 = weighting->s1, s2 = weighting->s2, h1 = weighting->h1, h2 = weighting->h2;
	fb_v4d power = {0};
	double cross = 0.0;
	for (uint32_t i = 0; i < hop->frames; i++) {
		fb_v4d x = {(double)l[i], (double)r[i], (double)in_l[i], (double)in_r[i]};
		fb_v4d shelf = b0 * x + s1; /* transposed direct form II, both stages */
		s1 = b1 * x - a1 * shelf + s2;
		s2 = b2 * x - a2 * shelf;
		fb_v4d y = shelf + h1;
		h1 = h2 - 2.0 * shelf - c1 * y;
		h2 = shelf - c2 * y;
		power += y * y;
		cross += y[0] * y[1];
	}
	weighting->s1 = s1;
	settle(&weighting->s1);
	weighting->s2 = s2;
	settle(&weighting->s2);
	weighting->h1 = h1;
	settle(&weighting->h1);
	weighting->h2 = h2;
	settle(&weighting->h2);
	part->sum[FB_SUM_K_LL] += power[0];
	part->sum[FB_SUM_K_RR] += power[1];
	part->sum[FB_SUM_K_LR] += cross;
	part->sum[FB_SUM_K_IN] += power[2] + power[3];
}
