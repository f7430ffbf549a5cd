/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Frames that passed, each with its level and some sums, kept so that the question "which of them
	were active?" can be asked afterwards: the threshold depends on the noise floor, which is known
	only at the end.

	Live, the last `records` are kept. For a run, which may last hours, sums are kept per level, in
	bins of 0.1 dB. Both ask by bins, so both give the same answers. */
#ifndef FB_TRAIL_H
#define FB_TRAIL_H

#include <stdbool.h>
#include <stdint.h>

enum { FB_LEVEL_BINS = 1600 }; ///< -120 .. 40 dB in steps of 0.1 dB; louder is the last bin

/** The bin of a level in dB, and the level in the middle of a bin. */
unsigned fb_level_bin(double level_db);
double fb_level_of_bin(unsigned bin);

typedef struct fb_trail {
	uint32_t features, records; ///< records == 0: a run
	uint64_t count;             ///< records kept now
	uint32_t next;              ///< live: where the next record goes
	uint32_t *bin_count;        ///< [FB_LEVEL_BINS]
	uint16_t *bin;              ///< live: [records]
	double *sums;               ///< [records or FB_LEVEL_BINS][features]
} fb_trail;

/** errors: false when out of memory; finish it all the same */
bool fb_trail_init(fb_trail *trail, uint32_t features, uint32_t records);
void fb_trail_finish(fb_trail *trail);
void fb_trail_clear(fb_trail *trail);
void fb_trail_push(fb_trail *trail, double level_db, const double *features);
/** Sums of all records in bins from..to, both included; their number.
	shape: sums[features] */
uint64_t fb_trail_sum(const fb_trail *trail, unsigned from, unsigned to, double *sums);
/** The bin that holds the record which `share` (0..1) of those in bins from.. lie below, by nearest
	rank; 0 when there are none. */
unsigned fb_trail_percentile(const fb_trail *trail, unsigned from, double share);

#endif
