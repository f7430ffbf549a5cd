/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "voice.h"

#include "fir.h"
#include "wide.h"

#include <stdlib.h>
#include <string.h>

#define LOWEST_HZ 50.0
#define HIGHEST_HZ 1000.0
#define WINDOW_S 0.025
#define STEP_S 0.02
#define APERIODIC 0.15   /* YIN's threshold: more is not voiced */
#define LEAST_POWER 1e-6 /* -60 dBFS */
#define MOST_HNR 60.0
#define CENT_STEP 1.25

#define JITTER_HALF 0.02
#define SHIMMER_HALF 1.0
#define PACE_HALF 0.5

enum {
	SEARCH = 3, ///< lags to each side of twice the coarse period
	FINE_LAGS = 2 * (FB_VOICE_REACH + SEARCH) + 1,
	CYCLE_LAGS = 256, ///< 0.8 to 1.25 of the longest period at 22 kHz, and the reach
	LEAST_CYCLES = 10,
};

static void make_taps(fb_voice *voice)
{
	for (int phase = 0; phase < FB_VOICE_PHASES; phase++) {
		double sum = 0.0, taps[2 * FB_VOICE_REACH];
		for (int i = 0; i < 2 * FB_VOICE_REACH; i++) {
			double t = (double)phase / FB_VOICE_PHASES - (i - FB_VOICE_REACH + 1);
			taps[i] = fb_sinc(t) * fb_kaiser(t / FB_VOICE_REACH, 5.0);
			sum += taps[i];
		}
		for (int i = 0; i < 2 * FB_VOICE_REACH; i++) {
			voice->taps[phase][i] = (float)(taps[i] / sum);
		}
	}
}

bool fb_voice_init(fb_voice *voice, double rate_hz, uint32_t most, bool live)
{
	memset(voice, 0, sizeof *voice);
	double coarse = rate_hz / 2.0;
	voice->rate_hz = rate_hz;
	voice->shortest = (uint32_t)floor(coarse / HIGHEST_HZ);
	voice->longest = (uint32_t)ceil(coarse / LOWEST_HZ);
	voice->window = (uint32_t)lround(coarse * WINDOW_S / 8.0) * 8;
	voice->step = (uint32_t)lround(coarse * STEP_S);
	size_t span = voice->window + voice->longest + 2;
	voice->x = calloc(2 * span + FINE_LAGS + most + 64, sizeof(float));
	voice->coarse = calloc(span + most + 16, sizeof(float));
	voice->difference = calloc(voice->longest + 2, sizeof(float));
	bool ok = fb_decimate_init(&voice->half, 2, most);
	ok = fb_tally_init(
			 &voice->pitch, 0.0, 1200.0 * log2(HIGHEST_HZ / LOWEST_HZ) + 100.0, CENT_STEP, live) &&
		 ok;
	make_taps(voice);
	return ok && voice->x && voice->coarse && voice->difference;
}

void fb_voice_finish(fb_voice *voice)
{
	free(voice->x);
	free(voice->coarse);
	free(voice->difference);
	fb_decimate_finish(&voice->half);
	fb_tally_finish(&voice->pitch);
}

void fb_voice_clear(fb_voice *voice)
{
	voice->fill = voice->coarse_fill = 0;
	voice->voiced = false;
	fb_decimate_clear(&voice->half);
	fb_tally_clear(&voice->pitch);
}

/* Sum over n (a multiple of 8) of a[i] * b[i]. */
FB_WIDE static float dot(const float *a, const float *b, uint32_t n)
{
	fb_v8 sum = {0};
	for (uint32_t i = 0; i < n; i += 8) {
		sum += FB_LOAD8(a + i) * FB_LOAD8(b + i);
	}
	return FB_FOLD8(sum);
}

/* Squared difference between x and itself `lag` later, for lags 1 .. longest. */
FB_WIDE static void differences(const float *x, uint32_t n, uint32_t longest, float *difference)
{
	for (uint32_t lag = 1; lag <= longest; lag++) {
		fb_v8 sum = {0};
		for (uint32_t i = 0; i < n; i += 8) {
			fb_v8 d = FB_LOAD8(x + i) - FB_LOAD8(x + i + lag);
			sum += d * d;
		}
		difference[lag] = FB_FOLD8(sum);
	}
}

/* The lowest point of the parabola through three values about a dip. */
static double bottom(double before, double at, double after)
{
	double bend = before - 2.0 * at + after, tilt = before - after;
	return bend > 0.0 ? at - tilt * tilt / (8.0 * bend) : at;
}

/* YIN: the first dip of the cumulative-mean normalised difference that reaches below the threshold,
   between samples too, for high voices have few a period; 0 when there is none. */
static uint32_t coarse_period(fb_voice *voice)
{
	float *difference = voice->difference;
	differences(voice->coarse, voice->window, voice->longest + 1, difference);
	double sum = 0.0;
	difference[0] = 1.0f;
	for (uint32_t lag = 1; lag <= voice->longest + 1; lag++) {
		sum += (double)difference[lag];
		difference[lag] = sum > 0.0 ? (float)((double)difference[lag] * lag / sum) : 1.0f;
	}
	for (uint32_t lag = voice->shortest; lag <= voice->longest; lag++) {
		const float *d = difference + lag;
		if (d[0] <= d[-1] && d[0] < d[1] &&
			bottom((double)d[-1], (double)d[0], (double)d[1]) < APERIODIC) {
			return lag;
		}
	}
	return 0;
}

/* Value at `at` 64ths from values[0] of the band-limited curve through the values. */
static double interpolate(const fb_voice *voice, const double *values, int at)
{
	const float *taps = voice->taps[at % FB_VOICE_PHASES];
	const double *v = values + at / FB_VOICE_PHASES - FB_VOICE_REACH + 1;
	double sum = 0.0;
	for (int i = 0; i < 2 * FB_VOICE_REACH; i++) {
		sum += (double)taps[i] * v[i];
	}
	return sum;
}

/* The top of the curve near the largest of values[REACH .. n - 1 - REACH]: its height, and where in
   places from values[0]. */
static double find_top(const fb_voice *voice, const double *values, int n, double *at)
{
	int best = FB_VOICE_REACH;
	for (int i = FB_VOICE_REACH; i < n - FB_VOICE_REACH; i++) {
		best = values[i] > values[best] ? i : best;
	}
	int place = best * FB_VOICE_PHASES;
	double top = values[best];
	for (int step = FB_VOICE_PHASES / 2; step > 0; step /= 2) {
		int centre = place;
		for (int side = -step; side <= step; side += 2 * step) {
			double value = interpolate(voice, values, centre + side);
			if (value > top) {
				top = value;
				place = centre + side;
			}
		}
	}
	*at = (double)place / FB_VOICE_PHASES;
	/* between the 64ths, where the top is inside what was searched */
	if (abs(place - best * FB_VOICE_PHASES) < FB_VOICE_PHASES - 1) {
		double before = interpolate(voice, values, place - 1);
		double after = interpolate(voice, values, place + 1);
		double bend = before - 2.0 * top + after;
		if (bend < 0.0 && before <= top && after <= top) {
			*at += 0.5 * (before - after) / bend / FB_VOICE_PHASES;
		}
	}
	return top;
}

static double power_sum(const float *x, uint32_t n)
{
	return (double)dot(x, x, n);
}

/* Normalised correlation of n samples at x with those `lag` later, for `count` lags from `first`.
 */
static void correlations(
	const float *x, uint32_t n, uint32_t first, int count, double *values, double *ratio)
{
	double own = power_sum(x, n), other = power_sum(x + first, n);
	for (int i = 0; i < count; i++) {
		uint32_t lag = first + (uint32_t)i;
		double both = own * other;
		values[i] = both > 0.0 ? (double)dot(x, x + lag, n) / sqrt(both) : 0.0;
		ratio[i] = own > 0.0 ? other / own : 1.0;
		double leaves = (double)x[lag], enters = (double)x[lag + n];
		other = fmax(other - leaves * leaves + enters * enters, 0.0);
	}
}

/* Refine a coarse period at the full rate: returns it in samples, and the harmonic part. */
static double refine(const fb_voice *voice, uint32_t coarse, double *harmonic)
{
	double values[FINE_LAGS], ratio[FINE_LAGS], at;
	int first = (int)(2 * coarse) - SEARCH - FB_VOICE_REACH;
	first = first < 1 ? 1 : first;
	correlations(voice->x, 2 * voice->window, (uint32_t)first, FINE_LAGS, values, ratio);
	*harmonic = find_top(voice, values, FINE_LAGS, &at);
	return first + at;
}

/* Where to cut cycles apart: half a period from the largest sample, so that each holds one pulse of
   the voice. */
static double quietest_start(const float *x, uint32_t period)
{
	uint32_t top = 0;
	for (uint32_t i = 1; i < period; i++) {
		top = fabsf(x[i]) > fabsf(x[top]) ? i : top;
	}
	return top >= period / 2 ? top - period / 2 : top + period / 2;
}

/* Match each cycle that starts in this frame's own stretch to the one after it. */
static void follow_cycles(fb_voice *voice, double period, fb_part *part)
{
	double values[CYCLE_LAGS], ratio[CYCLE_LAGS];
	uint32_t n = (uint32_t)fmax(8.0, floor(period / 8.0) * 8.0);
	uint32_t least = (uint32_t)floor(0.8 * period), most = (uint32_t)ceil(1.25 * period);
	uint32_t first = least > FB_VOICE_REACH ? least - FB_VOICE_REACH : 1;
	int count = (int)(most + FB_VOICE_REACH - first) + 1;
	/* begin anew after a pause, and where too little had come to follow the cycle before */
	if (!voice->voiced || voice->next_cycle < 0.0) {
		voice->next_cycle = quietest_start(voice->x, (uint32_t)lround(period));
		voice->last_period = 0.0;
	}
	while (voice->next_cycle < 2.0 * voice->step && count <= CYCLE_LAGS) {
		uint32_t start = (uint32_t)lround(voice->next_cycle);
		if (start + n + first + (uint32_t)count + 1 > voice->fill) {
			break;
		}
		double at;
		correlations(voice->x + start, n, first, count, values, ratio);
		find_top(voice, values, count, &at);
		double now = first + at, last = voice->last_period;
		double change = fabs(now - last) / (0.5 * (now + last));
		if (last > 0.0 && change < 0.2) {
			part->sum[FB_SUM_CYCLES] += 1.0;
			part->sum[FB_SUM_JITTER] += change;
			part->sum[FB_SUM_SHIMMER] += fabs(10.0 * log10(fmax(ratio[(int)lround(at)], 1e-6)));
		}
		voice->last_period = now;
		voice->next_cycle += now;
	}
}

static void take_frame(fb_voice *voice, uint64_t hop, fb_part *part)
{
	double power = power_sum(voice->x, 2 * voice->window) / (2.0 * voice->window);
	uint32_t coarse = power > LEAST_POWER ? coarse_period(voice) : 0;
	if (coarse) {
		double harmonic, period = refine(voice, coarse, &harmonic);
		double share = fmin(fmax(harmonic, 1e-6), 1.0 - 1e-6);
		part->sum[FB_SUM_VOICED] += 1.0;
		part->sum[FB_SUM_HARMONIC] += 10.0 * log10(share / (1.0 - share));
		fb_tally_add(&voice->pitch, hop, 1200.0 * log2(voice->rate_hz / period / LOWEST_HZ));
		follow_cycles(voice, period, part);
	}
	voice->voiced = coarse != 0;
	voice->next_cycle -= 2.0 * voice->step;
}

void fb_voice_feed(fb_voice *voice, const float *mid, uint32_t n, uint64_t hop, fb_part *part)
{
	memcpy(voice->x + voice->fill, mid, n * sizeof *mid);
	voice->fill += n;
	voice->coarse_fill += fb_decimate_run(&voice->half, mid, n, voice->coarse + voice->coarse_fill);
	if (voice->pitch.live && hop > FB_LIVE_HOPS) {
		fb_tally_expire(&voice->pitch, hop - FB_LIVE_HOPS);
	}
	uint32_t span = voice->window + voice->longest + 2;
	while (voice->coarse_fill >= span && voice->fill >= 2 * span + FINE_LAGS) {
		take_frame(voice, hop, part);
		voice->coarse_fill -= voice->step;
		voice->fill -= 2 * voice->step;
		memmove(voice->coarse, voice->coarse + voice->step, voice->coarse_fill * sizeof(float));
		memmove(voice->x, voice->x + 2 * voice->step, voice->fill * sizeof(float));
	}
}

static double steady(double x, double half)
{
	return 1.0 / (1.0 + x / half);
}

void fb_voice_read(const fb_voice *voice, const fb_reading *reading)
{
	const double *sum = reading->window.sum;
	fb_metric_set *set = reading->set;
	if (sum[FB_SUM_VOICED] < 1.0) {
		return;
	}
	fb_answer(set, FB_M_PITCH, LOWEST_HZ * exp2(fb_tally_median(&voice->pitch) / 1200.0));
	fb_answer(set, FB_M_HNR, sum[FB_SUM_HARMONIC] / sum[FB_SUM_VOICED]);
	double cycles = sum[FB_SUM_CYCLES];
	if (cycles < LEAST_CYCLES) {
		return;
	}
	double stability = 0.4 * steady(sum[FB_SUM_JITTER] / cycles, JITTER_HALF) +
					   0.4 * steady(sum[FB_SUM_SHIMMER] / cycles, SHIMMER_HALF);
	double gaps = sum[FB_SUM_GAPS];
	if (gaps >= 3.0) {
		double mean = sum[FB_SUM_GAP] / gaps;
		double deviation = sqrt(fmax(sum[FB_SUM_GAP_SQUARED] / gaps - mean * mean, 0.0));
		stability += 0.2 * steady(deviation / mean, PACE_HALF);
	} else {
		stability /= 0.8;
	}
	fb_answer(set, FB_M_HUME_STABILITY, stability);
}
