/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "defects.h"

#include "wide.h"

#include <string.h>

#define CLIP_AT 0.9995f
#define CLIP_RUN 3
#define EDGE_POWER 1e-6f   /* -60 dBFS */
#define EDGE_BEFORE 0.063f /* -12 dB */
#define EDGE_AFTER 0.01f   /* -20 dB */

void fb_events_init(fb_events *events, double rate_hz)
{
	memset(events, 0, sizeof *events);
	events->merge_frames = (uint64_t)(0.005 * rate_hz);
}

bool fb_events_add(fb_events *events, uint64_t frame)
{
	const uint32_t room = sizeof events->at / sizeof events->at[0];
	for (uint32_t i = 0; i < events->n && i < room; i++) {
		uint64_t at = events->at[i];
		if ((frame > at ? frame - at : at - frame) <= events->merge_frames) {
			return false;
		}
	}
	events->at[events->n++ % room] = frame;
	return true;
}

void fb_defects_init(fb_defects *defects, double rate_hz)
{
	defects->edge_frames = (uint32_t)(0.002 * rate_hz);
	defects->least_frames = (uint32_t)ceil(0.001 * rate_hz);
	defects->most_frames = (uint32_t)(0.5 * rate_hz);
	fb_events_init(&defects->dropouts, rate_hz);
	fb_defects_clear(defects);
}

void fb_defects_clear(fb_defects *defects)
{
	memset(defects->channel, 0, sizeof defects->channel);
	defects->dropouts.n = 0;
}

static double count_clips(struct fb_defect_channel *state, const float *x, uint32_t frames)
{
	double events = 0.0;
	for (uint32_t i = 0; i < frames; i++) {
		int sign = x[i] >= CLIP_AT ? 1 : x[i] <= -CLIP_AT ? -1 : 0;
		state->clip_run = sign && sign == state->clip_sign ? state->clip_run + 1 : sign != 0;
		state->clip_sign = sign;
		events += state->clip_run == CLIP_RUN ? 1.0 : 0.0;
	}
	return events;
}

FB_WIDE static bool has_zero(const float *x, uint32_t frames)
{
	uint32_t zeros = 0;
	for (uint32_t i = 0; i < frames; i++) {
		zeros += x[i] == 0.0f;
	}
	return zeros != 0;
}

static float power_of(const float *x, uint32_t n)
{
	double sum = 0.0;
	for (uint32_t i = 0; i < n; i++) {
		sum += (double)x[i] * (double)x[i];
	}
	return (float)(sum / n);
}

/* One sample at x[0]; what came before it is at x[-1] and down. True when it completes the proof of
   a dropout: signal, exact zeros for long enough, signal. */
static bool step(const fb_defects *defects, struct fb_defect_channel *state, const float *x)
{
	bool found = false;
	if (state->after) {
		state->after_power += (double)x[0] * (double)x[0];
		state->after--;
		found =
			!state->after && state->after_power > (double)state->least_after * defects->edge_frames;
	}
	if (x[0] == 0.0f) {
		state->zero_run++;
		if (state->zero_run == defects->least_frames) {
			const float *start = x + 1 - defects->least_frames;
			float edge = power_of(start - defects->edge_frames, defects->edge_frames);
			state->loud_before = edge > EDGE_POWER && edge > EDGE_BEFORE * state->passage;
			state->least_after = fmaxf(EDGE_POWER, EDGE_AFTER * state->passage);
		} else if (state->zero_run > defects->most_frames) {
			state->zero_run = defects->most_frames + 1;
		}
		return found;
	}
	if (state->zero_run >= defects->least_frames && state->zero_run <= defects->most_frames &&
		state->loud_before) {
		state->after = defects->edge_frames - 1;
		state->after_power = (double)x[0] * (double)x[0];
	}
	state->zero_run = 0;
	return found;
}

static double find_dropouts(fb_defects *defects, int channel, const fb_hop *hop)
{
	struct fb_defect_channel *state = &defects->channel[channel];
	uint32_t before = defects->edge_frames + defects->least_frames;
	float x[FB_DEFECT_BEFORE + FB_MAX_HOP];
	const float *samples = hop->out[channel];
	double events = 0.0;
	if (state->zero_run || state->after || has_zero(samples, hop->frames)) {
		memcpy(x, state->before, before * sizeof *x);
		memcpy(x + before, samples, hop->frames * sizeof *x);
		for (uint32_t i = 0; i < hop->frames; i++) {
			if (step(defects, state, x + before + i) &&
				fb_events_add(&defects->dropouts, hop->first + i)) {
				events += 1.0;
			}
		}
	}
	if (hop->frames >= before) { /* else this is the rest of a run, and nothing follows */
		memcpy(state->before, samples + hop->frames - before, before * sizeof *x);
	}
	return events;
}

void fb_defects_hop(fb_defects *defects, const fb_hop *hop, fb_part *part)
{
	for (int channel = 0; channel < 2; channel++) {
		struct fb_defect_channel *state = &defects->channel[channel];
		if (part->peak[channel] >= CLIP_AT) {
			part->sum[FB_SUM_CLIPS_L + channel] +=
				count_clips(state, hop->out[channel], hop->frames);
		} else {
			state->clip_run = 0;
			state->clip_sign = 0;
		}
		part->sum[FB_SUM_DROPOUTS] += find_dropouts(defects, channel, hop);
		float power = (float)(part->sum[FB_SUM_LL + channel] / hop->frames);
		state->passage = 0.5f * (state->before_that + power);
		state->before_that = power;
	}
}

void fb_defects_read(const fb_reading *reading)
{
	const double *sum = reading->window.sum;
	double seconds = sum[FB_SUM_FRAMES] / reading->rate_hz;
	if (seconds > 0.0) {
		double clips = fmax(sum[FB_SUM_CLIPS_L], sum[FB_SUM_CLIPS_R]);
		fb_answer(reading->set, FB_M_CLIPPING, clips / seconds);
		fb_answer(reading->set, FB_M_DROPOUTS, sum[FB_SUM_DROPOUTS] / seconds);
	}
}
