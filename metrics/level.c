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
	level->mean = (fb_mean){0};
	fb_trail_clear(&level->blocks);
}

/* Sums of a block, about the mean. */
typedef struct moments {
	double l, r, ll, rr, lr;
	float peak_l, peak_r;
} moments;

/* Up to 256 frames, in floats side by side: 32 additions a lane, so the error stays below 2e-6 of
   the sum, and taking the mean out first keeps it that small beside a large DC. */
FB_WIDE static void measure_block(
	const float *l, const float *r, uint32_t frames, float mean_l, float mean_r, moments *m)
{
	fb_v8 sum_l = {0}, sum_r = {0}, ll = {0}, rr = {0}, lr = {0}, peak_l = {0}, peak_r = {0};
	uint32_t i = 0;
	for (; i + 8 <= frames; i += 8) {
		fb_v8 a = FB_LOAD8(l + i), b = FB_LOAD8(r + i);
		peak_l = FB_MAX8(FB_ABS8(a), peak_l);
		peak_r = FB_MAX8(FB_ABS8(b), peak_r);
		a -= mean_l;
		b -= mean_r;
		sum_l += a;
		sum_r += b;
		ll += a * a;
		rr += b * b;
		lr += a * b;
	}
	for (uint32_t lane = 0; i < frames; i++, lane++) {
		float a = l[i] - mean_l, b = r[i] - mean_r;
		peak_l[lane] = fmaxf(peak_l[lane], fabsf(l[i]));
		peak_r[lane] = fmaxf(peak_r[lane], fabsf(r[i]));
		sum_l[lane] += a;
		sum_r[lane] += b;
		ll[lane] += a * a;
		rr[lane] += b * b;
		lr[lane] += a * b;
	}
	m->l += (double)FB_FOLD8(sum_l);
	m->r += (double)FB_FOLD8(sum_r);
	m->ll += (double)FB_FOLD8(ll);
	m->rr += (double)FB_FOLD8(rr);
	m->lr += (double)FB_FOLD8(lr);
	m->peak_l = fmaxf(m->peak_l, FB_LARGEST8(peak_l));
	m->peak_r = fmaxf(m->peak_r, FB_LARGEST8(peak_r));
}

static double mean_of(const float *x, uint32_t n)
{
	double sum = 0.0;
	for (uint32_t i = 0; i < n; i++) {
		sum += (double)x[i];
	}
	return sum / n;
}

/* Sum of squares about a mean that is off by `shift`. */
static double about(double squares, double sum, double n, double shift)
{
	return fmax(squares - shift * (sum + sum) + n * shift * shift, 0.0);
}

void fb_level_measure(fb_mean *mean, const fb_hop *hop, fb_part *part)
{
	if (!mean->hops) {
		mean->value[0] = mean_of(hop->out[0], hop->frames);
		mean->value[1] = mean_of(hop->out[1], hop->frames);
	}
	float used_l = (float)mean->value[0], used_r = (float)mean->value[1];
	moments m = {0};
	for (uint32_t i = 0; i < hop->frames; i += 256) {
		uint32_t n = hop->frames - i < 256 ? hop->frames - i : 256;
		measure_block(hop->out[0] + i, hop->out[1] + i, n, used_l, used_r, &m);
	}
	double n = hop->frames, dl = (double)used_l, dr = (double)used_r, *sum = part->sum;
	/* about zero again; written so that equal channels give equal sums, to the bit */
	sum[FB_SUM_FRAMES] += n;
	sum[FB_SUM_L] += m.l + n * dl;
	sum[FB_SUM_R] += m.r + n * dr;
	sum[FB_SUM_LL] += m.ll + (dl * m.l + dl * m.l) + n * (dl * dl);
	sum[FB_SUM_RR] += m.rr + (dr * m.r + dr * m.r) + n * (dr * dr);
	sum[FB_SUM_LR] += m.lr + (dl * m.r + dr * m.l) + n * (dl * dr);
	part->peak[0] = fmaxf(part->peak[0], m.peak_l);
	part->peak[1] = fmaxf(part->peak[1], m.peak_r);
	if (mean->hops < FB_HOPS_PER_SECOND) {
		mean->hops++;
	}
	double share = 1.0 / (double)mean->hops;
	mean->value[0] += share * (m.l / n + dl - mean->value[0]);
	mean->value[1] += share * (m.r / n + dr - mean->value[1]);
	sum[FB_SUM_AC] +=
		about(m.ll, m.l, n, mean->value[0] - dl) + about(m.rr, m.r, n, mean->value[1] - dr);
	part->mean[0] = (float)mean->value[0];
	part->mean[1] = (float)mean->value[1];
}

void fb_level_hop(fb_level *level, const fb_part *hop)
{
	uint32_t slot = (uint32_t)(level->hops++ % STABILITY_HOPS);
	level->recent[slot] = hop->sum[FB_SUM_AC];
	level->recent_frames[slot] = hop->sum[FB_SUM_FRAMES];
	if (level->hops >= STABILITY_HOPS && level->hops % STABILITY_STEP == 0) {
		double power = 0.0, frames = 0.0;
		for (int i = 0; i < STABILITY_HOPS; i++) {
			power += level->recent[i];
			frames += level->recent_frames[i];
		}
		double db = fb_power_db(power / (2.0 * frames));
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
