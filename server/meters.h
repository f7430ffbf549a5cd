/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The meter thread: follows every station's tap, measures it, and captures stretches of input.

	Control asks and polls through rings; the thread owns the analysers. */
#ifndef FB_METERS_H
#define FB_METERS_H

#include "../graph/engine.h"
#include "../metrics/catalogue.h"

typedef struct fb_meters fb_meters;

enum {
	FB_CAPTURES_MAX = 32, ///< under way at once; control keeps to it
	FB_LISTENERS_MAX = 96 ///< with those that have ended and are not given back yet
};

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

/** Somebody who listens to a station's tap. Control makes it and reads its ring, the meter thread
    fills the ring; it lives until the thread has given it back. */
typedef struct fb_listener {
	uint32_t station;
	bool output;   ///< the station's output, else its input
	fb_ring *ring; ///< of fb_listener_block
	void *owner;   ///< control's; NULL once nobody listens any more
} fb_listener;

typedef struct fb_listener_block {
	uint64_t frame;
	float samples[FB_TICK][2];
} fb_listener_block;

/** One thing the thread has to tell. */
typedef struct fb_meter_report {
	fb_capture *capture;   ///< a capture that ended
	fb_listener *listener; ///< a listener given back; both NULL: a reading
	uint32_t station;
	uint32_t stt_taken; ///< how often it was told what a recogniser made of the station
	bool stt_old;       ///< for control: it has been told anew since this reading
	fb_metric_set set;
} fb_meter_report;

/** Start the thread, which makes the analysers while control goes on. `wake` is called from it when
    listeners have something to read.
    errors: FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_meters_create(
	fb_engine *engine, void (*wake)(void *ctx), void *ctx, fb_meters **out, fb_error *error);
/** Wait for the analysers and open the taps. Once, after create.
    errors: FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_meters_await(fb_meters *meters, fb_error *error);
/** Stop the thread, give every capture back (poll them before). NULL is allowed. */
void fb_meters_destroy(fb_meters *meters);

/* --- thread: control */
void fb_meters_set_target(fb_meters *meters, uint32_t station, double target_lufs);
void fb_meters_set_latency(fb_meters *meters, uint32_t station, double latency_ms);
/** What a speech recogniser made of a station, 0..1; it holds for a while. */
void fb_meters_set_stt(fb_meters *meters, uint32_t station, double confidence);
/** The engine goes on at another rate: everything is measured from the start, and captures under
	way fail. Target and latency have to be set again.
	errors: FB_NO_MEMORY: stations are measured as if at the old rate then */
FB_MUST_CHECK fb_status fb_meters_restart(fb_meters *meters, fb_error *error);
/** Fill `take` from now on. false when too many requests wait. */
bool fb_meters_capture(fb_meters *meters, fb_capture *take);
/** Give a capture back unfinished, through fb_meters_poll(). */
void fb_meters_cancel(fb_meters *meters, fb_capture *capture);
/** Listen to a tap from now on; NULL when there are too many listeners or no memory. */
fb_listener *fb_meters_listen(fb_meters *meters, uint32_t station, bool output, void *owner);
/** Stop: the listener comes back through fb_meters_poll(), for fb_listener_destroy(). */
void fb_meters_unlisten(fb_meters *meters, fb_listener *listener);
void fb_listener_destroy(fb_listener *listener);
bool fb_meters_poll(fb_meters *meters, fb_meter_report *out); ///< false when there is nothing
/** Ticks of a station's tap that audio had no room for. */
uint64_t fb_meters_lost(const fb_meters *meters, uint32_t station);

fb_capture *fb_capture_create(uint32_t station, uint64_t frames); ///< NULL when out of memory
void fb_capture_destroy(fb_capture *capture);

#endif
