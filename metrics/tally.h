/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Values counted in equal bins, for medians: those of the last 3 s, or all of a run. Inside
   metrics/ only. */
#ifndef FB_TALLY_H
#define FB_TALLY_H

#include <stdbool.h>
#include <stdint.h>

enum { FB_TALLY_RECENT = 512 }; ///< live: more in 3 s than this are not expected; the oldest go

typedef struct fb_tally {
	double low, step;
	uint32_t bins;
	bool live;
	uint32_t *count; ///< [bins]
	uint64_t total;
	struct fb_tally_recent {
		uint64_t hop;
		uint32_t bin;
	} recent[FB_TALLY_RECENT]; ///< live: a ring
	uint32_t first, n;
} fb_tally;

/** Values low .. high in steps; what lies beyond counts at the end. false: out of memory. */
bool fb_tally_init(fb_tally *tally, double low, double high, double step, bool live);
void fb_tally_finish(fb_tally *tally);
void fb_tally_clear(fb_tally *tally);
void fb_tally_add(fb_tally *tally, uint64_t hop, double value);
/** Forget, live, what came before `hop`. */
void fb_tally_expire(fb_tally *tally, uint64_t hop);
/** The middle value (of two, the lower); NAN when there are none. */
double fb_tally_median(const fb_tally *tally);

#endif
