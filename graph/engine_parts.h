/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The engine's insides, shared by engine.c (control) and process.c (audio) alone. */
#ifndef FB_ENGINE_PARTS_H
#define FB_ENGINE_PARTS_H

#include "agenda.h"

#define SWITCH_MS 5.0    /**< at most: mute, bypass, mono and the fade to dry */
#define FAULT_HOLD_S 1.0 /**< a station stays dry this long after a node failed */

enum { EVENTS_PER_TICK = 4096 }; /**< bounds the work of one tick */

typedef struct engine_station {
	/* audio's */
	fb_plan *plan;
	fb_plan *in_line;      ///< came while another faded in; the first of them
	fb_plan *handing_back; ///< waits for room in the ring of retired plans
	float wet, loud, mono; ///< where the fades are: 1 = processed, not muted, left on both sides
	bool on[FB_SWITCHES];
	uint32_t fault_left; ///< ticks the station stays dry
	_Alignas(FB_ALIGN) float fifo_in[2][FB_TICK];
	_Alignas(FB_ALIGN) float fifo_out[2][FB_TICK];
	/* constant */
	fb_ring *tap;
	/* control's */
	uint32_t sent; ///< plans sent
	/* written by audio */
	_Atomic uint32_t settled; ///< plans taken up and faded in
	_Atomic uint64_t faults, bad_samples;
	/* written by anyone but audio */
	_Atomic bool tap_on;
} engine_station;

struct fb_engine {
	/* constant while audio runs */
	double rate_hz;
	uint32_t n_stations;
	float switch_step;
	uint32_t fault_ticks;
	fb_ring *events, *retired;
	/* control's */
	uint32_t group_depth;
	uint64_t timed; ///< events with a frame, sent
	/* audio's */
	float tempo;
	_Atomic bool fifo; ///< the period is no multiple of a tick; control reads it
	uint32_t fifo_at;
	fb_agenda agenda;
	/* written by audio */
	_Atomic uint64_t frame, late, orphans, bad_input, stuck;
	_Atomic uint64_t timed_done; ///< of the events with a frame
	/* written by control */
	_Atomic uint64_t refused; ///< too many events wait for their frame
	engine_station station[];
};

#endif
