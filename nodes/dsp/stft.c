/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stft.h"

#include "wide.h"

#include <string.h>

uint32_t fb_stft_size(double rate_hz)
{
	uint32_t size = 256;
	while ((double)size * M_SQRT2 < rate_hz * 0.02) {
		size *= 2;
	}
	return size;
}

size_t fb_stft_room(uint32_t size)
{
	return (size_t)size * (1 + 2 + 2 + 2) + (size_t)size / 2 * (1 + 2);
}

static float *take(float **room, size_t floats)
{
	float *taken = *room;
	*room += floats;
	return taken;
}

/** The square root of Hann's window of length 2 n at its frame i. */
static double root_hann(uint32_t i, uint32_t n)
{
	return sin(M_PI * (i + 0.5) / (2.0 * n));
}

static void make_windows(fb_stft *stft)
{
	uint32_t size = stft->size, hop = stft->hop, rise = size - hop;
	for (uint32_t i = 0; i < size; i++) {
		double window = i < rise ? root_hann(i, rise) : root_hann(i - rise + hop, hop);
		stft->rise_fall[i] = (float)window;
		if (i >= size - 2 * hop) {
			double short_root = root_hann(i - (size - 2 * hop), hop);
			stft->short_part[i - (size - 2 * hop)] =
				(float)(short_root * short_root / window / size);
		}
	}
}

bool fb_stft_init(fb_stft *stft, uint32_t size, float *room)
{
	*stft = (fb_stft){.size = size, .hop = size / 4};
	stft->time = (fftwf_complex *)take(&room, 2 * size);
	stft->bin = (fftwf_complex *)take(&room, 2 * size);
	stft->rise_fall = take(&room, size);
	stft->short_part = take(&room, size / 2);
	for (int c = 0; c < 2; c++) {
		stft->past[c] = take(&room, size);
		stft->ready[c] = take(&room, size / 2);
	}
	make_windows(stft);
	/* Estimated, not measured: the same plan every time, so the same bits. */
	stft->forward =
		fftwf_plan_dft_1d((int)size, stft->time, stft->bin, FFTW_FORWARD, FFTW_ESTIMATE);
	stft->backward =
		fftwf_plan_dft_1d((int)size, stft->bin, stft->time, FFTW_BACKWARD, FFTW_ESTIMATE);
	fb_stft_reset(stft);
	return stft->forward && stft->backward;
}

void fb_stft_finish(fb_stft *stft)
{
	fftwf_destroy_plan(stft->forward);
	fftwf_destroy_plan(stft->backward);
}

void fb_stft_reset(fb_stft *stft) FB_RT
{
	for (int c = 0; c < 2; c++) {
		memset(stft->past[c], 0, stft->size * sizeof(float));
		memset(stft->ready[c], 0, 2 * stft->hop * sizeof(float));
	}
	stft->filled = stft->taken = 0;
}

bool fb_stft_push(fb_stft *stft, const float l[FB_TICK], const float r[FB_TICK]) FB_RT
{
	uint32_t at = stft->size - stft->hop + stft->filled;
	memcpy(stft->past[0] + at, l, FB_TICK * sizeof(float));
	memcpy(stft->past[1] + at, r, FB_TICK * sizeof(float));
	stft->filled += FB_TICK;
	return stft->filled == stft->hop;
}

FB_WIDE static void weigh(float *restrict out, const float *restrict w, const float *restrict l,
	const float *restrict r, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		out[2 * i] = w[i] * l[i];
		out[2 * i + 1] = w[i] * r[i];
	}
}

FB_WIDE static void overlap(float *restrict l, float *restrict r, const float *restrict w,
	const float *restrict in, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		l[i] += w[i] * in[2 * i];
		r[i] += w[i] * in[2 * i + 1];
	}
}

void fb_stft_analyse(fb_stft *stft) FB_RT
{
	uint32_t hop = stft->hop, keep = stft->size - hop;
	weigh(&stft->time[0][0], stft->rise_fall, stft->past[0], stft->past[1], stft->size);
	fftwf_execute(stft->forward);
	for (int c = 0; c < 2; c++) {
		memmove(stft->past[c], stft->past[c] + hop, keep * sizeof(float));
	}
	stft->filled = 0;
}

void fb_stft_synthesise(fb_stft *stft) FB_RT
{
	uint32_t hop = stft->hop;
	fftwf_execute(stft->backward);
	for (int c = 0; c < 2; c++) {
		memcpy(stft->ready[c], stft->ready[c] + hop, hop * sizeof(float));
		memset(stft->ready[c] + hop, 0, hop * sizeof(float));
	}
	overlap(stft->ready[0], stft->ready[1], stft->short_part, &stft->time[2 * hop][0], 2 * hop);
	stft->taken = 0;
}

void fb_stft_pull(fb_stft *stft, float l[FB_TICK], float r[FB_TICK]) FB_RT
{
	memcpy(l, stft->ready[0] + stft->taken, FB_TICK * sizeof(float));
	memcpy(r, stft->ready[1] + stft->taken, FB_TICK * sizeof(float));
	stft->taken += FB_TICK;
}
