/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cross.h"

#include "fft.h"
#include "wide.h"

#include <stdlib.h>
#include <string.h>

#define LEAST_LEVEL_DB -60.0
#define MOST_LAG_S 0.005
#define LEAST_BIN 1e-9  /* of the strongest bin: what lies lower is rounding, not phase */
#define LEAST_PEAK 0.15 /* of full agreement: less is what unrelated channels reach by chance */

enum {
	LL,
	RR,
	RE,
	IM,
	SHAPES,
	KEPT = FB_CROSS_BLOCKS - 1 ///< whole blocks in a window; one more is under way
};

bool fb_cross_init(fb_cross *cross, const fb_stft *stft, double rate_hz, bool live)
{
	memset(cross, 0, sizeof *cross);
	cross->live = live;
	cross->rate_hz = rate_hz;
	cross->bins = stft->spectra.bins;
	cross->stride = (cross->bins + 7) / 8 * 8;
	cross->size = stft->size;
	double per_second = rate_hz / (stft->size / 2.0);
	cross->frames_per_block = (uint32_t)(FB_LIVE_SECONDS * per_second / FB_CROSS_BLOCKS);
	size_t values = (size_t)SHAPES * cross->stride;
	cross->now = calloc(values, sizeof(float));
	cross->block = calloc(live ? values * KEPT : 1, sizeof(float));
	cross->total = calloc(live ? 1 : values, sizeof(double));
	cross->sum = calloc(values, sizeof(double));
	cross->lag = fftwf_alloc_real(cross->size);
	cross->whitened = fftwf_alloc_complex(cross->bins);
	if (!cross->now || !cross->block || !cross->total || !cross->sum || !cross->lag ||
		!cross->whitened) {
		return false;
	}
	cross->plan = fb_fft_real_inverse(cross->size, cross->whitened, cross->lag);
	return cross->plan != NULL;
}

void fb_cross_finish(fb_cross *cross)
{
	free(cross->now);
	free(cross->block);
	free(cross->total);
	free(cross->sum);
	fftwf_free(cross->lag);
	fftwf_free(cross->whitened);
	fb_fft_destroy(cross->plan);
}

void fb_cross_clear(fb_cross *cross)
{
	size_t values = (size_t)SHAPES * cross->stride;
	cross->frames = 0;
	cross->blocks = 0;
	memset(cross->now, 0, values * sizeof(float));
	memset(cross->total, 0, (cross->live ? 1 : values) * sizeof(double));
}

/* The spectra hold room for whole vectors; what lies beyond their end is zero and stays so. */
FB_WIDE static void accumulate(
	const fftwf_complex *l, const fftwf_complex *r, uint32_t stride, float *now)
{
	fb_v8_unaligned *ll = (fb_v8_unaligned *)now, *rr = (fb_v8_unaligned *)(now + stride);
	fb_v8_unaligned *re = (fb_v8_unaligned *)(now + 2 * stride);
	fb_v8_unaligned *im = (fb_v8_unaligned *)(now + 3 * stride);
	for (uint32_t i = 0; i < stride / 8; i++) {
		fb_v8 a = FB_LOAD8(l[8 * i]), b = FB_LOAD8(l[8 * i + 4]);
		fb_v8 c = FB_LOAD8(r[8 * i]), d = FB_LOAD8(r[8 * i + 4]);
		fb_v8 l_re = FB_EVEN8(a, b), l_im = FB_ODD8(a, b);
		fb_v8 r_re = FB_EVEN8(c, d), r_im = FB_ODD8(c, d);
		ll[i] += l_re * l_re + l_im * l_im;
		rr[i] += r_re * r_re + r_im * r_im;
		re[i] += l_re * r_re + l_im * r_im;
		im[i] += l_im * r_re - l_re * r_im;
	}
}

FB_WIDE static void add(double *sum, const float *more, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sum[i] += (double)more[i];
	}
}

static void finish_block(fb_cross *cross)
{
	size_t values = (size_t)SHAPES * cross->stride;
	cross->blocks++;
	if (cross->live) {
		memcpy(cross->block + (cross->blocks % KEPT) * values, cross->now, values * sizeof(float));
	} else {
		add(cross->total, cross->now, values);
	}
	memset(cross->now, 0, values * sizeof(float));
	cross->frames = 0;
}

void fb_cross_frame(fb_cross *cross, const fb_spectra *spectra)
{
	if (spectra->level_db > LEAST_LEVEL_DB) {
		accumulate(spectra->l, spectra->r, cross->stride, cross->now);
	}
	if (++cross->frames == cross->frames_per_block) {
		finish_block(cross);
	}
}

static void read_strongest(
	const double *ll, const double *rr, const fb_spectra *spectra, const fb_reading *reading)
{
	uint32_t best = spectra->low;
	double most = 0.0;
	for (uint32_t i = spectra->low; i <= spectra->high; i++) {
		if (ll[i] + rr[i] > most) {
			most = ll[i] + rr[i];
			best = i;
		}
	}
	if (most <= 0.0) {
		return;
	}
	double offset = 0.0;
	if (best > 1 && best + 1 < spectra->bins) {
		double least = most * 1e-12;
		double a = log(ll[best - 1] + rr[best - 1] + least), b = log(most);
		double c = log(ll[best + 1] + rr[best + 1] + least);
		offset = a - 2.0 * b + c < 0.0 ? 0.5 * (a - c) / (a - 2.0 * b + c) : 0.0;
	}
	fb_answer(reading->set, FB_M_PEAK_FREQUENCY, ((double)best + offset) * spectra->hz_per_bin);
}

static void read_coherence(
	const double *sum, uint32_t bins, uint32_t stride, const fb_reading *reading)
{
	double weighted = 0.0, energy = 0.0, l = 0.0, r = 0.0;
	for (uint32_t i = 1; i < bins; i++) {
		double ll = sum[i], rr = sum[stride + i];
		double re = sum[2 * stride + i], im = sum[3 * stride + i];
		if (ll > 0.0 && rr > 0.0) {
			weighted += (ll + rr) * (re * re + im * im) / (ll * rr);
		}
		energy += ll + rr;
		l += ll;
		r += rr;
	}
	if (l > 0.0 && r > 0.0) {
		fb_answer(reading->set, FB_M_PHASE_COHERENCE, fmin(weighted / energy, 1.0));
	}
}

/* Fill the whitened cross spectrum; returns how many bins carry a phase. */
static uint32_t whiten(fb_cross *cross)
{
	uint32_t bins = cross->bins, used = 0;
	const double *re = cross->sum + 2 * cross->stride, *im = cross->sum + 3 * cross->stride;
	double most = 0.0;
	for (uint32_t i = 1; i < bins; i++) {
		most = fmax(most, re[i] * re[i] + im[i] * im[i]);
	}
	cross->whitened[0][0] = cross->whitened[0][1] = 0.0f;
	for (uint32_t i = 1; i < bins; i++) {
		double size2 = re[i] * re[i] + im[i] * im[i];
		bool use = size2 > most * LEAST_BIN * LEAST_BIN && size2 > 0.0;
		double scale = use ? 1.0 / sqrt(size2) : 0.0;
		/* conjugated, so that a lag of R behind L comes out positive */
		cross->whitened[i][0] = (float)(re[i] * scale);
		cross->whitened[i][1] = (float)(-im[i] * scale);
		used += use;
	}
	return used;
}

static void read_delay(fb_cross *cross, const fb_reading *reading)
{
	uint32_t used = whiten(cross);
	if (!used) {
		return;
	}
	fftwf_execute(cross->plan);
	int most = (int)fmin(MOST_LAG_S * cross->rate_hz, cross->size / 2.0 - 2.0), best = 0;
	int size = (int)cross->size;
	const float *lag = cross->lag;
	for (int i = -most; i <= most; i++) {
		if (lag[(i + size) % size] > lag[(best + size) % size]) {
			best = i;
		}
	}
	double b = (double)lag[(best + size) % size];
	if (b < LEAST_PEAK * 2.0 * used) {
		return;
	}
	double a = (double)lag[(best - 1 + size) % size], c = (double)lag[(best + 1 + size) % size];
	double bend = a - 2.0 * b + c, offset = bend < 0.0 ? 0.5 * (a - c) / bend : 0.0;
	fb_answer(
		reading->set, FB_M_INTERCHANNEL_DELAY, ((double)best + offset) / cross->rate_hz * 1e3);
}

void fb_cross_read(fb_cross *cross, const fb_spectra *spectra, const fb_reading *reading)
{
	size_t values = (size_t)SHAPES * cross->stride;
	if (cross->live) {
		/* summed anew, so that nothing drifts */
		uint64_t n = cross->blocks < KEPT ? cross->blocks : KEPT;
		memset(cross->sum, 0, values * sizeof(double));
		for (uint64_t b = cross->blocks - n + 1; b <= cross->blocks; b++) {
			add(cross->sum, cross->block + (b % KEPT) * values, values);
		}
	} else {
		memcpy(cross->sum, cross->total, values * sizeof(double));
	}
	add(cross->sum, cross->now, values);
	read_strongest(cross->sum, cross->sum + cross->stride, spectra, reading);
	read_coherence(cross->sum, cross->bins, cross->stride, reading);
	read_delay(cross, reading);
}
