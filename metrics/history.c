/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

unsigned fb_level_bin(double level_db)
{
	double bin = floor((level_db + 120.0) * 10.0);
	return bin <= 0.0 ? 0 : bin >= FB_LEVEL_BINS ? FB_LEVEL_BINS - 1 : (unsigned)bin;
}

double fb_level_of_bin(unsigned bin)
{
	return -120.0 + ((double)bin + 0.5) / 10.0;
}

static size_t rows(const fb_trail *history)
{
	return history->records ? history->records : FB_LEVEL_BINS;
}

bool fb_trail_init(fb_trail *history, uint32_t features, uint32_t records)
{
	memset(history, 0, sizeof *history);
	history->features = features;
	history->records = records;
	history->bin_count = calloc(FB_LEVEL_BINS, sizeof *history->bin_count);
	history->bin = calloc(rows(history), sizeof *history->bin);
	history->sums = calloc(rows(history) * features, sizeof *history->sums);
	return history->bin_count && history->bin && history->sums;
}

void fb_trail_finish(fb_trail *history)
{
	free(history->bin_count);
	free(history->bin);
	free(history->sums);
}

void fb_trail_clear(fb_trail *history)
{
	history->count = 0;
	history->next = 0;
	memset(history->bin_count, 0, FB_LEVEL_BINS * sizeof *history->bin_count);
	memset(history->sums, 0, rows(history) * history->features * sizeof *history->sums);
}

void fb_trail_push(fb_trail *history, double level_db, const double *features)
{
	unsigned bin = fb_level_bin(level_db);
	history->bin_count[bin]++;
	if (!history->records) {
		double *sums = history->sums + (size_t)bin * history->features;
		for (uint32_t i = 0; i < history->features; i++) {
			sums[i] += features[i];
		}
		history->count++;
		return;
	}
	uint32_t slot = history->next;
	if (history->count == history->records) {
		history->bin_count[history->bin[slot]]--;
	} else {
		history->count++;
	}
	history->bin[slot] = (uint16_t)bin;
	memcpy(history->sums + (size_t)slot * history->features, features,
		history->features * sizeof *features);
	history->next = slot + 1 == history->records ? 0 : slot + 1;
}

static void add(double *sums, const double *more, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		sums[i] += more[i];
	}
}

uint64_t fb_trail_sum(const fb_trail *history, unsigned from, unsigned to, double *sums)
{
	uint32_t n = history->features;
	uint64_t count = 0;
	memset(sums, 0, n * sizeof *sums);
	if (!history->records) {
		for (unsigned bin = from; bin <= to; bin++) {
			if (history->bin_count[bin]) {
				add(sums, history->sums + (size_t)bin * n, n);
				count += history->bin_count[bin];
			}
		}
		return count;
	}
	/* from the oldest on: the order of addition must not depend on where the ring wrapped */
	uint32_t slot = history->count < history->records ? 0 : history->next;
	for (uint64_t i = 0; i < history->count; i++) {
		if (history->bin[slot] >= from && history->bin[slot] <= to) {
			add(sums, history->sums + (size_t)slot * n, n);
			count++;
		}
		slot = slot + 1 == history->records ? 0 : slot + 1;
	}
	return count;
}

unsigned fb_trail_percentile(const fb_trail *history, unsigned from, double share)
{
	uint64_t total = 0;
	for (unsigned bin = from; bin < FB_LEVEL_BINS; bin++) {
		total += history->bin_count[bin];
	}
	if (!total) {
		return 0;
	}
	uint64_t rank = (uint64_t)(share * (double)(total - 1) + 0.5), seen = 0;
	unsigned bin = from;
	for (; bin < FB_LEVEL_BINS - 1; bin++) {
		seen += history->bin_count[bin];
		if (seen > rank) {
			break;
		}
	}
	return bin;
}
