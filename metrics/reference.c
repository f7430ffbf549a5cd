/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reference.h"

#include "fft.h"
#include "stoi.h"
#include "wide.h"

#include <stdlib.h>
#include <string.h>

#define MOST_LAG_S 0.5
#define COARSE_HZ 10000.0
#define MOST_SDR_DB 100.0

void fb_reference_init(fb_reference *reference, double rate_hz)
{
	memset(reference, 0, sizeof *reference);
	reference->rate_hz = rate_hz;
	reference->most = (size_t)(FB_REFERENCE_SECONDS * rate_hz);
}

void fb_reference_finish(fb_reference *reference)
{
	for (int c = 0; c < 2; c++) {
		free(reference->out[c]);
		free(reference->ref[c]);
	}
}

void fb_reference_clear(fb_reference *reference)
{
	reference->n = 0;
	reference->lost = false;
}

static bool grow(float **array, size_t room)
{
	float *larger = realloc(*array, room * sizeof **array);
	if (!larger) {
		return false;
	}
	*array = larger;
	return true;
}

static bool make_room(fb_reference *reference, size_t wanted)
{
	if (wanted <= reference->room) {
		return true;
	}
	size_t room = reference->room ? 2 * reference->room : (size_t)reference->rate_hz;
	while (room < wanted) {
		room *= 2;
	}
	room = room < reference->most ? room : reference->most;
	for (int c = 0; c < 2; c++) {
		if (!grow(&reference->out[c], room) || !grow(&reference->ref[c], room)) {
			return false;
		}
	}
	reference->room = room;
	return true;
}

void fb_reference_feed(
	fb_reference *reference, const float *const out[2], const float *const ref[2], uint32_t frames)
{
	size_t left = reference->most - reference->n, n = frames < left ? frames : left;
	if (reference->lost || !n) {
		return;
	}
	if (!make_room(reference, reference->n + n)) {
		reference->lost = true;
		return;
	}
	for (int c = 0; c < 2; c++) {
		memcpy(reference->out[c] + reference->n, out[c], n * sizeof(float));
		memcpy(reference->ref[c] + reference->n, ref[c], n * sizeof(float));
	}
	reference->n += n;
}

/* --- alignment */

/* Mid signal as sums of `factor` samples: a plain low-pass does where only the lag is sought, and
   finer lags are tried at the full rate afterwards. */
static void coarse_mid(const float *const channel[2], size_t n, uint32_t factor, float *coarse)
{
	for (size_t i = 0; i < n / factor; i++) {
		float sum = 0.0f;
		for (uint32_t k = 0; k < factor; k++) {
			sum += channel[0][i * factor + k] + channel[1][i * factor + k];
		}
		coarse[i] = sum;
	}
}

static uint32_t transform_size(size_t n)
{
	uint32_t size = 64;
	while (size < n) {
		size *= 2;
	}
	return size;
}

/* Lag of `a` behind `b`, in coarse samples, within +-most: the largest magnitude of their
   correlation. Both arrays hold `size` and end in silence at least `most` long. */
static bool correlate(float *a, float *b, uint32_t size, int most, int *lag)
{
	fftwf_complex *fa = fftwf_alloc_complex(size / 2 + 1), *fb = fftwf_alloc_complex(size / 2 + 1);
	fftwf_plan forth_a = fa ? fb_fft_real(size, a, fa) : NULL;
	fftwf_plan forth_b = fb ? fb_fft_real(size, b, fb) : NULL;
	fftwf_plan back = fa ? fb_fft_real_inverse(size, fa, a) : NULL;
	bool ok = forth_a && forth_b && back;
	if (ok) {
		fftwf_execute(forth_a);
		fftwf_execute(forth_b);
		for (uint32_t i = 0; i <= size / 2; i++) {
			float re = fa[i][0] * fb[i][0] + fa[i][1] * fb[i][1];
			float im = fa[i][1] * fb[i][0] - fa[i][0] * fb[i][1];
			fa[i][0] = re;
			fa[i][1] = im;
		}
		fftwf_execute(back);
		*lag = 0;
		for (int i = -most; i <= most; i++) {
			float here = fabsf(a[(uint32_t)(i + (int)size) % size]);
			*lag = here > fabsf(a[(uint32_t)(*lag + (int)size) % size]) ? i : *lag;
		}
	}
	fb_fft_destroy(forth_a);
	fb_fft_destroy(forth_b);
	fb_fft_destroy(back);
	fftwf_free(fa);
	fftwf_free(fb);
	return ok;
}

static bool coarse_lag(const fb_reference *reference, uint32_t factor, int *lag)
{
	size_t n = reference->n / factor;
	int most = (int)(MOST_LAG_S * reference->rate_hz / factor);
	uint32_t size = transform_size(n + (size_t)most);
	float *a = fftwf_alloc_real(size), *b = fftwf_alloc_real(size);
	bool ok = a && b;
	if (ok) {
		memset(a, 0, size * sizeof *a);
		memset(b, 0, size * sizeof *b);
		coarse_mid((const float *const *)reference->out, reference->n, factor, a);
		coarse_mid((const float *const *)reference->ref, reference->n, factor, b);
		ok = correlate(a, b, size, most < (int)n ? most : (int)n, lag);
	}
	fftwf_free(a);
	fftwf_free(b);
	return ok;
}

/* --- sums over the part that both signals have once aligned */

typedef struct overlap {
	size_t out, ref, n;
} overlap;

typedef struct moments {
	double n, x, y, xx, yy, xy; ///< x: reference, y: output
} moments;

FB_WIDE static void add_products(const float *x, const float *y, size_t n, moments *sums)
{
	for (size_t at = 0; at < n; at += 256) {
		size_t end = at + 256 < n ? at + 256 : n, i = at;
		fb_v4d sx = {0}, sy = {0}, xx = {0}, yy = {0}, xy = {0};
		for (; i + 4 <= end; i += 4) {
			fb_v4d a = {(double)x[i], (double)x[i + 1], (double)x[i + 2], (double)x[i + 3]};
			fb_v4d b = {(double)y[i], (double)y[i + 1], (double)y[i + 2], (double)y[i + 3]};
			sx += a;
			sy += b;
			xx += a * a;
			yy += b * b;
			xy += a * b;
		}
		for (int lane = 0; i < end; i++, lane++) {
			double a = (double)x[i], b = (double)y[i];
			sx[lane] += a;
			sy[lane] += b;
			xx[lane] += a * a;
			yy[lane] += b * b;
			xy[lane] += a * b;
		}
		sums->x += (sx[0] + sx[2]) + (sx[1] + sx[3]);
		sums->y += (sy[0] + sy[2]) + (sy[1] + sy[3]);
		sums->xx += (xx[0] + xx[2]) + (xx[1] + xx[3]);
		sums->yy += (yy[0] + yy[2]) + (yy[1] + yy[3]);
		sums->xy += (xy[0] + xy[2]) + (xy[1] + xy[3]);
	}
	sums->n += (double)n;
}

/* Share of the output's power that is the reference, both without their means: 0..1. */
static double share_of_reference(const fb_reference *reference, overlap o)
{
	moments all = {0};
	const moments *sums = &all;
	for (int c = 0; c < 2; c++) {
		add_products(reference->ref[c] + o.ref, reference->out[c] + o.out, o.n, &all);
	}
	double xx = sums->xx - sums->x * sums->x / sums->n;
	double yy = sums->yy - sums->y * sums->y / sums->n;
	double xy = sums->xy - sums->x * sums->y / sums->n;
	return xx > 0.0 && yy > 0.0 ? xy * xy / (xx * yy) : 0.0;
}

/* Sum of products; floats side by side for 256 samples, doubles beyond. */
FB_WIDE static double dot(const float *a, const float *b, size_t n)
{
	double total = 0.0;
	size_t i = 0;
	while (i + 8 <= n) {
		fb_v8 sum = {0};
		for (size_t end = i + 256 < n ? i + 256 : n; i + 8 <= end; i += 8) {
			sum += FB_LOAD8(a + i) * FB_LOAD8(b + i);
		}
		total += (double)FB_FOLD8(sum);
	}
	return total;
}

/* What both hold at this lag of the output: where each starts, and how much. */
static overlap overlap_at(const fb_reference *reference, int lag)
{
	overlap o = {lag > 0 ? (size_t)lag : 0, lag < 0 ? (size_t)-lag : 0, 0};
	size_t skip = o.out > o.ref ? o.out : o.ref;
	o.n = skip < reference->n ? reference->n - skip : 0;
	return o;
}

static double agreement_at(const fb_reference *reference, int lag)
{
	overlap o = overlap_at(reference, lag);
	double sum = 0.0;
	for (int c = 0; c < 2; c++) {
		sum += dot(reference->out[c] + o.out, reference->ref[c] + o.ref, o.n);
	}
	return fabs(sum);
}

static bool align(const fb_reference *reference, int *lag)
{
	uint32_t factor = (uint32_t)fmax(1.0, floor(reference->rate_hz / COARSE_HZ));
	int coarse, reach = (int)factor;
	if (!coarse_lag(reference, factor, &coarse)) {
		return false;
	}
	double most = -1.0;
	*lag = 0;
	for (int i = coarse * (int)factor - reach; i <= coarse * (int)factor + reach; i++) {
		double here = agreement_at(reference, i);
		if (here > most) {
			most = here;
			*lag = i;
		}
	}
	return true;
}

static void read_stoi(const fb_reference *reference, overlap o, const fb_reading *reading)
{
	float *const *ref = reference->ref, *const *out = reference->out;
	size_t n = o.n;
	float *mid = malloc(2 * (n + 1) * sizeof *mid);
	if (!mid) {
		return;
	}
	for (size_t i = 0; i < n; i++) {
		mid[i] = 0.5f * (ref[0][i + o.ref] + ref[1][i + o.ref]);
		mid[n + i] = 0.5f * (out[0][i + o.out] + out[1][i + o.out]);
	}
	double stoi;
	if (fb_stoi(mid, mid + n, n, reference->rate_hz, &stoi)) {
		fb_answer(reading->set, FB_M_STOI, fmin(fmax(stoi, 0.0), 1.0));
	}
	free(mid);
}

void fb_reference_read(const fb_reference *reference, const fb_reading *reading)
{
	int lag;
	if (reference->lost || reference->n < 2 || !align(reference, &lag)) {
		return;
	}
	overlap o = overlap_at(reference, lag);
	double share = o.n ? share_of_reference(reference, o) : 0.0;
	if (share > 0.0) {
		double sdr = 10.0 * log10(share / fmax(1.0 - share, 1e-15));
		fb_answer(reading->set, FB_M_SI_SDR, fmin(sdr, MOST_SDR_DB));
		read_stoi(reference, o, reading);
	}
}
