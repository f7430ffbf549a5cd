/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "noise.h"

#include "../dsp/fastmath.h"
#include "../dsp/wide.h"

#include <math.h>
#include <string.h>

#define LEVEL_S 0.14 /* how fast the estimate follows where there is no speech */
#define PRESENCE_S 0.152
#define WARM_UP_S 0.1
#define LEARNED_MOST 4096u
#define NOTHING 1e-16f /* a power that counts as silence: below -160 dBFS in one bin */

static uint32_t spectra(double seconds, double hop_s)
{
	return (uint32_t)ceil(seconds / hop_s);
}

size_t fb_noise_room(uint32_t bins)
{
	return (size_t)bins * 3;
}

void fb_noise_init(fb_noise *noise, uint32_t bins, double hop_s, float *room)
{
	*noise = (fb_noise){.bins = bins,
		.level = room,
		.presence = room + bins,
		.profile = room + 2 * bins,
		.warm_up = spectra(WARM_UP_S, hop_s),
		.keep_level = (float)exp(-hop_s / LEVEL_S),
		.keep_presence = (float)exp(-hop_s / PRESENCE_S)};
	fb_noise_reset(noise);
}

void fb_noise_reset(fb_noise *noise) FB_RT
{
	memset(noise->level, 0, fb_noise_room(noise->bins) * sizeof(float));
	noise->heard = noise->learned = 0;
}

FB_WIDE static void average(
	float *restrict mean, const float *restrict power, float share, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++) {
		mean[k] += share * (power[k] - mean[k]);
	}
}

FB_WIDE static void follow(const fb_noise *noise, const float *restrict power,
	float *restrict level, float *restrict presence, uint32_t n)
{
	const float prior_snr = 31.6f; /* 15 dB: what speech is taken to stand above the noise by */
	const float slope = -prior_snr / (1.0f + prior_snr) * 1.44269504f;
	for (uint32_t k = 0; k < n; k++) {
		float snr = power[k] / (level[k] + NOTHING);
		snr = snr < 80.0f ? snr : 80.0f;
		float speech = 1.0f / (1.0f + (1.0f + prior_snr) * fb_exp2(slope * snr));
		presence[k] = speech + noise->keep_presence * (presence[k] - speech);
		float most = presence[k] > 0.99f ? 0.99f : 1.0f; /* stuck otherwise */
		speech = speech < most ? speech : most;
		float heard = speech * level[k] + (1.0f - speech) * power[k];
		level[k] = heard + noise->keep_level * (level[k] - heard);
	}
}

static bool silent(const float *power, uint32_t n)
{
	float sum = 0.0f;
	for (uint32_t k = 0; k < n; k++) {
		sum += power[k];
	}
	return sum < NOTHING * (float)n;
}

void fb_noise_feed(fb_noise *noise, const float *power) FB_RT
{
	uint32_t n = noise->bins;
	if (silent(power, n)) {
		return; /* a muted source says nothing of its noise: keep what is known */
	}
	if (noise->heard >= noise->warm_up) {
		follow(noise, power, noise->level, noise->presence, n);
	} else {
		average(noise->level, power, 1.0f / (float)++noise->heard, n);
	}
}

void fb_noise_learn(fb_noise *noise, const float *power, bool restart) FB_RT
{
	noise->learned = restart ? 0 : noise->learned;
	noise->learned += noise->learned < LEARNED_MOST;
	average(noise->profile, power, 1.0f / (float)noise->learned, noise->bins);
}
