/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gain.h"

#include "../dsp/fastmath.h"
#include "../dsp/wide.h"

#include <math.h>
#include <string.h>

#define PRIOR_KEEP_S 0.07 /* the decision-directed rule's memory: more is smoother, and blurs */
#define STEADY_KEEP_S 0.08
#define FAR_HZ 480.0
#define SPEECH_LO_HZ 60.0 /* where the frame as a whole is asked for speech */
#define SPEECH_HI_HZ 7000.0
#define PRIOR_LEAST 0.003f /* -25 dB */
#define STEADY_MOST 10.0f  /* more says no more */
#define RATIO_LO_LOG2 (-3.3219281f)
#define RATIO_HI_LOG2 (-1.6609640f)
#define FRAME_MARGIN 0.5f /* 3 dB: a breathing noise is not speech */
#define ABSENCE_MOST 0.98f
#define MARGIN 1.2f /* on the noise: its estimate leaves outliers out and reads 0.8 dB low */
#define TINY 1e-20f

size_t fb_nr_gain_room(uint32_t bins)
{
	return (size_t)bins * 8 + 1;
}

void fb_nr_gain_init(fb_nr_gain *gain, uint32_t bins, double bin_hz, double hop_s, float *room)
{
	*gain = (fb_nr_gain){.bins = bins,
		.log2_gain = room,
		.clean = room + bins,
		.prior = room + 2 * bins,
		.post = room + 3 * bins,
		.steady = room + 4 * bins,
		.near = room + 5 * bins,
		.far = room + 6 * bins,
		.sum = room + 7 * bins,
		.keep_prior = (float)exp(-hop_s / PRIOR_KEEP_S),
		.keep_steady = (float)exp(-hop_s / STEADY_KEEP_S),
		.near_reach = 1,
		.far_reach = (uint32_t)ceil(FAR_HZ / bin_hz),
		.speech_lo = (uint32_t)fmin(SPEECH_LO_HZ / bin_hz, bins / 2.0),
		.speech_hi = (uint32_t)fmin(SPEECH_HI_HZ / bin_hz, bins)};
	fb_nr_gain_reset(gain);
}

void fb_nr_gain_reset(fb_nr_gain *gain) FB_RT
{
	memset(gain->log2_gain, 0, fb_nr_gain_room(gain->bins) * sizeof(float));
	gain->frame = gain->frame_peak = 0.0f;
}

/** The ratios of this spectrum, by the decision-directed rule. */
FB_WIDE static void ratios(
	fb_nr_gain *gain, const float *restrict power, const float *restrict noise, uint32_t n)
{
	const float keep = gain->keep_prior, keep_steady = gain->keep_steady;
	const float *restrict clean = gain->clean;
	float *restrict prior = gain->prior, *restrict post = gain->post;
	float *restrict steady = gain->steady;
	for (uint32_t k = 0; k < n; k++) {
		float one_over = 1.0f / (MARGIN * noise[k] + TINY);
		float now = power[k] * one_over;
		float above = now > 1.0f ? now - 1.0f : 0.0f;
		float ratio = keep * clean[k] * one_over + (1.0f - keep) * above;
		ratio = ratio > PRIOR_LEAST ? ratio : PRIOR_LEAST;
		ratio = ratio < 1e8f ? ratio : 1e8f;
		prior[k] = ratio;
		post[k] = now < 1e8f ? now : 1e8f;
		ratio = ratio < STEADY_MOST ? ratio : STEADY_MOST;
		steady[k] = ratio + keep_steady * (steady[k] - ratio);
	}
}

/** 0 at RATIO_LO, 1 at RATIO_HI, straight in dB between. */
static inline float likely(float ratio)
{
	float t = (fb_log2(ratio + TINY) - RATIO_LO_LOG2) / (RATIO_HI_LOG2 - RATIO_LO_LOG2);
	t = t > 0.0f ? t : 0.0f;
	return t < 1.0f ? t : 1.0f;
}

static float mean_of(const fb_nr_gain *gain, uint32_t first, uint32_t end)
{
	return (gain->sum[end] - gain->sum[first]) / (float)(end - first);
}

/** How likely the spectrum as a whole holds speech: surely while it rises, and from then on by how
	far it has fallen below its peak. */
static float frame_likely(fb_nr_gain *gain)
{
	float was = gain->frame;
	float now = gain->frame = mean_of(gain, gain->speech_lo, gain->speech_hi);
	if (likely(FRAME_MARGIN * now) == 0.0f) {
		return 0.0f;
	}
	if (now > was) {
		gain->frame_peak = now < 1.0f ? 1.0f : now;
		return 1.0f;
	}
	return gain->frame_peak > 0.0f ? likely(now / gain->frame_peak) : 0.0f;
}

/** Mean of `steady` around each bin, to out[]. */
static void around(const fb_nr_gain *gain, uint32_t reach, float *out)
{
	uint32_t n = gain->bins;
	for (uint32_t k = 0; k < n; k++) {
		uint32_t first = k > reach ? k - reach : 0, end = k + reach + 1 < n ? k + reach + 1 : n;
		out[k] = mean_of(gain, first, end);
	}
}

/** exp(E1(v)), E1 the exponential integral, less 1. Off by less than 0.0003 dB. */
static inline float lift(float v)
{
	float top = 0.561459f + v * (0.856332f + v * 0.294252f);
	float bottom = 1.0f + v * (1.307115f + v * 0.261004f);
	return fb_exp2(-1.44269504f * v) * top / (bottom * v);
}

FB_WIDE static void finish(fb_nr_gain *gain, const float *restrict near, const float *restrict far,
	const float *restrict power, float frame, float floor_log2, uint32_t n)
{
	const float *restrict prior = gain->prior, *restrict post = gain->post;
	float *restrict clean = gain->clean, *restrict out = gain->log2_gain;
	for (uint32_t k = 0; k < n; k++) {
		float speech = likely(near[k]) * likely(far[k]) * frame;
		float absence = 1.0f - speech;
		absence = absence < ABSENCE_MOST ? absence : ABSENCE_MOST;
		float share = prior[k] / (1.0f + prior[k]);
		float v = share * post[k];
		v = v > 1e-6f ? v : 1e-6f;
		float log2_speech = fb_log2(share) + 0.5f * fb_log2(1.0f + lift(v));
		log2_speech = log2_speech < 0.0f ? log2_speech : 0.0f;
		float against = absence / (1.0f - absence) * (1.0f + prior[k]) * fb_exp2(-1.44269504f * v);
		float present = 1.0f / (1.0f + against);
		clean[k] = fb_exp2(2.0f * log2_speech) * power[k];
		out[k] = floor_log2 + present * (log2_speech - floor_log2);
	}
}

void fb_nr_gain_make(
	fb_nr_gain *gain, const float *power, const float *noise, float floor_log2) FB_RT
{
	uint32_t n = gain->bins;
	ratios(gain, power, noise, n);
	for (uint32_t k = 0; k < n; k++) {
		gain->sum[k + 1] = gain->sum[k] + gain->steady[k];
	}
	float frame = frame_likely(gain);
	around(gain, gain->near_reach, gain->near);
	around(gain, gain->far_reach, gain->far);
	finish(gain, gain->near, gain->far, power, frame, floor_log2, n);
}
