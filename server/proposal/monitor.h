/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The monitor: a pair of outputs for the engineer's ears alone, that plays sound in two versions
	and switches between them without a click: a stretch, round and round, or what a live shadow
	feeds. Control loads and selects, audio plays, one thread feeds; they meet in an atomic pointer,
	rings and numbers. */
#ifndef FB_MONITOR_H
#define FB_MONITOR_H

#include "../../graph/node.h"
#include "../../graph/ring.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct fb_monitor fb_monitor;

/** Two versions of a stretch. */
typedef struct fb_clip {
	float *audio[2][2]; ///< [version][channel][frames], malloc'ed
	uint64_t frames;
	float gain[2]; ///< that makes the versions alike in loudness
} fb_clip;

void fb_clip_destroy(fb_clip *clip); ///< NULL is allowed

/** A tick of two versions, as it is fed. */
typedef struct fb_monitor_block {
	float audio[2][2][FB_TICK]; ///< [version][channel]
	float gain[2][2];           ///< [version], at its beginning and its end: alike in loudness
} fb_monitor_block;

fb_monitor *fb_monitor_create(double rate_hz); ///< NULL when out of memory
void fb_monitor_destroy(fb_monitor *monitor);  ///< audio has stopped; NULL is allowed

/** The sound goes on at another rate: only while audio stands still. thread: control */
void fb_monitor_set_rate(fb_monitor *monitor, double rate_hz);
/** Play this from now on, from its beginning; what played fades out first. thread: control */
void fb_monitor_load(fb_monitor *monitor, fb_clip *take);
/** Version 0 or 1, -1: silence. Crossfaded in 20 ms. thread: control */
void fb_monitor_select(fb_monitor *monitor, int version);
/** Play what is fed from now on, or the stretch again. thread: control */
void fb_monitor_set_live(fb_monitor *monitor, bool live);
/** How often the live sound ran out while it was heard. thread: any */
uint64_t fb_monitor_gaps(const fb_monitor *monitor);
/** Free what is no longer played. Call it often. thread: control */
void fb_monitor_service(fb_monitor *monitor);

/** The next tick of the live sound; goes_on: it continues the one before. Where it does not, what
	is heard fades out before and in again after.
	errors: false: there is no room, for nobody plays it, or an earlier gap is still to be played
	thread: the live shadow's */
bool fb_monitor_feed(fb_monitor *monitor, const fb_monitor_block *block, bool goes_on);

/** Fill `frames` of both outputs. thread: audio; rt: yes */
void fb_monitor_play(fb_monitor *monitor, float *const out[2], uint32_t frames);

#endif
