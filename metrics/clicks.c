/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clicks.h"

#include "wide.h"

#include <stdlib.h>
#include <string.h>

#define DEVIATIONS 8.0f
#define LEAST_DEVIATION (0.001f / DEVIATIONS) /* nothing below -60 dBFS is a click */

enum { ORDER = FB_CLICK_ORDER, LAGS = ORDER + 1, SUBSET = 600 };

void fb_clicks_init(fb_clicks *clicks, double rate_hz)
{
	fb_events_init(&clicks->events, rate_hz);
	fb_clicks_clear(clicks);
}

void fb_clicks_clear(fb_clicks *clicks)
{
	clicks->fill = 0;
	clicks->first = 0;
	clicks->events.n = 0;
	for (int i = 0; i < 2; i++) {
		memset(clicks->channel[i].x, 0, ORDER * sizeof(float));
		clicks->channel[i].n = 0;
		clicks->channel[i].deviation = LEAST_DEVIATION;
	}
}

void fb_clicks_hop(fb_clicks *clicks, const fb_hop *hop)
{
	if (!clicks->fill) {
		clicks->first = hop->first;
	}
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
		fb_v8 sum = FB_LOAD8(x + ORDER + i);
		for (int lag = 1; lag < LAGS; lag++) {
			sum += filter[lag] * FB_LOAD8(x + ORDER + i - lag);
		}
		sum = FB_ABS8(sum);
		largest = FB_MAX8(sum, largest);
		memcpy(residual + i, &sum, sizeof sum);
	}
	return fb_largest8((const float *)&largest);
}

/* The value that `rank` others lie below (quickselect; reorders v). */
static float select_rank(float *v, uint32_t n, uint32_t rank)
{
	uint32_t low = 0, high = n - 1;
	while (low < high) {
		float pivot = v[(low + high) / 2];
		uint32_t i = low, j = high;
		while (i <= j) {
			while (v[i] < pivot) {
				i++;
			}
			while (v[j] > pivot) {
				j--;
			}
			if (i <= j) {
				float swap = v[i];
				v[i++] = v[j];
				v[j] = swap;
				if (j == 0) {
					break;
				}
				j--;
			}
		}
		if (rank <= j) {
			high = j;
		} else if (rank >= i) {
			low = i;
		} else {
			break;
		}
	}
	return v[rank];
}

/* A robust standard deviation: 1.645 of them reach the 90th percentile of a normal distribution. */
static float deviation_of(const float *residual, uint32_t n)
{
	float some[SUBSET];
	uint32_t step = (n + SUBSET - 1) / SUBSET, count = 0;
	for (uint32_t i = 0; i < n; i += step) {
		some[count++] = residual[i];
	}
	float deviation = select_rank(some, count, count * 9 / 10) / 1.645f;
	return fmaxf(deviation, LEAST_DEVIATION);
}

/* Count the candidates that the next frame's deviation confirms. */
static void confirm(fb_clicks *clicks, struct fb_click_channel *channel, float next, fb_part *part)
{
	for (uint32_t i = 0; i < channel->n; i++) {
		if (channel->height[i] > DEVIATIONS * next &&
			fb_events_add(&clicks->events, channel->at[i])) {
			part->sum[FB_SUM_CLICKS] += 1.0;
		}
	}
	channel->n = 0;
}

static void collect(struct fb_click_channel *channel, const float *residual, uint32_t n,
	float threshold, uint64_t first, uint64_t merge)
{
	for (uint32_t i = 0; i < n; i++) {
		if (residual[i] <= threshold) {
			continue;
		}
		uint32_t last = channel->n - 1;
		if (channel->n && first + i - channel->at[last] <= merge) {
			channel->height[last] = fmaxf(channel->height[last], residual[i]);
		} else if (channel->n < FB_CLICK_GROUPS) {
			channel->at[channel->n] = first + i;
			channel->height[channel->n++] = residual[i];
		}
	}
}

static void judge_channel(fb_clicks *clicks, struct fb_click_channel *channel, fb_part *part)
{
	float r[LAGS], filter[LAGS] = {1.0f};
	float residual[FB_CLICK_FRAME + 8];
	uint32_t n = clicks->fill;
	correlate(channel->x, n, r);
	levinson(r, filter);
	/* whole vectors; the few samples left over are the next frame's first */
	float largest = predict(channel->x, n / 8 * 8, filter, residual);
	float deviation = deviation_of(residual, n / 8 * 8);
	confirm(clicks, channel, deviation, part);
	float threshold = DEVIATIONS * fmaxf(deviation, channel->deviation);
	if (largest > threshold) {
		collect(
			channel, residual, n / 8 * 8, threshold, clicks->first, clicks->events.merge_frames);
	}
	channel->deviation = deviation;
}

void fb_clicks_frame(fb_clicks *clicks, fb_part *part)
{
	uint32_t n = clicks->fill / 8 * 8;
	for (int i = 0; i < 2; i++) {
		float *x = clicks->channel[i].x;
		judge_channel(clicks, &clicks->channel[i], part);
		memmove(x, x + n, (ORDER + clicks->fill - n) * sizeof *x);
	}
	clicks->first += n;
	clicks->fill -= n;
}

void fb_clicks_tail(fb_clicks *clicks, fb_part *part)
{
	if (clicks->fill >= 8) {
		fb_clicks_frame(clicks, part);
	}
	for (int i = 0; i < 2; i++) {
		confirm(clicks, &clicks->channel[i], LEAST_DEVIATION, part);
	}
}

void fb_clicks_read(const fb_reading *reading)
{
	double seconds = reading->window.sum[FB_SUM_FRAMES] / reading->rate_hz;
	if (seconds > 0.0) {
		fb_answer(reading->set, FB_M_ARTIFACTS, reading->window.sum[FB_SUM_CLICKS] / seconds);
	}
}
