/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The station's insides, shared by the station*.c files alone. Owner: the control thread. */
#ifndef FB_STATION_PARTS_H
#define FB_STATION_PARTS_H

#include "history.h"
#include "station.h"

/** What is to change at a frame to come. */
typedef struct fb_turn {
	fb_patch *from, *to;
	uint32_t switches; ///< those that go to where they do not stand now, by their bits
	uint32_t after;    ///< ticks from the one in which audio heard of it
	uint64_t began;    ///< the frame when control planned it
	uint64_t due;      ///< its frame; 0: not known yet
	fb_batch *batch;   ///< the newest in audio; NULL: none could be sent
	bool aimed;        ///< that is what it should be
} fb_turn;

struct fb_station {
	fb_engine *engine;
	uint32_t index;
	fb_patch *patch;
	uint32_t revision;    ///< how many patches there have been
	const fb_plan *heard; ///< what audio plays once the plans sent to it have faded in; or NULL
	fb_plan *waiting;     ///< of the patch, compiled against `heard`; NULL if that is of the patch
	bool stale;           ///< the patch has values that need a new instance, not yet compiled
	bool resend;          ///< the ring was full: values in audio may be behind the patch
	bool on[FB_SWITCHES];
	fb_turn *turn;     ///< NULL: nothing is to turn
	fb_batch *batches; ///< list: sent
	double fade_ms;
	uint64_t gliding_until; ///< frame: values may be on their way, by a glide that was asked for
	const fb_instance *node[FB_STAGES_MAX]; ///< of each stage, in `heard`; NULL: not there
	fb_history past, future;
	fb_station_refusal *refused; ///< NULL: nobody wants to know
	void *refused_ctx;
};

/* --- station.c */
uint32_t fb_station_ticks(const fb_station *station, double ms); ///< UINT32_MAX for less than 0

/* --- station_turn.c */
/** All values of the patch to the instances in audio. Audio leaves alone what has its value or
	heads for it. */
void fb_station_send_all(fb_station *station);
/** Values and bypasses in which the patch differs from `before`, to the nodes in audio. A glide
	that is asked for goes to all values while an earlier one may be under way: those that stay the
	same are to arrive with the rest. ticks: UINT32_MAX: each parameter's own smoothing */
void fb_station_send_differences(fb_station *station, const fb_patch *before, uint32_t ticks);
/** The turn goes to what the patch and the nodes in audio are now. */
void fb_station_aim_turn(fb_station *station);
/** A hand has set this: it does not turn any more. param: or FB_BATCH_BYPASS */
void fb_station_touch(fb_station *station, uint32_t stage, uint32_t param);
void fb_station_touch_switch(fb_station *station, fb_switch which);
/** Free batches that audio is through with. */
void fb_station_free_batches(fb_station *station);
/** Free all of it: there is no engine any more. */
void fb_station_free_turn(fb_station *station);

/* --- station_undo.c */
/** Values that rides have brought were refused later, and the patch is back at the one before: the
	steps since then, which only lead to where it is, go. */
void fb_station_unride(fb_station *station, uint32_t stage, uint32_t param);

#endif
