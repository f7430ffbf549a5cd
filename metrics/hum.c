/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hum.h"

#include "plan.h"

#include <stdlib.h>
#include <string.h>

/* Bins are 1 Hz, so a tone fills 3 of them and half power leaks into no others (Hann). Mains wander
   by 0.2 Hz, which the eighth harmonic does eight times. */
enum {
	HARMONICS = 8,
	REACH = 3,        ///< bins to each side of a harmonic that may be hum
	FLOOR_REACH = 12, ///< bins to each side whose median is the floor
};

#define AROUND_HZ 1500.0
#define PROMINENT 4.0 /* 6 dB: less is the floor's own unevenness */

bool fb_hum_init(fb_hum *hum, double rate_hz, uint32_t most, bool live)
{
	memset(hum, 0, sizeof *hum);
	uint32_t factor = (uint32_t)fmax(1.0, floor(rate_hz / AROUND_HZ));
	hum->rate_hz = rate_hz / factor;
	hum->live = live;
	hum->size = (uint32_t)lround(hum->rate_hz / 2.0) * 2;
	bool ok = fb_decimate_init(&hum->decimate[0], factor, most);
	ok = fb_decimate_init(&hum->decimate[1], factor, most) && ok;
	hum->window = fftwf_alloc_real(hum->size);
	hum->work = fftwf_alloc_real(hum->size);
	hum->spectrum = fftwf_alloc_complex(hum->size / 2 + 1);
	for (int i = 0; i < 2; i++) {
		hum->x[i] = calloc(hum->size + most / factor + 2, sizeof(float));
		ok = ok && hum->x[i];
	}
	if (!ok || !hum->window || !hum->work || !hum->spectrum) {
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
	fftwf_free(hum->spectrum);
}

void fb_hum_clear(fb_hum *hum)
{
	hum->fill = 0;
	hum->segments = 0;
	hum->power = 0.0;
	memset(hum->sum, 0, sizeof hum->sum);
	memset(hum->recent, 0, sizeof hum->recent);
	fb_decimate_clear(&hum->decimate[0]);
	fb_decimate_clear(&hum->decimate[1]);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Power at a frequency above the median of the bins around it. */
static double tone_power(const double *spectrum, double hz_per_bin, double hz)
{
	int centre = (int)lround(hz / hz_per_bin), n = 0;
	double around[2 * FLOOR_REACH], peak = 0.0;
	for (int i = centre - FLOOR_REACH; i <= centre + FLOOR_REACH; i++) {
		if (abs(i - centre) <= REACH) {
			peak += spectrum[i];
		} else {
			around[n++] = spectrum[i];
		}
	}
	qsort(around, (size_t)n, sizeof *around, by_value);
	double floor_power = (2 * REACH + 1) * 0.5 * (around[n / 2 - 1] + around[n / 2]);
	return peak > PROMINENT * floor_power ? peak - floor_power : 0.0;
}

static double hum_power(const fb_hum *hum, const double *spectrum)
{
	double strongest = 0.0, hz_per_bin = hum->rate_hz / hum->size;
	for (int mains = 50; mains <= 60; mains += 10) {
		double power = 0.0;
		for (int harmonic = 1; harmonic <= HARMONICS; harmonic++) {
			power += tone_power(spectrum, hz_per_bin, mains * harmonic);
		}
		strongest = fmax(strongest, power);
	}
	return strongest;
}

static void finish_segment(fb_hum *hum)
{
	float *power = hum->recent[hum->segments % FB_HUM_SEGMENTS];
	memset(power, 0, sizeof hum->recent[0]);
	for (int channel = 0; channel < 2; channel++) {
		for (uint32_t i = 0; i < hum->size; i++) {
			hum->work[i] = hum->window[i] * hum->x[channel][i];
		}
		fftwf_execute(hum->plan);
		for (int i = 0; i < FB_HUM_BINS; i++) {
			const float *bin = hum->spectrum[i];
			power[i] += 0.5f * (bin[0] * bin[0] + bin[1] * bin[1]);
		}
	}
	hum->segments++;
	double mean[FB_HUM_BINS] = {0};
	uint64_t n = hum->segments;
	if (hum->live) {
		n = n < FB_HUM_SEGMENTS ? n : FB_HUM_SEGMENTS;
		for (uint64_t s = hum->segments - n; s < hum->segments; s++) {
			for (int i = 0; i < FB_HUM_BINS; i++) {
				mean[i] += (double)hum->recent[s % FB_HUM_SEGMENTS][i] / (double)n;
			}
		}
	} else {
		for (int i = 0; i < FB_HUM_BINS; i++) {
			hum->sum[i] += (double)power[i];
			mean[i] = hum->sum[i] / (double)n;
		}
	}
	hum->power = hum_power(hum, mean);
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

void fb_hum_read(const fb_hum *hum, const fb_reading *reading)
{
	if (hum->segments) {
		fb_answer(reading->set, FB_M_HUM, fb_power_db(hum->power));
	}
}
