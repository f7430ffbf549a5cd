/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The meter thread: follows every station's tap, measures it, and captures stretches of input.

	Control asks and polls through rings; the thread owns the analysers. */
#ifndef FB_METERS_H
#define FB_METERS_H

#include "../graph/engine.h"
#include "../metrics/catalogue.h"

typedef struct fb_meters fb_meters;

enum { FB_CAPTURES_MAX = 32 }; ///< under way at once; control keeps to it

/** A stretch of a station's input, being filled. Control makes it, the meter thread fills it and
	gives it back. */
typedef struct fb_capture {
	uint32_t station;
	float *audio[2]; ///< [frames]
	uint64_t frames, done;
	uint64_t frame_start; ///< of the engine
	bool failed;          ///< audio was lost on the way, or it was cancelled
	void *owner;          ///< control's
} fb_capture;

/** One thing the thread has to tell. */
typedef struct fb_meter_report {
	fb_capture *capture; ///< a capture that ended; NULL: a reading
	uint32_t station;
	fb_metric_set set;
} fb_meter_report;

/** Start the thread and the taps. errors: FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_meters_create(fb_engine *engine, fb_meters **out, fb_error *error);
/** Stop the thread, give every capture back (poll them before). NULL is allowed. */
void fb_meters_destroy(fb_meters *meters);

/* --- thread: control */
void fb_meters_set_target(fb_meters *meters, uint32_t station, double target_lufs);
void fb_meters_set_latency(fb_meters *meters, uint32_t station, double latency_ms);
/** Fill `take` from now on. false when too many requests wait. */
bool fb_meters_capture(fb_meters *meters, fb_capture *take);
/** Give a capture back unfinished, through fb_meters_poll(). */
void fb_meters_cancel(fb_meters *meters, fb_capture *capture);
bool fb_meters_poll(fb_meters *meters, fb_meter_report *out); ///< false when there is nothing
uint64_t fb_meters_lost(const fb_meters *meters); ///< tap blocks that audio had no room for

fb_capture *fb_capture_create(uint32_t station, uint64_t frames); ///< NULL when out of memory
void fb_capture_destroy(fb_capture *capture);

#endif
