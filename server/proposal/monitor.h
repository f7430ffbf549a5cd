/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The monitor: a pair of outputs for the engineer's ears alone, that plays a stretch of sound in
	two versions, round and round, and switches between them without a click. Control loads and
	selects, audio plays; they meet in an atomic pointer, a ring and a number. */
#ifndef FB_MONITOR_H
#define FB_MONITOR_H

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

fb_monitor *fb_monitor_create(double rate_hz); ///< NULL when out of memory
void fb_monitor_destroy(fb_monitor *monitor);  ///< audio has stopped; NULL is allowed

/** The sound goes on at another rate: only while audio stands still. thread: control */
void fb_monitor_set_rate(fb_monitor *monitor, double rate_hz);
/** Play this from now on, from its beginning; what played fades out first. thread: control */
void fb_monitor_load(fb_monitor *monitor, fb_clip *take);
/** Version 0 or 1, -1: silence. Crossfaded in 20 ms. thread: control */
void fb_monitor_select(fb_monitor *monitor, int version);
/** Free what is no longer played. Call it often. thread: control */
void fb_monitor_service(fb_monitor *monitor);

/** Fill `frames` of both outputs. thread: audio; rt: yes */
void fb_monitor_play(fb_monitor *monitor, float *const out[2], uint32_t frames);

#endif
