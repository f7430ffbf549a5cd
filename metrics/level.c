/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "level.h"

#include "wide.h"

#include <string.h>

enum { STABILITY_HOPS = 40, STABILITY_STEP = 10 };

bool fb_level_init(fb_level *level, bool live)
{
	memset(level, 0, sizeof *level);
	return fb_trail_init(&level->blocks, 2, live ? FB_LIVE_HOPS / STABILITY_STEP : 0);
}

void fb_level_finish(fb_level *level)
{
	fb_trail_finish(&level->blocks);
}

void fb_level_clear(fb_level *level)
{
	level->hops = 0;
	fb_trail_clear(&level->blocks);
}

/* Sums over up to 256 frames, in floats side by side: 32 additions a lane, so the error stays below
   2e-6 of the sum. */
FB_WIDE static void measure_block(const float *l, const float *r, uint32_t frames, fb_part *part)
{
	fb_v8 sum_l = {0}, sum_r = {0}, ll = {0}, rr = {0}, lr = {0}, peak_l = {0}, peak_r = {0};
	uint32_t i = 0;
	for (; i + 8 <= frames; i += 8) {
		fb_v8 a = FB_LOAD8(l + i), b = FB_LOAD8(r + i);
		sum_l += a;
		sum_r += b;
		ll += a * a;
		rr += b * b;
		lr += a * b;
		peak_l = FB_MAX8(FB_ABS8(a), peak_l);
		peak_r = FB_MAX8(FB_ABS8(b), peak_r);
	}
	for (uint32_t lane = 0; i < frames; i++, lane++) {
		float a = l[i], b = r[i];
		sum_l[lane] += a;
		sum_r[lane] += b;
		ll[lane] += a * a;
		rr[lane] += b * b;
		lr[lane] += a * b;
		peak_l[lane] = fmaxf(peak_l[lane], fabsf(a));
		peak_r[lane] = fmaxf(peak_r[lane], fabsf(b));
	}
	part->sum[FB_SUM_L] += (double)FB_FOLD8(sum_l);
	part->sum[FB_SUM_R] += (double)FB_FOLD8(sum_r);
	part->sum[FB_SUM_LL] += (double)FB_FOLD8(ll);
	part->sum[FB_SUM_RR] += (double)FB_FOLD8(rr);
	part->sum[FB_SUM_LR] += (double)FB_FOLD8(lr);
	part->peak[0] = fmaxf(part->peak[0], fb_largest8((const float *)&peak_l));
	part->peak[1] = fmaxf(part->peak[1], fb_largest8((const float *)&peak_r));
}

void fb_level_measure(const fb_hop *hop, fb_part *part)
{
	for (uint32_t i = 0; i < hop->frames; i += 256) {
		uint32_t n = hop->frames - i < 256 ? hop->frames - i : 256;
		measure_block(hop->out[0] + i, hop->out[1] + i, n, part);
	}
	part->sum[FB_SUM_FRAMES] += (double)hop->frames;
}

void fb_level_hop(fb_level *level, const fb_part *hop)
{
	uint32_t slot = (uint32_t)(level->hops++ % STABILITY_HOPS);
	level->recent[slot] = hop->sum[FB_SUM_LL] + hop->sum[FB_SUM_RR];
	level->recent_frames[slot] = hop->sum[FB_SUM_FRAMES];
	if (level->hops >= STABILITY_HOPS && level->hops % STABILITY_STEP == 0) {
		double power = 0.0, frames = 0.0;
		for (int i = 0; i < STABILITY_HOPS; i++) {
			power += level->recent[i];
			frames += level->recent_frames[i];
		}
		double db = fb_power_db(fmax(power, 0.0) / (2.0 * frames));
		fb_trail_push(&level->blocks, db, (double[]){db, db * db});
	}
}

static double level_db(float peak)
{
	return fb_power_db((double)peak * (double)peak);
}

static void read_steadiness(
	const fb_level *level, const fb_trail *frames, const fb_reading *reading)
{
	double sums[2];
	uint64_t n = fb_trail_sum(&level->blocks, reading->active_from, FB_LEVEL_BINS - 1, sums);
	if (n >= 2) {
		double mean = sums[0] / (double)n;
		double deviation = sqrt(fmax(sums[1] / (double)n - mean * mean, 0.0));
		fb_answer(reading->set, FB_M_RMS_STABILITY, 1.0 / (1.0 + deviation / 6.0));
	}
	unsigned low = fb_trail_percentile(frames, reading->active_from, 0.10);
	unsigned high = fb_trail_percentile(frames, reading->active_from, 0.95);
	if (low) {
		fb_answer(reading->set, FB_M_DYNAMIC_RANGE, 0.1 * (double)(high - low));
	}
}

void fb_level_read(const fb_level *level, const fb_trail *frames, const fb_reading *reading)
{
	const fb_part *window = &reading->window;
	double n = window->sum[FB_SUM_FRAMES];
	if (n < 1.0) {
		return;
	}
	double power = (window->sum[FB_SUM_LL] + window->sum[FB_SUM_RR]) / (2.0 * n);
	double rms = fb_power_db(power), peak = level_db(fmaxf(window->peak[0], window->peak[1]));
	fb_answer(reading->set, FB_M_RMS, rms);
	fb_answer(reading->set, FB_M_PEAK, peak);
	if (rms > FB_LEVEL_FLOOR) {
		fb_answer(reading->set, FB_M_CREST, peak - rms);
	}
	double l = window->sum[FB_SUM_L] / n, r = window->sum[FB_SUM_R] / n;
	fb_answer(reading->set, FB_M_DC_OFFSET, fabs(l) >= fabs(r) ? l : r);
	read_steadiness(level, frames, reading);
}
