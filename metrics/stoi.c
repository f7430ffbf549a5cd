/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stoi.h"

#include "fft.h"
#include "resample.h"
#include "wide.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RATE_HZ 10000.0
#define SPEECH_RANGE_DB 40.0 /* frames further below the loudest are not speech */
#define LEAST_SDR_DB -15.0   /* a band's distortion counts to here */

enum {
	FRAME = 256,
	STEP = FRAME / 2,
	SIZE = 512,
	BANDS = 15,
	SEGMENT = 30, ///< frames: 384 ms
};

typedef struct stoi_work {
	float *x, *y;             ///< at 10 kHz, then with the pauses taken out
	float *bands_x, *bands_y; ///< [frames][BANDS] magnitudes
	float *in;
	fftwf_complex *out;
	fftwf_plan plan;
} stoi_work;

/* The paper's Hann window: that of FRAME + 2 points without its zeros. */
static double window_at(int i)
{
	return 0.5 - 0.5 * cos(2.0 * acos(-1.0) * (i + 1) / (FRAME + 1));
}

static double frame_energy(const float *x, const float *window)
{
	double sum = 0.0;
	for (int i = 0; i < FRAME; i++) {
		double v = (double)(x[i] * window[i]);
		sum += v * v;
	}
	return sum;
}

/* Take the frames out of both signals in which the original pauses; the rest is put together again
   by overlap and add. Works in place, since frames only move towards the start. Returns the new
   length. */
static size_t drop_pauses(float *x, float *y, size_t n, const float *window)
{
	size_t frames = n < FRAME ? 0 : (n - FRAME) / STEP + 1;
	double *energy = malloc((frames + 1) * sizeof *energy), loudest = 0.0;
	float *out = calloc(2 * n + 2, sizeof *out);
	if (!energy || !out) {
		free(energy);
		free(out);
		return 0;
	}
	for (size_t f = 0; f < frames; f++) {
		energy[f] = frame_energy(x + f * STEP, window);
		loudest = fmax(loudest, energy[f]);
	}
	double least = loudest * pow(10.0, -SPEECH_RANGE_DB / 10.0);
	size_t kept = 0;
	for (size_t f = 0; f < frames; f++) {
		if (energy[f] <= least) {
			continue;
		}
		for (size_t i = 0; i < FRAME; i++) {
			out[kept * STEP + i] += x[f * STEP + i] * window[i];
			out[n + kept * STEP + i] += y[f * STEP + i] * window[i];
		}
		kept++;
	}
	size_t length = kept ? (kept - 1) * STEP + FRAME : 0;
	memcpy(x, out, length * sizeof *x);
	memcpy(y, out + n, length * sizeof *y);
	free(energy);
	free(out);
	return length;
}

/* Which bins each third octave holds: centres from 150 Hz in steps of a third, edges a sixth to
   each side, to the nearest bin. */
static void band_edges(int edge[BANDS][2])
{
	double hz_per_bin = RATE_HZ / SIZE;
	for (int band = 0; band < BANDS; band++) {
		double low = 150.0 * exp2((2.0 * band - 1.0) / 6.0);
		double high = 150.0 * exp2((2.0 * band + 1.0) / 6.0);
		edge[band][0] = (int)lround(low / hz_per_bin);
		edge[band][1] = (int)lround(high / hz_per_bin);
	}
}

static size_t band_magnitudes(
	stoi_work *work, const float *x, size_t n, const float *window, float *bands)
{
	int edge[BANDS][2];
	band_edges(edge);
	size_t frames = n < FRAME ? 0 : (n - FRAME) / STEP + 1;
	memset(work->in, 0, SIZE * sizeof(float));
	for (size_t f = 0; f < frames; f++) {
		for (int i = 0; i < FRAME; i++) {
			work->in[i] = x[f * STEP + (size_t)i] * window[i];
		}
		fftwf_execute(work->plan);
		for (int band = 0; band < BANDS; band++) {
			float sum = 0.0f;
			for (int i = edge[band][0]; i < edge[band][1]; i++) {
				const float *bin = work->out[i];
				sum += bin[0] * bin[0] + bin[1] * bin[1];
			}
			bands[f * BANDS + (size_t)band] = sqrtf(sum);
		}
	}
	return frames;
}

/* Correlation, over one segment of one band, of the original with the processed one brought to its
   level and clipped. */
static double segment_correlation(const float *x, const float *y)
{
	double xx = 0.0, yy = 0.0;
	for (int i = 0; i < SEGMENT; i++) {
		double a = (double)x[i * BANDS], b = (double)y[i * BANDS];
		xx += a * a;
		yy += b * b;
	}
	double scale = yy > 0.0 ? sqrt(xx / yy) : 0.0;
	double limit = 1.0 + pow(10.0, -LEAST_SDR_DB / 20.0);
	double clipped[SEGMENT], mean_x = 0.0, mean_y = 0.0;
	for (int i = 0; i < SEGMENT; i++) {
		double a = (double)x[i * BANDS];
		clipped[i] = fmin(scale * (double)y[i * BANDS], limit * a);
		mean_x += a / SEGMENT;
		mean_y += clipped[i] / SEGMENT;
	}
	double cxx = 0.0, cyy = 0.0, cxy = 0.0;
	for (int i = 0; i < SEGMENT; i++) {
		double a = (double)x[i * BANDS] - mean_x, b = clipped[i] - mean_y;
		cxx += a * a;
		cyy += b * b;
		cxy += a * b;
	}
	return cxx > 0.0 && cyy > 0.0 ? cxy / sqrt(cxx * cyy) : 0.0;
}

static bool measure(stoi_work *work, size_t n, double *stoi)
{
	float window[FRAME];
	for (int i = 0; i < FRAME; i++) {
		window[i] = (float)window_at(i);
	}
	n = drop_pauses(work->x, work->y, n, window);
	size_t frames = band_magnitudes(work, work->x, n, window, work->bands_x);
	band_magnitudes(work, work->y, n, window, work->bands_y);
	if (frames < SEGMENT) {
		return false;
	}
	double sum = 0.0;
	for (size_t f = 0; f + SEGMENT <= frames; f++) {
		for (size_t band = 0; band < BANDS; band++) {
			sum += segment_correlation(
				work->bands_x + f * BANDS + band, work->bands_y + f * BANDS + band);
		}
	}
	*stoi = sum / (double)((frames - SEGMENT + 1) * BANDS);
	return true;
}

static bool prepare(stoi_work *work, size_t most)
{
	size_t bands = (most / STEP + 1) * BANDS;
	work->x = calloc(most + 1, sizeof(float));
	work->y = calloc(most + 1, sizeof(float));
	work->bands_x = calloc(bands, sizeof(float));
	work->bands_y = calloc(bands, sizeof(float));
	work->in = fftwf_alloc_real(SIZE);
	work->out = fftwf_alloc_complex(SIZE / 2 + 1);
	if (!work->x || !work->y || !work->bands_x || !work->bands_y || !work->in || !work->out) {
		return false;
	}
	work->plan = fb_fft_real(SIZE, work->in, work->out);
	return work->plan != NULL;
}

bool fb_stoi(
	const float *clean, const float *processed, size_t frames, double rate_hz, double *stoi)
{
	fb_resampler resampler;
	stoi_work work = {0};
	bool ok = fb_resampler_init(&resampler, rate_hz, RATE_HZ);
	size_t most = fb_resampler_length(&resampler, frames);
	ok = ok && prepare(&work, most) && fb_resampler_run(&resampler, clean, frames, work.x) &&
		 fb_resampler_run(&resampler, processed, frames, work.y) && measure(&work, most, stoi);
	fb_resampler_finish(&resampler);
	fb_fft_destroy(work.plan);
	fftwf_free(work.in);
	fftwf_free(work.out);
	free(work.x);
	free(work.y);
	free(work.bands_x);
	free(work.bands_y);
	return ok;
}
