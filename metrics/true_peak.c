/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "true_peak.h"

#include "fir.h"
#include "wide.h"

#include <string.h>

enum { TAPS = FB_TRUE_PEAK_TAPS, BEFORE = FB_TRUE_PEAK_BEFORE, HALF = TAPS / 2 };

void fb_true_peak_init(fb_true_peak *true_peak)
{
	fb_true_peak_clear(true_peak);
	for (int phase = 0; phase < 3; phase++) {
		double taps[TAPS], sum = 0.0;
		for (int k = 0; k < TAPS; k++) {
			double t = 0.25 * (phase + 1) - (double)(k - (HALF - 1));
			taps[k] = fb_sinc(t) * fb_kaiser(t / HALF, 4.0);
			sum += taps[k];
		}
		for (int k = 0; k < TAPS; k++) {
			true_peak->taps[phase][k] = (float)(taps[k] / sum);
		}
	}
}

void fb_true_peak_clear(fb_true_peak *true_peak)
{
	memset(true_peak->kept, 0, sizeof true_peak->kept);
	true_peak->n_kept = BEFORE;
}

/* Largest magnitude of the three phases at x[0] .. x[frames - 1]; TAPS - 1 samples more are read.
 */
FB_WIDE static float scan(float taps[3][TAPS], const float *x, uint32_t frames)
{
	fb_v8 max = {0};
	for (uint32_t i = 0; i < frames; i += 8) {
		fb_v8 a = {0}, b = {0}, c = {0};
		for (int k = 0; k < TAPS; k++) {
			fb_v8 in = FB_LOAD8(x + i + k);
			a += in * taps[0][k];
			b += in * taps[1][k];
			c += in * taps[2][k];
		}
		a = FB_ABS8(a);
		b = FB_ABS8(b);
		c = FB_ABS8(c);
		a = FB_MAX8(a, b);
		max = FB_MAX8(max, c);
		max = FB_MAX8(max, a);
	}
	return FB_LARGEST8(max);
}

static float add_channel(
	fb_true_peak *true_peak, int channel, const float *samples, uint32_t frames)
{
	float x[BEFORE + 7 + FB_MAX_HOP];
	uint32_t n = true_peak->n_kept;
	memcpy(x, true_peak->kept[channel], n * sizeof *x);
	memcpy(x + n, samples, frames * sizeof *x);
	uint32_t points = (n + frames - BEFORE) / 8 * 8;
	memcpy(true_peak->kept[channel], x + points, (n + frames - points) * sizeof *x);
	return scan(true_peak->taps, x, points);
}

void fb_true_peak_hop(fb_true_peak *true_peak, const fb_hop *hop, fb_part *part)
{
	float l = add_channel(true_peak, 0, hop->out[0], hop->frames);
	float r = add_channel(true_peak, 1, hop->out[1], hop->frames);
	true_peak->n_kept = BEFORE + (true_peak->n_kept + hop->frames - BEFORE) % 8;
	part->true_peak = fmaxf(part->true_peak, fmaxf(l, r));
}

void fb_true_peak_tail(fb_true_peak *true_peak, fb_part *part)
{
	static const float silence[BEFORE + 7];
	fb_hop hop = {.out = {silence, silence}, .frames = BEFORE + 7};
	fb_true_peak_hop(true_peak, &hop, part);
}

double fb_true_peak_db(const fb_part *part)
{
	double peak = (double)fmaxf(part->true_peak, fmaxf(part->peak[0], part->peak[1]));
	return fb_power_db(peak * peak);
}
