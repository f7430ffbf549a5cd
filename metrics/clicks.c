/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clicks.h"

#include "wide.h"

#include <stdlib.h>
#include <string.h>

#define DEVIATIONS 8.0f
#define LEAST_DEVIATION (0.001f / DEVIATIONS) /* nothing below -60 dBFS is a click */

enum {
	ORDER = 16,
	LAGS = ORDER + 1,
	SUBSET = 600,   ///< residuals that the percentile is taken from
	KEY_SHIFT = 19, ///< of a float's bits: its exponent and four more
	KEYS = 257,
	MOST = 5 * FB_MAX_HOP + 8, ///< samples gathered at most: a frame, and what was left over
};

bool fb_clicks_init(fb_clicks *clicks, double rate_hz)
{
	memset(clicks, 0, sizeof *clicks);
	fb_events_init(&clicks->events, rate_hz);
	clicks->room = (uint32_t)(0.05 * rate_hz) + 16;
	clicks->gap = (uint32_t)(0.001 * rate_hz);
	clicks->longest = (uint32_t)(0.002 * rate_hz);
	clicks->context = (uint32_t)(0.005 * rate_hz);
	bool ok = true;
	for (int i = 0; i < 2; i++) {
		struct fb_click_channel *channel = &clicks->channel[i];
		channel->x = calloc(ORDER + clicks->room, sizeof(float));
		channel->residual = calloc(clicks->gap + clicks->context + 2 * clicks->room, sizeof(float));
		ok = ok && channel->x && channel->residual;
	}
	if (ok) {
		fb_clicks_clear(clicks);
	}
	return ok;
}

void fb_clicks_finish(fb_clicks *clicks)
{
	for (int i = 0; i < 2; i++) {
		free(clicks->channel[i].x);
		free(clicks->channel[i].residual);
	}
}

void fb_clicks_clear(fb_clicks *clicks)
{
	clicks->fill = 0;
	clicks->first = 0;
	clicks->events.n = 0;
	for (int i = 0; i < 2; i++) {
		struct fb_click_channel *channel = &clicks->channel[i];
		memset(channel->x, 0, ORDER * sizeof(float));
		channel->kept = channel->n = 0;
		channel->deviation = LEAST_DEVIATION;
		channel->largest = 0.0f;
		channel->done = 0;
	}
}

void fb_clicks_hop(fb_clicks *clicks, const fb_hop *hop)
{
	for (int i = 0; i < 2; i++) {
		memcpy(
			clicks->channel[i].x + ORDER + clicks->fill, hop->out[i], hop->frames * sizeof(float));
	}
	clicks->fill += hop->frames;
}

/* Autocorrelation at lags 0 .. ORDER of x[ORDER ..], looking back. */
FB_WIDE static void correlate(const float *x, uint32_t n, float *r)
{
	fb_v8 sum[LAGS] = {{0}};
	for (uint32_t i = 0; i + 8 <= n; i += 8) {
		fb_v8 now = FB_LOAD8(x + ORDER + i);
		for (int lag = 0; lag < LAGS; lag++) {
			sum[lag] += now * FB_LOAD8(x + ORDER + i - lag);
		}
	}
	for (int lag = 0; lag < LAGS; lag++) {
		r[lag] = FB_FOLD8(sum[lag]);
	}
}

/* Levinson's recursion: prediction error filter a[1..ORDER] from the autocorrelation. */
static void levinson(const float *r, float *filter)
{
	double a[LAGS] = {1.0}, error = (double)r[0] * (1.0 + 1e-6) + 1e-12;
	for (int i = 1; i < LAGS; i++) {
		double sum = (double)r[i];
		for (int j = 1; j < i; j++) {
			sum += a[j] * (double)r[i - j];
		}
		double k = -sum / error;
		if (!(fabs(k) < 1.0)) {
			break; /* the frame's edges make it no true autocorrelation: stop at this order */
		}
		for (int j = 1; j <= i / 2; j++) {
			double low = a[j], high = a[i - j];
			a[j] = low + k * high;
			a[i - j] = high + k * low;
		}
		a[i] = k;
		error *= 1.0 - k * k;
	}
	for (int i = 1; i < LAGS; i++) {
		filter[i] = (float)a[i];
	}
}

/* Magnitude of the prediction error; returns the largest. */
FB_WIDE static float predict(const float *x, uint32_t n, const float *filter, float *residual)
{
	fb_v8 largest = {0};
	for (uint32_t i = 0; i < n; i += 8) {
		fb_v8 sum = FB_LOAD8(x + ORDER + i), other = {0}; /* two chains of additions */
		for (int lag = 1; lag < LAGS; lag += 2) {
			sum += filter[lag] * FB_LOAD8(x + ORDER + i - lag);
			other += filter[lag + 1] * FB_LOAD8(x + ORDER + i - lag - 1);
		}
		sum += other;
		sum = FB_ABS8(sum);
		largest = FB_MAX8(sum, largest);
		memcpy(residual + i, &sum, sizeof sum);
	}
	return FB_LARGEST8(largest);
}

/* A robust standard deviation: 1.645 of them reach the 90th percentile of a normal distribution's
   magnitudes. The percentile is found by counting leading bits, sixteenths of a doubling, from the
   largest down. */
static float deviation_of(const float *residual, uint32_t n, float largest)
{
	uint16_t count[KEYS] = {0};
	uint32_t top, bits, step = (n + SUBSET - 1) / SUBSET, some = 0;
	memcpy(&top, &largest, sizeof top);
	top >>= KEY_SHIFT;
	for (uint32_t i = 0; i < n; i += step, some++) {
		memcpy(&bits, residual + i, sizeof bits);
		uint32_t below = top - (bits >> KEY_SHIFT);
		count[below < KEYS - 1 ? below : KEYS - 1]++;
	}
	uint32_t seen = 0, key = 0;
	while (key < KEYS - 1 && seen + count[key] <= some / 10) {
		seen += count[key++];
	}
	if (key == KEYS - 1 || key >= top) {
		return LEAST_DEVIATION; /* 96 dB below the largest: nothing but that */
	}
	bits = ((top - key) << KEY_SHIFT) + (1u << (KEY_SHIFT - 1));
	float percentile;
	memcpy(&percentile, &bits, sizeof percentile);
	return fmaxf(percentile / 1.645f, LEAST_DEVIATION);
}

/* A frame's residual, its deviation and its largest value. */
static void predict_frame(
	const float *x, uint32_t n, float *residual, float *deviation, float *largest)
{
	float r[LAGS], filter[LAGS] = {1.0f};
	correlate(x, n, r);
	levinson(r, filter);
	*largest = predict(x, n, filter, residual);
	*deviation = deviation_of(residual, n, *largest);
}

static float mean_of(const float *v, uint32_t from, uint32_t to)
{
	double sum = 0.0;
	for (uint32_t i = from; i < to; i++) {
		sum += (double)v[i];
	}
	return to > from ? (float)(sum / (double)(to - from)) : 0.0f;
}

/* Does the group first..last stand out of what is before and after it? 1.2533 mean magnitudes are a
   normal distribution's deviation. */
static bool stands_alone(const fb_clicks *clicks, const float *residual, uint32_t n, uint32_t first,
	uint32_t last, float height)
{
	uint32_t to = first > clicks->gap ? first - clicks->gap : 0;
	uint32_t from = to > clicks->context ? to - clicks->context : 0;
	float before = mean_of(residual, from, to);
	from = last + 1 + clicks->gap < n ? last + 1 + clicks->gap : n;
	to = from + clicks->context < n ? from + clicks->context : n;
	float after = mean_of(residual, from, to);
	return height > DEVIATIONS * 1.2533f * fmaxf(before, after);
}

/* Count the clicks among residual[from .. to - 1] of n; `base` is the frame number of residual[0].
 */
static double judge(const fb_clicks *clicks, fb_events *events, uint64_t *done,
	const float *residual, uint32_t n, uint32_t from, uint32_t to, uint64_t base, float threshold)
{
	double found = 0.0;
	for (uint32_t i = from; i < to; i++) {
		if (residual[i] <= threshold || base + i < *done) {
			continue;
		}
		uint32_t last = i, top = i;
		for (uint32_t j = i + 1; j < n && j <= last + clicks->gap; j++) {
			last = residual[j] > threshold ? j : last;
			top = residual[j] > residual[top] ? j : top;
		}
		*done = base + last + 1;
		if (last - i <= clicks->longest &&
			stands_alone(clicks, residual, n, i, last, residual[top]) &&
			fb_events_add(events, base + top)) {
			found += 1.0;
		}
		i = last;
	}
	return found;
}

static void take_channel(fb_clicks *clicks, struct fb_click_channel *channel, fb_part *part)
{
	uint32_t n = clicks->fill / 8 * 8, before = channel->kept + channel->n;
	float deviation, largest, threshold = DEVIATIONS * channel->deviation;
	predict_frame(channel->x, n, channel->residual + before, &deviation, &largest);
	if (channel->largest > threshold) {
		part->sum[FB_SUM_CLICKS] +=
			judge(clicks, &clicks->events, &channel->done, channel->residual, before + n,
				channel->kept, before, clicks->first - before, threshold);
	}
	uint32_t keep = clicks->gap + clicks->context;
	keep = keep < before ? keep : before;
	memmove(channel->residual, channel->residual + before - keep, (keep + n) * sizeof(float));
	channel->kept = keep;
	channel->n = n;
	channel->deviation = deviation;
	channel->largest = largest;
	/* whole vectors were predicted; the few samples left over are the next frame's first */
	memmove(channel->x, channel->x + n, (ORDER + clicks->fill - n) * sizeof(float));
}

void fb_clicks_frame(fb_clicks *clicks, fb_part *part)
{
	uint32_t n = clicks->fill / 8 * 8;
	take_channel(clicks, &clicks->channel[0], part);
	take_channel(clicks, &clicks->channel[1], part);
	clicks->first += n;
	clicks->fill -= n;
}

void fb_clicks_tail(const fb_clicks *clicks, const fb_hop *rest, fb_part *part)
{
	float x[ORDER + MOST], residual[2 * MOST + MOST / 4];
	fb_events events = clicks->events;
	uint32_t n = (clicks->fill + rest->frames) / 8 * 8;
	for (int i = 0; i < 2; i++) {
		const struct fb_click_channel *channel = &clicks->channel[i];
		uint32_t before = channel->kept + channel->n;
		uint64_t done = channel->done, base = clicks->first - before;
		float deviation = LEAST_DEVIATION, largest = 0.0f;
		memcpy(x, channel->x, (ORDER + clicks->fill) * sizeof *x);
		memcpy(x + ORDER + clicks->fill, rest->out[i], rest->frames * sizeof *x);
		memcpy(residual, channel->residual, before * sizeof *residual);
		if (n) {
			predict_frame(x, n, residual + before, &deviation, &largest);
		}
		part->sum[FB_SUM_CLICKS] += judge(clicks, &events, &done, residual, before + n,
			channel->kept, before, base, DEVIATIONS * channel->deviation);
		part->sum[FB_SUM_CLICKS] += judge(clicks, &events, &done, residual, before + n, before,
			before + n, base, DEVIATIONS * deviation);
	}
}

void fb_clicks_read(const fb_reading *reading)
{
	double seconds = reading->window.sum[FB_SUM_FRAMES] / reading->rate_hz;
	if (seconds > 0.0) {
		fb_answer(reading->set, FB_M_ARTIFACTS, reading->window.sum[FB_SUM_CLICKS] / seconds);
	}
}
