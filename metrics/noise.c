/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "noise.h"

#define LEAST_ACTIVE_DB -60.0
#define ABOVE_FLOOR_DB 6.0
#define BELOW_RMS_DB 4.0
#define LEAST_LUFS -70.0

/* Mean power of the quietest tenth: whole bins from below, and the share still missing of the bin
   in which the tenth ends. */
static double quietest_tenth(const fb_trail *frames)
{
	double wanted = (double)frames->count / 10.0;
	uint64_t below = 0;
	unsigned bin = 0;
	while (bin < FB_LEVEL_BINS - 1 && (double)(below + frames->bin_count[bin]) < wanted) {
		below += frames->bin_count[bin++];
	}
	double sums[FB_SUMS], power = 0.0;
	if (bin > 0) {
		fb_trail_sum(frames, 0, bin - 1, sums);
		power = fb_part_power(sums) * (double)below;
	}
	fb_trail_sum(frames, bin, bin, sums);
	power += fb_part_power(sums) * (wanted - (double)below);
	return power / wanted;
}

void fb_noise_prepare(const fb_trail *frames, fb_reading *reading)
{
	reading->whole = frames->count;
	reading->floor_power = frames->count ? quietest_tenth(frames) : 0.0;
	double floor_db = fb_power_db(reading->floor_power);
	double rms_db = fb_power_db(fb_part_power(reading->window.sum));
	double active = fmax(LEAST_ACTIVE_DB, fmin(floor_db + ABOVE_FLOOR_DB, rms_db - BELOW_RMS_DB));
	reading->active_from = fb_level_bin(active) + 1;
}

static double lufs(double power_sum, double frames)
{
	return -0.691 + 10.0 * log10(power_sum / frames);
}

static void read_gains(bool has_input, const fb_reading *reading)
{
	const double *sum = reading->window.sum;
	double n = sum[FB_SUM_FRAMES];
	if (has_input && n > 0.0) {
		double out = lufs(sum[FB_SUM_K_LL] + sum[FB_SUM_K_RR], n), in = lufs(sum[FB_SUM_K_IN], n);
		if (out > LEAST_LUFS && in > LEAST_LUFS) {
			fb_answer(reading->set, FB_M_GAIN_CHANGE, out - in);
		}
	}
	if (sum[FB_SUM_REDUCTIONS] > 0.0) {
		fb_answer(
			reading->set, FB_M_GAIN_REDUCTION, sum[FB_SUM_REDUCTION] / sum[FB_SUM_REDUCTIONS]);
	}
}

void fb_noise_read(const fb_trail *frames, bool has_input, const fb_reading *reading)
{
	read_gains(has_input, reading);
	if (!reading->whole) {
		return;
	}
	fb_answer(reading->set, FB_M_NOISE_FLOOR, fb_power_db(reading->floor_power));
	double sums[FB_SUMS];
	uint64_t active = fb_trail_sum(frames, reading->active_from, FB_LEVEL_BINS - 1, sums);
	fb_answer(reading->set, FB_M_SILENCE_RATIO, 1.0 - (double)active / (double)reading->whole);
	if (active) {
		double signal = fmax(fb_part_power(sums) - reading->floor_power, 0.0);
		double floor_power = fmax(reading->floor_power, 1e-12);
		fb_answer(reading->set, FB_M_SNR, fmax(10.0 * log10(signal / floor_power + 1e-12), 0.0));
	}
}
