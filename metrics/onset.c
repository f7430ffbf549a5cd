/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "onset.h"

#include <string.h>

#define OVER_MEDIAN 0.12
#define UNKNOWN_MEDIAN 0.3 /* until there are frames enough: that of steady noise */
#define LEAST_STEP_DB 0.5  /* the level rises ... */
#define MUCH 0.5           /* ... or much of the spectrum is another */
#define LEAST_LEVEL_DB -60.0
#define LEAST_POWER 1e-9  /* -90 dBFS: from silence the rise is taken from here */
#define LONGEST_GAP_S 1.5 /* between onsets further apart there was a pause, not a pace */

/* hops: 50 ms before, 20 ms after, two onsets are 50 ms apart */
enum { BEFORE = 5, AFTER = 2, LEAST_GAP = 5, LEAST_FRAMES = 6 };

bool fb_onset_init(fb_onset *onset, double rate_hz, uint32_t stft_size, bool live)
{
	memset(onset, 0, sizeof *onset);
	onset->rate_hz = rate_hz;
	onset->size = stft_size;
	return fb_tally_init(&onset->rises, 0.0, 90.0, 0.05, live);
}

void fb_onset_finish(fb_onset *onset)
{
	fb_tally_finish(&onset->rises);
}

void fb_onset_clear(fb_onset *onset)
{
	onset->frames = onset->hops = onset->last = 0;
	onset->any = false;
	fb_tally_clear(&onset->rises);
}

void fb_onset_hop(fb_onset *onset, const fb_part *hop)
{
	onset->power[onset->hops++ % FB_ONSET_HOPS] = fb_part_power(hop->sum);
	if (onset->rises.live && onset->hops > FB_LIVE_HOPS) {
		fb_tally_expire(&onset->rises, onset->hops - FB_LIVE_HOPS);
	}
}

static double median_before(const fb_onset *onset, uint64_t frame)
{
	double sorted[FB_ONSET_HISTORY];
	uint64_t first = frame > FB_ONSET_HISTORY - 2 ? frame - (FB_ONSET_HISTORY - 2) : 0;
	int n = 0;
	for (uint64_t f = first; f < frame; f++) {
		double value = onset->rise[f % FB_ONSET_HISTORY];
		int i = n++;
		for (; i > 0 && sorted[i - 1] > value; i--) {
			sorted[i] = sorted[i - 1];
		}
		sorted[i] = value;
	}
	return n < LEAST_FRAMES ? UNKNOWN_MEDIAN : sorted[n / 2];
}

/* Mean power of `n` hops from `first` on; what lies before the beginning is silence. */
static double mean_power(const fb_onset *onset, int64_t first, int n)
{
	double sum = 0.0;
	for (int64_t hop = first; hop < first + n; hop++) {
		sum += hop >= 0 ? onset->power[(uint64_t)hop % FB_ONSET_HOPS] : 0.0;
	}
	return fmax(sum / n, LEAST_POWER);
}

/* The hop within the spectrum's frame at whose start the level rises most, and by how much. */
static int64_t find_moment(const fb_onset *onset, uint64_t first, double *rise_db)
{
	double hop_frames = onset->rate_hz / FB_HOPS_PER_SECOND;
	int64_t from = (int64_t)((double)first / hop_frames);
	int64_t to = (int64_t)((double)(first + onset->size) / hop_frames), best = from;
	*rise_db = -1e9;
	for (int64_t hop = from; hop <= to && (uint64_t)hop + AFTER <= onset->hops; hop++) {
		double before = mean_power(onset, hop - BEFORE, BEFORE);
		double after = mean_power(onset, hop, AFTER);
		double rise = 10.0 * log10(after / before);
		if (rise > *rise_db) {
			*rise_db = rise;
			best = hop;
		}
	}
	return best;
}

static void count_onset(fb_onset *onset, uint64_t first, fb_part *part)
{
	double rise_db;
	int64_t found = find_moment(onset, first, &rise_db);
	uint64_t hop = found < 0 ? 0 : (uint64_t)found;
	if (onset->any && hop < onset->last + LEAST_GAP) {
		return;
	}
	double gap = (double)(hop - onset->last) / FB_HOPS_PER_SECOND;
	part->sum[FB_SUM_ONSETS] += 1.0;
	if (onset->any && gap <= LONGEST_GAP_S) {
		part->sum[FB_SUM_GAPS] += 1.0;
		part->sum[FB_SUM_GAP] += gap;
		part->sum[FB_SUM_GAP_SQUARED] += gap * gap;
	}
	fb_tally_add(&onset->rises, hop, fmax(rise_db, 0.0));
	onset->any = true;
	onset->last = hop;
}

void fb_onset_frame(fb_onset *onset, double rise, double level_db, uint64_t first, fb_part *part)
{
	uint64_t frame = onset->frames++;
	onset->rise[frame % FB_ONSET_HISTORY] = rise;
	onset->level[frame % FB_ONSET_HISTORY] = level_db;
	if (frame == 0) {
		return; /* the frame before this one is judged, now that both its neighbours are known */
	}
	uint64_t judged = frame - 1;
	double candidate = onset->rise[judged % FB_ONSET_HISTORY];
	double level = onset->level[judged % FB_ONSET_HISTORY];
	double earlier = judged ? onset->rise[(judged - 1) % FB_ONSET_HISTORY] : 0.0;
	double level_before = judged ? onset->level[(judged - 1) % FB_ONSET_HISTORY] : level;
	if (candidate >= earlier && candidate > rise && level > LEAST_LEVEL_DB &&
		(level > level_before + LEAST_STEP_DB || candidate > MUCH) &&
		level > level_before - LEAST_STEP_DB &&
		candidate > median_before(onset, judged) + OVER_MEDIAN) {
		count_onset(onset, first - onset->size / 2, part);
	}
}

void fb_onset_read(const fb_onset *onset, const fb_reading *reading)
{
	const double *sum = reading->window.sum;
	double seconds = sum[FB_SUM_FRAMES] / reading->rate_hz;
	if (onset->frames < 2 || seconds <= 0.0) {
		return;
	}
	fb_answer(reading->set, FB_M_ONSET_RATE, sum[FB_SUM_ONSETS] / seconds);
	fb_answer(reading->set, FB_M_TRANSIENT, fb_tally_median(&onset->rises));
}
