/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The engine's insides, shared by engine.c (control), process.c (the audio thread) and strip.c
	(whichever thread runs a station). */
#ifndef FB_ENGINE_PARTS_H
#define FB_ENGINE_PARTS_H

#include "agenda.h"

#define SWITCH_MS 5.0    /**< at most: mute, bypass, mono and the fade to dry */
#define FAULT_HOLD_S 1.0 /**< a station stays dry this long after a node failed */
#define COST_STEP 0.01f  /**< of the mean of what a station takes in a segment */

enum {
	EVENTS_PER_TICK = 4096, /**< bounds the work of one tick */
	DESK_TICKS = 32,        /**< a segment of a crew is no longer */
};

/** Some ticks in a row that a station is to run. */
typedef struct segment {
	uint64_t frame;
	uint32_t ticks;
	float tempo;
	uint32_t era; ///< of the worst times
	bool panic;
	const float *in[2]; ///< NULL: silence
	float *out[2];
} segment;

/** What a crew works on: a worker may be so late that the caller's arrays are gone. */
typedef struct desk {
	_Alignas(FB_ALIGN) float in[2][DESK_TICKS * FB_TICK], out[2][DESK_TICKS * FB_TICK];
} desk;

typedef struct engine_station {
	/* the audio thread's, or the worker's who has the station */
	fb_plan *plan;
	fb_plan *in_line;      ///< came while another faded in; the first of them
	fb_plan *retired;      ///< list: done with, to be handed back by the audio thread
	float wet, loud, mono; ///< where the fades are: 1 = processed, not muted, left on both sides
	fb_guard guard;
	uint32_t fault_left; ///< ticks the station stays dry
	uint32_t cleared;    ///< of what it has to forget before it sounds again
	segment work;
	/* the audio thread's */
	fb_plan *arrived; ///< list: came while a worker was late with the station, newest first
	desk *desk;       ///< NULL without a crew
	fb_batch *turn;   ///< waits for its frame
	_Alignas(FB_ALIGN) float fifo_in[2][FB_TICK];
	_Alignas(FB_ALIGN) float fifo_out[2][FB_TICK];
	/* constant */
	uint32_t index;
	fb_ring *tap;
	/* control's */
	uint32_t sent; ///< plans sent
	double share;  ///< its budget, of the time there is
	/* written by audio */
	_Atomic uint32_t settled; ///< plans taken up and faded in
	_Atomic uint64_t faults, bad_samples;
	_Atomic uint32_t faulty; ///< serial of the node that failed last; 0: the sum did
	_Atomic float guard_gain;
	_Atomic bool hushed;   ///< by a panic: silent, and nothing runs
	fb_load load;          ///< of a tick, as the mean of a segment
	_Atomic uint64_t over; ///< segments that took longer than the budget
	_Atomic bool behind;   ///< events came while a worker was late with it: send all values again
	/* written by anyone but audio */
	_Atomic bool tap_on;
	/* written by control, and by its events */
	_Atomic bool on[FB_SWITCHES];
	_Atomic float ceiling; ///< linear
	_Atomic float budget;  ///< counts of the clock for a tick
} engine_station;

struct fb_engine {
	/* constant while audio runs */
	double rate_hz;
	uint32_t n_stations;
	float switch_step;
	uint32_t fault_ticks;
	double count_ns; ///< how long a count of the clock is
	float worth;     ///< counts of the clock that work must take before a crew is called for it
	fb_crew *crew;
	fb_ring *events, *retired;
	/* control's */
	uint32_t group_depth;
	uint64_t timed; ///< events with a frame, sent
	/* audio's */
	bool patient;     ///< with late workers, for ever
	double period_ms; ///< else at least so long
	float tempo;
	_Atomic bool fifo; ///< the period is no multiple of a tick; control reads it
	uint32_t fifo_at;
	fb_agenda agenda;
	uint64_t next_turn; ///< no station has a turn before this frame
	/* written by audio */
	_Atomic uint64_t frame, late, orphans, bad_input, stuck, absences;
	_Atomic uint64_t timed_done; ///< of the events with a frame
	_Atomic uint64_t latest;     ///< frames by which an event came late at most, in this era
	uint32_t late_era;           ///< audio's
	/* written by control */
	_Atomic uint64_t refused; ///< too many events wait for their frame
	_Atomic uint32_t era;     ///< of the worst times
	_Atomic bool panic;
	engine_station station[];
};

/** A plan for a station: taken up, or put in line behind those that wait for a fade to end. */
void fb_strip_receive(engine_station *station, fb_plan *plan) FB_RT;
/** Run its segment. thread: audio or a worker, one at a time */
void fb_strip_run(fb_engine *engine, engine_station *station) FB_RT;
/** What a worker does: the same, with denormals flushed. */
void fb_engine_work(void *engine, uint32_t station) FB_RT;

#endif
