/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tally.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool fb_tally_init(fb_tally *tally, double low, double high, double step, bool live)
{
	memset(tally, 0, sizeof *tally);
	tally->low = low;
	tally->step = step;
	tally->bins = (uint32_t)ceil((high - low) / step);
	tally->live = live;
	tally->count = calloc(tally->bins, sizeof *tally->count);
	return tally->count != NULL;
}

void fb_tally_finish(fb_tally *tally)
{
	free(tally->count);
}

void fb_tally_clear(fb_tally *tally)
{
	memset(tally->count, 0, tally->bins * sizeof *tally->count);
	tally->total = 0;
	tally->first = tally->n = 0;
}

static void drop_oldest(fb_tally *tally)
{
	tally->count[tally->recent[tally->first].bin]--;
	tally->total--;
	tally->first = (tally->first + 1) % FB_TALLY_RECENT;
	tally->n--;
}

void fb_tally_add(fb_tally *tally, uint64_t hop, double value)
{
	double place = floor((value - tally->low) / tally->step);
	uint32_t bin = place <= 0.0 ? 0 : place >= tally->bins ? tally->bins - 1 : (uint32_t)place;
	if (tally->live) {
		if (tally->n == FB_TALLY_RECENT) {
			drop_oldest(tally);
		}
		uint32_t slot = (tally->first + tally->n++) % FB_TALLY_RECENT;
		tally->recent[slot] = (struct fb_tally_recent){hop, bin};
	}
	tally->count[bin]++;
	tally->total++;
}

void fb_tally_expire(fb_tally *tally, uint64_t hop)
{
	while (tally->n && tally->recent[tally->first].hop < hop) {
		drop_oldest(tally);
	}
}

double fb_tally_median(const fb_tally *tally)
{
	if (!tally->total) {
		return (double)NAN;
	}
	uint64_t wanted = (tally->total + 1) / 2, seen = 0;
	uint32_t bin = 0;
	while (bin < tally->bins - 1 && (seen += tally->count[bin]) < wanted) {
		bin++;
	}
	return tally->low + ((double)bin + 0.5) * tally->step;
}
