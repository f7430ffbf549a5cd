/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "spectrum.h"

#include "analyser.h"
#include "wide.h"

#include <stdlib.h>
#include <string.h>

#define ROLLOFF_SHARE 0.85

enum { THIRDS = FB_THIRDS, BANDS = 7 };
#define NOTHING_DB (-120.0)

static const double band_edge_hz[BANDS + 1] = {20, 60, 250, 500, 2000, 4000, 8000, 20000};

/* Edge i of the third octaves about 50 Hz .. 12.5 kHz: base 10, as IEC 61260. */
static double third_edge_hz(int i)
{
	return 1000.0 * pow(10.0, (2.0 * (i - 13) - 1.0) / 20.0);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

bool fb_spectrum_init(fb_spectrum *spectrum, const fb_stft *stft, double rate_hz, bool live)
{
	memset(spectrum, 0, sizeof *spectrum);
	spectrum->top_hz = rate_hz / 2.0;
	spectrum->bins = stft->spectra.bins;
	for (int i = 0; i <= BANDS; i++) {
		spectrum->edge_hz[i] = band_edge_hz[i];
	}
	for (int i = 0; i <= THIRDS; i++) {
		spectrum->edge_hz[BANDS + 1 + i] = third_edge_hz(i);
	}
	qsort(spectrum->edge_hz, FB_SEGMENTS + 1, sizeof(double), by_value);
	for (int i = 0; i <= FB_SEGMENTS; i++) {
		double hz = fmin(spectrum->edge_hz[i], spectrum->top_hz);
		spectrum->edge_bin[i] = hz / stft->spectra.hz_per_bin + 0.5;
	}
	double per_second = rate_hz / (stft->size / 2.0);
	uint32_t records = (uint32_t)floor(FB_LIVE_SECONDS * per_second) - 1;
	spectrum->before = calloc(stft->spectra.bins + 8, sizeof(float));
	return fb_trail_init(&spectrum->frames, FB_FEATURES, live ? records : 0) && spectrum->before;
}

void fb_spectrum_finish(fb_spectrum *spectrum)
{
	free(spectrum->before);
	fb_trail_finish(&spectrum->frames);
}

void fb_spectrum_clear(fb_spectrum *spectrum)
{
	spectrum->started = false;
	spectrum->sum_before = 0.0f;
	memset(spectrum->before, 0, spectrum->bins * sizeof(float));
	fb_trail_clear(&spectrum->frames);
}

/* Sum of v[from] .. v[to - 1]. */
static inline double sum_bins(const float *v, uint32_t from, uint32_t to)
{
	fb_v8 sum = {0};
	uint32_t i = from;
	for (; i + 8 <= to; i += 8) {
		sum += FB_LOAD8(v + i);
	}
	double rest = 0.0;
	for (; i < to; i++) {
		rest += (double)v[i];
	}
	return (double)FB_FOLD8(sum) + rest;
}

/* Power between each two edges; a bin that an edge cuts counts by the part that lies inside. */
FB_WIDE static void sum_segments(
	const double *edge_bin, const float *power, uint32_t bins, double *segment)
{
	for (int i = 0; i < FB_SEGMENTS; i++) {
		double low = edge_bin[i], high = edge_bin[i + 1];
		uint32_t first = (uint32_t)low, last = (uint32_t)high;
		last = last < bins - 1 ? last : bins - 1;
		if (first >= last) {
			segment[i] = (high - low) * (double)power[first < bins ? first : bins - 1];
			continue;
		}
		segment[i] = sum_bins(power, first + 1, last) +
					 ((double)first + 1.0 - low) * (double)power[first] +
					 (high - (double)last) * (double)power[last];
	}
}

/* Sum and first moment of v[0 .. n - 1], in places counted from 0. */
FB_WIDE static void first_moments(const float *v, uint32_t n, double *sum, double *first)
{
	fb_v8 s = {0}, f = {0}, k = {0, 1, 2, 3, 4, 5, 6, 7};
	uint32_t i = 0;
	for (; i + 8 <= n; i += 8) {
		fb_v8 p = FB_LOAD8(v + i);
		s += p;
		f += k * p;
		k += 8.0f;
	}
	*sum = (double)FB_FOLD8(s);
	*first = (double)FB_FOLD8(f);
	for (; i < n; i++) {
		*sum += (double)v[i];
		*first += (double)i * (double)v[i];
	}
}

/* Second moment about `centre`, and the sum of the logarithms (base 2) of v + least. The logarithm
   is the exponent and a polynomial of the mantissa, good to 2e-5. */
FB_WIDE static void second_moments(
	const float *v, uint32_t n, float centre, float least, double *second, double *logs)
{
	fb_v8 s = {0}, sum_log = {0}, k = {0, 1, 2, 3, 4, 5, 6, 7};
	k -= centre;
	uint32_t i = 0;
	for (; i + 8 <= n; i += 8) {
		fb_v8 p = FB_LOAD8(v + i);
		s += k * k * p;
		k += 8.0f;
		fb_v8i bits = (fb_v8i)(p + least);
		fb_v8 m = (fb_v8)((bits & 0x7fffff) | 0x3f800000);
		sum_log +=
			__builtin_convertvector((bits >> 23) - 127, fb_v8) +
			(-2.78792621f +
				m * (5.04785541f +
						m * (-3.48987855f +
								m * (1.58947429f + m * (-0.402513394f + m * 0.0430049578f)))));
	}
	*second = (double)FB_FOLD8(s);
	*logs = (double)FB_FOLD8(sum_log);
	for (; i < n; i++) {
		double off = (double)i - (double)centre;
		*second += off * off * (double)v[i];
		*logs += log2((double)v[i] + (double)least);
	}
}

/* Where the running sum over the segments, then over bins, reaches the share. */
static double find_rolloff(
	const fb_spectrum *spectrum, const fb_spectra *spectra, const double *segment)
{
	double total = 0.0, seen = 0.0;
	for (int i = 0; i < FB_SEGMENTS; i++) {
		total += segment[i];
	}
	double wanted = ROLLOFF_SHARE * total;
	int s = 0;
	while (s < FB_SEGMENTS - 1 && seen + segment[s] < wanted) {
		seen += segment[s++];
	}
	double at = spectrum->edge_bin[s], end = spectrum->edge_bin[s + 1];
	while (at < end) {
		double next = fmin(floor(at) + 1.0, end);
		double power = (next - at) * (double)spectra->power[(uint32_t)at];
		if (seen + power >= wanted) {
			at += power > 0.0 ? (next - at) * (wanted - seen) / power : 0.0;
			break;
		}
		seen += power;
		at = next;
	}
	return (at - 0.5) * spectra->hz_per_bin;
}

/* New part of the normalised magnitude spectrum (flux), and of the plain one (returned); `before`
	becomes this frame's. */
FB_WIDE static double compare(const float *magnitude, uint32_t n, float scale, float scale_before,
	float *before, double *flux)
{
	fb_v8 f = {0}, rise = {0};
	for (uint32_t i = 0; i < n; i += 8) {
		fb_v8 now = FB_LOAD8(magnitude + i) * scale, then = FB_LOAD8(before + i);
		fb_v8 more = now - then, risen = now - then * scale_before;
		f += (fb_v8)((fb_v8i)more & ((fb_v8i)more > 0));
		rise += (fb_v8)((fb_v8i)risen & ((fb_v8i)risen > 0));
		*(fb_v8_unaligned *)(before + i) = now;
	}
	*flux = (double)FB_FOLD8(f);
	return (double)FB_FOLD8(rise);
}

/* --- contrast: percentiles of bin powers by counting their leading bits, quarters of a doubling */

enum { KEY_SHIFT = 21, KEYS = 128 };

static double power_of_key(uint32_t top_key, double keys_below)
{
	double key = (double)top_key - keys_below, whole = floor(key);
	uint32_t bits =
		((uint32_t)whole << KEY_SHIFT) + (uint32_t)((key - whole) * (double)(1u << KEY_SHIFT));
	float power;
	memcpy(&power, &bits, sizeof power);
	return (double)power;
}

/* Decibels between two ranks of the powers. */
static double spread_db(const float *power, uint32_t n)
{
	uint16_t count[KEYS] = {0};
	uint32_t top = 0, bits;
	for (uint32_t i = 0; i < n; i++) {
		memcpy(&bits, power + i, sizeof bits);
		top = bits > top ? bits : top;
	}
	uint32_t top_key = top >> KEY_SHIFT;
	for (uint32_t i = 0; i < n; i++) {
		memcpy(&bits, power + i, sizeof bits);
		uint32_t below = top_key - (bits >> KEY_SHIFT);
		count[below < KEYS - 1 ? below : KEYS - 1]++;
	}
	/* linear inside a key: the rank's place among those that share it */
	double found[2], wanted[2] = {0.1 * n, 0.9 * n}, seen = 0.0;
	for (uint32_t key = 0, next = 0; key < KEYS && next < 2; key++) {
		while (next < 2 && seen + count[key] >= wanted[next]) {
			double into = count[key] ? (wanted[next] - seen) / count[key] : 0.0;
			found[next++] = (double)key - 1.0 + into;
		}
		seen += count[key];
	}
	double high = power_of_key(top_key, found[0]), low = power_of_key(top_key, found[1]);
	return high > 0.0 && low > 0.0 ? 10.0 * log10(high / low) : 0.0;
}

static double contrast_db(const fb_spectra *spectra)
{
	double sum = 0.0;
	int octaves = 0;
	for (int i = 0; i < FB_CONTRAST; i++) {
		uint32_t from = (uint32_t)lround(250.0 * (1 << i) / spectra->hz_per_bin);
		uint32_t to = (uint32_t)lround(500.0 * (1 << i) / spectra->hz_per_bin);
		if (to > spectra->bins) {
			break;
		}
		sum += spread_db(spectra->power + from, to - from);
		octaves++;
	}
	return octaves ? sum / octaves : 0.0;
}

double fb_spectrum_frame(fb_spectrum *spectrum, const fb_spectra *spectra)
{
	double feature[FB_FEATURES] = {0}, power, first, second, logs;
	uint32_t n = spectra->high - spectra->low + 1;
	const float *inside = spectra->power + spectra->low;
	first_moments(inside, n, &power, &first);
	bool silent = spectra->level_db <= FB_LEVEL_FLOOR || power <= 0.0;
	double rise = 0.0;
	float sum = (float)sum_bins(spectra->magnitude, 0, spectra->bins);
	if (silent) {
		memset(spectrum->before, 0, spectra->bins * sizeof(float));
		spectrum->sum_before = 0.0f;
	} else {
		double centre = first / power, mean = power / n;
		second_moments(inside, n, (float)centre, (float)(mean * 1e-9), &second, &logs);
		feature[FB_FEATURE_CENTROID] = (centre + spectra->low) * spectra->hz_per_bin;
		feature[FB_FEATURE_SPREAD] = sqrt(second / power) * spectra->hz_per_bin;
		feature[FB_FEATURE_FLATNESS] = fmin(exp2(logs / n) / mean, 1.0);
		rise = compare(spectra->magnitude, spectra->bins, 1.0f / sum, spectrum->sum_before / sum,
			spectrum->before, &feature[FB_FEATURE_FLUX]);
		feature[FB_FEATURE_CONTRAST] = contrast_db(spectra);
		sum_segments(
			spectrum->edge_bin, spectra->power, spectra->bins, feature + FB_FEATURE_SEGMENT);
		feature[FB_FEATURE_ROLLOFF] = find_rolloff(spectrum, spectra, feature + FB_FEATURE_SEGMENT);
		if (!spectrum->started) { /* nothing is new that nothing came before */
			rise = feature[FB_FEATURE_FLUX] = 0.0;
		}
		spectrum->sum_before = sum;
	}
	spectrum->started = true;
	fb_trail_push(&spectrum->frames, spectra->level_db, feature);
	return rise;
}

/* --- reading */

/* Power between two edges, which are both among the segments' edges. */
static double between(const fb_spectrum *spectrum, const double *segment, double low, double high)
{
	double power = 0.0;
	for (int i = 0; i < FB_SEGMENTS; i++) {
		double middle = 0.5 * (spectrum->edge_hz[i] + spectrum->edge_hz[i + 1]);
		power += middle > low && middle < high ? segment[i] : 0.0;
	}
	return power;
}

static void read_bands(
	const fb_spectrum *spectrum, const double *segment, const fb_reading *reading)
{
	double all = between(spectrum, segment, band_edge_hz[0], band_edge_hz[BANDS]);
	for (int i = 0; i < BANDS && all > 0.0; i++) {
		if (band_edge_hz[i] < spectrum->top_hz) {
			double power = between(spectrum, segment, band_edge_hz[i], band_edge_hz[i + 1]);
			fb_answer(reading->set, (fb_metric)(FB_M_BAND_SUB + i), fb_power_db(power / all));
		}
	}
}

double fb_third_hz(int index)
{
	return 1000.0 * pow(10.0, (index - 13) / 10.0);
}

void fb_spectrum_thirds(const fb_spectrum *spectrum, unsigned active_from, double *db)
{
	double sums[FB_FEATURES];
	double n = (double)fb_trail_sum(&spectrum->frames, active_from, FB_LEVEL_BINS - 1, sums);
	const double *segment = sums + FB_FEATURE_SEGMENT;
	double all = n < 1.0 ? 0.0 : between(spectrum, segment, band_edge_hz[0], band_edge_hz[BANDS]);
	for (int i = 0; i < THIRDS; i++) {
		double high = third_edge_hz(i + 1),
			   power = all > 0.0 ? between(spectrum, segment, third_edge_hz(i), high) : 0.0;
		bool there = high <= spectrum->top_hz && power > 0.0;
		db[i] = there ? fmax(10.0 * log10(power / all), NOTHING_DB) : NOTHING_DB;
	}
}

/* Slope over the third octaves that lie below half the rate and hold anything. */
static void read_tilt(const fb_spectrum *spectrum, const double *segment, const fb_reading *reading)
{
	double n = 0.0, sx = 0.0, sy = 0.0, sxx = 0.0, sxy = 0.0;
	for (int i = 0; i < THIRDS; i++) {
		double low = third_edge_hz(i), high = third_edge_hz(i + 1);
		double power = between(spectrum, segment, low, high);
		if (high > spectrum->top_hz || power <= 0.0) {
			continue;
		}
		double octave = log2(low), db = 10.0 * log10(power);
		n += 1.0;
		sx += octave;
		sy += db;
		sxx += octave * octave;
		sxy += octave * db;
	}
	if (n >= 3.0) {
		fb_answer(reading->set, FB_M_TILT, (n * sxy - sx * sy) / (n * sxx - sx * sx));
	}
}

void fb_spectrum_read(const fb_spectrum *spectrum, const fb_reading *reading)
{
	static const fb_metric means[] = {FB_M_CENTROID, FB_M_SPREAD, FB_M_ROLLOFF, FB_M_FLATNESS,
		FB_M_FLUX, FB_M_CONTRAST}; /* in the order of fb_feature */
	double sums[FB_FEATURES];
	double n =
		(double)fb_trail_sum(&spectrum->frames, reading->active_from, FB_LEVEL_BINS - 1, sums);
	if (n < 1.0) {
		return;
	}
	for (int i = 0; i < FB_FEATURE_SEGMENT; i++) {
		fb_answer(reading->set, means[i], sums[i] / n);
	}
	read_bands(spectrum, sums + FB_FEATURE_SEGMENT, reading);
	read_tilt(spectrum, sums + FB_FEATURE_SEGMENT, reading);
}
