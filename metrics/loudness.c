/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loudness.h"

#include "true_peak.h"

#include <stdlib.h>
#include <string.h>

#define ABSOLUTE_GATE -70.0
#define BINS_PER_LU 100.0

enum {
	MOMENTARY_HOPS = 40,
	SHORT_TERM_HOPS = FB_LIVE_HOPS,
	STEP_HOPS = 10, ///< gating blocks and short-term values count every 100 ms
	STEPS = SHORT_TERM_HOPS / STEP_HOPS,
	PER_COARSE = 100,
	COARSE = 90, ///< LU: -70 .. 20 LUFS; what is louder still is in the last bin
	BINS = COARSE * PER_COARSE,
};

static double loudness_of(double mean_power)
{
	return mean_power > 0.0 ? -0.691 + 10.0 * log10(mean_power) : FB_LEVEL_FLOOR;
}

/* --- the gate */

static bool gate_init(fb_gate *gate)
{
	gate->count = calloc(BINS, sizeof *gate->count);
	gate->coarse = calloc(COARSE, sizeof *gate->coarse);
	gate->coarse_count = calloc(COARSE, sizeof *gate->coarse_count);
	return gate->count && gate->coarse && gate->coarse_count;
}

static void gate_finish(fb_gate *gate)
{
	free(gate->count);
	free(gate->coarse);
	free(gate->coarse_count);
}

static void gate_clear(fb_gate *gate)
{
	memset(gate->count, 0, BINS * sizeof *gate->count);
	memset(gate->coarse, 0, COARSE * sizeof *gate->coarse);
	memset(gate->coarse_count, 0, COARSE * sizeof *gate->coarse_count);
	gate->blocks = 0;
}

static unsigned gate_bin(double lufs)
{
	double bin = floor((lufs - ABSOLUTE_GATE) * BINS_PER_LU);
	return bin <= 0.0 ? 0 : bin >= BINS ? BINS - 1 : (unsigned)bin;
}

static void gate_push(fb_gate *gate, double mean_power)
{
	double lufs = loudness_of(mean_power);
	if (lufs < ABSOLUTE_GATE) {
		return;
	}
	unsigned bin = gate_bin(lufs);
	gate->count[bin]++;
	gate->coarse[bin / PER_COARSE] += mean_power;
	gate->coarse_count[bin / PER_COARSE]++;
	gate->blocks++;
}

static double power_of(double lufs)
{
	return pow(10.0, (lufs + 0.691) / 10.0);
}

/* Sum and number of the blocks from a bin on. Those of its 1 LU that lie below it are taken off as
   if each stood in the middle of its bin: at most 0.005 LU off, and 10 LU below the sum. */
static uint64_t gate_above(const fb_gate *gate, unsigned from, double *power)
{
	unsigned coarse = from / PER_COARSE;
	uint64_t count = gate->coarse_count[coarse];
	double rest = gate->coarse[coarse];
	for (unsigned bin = coarse * PER_COARSE; bin < from; bin++) {
		if (gate->count[bin]) {
			rest -= gate->count[bin] * power_of(ABSOLUTE_GATE + ((double)bin + 0.5) / BINS_PER_LU);
			count -= gate->count[bin];
		}
	}
	*power = count ? fmax(rest, 0.0) : 0.0;
	for (unsigned i = coarse + 1; i < COARSE; i++) {
		*power += gate->coarse[i];
		count += gate->coarse_count[i];
	}
	return count;
}

/* The first bin that passes the relative gate; false when nothing passed the absolute one. A block
   in the gate's own bin passes: 0.01 LU, beyond what moves a sum by 0.001 LU. */
static bool gate_relative(const fb_gate *gate, double below_lu, unsigned *from)
{
	double power;
	uint64_t count = gate_above(gate, 0, &power);
	if (!count) {
		return false;
	}
	*from = gate_bin(loudness_of(power / (double)count) - below_lu);
	return true;
}

static double gate_percentile(const fb_gate *gate, unsigned from, uint64_t count, double share)
{
	uint64_t rank = (uint64_t)(share * (double)(count - 1) + 0.5), seen = 0;
	unsigned bin = from;
	while (bin < BINS - 1) {
		if (bin % PER_COARSE == 0 && seen + gate->coarse_count[bin / PER_COARSE] <= rank) {
			seen += gate->coarse_count[bin / PER_COARSE];
			bin += PER_COARSE;
			continue;
		}
		seen += gate->count[bin];
		if (seen > rank) {
			break;
		}
		bin++;
	}
	return ABSOLUTE_GATE + ((double)bin + 0.5) / BINS_PER_LU;
}

/* --- the meter */

bool fb_loudness_init(fb_loudness *loudness, double rate_hz, bool live)
{
	memset(loudness, 0, sizeof *loudness);
	loudness->rate_hz = rate_hz;
	bool ok = fb_slide_init(&loudness->momentary, MOMENTARY_HOPS);
	ok = fb_slide_init(&loudness->short_term, SHORT_TERM_HOPS) && ok;
	ok = gate_init(&loudness->blocks) && ok;
	ok = gate_init(&loudness->range) && ok;
	ok = fb_trail_init(&loudness->drift, 4, live ? STEPS : 0) && ok;
	if (ok) {
		fb_loudness_clear_windows(loudness);
	}
	return ok;
}

void fb_loudness_finish(fb_loudness *loudness)
{
	fb_slide_finish(&loudness->momentary);
	fb_slide_finish(&loudness->short_term);
	gate_finish(&loudness->blocks);
	gate_finish(&loudness->range);
	fb_trail_finish(&loudness->drift);
}

void fb_loudness_clear_windows(fb_loudness *loudness)
{
	loudness->hops = 0;
	fb_slide_clear(&loudness->momentary);
	fb_slide_clear(&loudness->short_term);
	fb_trail_clear(&loudness->drift);
	loudness->max_momentary = loudness->max_short_term = 0.0;
	loudness->tenth_power = loudness->tenth_frames = 0.0;
	memset(loudness->peaks, 0, sizeof loudness->peaks);
	loudness->psr = loudness->min_psr = NAN;
}

void fb_loudness_reset(fb_loudness *loudness)
{
	gate_clear(&loudness->blocks);
	gate_clear(&loudness->range);
}

/* Mean power over the last `hops` hops. */
static double window_power(const fb_loudness *loudness, const fb_slide *slide)
{
	uint64_t start =
		fb_step_start(loudness->rate_hz, FB_HOPS_PER_SECOND, loudness->hops - slide->n);
	uint64_t end = fb_step_start(loudness->rate_hz, FB_HOPS_PER_SECOND, loudness->hops);
	return fb_slide_sum(slide) / (double)(end - start);
}

static double least(double a, double b)
{
	return isnan(a) || b < a ? b : a;
}

/* Every 100 ms, once there are 3 s. */
static void short_term_step(fb_loudness *loudness, double power)
{
	gate_push(&loudness->range, power);
	double lufs = loudness_of(power);
	loudness->psr = NAN;
	if (lufs >= ABSOLUTE_GATE) {
		float peak = 0.0f;
		for (int i = 0; i < STEPS; i++) {
			peak = fmaxf(peak, loudness->peaks[i]);
		}
		loudness->psr = 20.0 * log10((double)peak) - lufs;
		loudness->min_psr = least(loudness->min_psr, loudness->psr);
	}
	double minutes = (double)loudness->hops / (60.0 * FB_HOPS_PER_SECOND);
	double level = fb_power_db(loudness->tenth_power / (2.0 * loudness->tenth_frames));
	fb_trail_push(
		&loudness->drift, level, (double[]){minutes, lufs, minutes * minutes, minutes * lufs});
}

void fb_loudness_hop(fb_loudness *loudness, const fb_part *hop)
{
	double power = hop->sum[FB_SUM_K_LL] + hop->sum[FB_SUM_K_RR];
	uint64_t step = loudness->hops / STEP_HOPS;
	if (loudness->hops % STEP_HOPS == 0) {
		loudness->peaks[step % STEPS] = 0.0f;
		loudness->tenth_power = loudness->tenth_frames = 0.0;
	}
	float *peak = &loudness->peaks[step % STEPS];
	*peak = fmaxf(*peak, fmaxf(hop->true_peak, fmaxf(hop->peak[0], hop->peak[1])));
	loudness->tenth_power += hop->sum[FB_SUM_AC];
	loudness->tenth_frames += hop->sum[FB_SUM_FRAMES];
	fb_slide_push(&loudness->momentary, power);
	fb_slide_push(&loudness->short_term, power);
	loudness->hops++;
	bool whole_step = loudness->hops % STEP_HOPS == 0;
	if (loudness->momentary.full) {
		double mean = window_power(loudness, &loudness->momentary);
		loudness->max_momentary = fmax(loudness->max_momentary, mean);
		if (whole_step) {
			gate_push(&loudness->blocks, mean);
		}
	}
	if (loudness->short_term.full) {
		double mean = window_power(loudness, &loudness->short_term);
		loudness->max_short_term = fmax(loudness->max_short_term, mean);
		if (whole_step) {
			short_term_step(loudness, mean);
		}
	}
}

static void read_drift(const fb_loudness *loudness, const fb_reading *reading)
{
	double sums[4];
	double n =
		(double)fb_trail_sum(&loudness->drift, reading->active_from, FB_LEVEL_BINS - 1, sums);
	double spread = n * sums[2] - sums[0] * sums[0];
	/* a second of values at least, or the slope is a guess */
	if (n >= FB_HOPS_PER_SECOND / STEP_HOPS && spread > 0.0) {
		fb_answer(reading->set, FB_M_DRIFT, (n * sums[3] - sums[0] * sums[1]) / spread);
	}
}

static void answer_lufs(fb_metric_set *set, fb_metric metric, double power)
{
	fb_answer(set, metric, fmax(loudness_of(power), FB_LEVEL_FLOOR));
}

void fb_loudness_read(const fb_loudness *loudness, double target_lufs, const fb_reading *reading)
{
	fb_metric_set *set = reading->set;
	if (loudness->momentary.full) {
		answer_lufs(set, FB_M_LUFS_MOMENTARY,
			reading->live ? window_power(loudness, &loudness->momentary) : loudness->max_momentary);
	}
	if (loudness->short_term.full) {
		answer_lufs(set, FB_M_LUFS_SHORT_TERM,
			reading->live ? window_power(loudness, &loudness->short_term)
						  : loudness->max_short_term);
	}
	unsigned from;
	if (gate_relative(&loudness->blocks, 10.0, &from)) {
		double power;
		uint64_t count = gate_above(&loudness->blocks, from, &power);
		double lufs = loudness_of(power / (double)count);
		fb_answer(set, FB_M_LUFS_INTEGRATED, lufs);
		fb_answer(set, FB_M_LOUDNESS_ERROR, lufs - target_lufs);
		if (reading->window.sum[FB_SUM_FRAMES] > 0.0) {
			fb_answer(set, FB_M_PLR, fb_true_peak_db(&reading->window) - lufs);
		}
	}
	if (gate_relative(&loudness->range, 20.0, &from)) {
		double power;
		uint64_t count = gate_above(&loudness->range, from, &power);
		fb_answer(set, FB_M_LRA,
			gate_percentile(&loudness->range, from, count, 0.95) -
				gate_percentile(&loudness->range, from, count, 0.10));
	}
	fb_answer(set, FB_M_PSR, reading->live ? loudness->psr : loudness->min_psr);
	read_drift(loudness, reading);
}
