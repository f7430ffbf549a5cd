/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "speech.h"

#include <complex.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME = 256, HOP = 128, FFT = 512, BANDS = 15, SEGMENT = 30, CROSSINGS = 32, FINE = 256 };

#define RATE 10000.0

/** A Hann-windowed sinc of CROSSINGS zero crossings to each side, in steps of 1 / FINE. */
static void make_kernel(double kernel[CROSSINGS * FINE + 2])
{
	for (int i = 0; i < CROSSINGS * FINE + 2; i++) {
		double d = (double)i / FINE;
		double sinc = i ? sin(0.96 * M_PI * d) / (M_PI * d) : 0.96;
		kernel[i] = sinc * (0.5 + 0.5 * cos(M_PI * fmin(d / CROSSINGS, 1.0)));
	}
}

static double *to_10k(const float *x, size_t frames, double rate_hz, size_t *out_frames)
{
	static double kernel[CROSSINGS * FINE + 2];
	make_kernel(kernel);
	double ratio = rate_hz / RATE, reach = CROSSINGS * ratio;
	size_t n = (size_t)((double)frames / ratio);
	double *out = calloc(n + FRAME, sizeof *out);
	for (size_t i = 0; i < n; i++) {
		double at = (double)i * ratio, sum = 0.0;
		long first = (long)ceil(at - reach), last = (long)floor(at + reach);
		for (long k = first < 0 ? 0 : first; k <= last && k < (long)frames; k++) {
			double d = fabs((double)k - at) / ratio * FINE;
			int row = (int)d;
			sum += (double)x[k] * (kernel[row] + (d - row) * (kernel[row + 1] - kernel[row]));
		}
		out[i] = sum / ratio;
	}
	*out_frames = n;
	return out;
}

static double hann(int i)
{
	static double table[FRAME];
	static bool made;
	for (int k = 0; !made && k < FRAME; k++) {
		table[k] = 0.5 - 0.5 * cos(2.0 * M_PI * (k + 1) / (FRAME + 1));
	}
	made = true;
	return table[i];
}

/** Drop the frames in which the clean speech is 40 dB below its loudest; overlap-add the rest. */
static size_t drop_silence(double *clean, double *heard, size_t n)
{
	size_t count = n < FRAME ? 0 : (n - FRAME) / HOP + 1, kept = 0;
	double *energy = calloc(count + 1, sizeof *energy), loudest = -1e9;
	double *c = calloc(n + FRAME, sizeof *c), *h = calloc(n + FRAME, sizeof *h);
	for (size_t f = 0; f < count; f++) {
		double sum = 0.0;
		for (int i = 0; i < FRAME; i++) {
			double y = clean[f * HOP + (size_t)i] * hann(i);
			sum += y * y;
		}
		energy[f] = 10.0 * log10(sum + 1e-30);
		loudest = fmax(loudest, energy[f]);
	}
	for (size_t f = 0; f < count; f++) {
		for (int i = 0; energy[f] > loudest - 40.0 && i < FRAME; i++) {
			c[kept * HOP + (size_t)i] += clean[f * HOP + (size_t)i] * hann(i);
			h[kept * HOP + (size_t)i] += heard[f * HOP + (size_t)i] * hann(i);
		}
		kept += energy[f] > loudest - 40.0;
	}
	size_t left = kept ? (kept - 1) * HOP + FRAME : 0;
	memcpy(clean, c, left * sizeof *c);
	memcpy(heard, h, left * sizeof *h);
	free(energy);
	free(c);
	free(h);
	return left;
}

/** In place, radix 2. */
static void fft(double complex x[FFT])
{
	static double complex turns[FFT / 2];
	static bool made;
	for (int k = 0; !made && k < FFT / 2; k++) {
		turns[k] = cexp(-2.0 * M_PI * I * k / FFT);
	}
	made = true;
	for (int i = 1, j = 0; i < FFT; i++) {
		int bit = FFT >> 1;
		for (; j & bit; bit >>= 1) {
			j ^= bit;
		}
		j ^= bit;
		if (i < j) {
			double complex swap = x[i];
			x[i] = x[j];
			x[j] = swap;
		}
	}
	for (int half = 1; half < FFT; half *= 2) {
		for (int k = 0; k < half; k++) {
			double complex turn = turns[FFT / 2 / half * k];
			for (int i = k; i < FFT; i += 2 * half) {
				double complex odd = turn * x[i + half];
				x[i + half] = x[i] - odd;
				x[i] += odd;
			}
		}
	}
}

/** Third-octave amplitudes from 150 Hz up: [frame][BANDS]. */
static double *band_levels(const double *x, size_t frames)
{
	double *out = calloc(frames * BANDS + 1, sizeof *out);
	for (size_t f = 0; f < frames; f++) {
		double complex bin[FFT] = {0};
		for (int i = 0; i < FRAME; i++) {
			bin[i] = x[f * HOP + (size_t)i] * hann(i);
		}
		fft(bin);
		for (int b = 0; b < BANDS; b++) {
			double centre = 150.0 * pow(2.0, b / 3.0), power = 0.0;
			int lo = (int)lround(centre * pow(2.0, -1.0 / 6.0) * FFT / RATE);
			int hi = (int)lround(centre * pow(2.0, 1.0 / 6.0) * FFT / RATE);
			for (int k = lo; k < hi; k++) {
				power += creal(bin[k]) * creal(bin[k]) + cimag(bin[k]) * cimag(bin[k]);
			}
			out[f * BANDS + (size_t)b] = sqrt(power);
		}
	}
	return out;
}

static double correlation(const double *a, const double *b)
{
	double mean_a = 0, mean_b = 0, aa = 0, bb = 0, ab = 0;
	for (int i = 0; i < SEGMENT; i++) {
		mean_a += a[i] / SEGMENT;
		mean_b += b[i] / SEGMENT;
	}
	for (int i = 0; i < SEGMENT; i++) {
		aa += (a[i] - mean_a) * (a[i] - mean_a);
		bb += (b[i] - mean_b) * (b[i] - mean_b);
		ab += (a[i] - mean_a) * (b[i] - mean_b);
	}
	return ab / (sqrt(aa * bb) + 1e-30);
}

/** One band over one segment: the heard envelope, levelled and clipped at -15 dB, against the
 * clean.
 */
static double segment(const double *clean, const double *heard)
{
	double c[SEGMENT], h[SEGMENT], cc = 0, hh = 0;
	for (int i = 0; i < SEGMENT; i++) {
		c[i] = clean[i * BANDS];
		h[i] = heard[i * BANDS];
		cc += c[i] * c[i];
		hh += h[i] * h[i];
	}
	for (int i = 0; i < SEGMENT; i++) {
		h[i] = fmin(h[i] * sqrt(cc / (hh + 1e-30)), c[i] * (1.0 + pow(10.0, 15.0 / 20.0)));
	}
	return correlation(c, h);
}

double speech_stoi(const float *clean, const float *heard, size_t frames, double rate_hz)
{
	size_t n;
	double *c = to_10k(clean, frames, rate_hz, &n), *h = to_10k(heard, frames, rate_hz, &n);
	n = drop_silence(c, h, n);
	size_t count = n < FRAME ? 0 : (n - FRAME) / HOP + 1;
	double *cb = band_levels(c, count), *hb = band_levels(h, count);
	double sum = 0.0;
	size_t segments = 0;
	for (size_t f = 0; f + SEGMENT <= count; f++) {
		for (size_t b = 0; b < BANDS; b++) {
			sum += segment(cb + f * BANDS + b, hb + f * BANDS + b);
			segments++;
		}
	}
	free(c);
	free(h);
	free(cb);
	free(hb);
	return segments ? sum / (double)segments : 0.0;
}
