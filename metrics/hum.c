/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hum.h"

#include "fft.h"

#include <stdlib.h>
#include <string.h>

/* Bins are 1 Hz, so a tone fills 3 of them and half power leaks into no others (Hann). Mains wander
   by 0.2 Hz, which the eighth harmonic does eight times. */
enum {
	HARMONICS = FB_HUM_TONES / 2,
	REACH = 3,        ///< bins to each side of a harmonic that may be hum
	FLOOR_REACH = 12, ///< bins to each side whose median is the floor
};

#define LEAST_HZ 1600.0 /* clean to 0.34 of it: the eighth harmonic and the floor around it */
#define PROMINENT 4.0   /* 6 dB: less is the floor's own unevenness */

bool fb_hum_init(fb_hum *hum, double rate_hz, uint32_t most, bool live)
{
	memset(hum, 0, sizeof *hum);
	uint32_t factor = (uint32_t)fmax(1.0, floor(rate_hz / LEAST_HZ));
	hum->rate_hz = rate_hz / factor;
	hum->live = live;
	hum->size = (uint32_t)lround(hum->rate_hz / 2.0) * 2;
	bool ok = fb_decimate_init(&hum->decimate[0], factor, most);
	ok = fb_decimate_init(&hum->decimate[1], factor, most) && ok;
	hum->window = fftwf_alloc_real(hum->size);
	hum->work = fftwf_alloc_real(hum->size);
	hum->power = fftwf_alloc_real(hum->size / 2 + 1);
	hum->spectrum = fftwf_alloc_complex(hum->size / 2 + 1);
	for (int i = 0; i < 2; i++) {
		hum->x[i] = calloc(hum->size + most / factor + 2, sizeof(float));
		ok = ok && hum->x[i];
	}
	if (!ok || !hum->window || !hum->work || !hum->power || !hum->spectrum) {
		return false;
	}
	hum->plan = fb_fft_real(hum->size, hum->work, hum->spectrum);
	/* scaled so that the squared spectrum of a tone, summed over its bins, is its power */
	double turn = 2.0 * acos(-1.0) / hum->size, scale = sqrt(2.0 / 0.375) / hum->size;
	for (uint32_t i = 0; i < hum->size; i++) {
		hum->window[i] = (float)(scale * (0.5 - 0.5 * cos(turn * i)));
	}
	return hum->plan != NULL;
}

void fb_hum_finish(fb_hum *hum)
{
	for (int i = 0; i < 2; i++) {
		fb_decimate_finish(&hum->decimate[i]);
		free(hum->x[i]);
	}
	fb_fft_destroy(hum->plan);
	fftwf_free(hum->window);
	fftwf_free(hum->work);
	fftwf_free(hum->power);
	fftwf_free(hum->spectrum);
}

void fb_hum_clear(fb_hum *hum)
{
	hum->fill = 0;
	hum->segments = 0;
	memset(hum->sum_db, 0, sizeof hum->sum_db);
	fb_decimate_clear(&hum->decimate[0]);
	fb_decimate_clear(&hum->decimate[1]);
}

/* The middle value of n. */
static double median(double *v, int n)
{
	for (int i = 1; i < n; i++) {
		double value = v[i];
		int j = i;
		for (; j > 0 && v[j - 1] > value; j--) {
			v[j] = v[j - 1];
		}
		v[j] = value;
	}
	return 0.5 * (v[(n - 1) / 2] + v[n / 2]);
}

/* Level at a frequency above the median of the bins around it. */
static double tone_db(const float *spectrum, double hz_per_bin, double hz)
{
	int centre = (int)lround(hz / hz_per_bin), n = 0;
	double around[2 * FLOOR_REACH], peak = 0.0;
	for (int i = centre - FLOOR_REACH; i <= centre + FLOOR_REACH; i++) {
		if (abs(i - centre) <= REACH) {
			peak += (double)spectrum[i];
		} else {
			around[n++] = (double)spectrum[i];
		}
	}
	double floor_power = (2 * REACH + 1) * median(around, n);
	return peak > PROMINENT * floor_power ? fb_power_db(peak - floor_power) : FB_LEVEL_FLOOR;
}

static void finish_segment(fb_hum *hum)
{
	memset(hum->power, 0, (hum->size / 2 + 1) * sizeof(float));
	for (int channel = 0; channel < 2; channel++) {
		for (uint32_t i = 0; i < hum->size; i++) {
			hum->work[i] = hum->window[i] * hum->x[channel][i];
		}
		fftwf_execute(hum->plan);
		for (uint32_t i = 0; i <= hum->size / 2; i++) {
			const float *bin = hum->spectrum[i];
			hum->power[i] += 0.5f * (bin[0] * bin[0] + bin[1] * bin[1]);
		}
	}
	double *recent = hum->recent_db[hum->segments++ % FB_HUM_SEGMENTS];
	for (int i = 0; i < FB_HUM_TONES; i++) {
		double hz = (i < HARMONICS ? 50.0 : 60.0) * (i % HARMONICS + 1);
		recent[i] = tone_db(hum->power, hum->rate_hz / hum->size, hz);
		hum->sum_db[i] += recent[i];
	}
}

void fb_hum_feed(fb_hum *hum, const float *l, const float *r, uint32_t frames)
{
	uint32_t made = fb_decimate_run(&hum->decimate[0], l, frames, hum->x[0] + hum->fill);
	fb_decimate_run(&hum->decimate[1], r, frames, hum->x[1] + hum->fill);
	hum->fill += made;
	while (hum->fill >= hum->size) {
		finish_segment(hum);
		uint32_t half = hum->size / 2;
		hum->fill -= half;
		for (int i = 0; i < 2; i++) {
			memmove(hum->x[i], hum->x[i] + half, hum->fill * sizeof(float));
		}
	}
}

/* Sum of one mains frequency's harmonics, from the mean level of each. */
static double harmonics_power(const fb_hum *hum, int first)
{
	double power = 0.0;
	uint64_t kept = hum->live && hum->segments > FB_HUM_SEGMENTS ? FB_HUM_SEGMENTS : hum->segments;
	for (int i = first; i < first + HARMONICS; i++) {
		double sum = hum->sum_db[i];
		if (hum->live) {
			sum = 0.0;
			for (uint64_t s = hum->segments - kept; s < hum->segments; s++) {
				sum += hum->recent_db[s % FB_HUM_SEGMENTS][i];
			}
		}
		double db = sum / (double)kept;
		power += db > FB_LEVEL_FLOOR ? pow(10.0, 0.1 * db) : 0.0;
	}
	return power;
}

void fb_hum_read(const fb_hum *hum, const fb_reading *reading)
{
	if (hum->segments) {
		double power = fmax(harmonics_power(hum, 0), harmonics_power(hum, HARMONICS));
		fb_answer(reading->set, FB_M_HUM, fb_power_db(power));
	}
}
