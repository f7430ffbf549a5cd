/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trail.h"

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

static size_t rows(const fb_trail *trail)
{
	return trail->records ? trail->records : FB_LEVEL_BINS;
}

bool fb_trail_init(fb_trail *trail, uint32_t features, uint32_t records)
{
	memset(trail, 0, sizeof *trail);
	trail->features = features;
	trail->records = records;
	trail->bin_count = calloc(FB_LEVEL_BINS, sizeof *trail->bin_count);
	trail->bin = calloc(rows(trail), sizeof *trail->bin);
	trail->sums = calloc(rows(trail) * features, sizeof *trail->sums);
	return trail->bin_count && trail->bin && trail->sums;
}

void fb_trail_finish(fb_trail *trail)
{
	free(trail->bin_count);
	free(trail->bin);
	free(trail->sums);
}

void fb_trail_clear(fb_trail *trail)
{
	trail->count = 0;
	trail->next = 0;
	memset(trail->bin_count, 0, FB_LEVEL_BINS * sizeof *trail->bin_count);
	memset(trail->sums, 0, rows(trail) * trail->features * sizeof *trail->sums);
}

void fb_trail_push(fb_trail *trail, double level_db, const double *features)
{
	unsigned bin = fb_level_bin(level_db);
	trail->bin_count[bin]++;
	if (!trail->records) {
		double *sums = trail->sums + (size_t)bin * trail->features;
		for (uint32_t i = 0; i < trail->features; i++) {
			sums[i] += features[i];
		}
		trail->count++;
		return;
	}
	uint32_t slot = trail->next;
	if (trail->count == trail->records) {
		trail->bin_count[trail->bin[slot]]--;
	} else {
		trail->count++;
	}
	trail->bin[slot] = (uint16_t)bin;
	memcpy(
		trail->sums + (size_t)slot * trail->features, features, trail->features * sizeof *features);
	trail->next = slot + 1 == trail->records ? 0 : slot + 1;
}

static void add(double *sums, const double *more, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		sums[i] += more[i];
	}
}

uint64_t fb_trail_sum(const fb_trail *trail, unsigned from, unsigned to, double *sums)
{
	uint32_t n = trail->features;
	uint64_t count = 0;
	memset(sums, 0, n * sizeof *sums);
	if (!trail->records) {
		for (unsigned bin = from; bin <= to; bin++) {
			if (trail->bin_count[bin]) {
				add(sums, trail->sums + (size_t)bin * n, n);
				count += trail->bin_count[bin];
			}
		}
		return count;
	}
	/* from the oldest on: the order of addition must not depend on where the ring wrapped */
	uint32_t slot = trail->count < trail->records ? 0 : trail->next;
	for (uint64_t i = 0; i < trail->count; i++) {
		if (trail->bin[slot] >= from && trail->bin[slot] <= to) {
			add(sums, trail->sums + (size_t)slot * n, n);
			count++;
		}
		slot = slot + 1 == trail->records ? 0 : slot + 1;
	}
	return count;
}

unsigned fb_trail_percentile(const fb_trail *trail, unsigned from, double share)
{
	uint64_t total = 0;
	for (unsigned bin = from; bin < FB_LEVEL_BINS; bin++) {
		total += trail->bin_count[bin];
	}
	if (!total) {
		return 0;
	}
	uint64_t rank = (uint64_t)(share * (double)(total - 1) + 0.5), seen = 0;
	unsigned bin = from;
	for (; bin < FB_LEVEL_BINS - 1; bin++) {
		seen += trail->bin_count[bin];
		if (seen > rank) {
			break;
		}
	}
	return bin;
}
