/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crossings.h"

#include "wide.h"

void fb_crossings_clear(fb_crossings *crossings)
{
	*crossings = (fb_crossings){0};
}

FB_WIDE static uint32_t count(
	const float *l, const float *r, uint32_t frames, float mean, bool *negative)
{
	int32_t below[FB_MAX_HOP + 1];
	uint32_t crossings = 0;
	below[0] = *negative;
	for (uint32_t i = 0; i < frames; i++) {
		below[i + 1] = l[i] + r[i] < mean;
	}
	for (uint32_t i = 0; i < frames; i++) {
		crossings += (uint32_t)(below[i] ^ below[i + 1]);
	}
	*negative = below[frames] != 0;
	return crossings;
}

void fb_crossings_hop(fb_crossings *crossings, const fb_hop *hop, fb_part *part)
{
	float mean = part->mean[0] + part->mean[1];
	if (!crossings->any) {
		crossings->any = true;
		crossings->negative = hop->out[0][0] + hop->out[1][0] < mean;
	}
	part->sum[FB_SUM_CROSSINGS] +=
		count(hop->out[0], hop->out[1], hop->frames, mean, &crossings->negative);
}

void fb_crossings_read(const fb_reading *reading)
{
	const double *sum = reading->window.sum;
	double n = sum[FB_SUM_FRAMES];
	if (n > 0.0 && fb_part_power(sum) > 1e-12) {
		fb_answer(reading->set, FB_M_ZCR, sum[FB_SUM_CROSSINGS] * reading->rate_hz / n);
	}
}
