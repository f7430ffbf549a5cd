/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The engine: runs the plans of all stations in ticks of FB_TICK frames, whatever the period.

	Two threads meet here, through rings alone. Control sends events (parameters, plans, switches)
	and receives back what audio has done with. Audio calls fb_engine_process() and nothing else.
	The determinism contract: same input, patch and events at the same frames, same bits, at any
	period and number of threads, live or offline. */
#ifndef FB_ENGINE_H
#define FB_ENGINE_H

#include "batch.h"
#include "crew.h"
#include "guard.h"
#include "plan.h"
#include "ring.h"

#include <stdatomic.h>

typedef struct fb_engine fb_engine;

enum {
	FB_STATIONS_MAX = 64,
	FB_RATE_MIN = 8000, ///< Hz
	FB_RATE_MAX = 192000,
	FB_WAITING_MAX = 1024, ///< events that may wait for their frame at once
};

typedef struct fb_engine_options {
	uint32_t stations; ///< 1..FB_STATIONS_MAX
	double rate_hz;    ///< FB_RATE_MIN..FB_RATE_MAX
	uint32_t period;   ///< frames per fb_engine_process() call
	bool taps;         ///< make a tap ring per station (live measurement, capture)
	uint32_t threads;  ///< that run stations, audio's own among them: 1..FB_THREADS_MAX; 0 is 1
	fb_spawn *spawn;   ///< how to make the others; NULL: pthread_create()
	void *spawn_ctx;
	bool patient; ///< wait for a thread that is late for as long as it takes (offline)
} fb_engine_options;

typedef enum fb_event_kind {
	FB_EVENT_PARAM,   ///< node `serial`: param, value, ticks
	FB_EVENT_BYPASS,  ///< node `serial`: value 0 or 1
	FB_EVENT_STATION, ///< station switch `param` (fb_switch): value 0 or 1
	FB_EVENT_PLAN,    ///< station: plan (audio owns it until it comes back)
	FB_EVENT_BATCH,   ///< station: batch, at once
	FB_EVENT_TURN,    ///< station: batch, when it is due; in place of one that waits. NULL: of none
} fb_event_kind;

typedef enum fb_switch {
	FB_SWITCH_MUTE,   ///< silence, faded
	FB_SWITCH_BYPASS, ///< the input, as late as the processed output, crossfaded
	FB_SWITCH_MONO,   ///< the left input feeds both channels
	FB_SWITCH_GUARD,  ///< hold the output at the ceiling (guard.h); on at first
	FB_SWITCHES
} fb_switch;

/** One message from control to audio. Takes effect with the tick that holds `frame`, 0 or a frame
	gone by with the next tick; events of one tick in the order of their frames. */
typedef struct fb_event {
	uint64_t frame;
	uint16_t kind;    ///< fb_event_kind
	uint16_t station; ///< from 0
	uint32_t serial;  ///< FB_EVENT_PARAM and _BYPASS: which instance; unknown: dropped and counted
	uint32_t param;
	uint32_t ticks; ///< of the glide; UINT32_MAX: the parameter's own smoothing
	union {
		float value;
		fb_plan *plan;   ///< FB_EVENT_PLAN
		fb_batch *batch; ///< FB_EVENT_BATCH and _TURN: the sender's, until audio is through with it
	};
} fb_event;

/** How long something takes, of a tick. Share 1: all the time there is. */
typedef struct fb_time {
	double mean_us, worst_us; ///< lately; since the last fb_engine_forget_worst()
	double mean_share, worst_share;
} fb_time;

/** How a station does. */
typedef struct fb_health {
	fb_time time;
	uint64_t over;   ///< segments that took longer than its budget
	uint64_t faults; ///< ticks in which a node, or the sum of all, was NaN or infinity
	uint32_t faulty; ///< serial of the node that was so last; 0: the sum was
	double guard_db; ///< by which the guard turns it down now, >= 0
	bool hushed;     ///< a panic has silenced it, or its tails are still being wiped
} fb_health;

/** What the tap of a station carries, a tick at a time. */
typedef struct fb_tap_block {
	uint64_t frame; ///< a jump tells of blocks lost to a full ring
	float in[2][FB_TICK], out[2][FB_TICK];
	float reduction_db; ///< summed over the station's dynamics nodes
} fb_tap_block;

/** errors: FB_NO_MEMORY, FB_INVALID */
FB_MUST_CHECK fb_status fb_engine_create(
	const fb_engine_options *options, fb_engine **out, fb_error *error);
/** Audio must have stopped. Frees every plan still inside. NULL is allowed. */
void fb_engine_destroy(fb_engine *engine);

/* --- audio */

/** One period. in and out: [2 * stations] arrays of `frames` floats, L and R of each station in
	turn; an in[] of NULL is silence. `frames` is the period, or anything if that is no multiple of
	FB_TICK. thread: audio; rt: yes */
void fb_engine_process(
	fb_engine *engine, const float *const *in, float *const *out, uint32_t frames) FB_RT;
/** Transport tempo in bpm from the next tick on, 0 = none. thread: audio; rt: yes */
void fb_engine_set_tempo(fb_engine *engine, double bpm) FB_RT;

/* --- control */

/** The next fb_engine_process() has another period. thread: audio, or while audio stands still;
	rt: yes */
void fb_engine_set_period(fb_engine *engine, uint32_t period) FB_RT;
/** Wait for a late thread for as long as it takes, or not: where nothing can be late (freewheel).
	thread: audio, or while audio stands still; rt: yes */
void fb_engine_set_patient(fb_engine *engine, bool patient) FB_RT;
/** The audio goes on at another rate: every plan goes, and every event on its way; each station has
	to send its own anew (fb_station_restart). Only while audio stands still. */
void fb_engine_set_rate(fb_engine *engine, double rate_hz);
/** Send an event. Unless within begin/end it is published at once; a group (of up to 4096) is seen
	whole and lands in one tick. false when the ring is full, or FB_WAITING_MAX events wait for
	their frames: it was not sent (counted). A plan waits in line until the one before has faded
	in. */
bool fb_engine_send(fb_engine *engine, const fb_event *event);
void fb_engine_begin(fb_engine *engine); ///< nests
void fb_engine_end(fb_engine *engine);
uint32_t fb_engine_space(const fb_engine *engine); ///< events that fit now
/** Switch at once, whatever waits in the ring: within a period, faded. thread: any */
void fb_engine_switch(fb_engine *engine, uint32_t station, fb_switch which, bool on);
bool fb_engine_switched(const fb_engine *engine, uint32_t station, fb_switch which);
/** Of the guard. range: FB_CEILING_MIN_DB..FB_CEILING_MAX_DB; thread: any */
void fb_engine_set_ceiling(fb_engine *engine, uint32_t station, double db);
/** What a station may take of the time there is, at any rate. range: 0..1, 0.25 at first.
	thread: control */
void fb_engine_set_budget(fb_engine *engine, uint32_t station, double share);
/** All outputs silent within a period, faded, and every tail wiped out; until it is false again and
	all is wiped (a node a tick), then they fade in. thread: any */
void fb_engine_panic(fb_engine *engine, bool on);
/** Free what audio has handed back. Call it often. */
void fb_engine_service(fb_engine *engine);
/** Were events for this station dropped since the last call, because a thread was late with it?
	Then all its values have to be sent again. */
bool fb_engine_behind(fb_engine *engine, uint32_t station);
/** Has audio taken up the last plan sent to this station, and finished its fade? */
bool fb_engine_settled(const fb_engine *engine, uint32_t station);

double fb_engine_rate(const fb_engine *engine);
uint32_t fb_engine_stations(const fb_engine *engine);
uint32_t fb_engine_latency(
	const fb_engine *engine); ///< frames added by the period's FIFO: 0 or FB_TICK
/** The next frame to be processed. thread: any */
uint64_t fb_engine_frame(const fb_engine *engine);
/** The ring that carries a station's tap, NULL without taps. Read by one thread. */
fb_ring *fb_engine_tap(fb_engine *engine, uint32_t station);
/** Another ring for a tap, empty and as large as the rate asks for. NULL: out of memory */
fb_ring *fb_engine_make_tap(const fb_engine *engine);
/** Audio writes to `tap` from now on, which is the engine's; the one before is the caller's. Only
	while audio stands still. */
void fb_engine_take_tap(fb_engine *engine, uint32_t station, fb_ring *tap);
/** Does audio feed this tap? Off at first. thread: any */
void fb_engine_set_tap(fb_engine *engine, uint32_t station, bool on);

typedef struct fb_engine_counts {
	uint64_t events_late;   ///< arrived after their frame
	uint64_t latest;        ///< frames by which one came late, since fb_engine_forget_worst()
	uint64_t events_orphan; ///< for an instance that is gone
	uint64_t events_lost;   ///< refused: the ring was full, or too many waited for their frame
	uint64_t bad_samples;   ///< ticks of input with NaN or infinity, such samples silenced
	uint64_t faults;        ///< ticks in which a node, or the sum of all, was NaN or infinity
	uint64_t replies_lost;  ///< plans that could not be handed back in time (they are, later)
	uint64_t absences;      ///< segments in which a station was silent, for its thread was late
	uint64_t helped;        ///< segments of a station that another thread than audio's ran
} fb_engine_counts;
void fb_engine_count(const fb_engine *engine, fb_engine_counts *out);             ///< thread: any
void fb_engine_health(const fb_engine *engine, uint32_t station, fb_health *out); ///< thread: any
/** A load of this engine in other units. thread: any */
void fb_engine_time(const fb_engine *engine, const fb_load *load, fb_time *out);
void fb_engine_forget_worst(fb_engine *engine); ///< thread: control
/** Faults of one station. thread: any */
uint64_t fb_engine_station_faults(const fb_engine *engine, uint32_t station);
/** Samples of a station's input that were NaN or infinite, each silenced. thread: any */
uint64_t fb_engine_station_bad(const fb_engine *engine, uint32_t station);

#endif
