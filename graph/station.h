/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A station as control sees it: the patch in force, how edits reach audio, and the way back
	(undo). The patch here is the truth; audio follows it.

	Owner: the control thread. */
#ifndef FB_STATION_H
#define FB_STATION_H

#include "engine.h"

typedef struct fb_station fb_station;

enum { FB_HISTORY_MAX = 100 };

/** Take a patch and start to play it. The patch is the station's from here on, on success.
	errors: as fb_plan_compile */
FB_MUST_CHECK fb_status fb_station_create(
	fb_engine *engine, uint32_t index, fb_patch *take, fb_station **out, fb_error *error);
/** The engine must be idle or gone. NULL is allowed. */
void fb_station_destroy(fb_station *station);

const fb_patch *fb_station_patch(const fb_station *station);
/** Another number, from 1 on, for each patch: while it stays, stages keep their places. */
uint32_t fb_station_revision(const fb_station *station);
uint32_t fb_station_latency(const fb_station *station); ///< frames of the chain, without the FIFO

/** After fb_engine_set_rate(): prepare all nodes anew, with the values they have.
	errors: as fb_plan_compile. The patch stays in force, but audio passes the input until an edit
			makes it one that works at this rate. */
FB_MUST_CHECK fb_status fb_station_restart(fb_station *station, fb_error *error);

#define FB_FADE_MS 20.0        /**< how long edits crossfade at first */
#define FB_FADE_MAX_MS 10000.0 /**< and at most */

/** How long edits crossfade. range: 0..FB_FADE_MAX_MS */
void fb_station_set_fade(fb_station *station, double fade_ms);
double fb_station_fade(const fb_station *station); ///< ms

/** Set one parameter; clamped. glide_ms < 0: the parameter's own smoothing. A value that needs a
	new instance (FB_PARAM_REPREPARE) waits for an edit that is under way; should the node refuse it
	then, the patch goes back to the value it has (fb_station_on_refusal).
	errors: FB_INVALID if the node refuses to be prepared so; nothing has changed then */
FB_MUST_CHECK fb_status fb_station_set(fb_station *station, uint32_t stage, uint32_t param,
	float value, double glide_ms, fb_error *error);
/** Told of each value that a node refused after the set that brought it: the patch is back at the
	value before. From inside fb_station_service(). */
typedef void fb_station_refusal(
	void *ctx, uint32_t stage, uint32_t param, float asked, const fb_error *why);
void fb_station_on_refusal(fb_station *station, fb_station_refusal *refused, void *ctx);
void fb_station_bypass(fb_station *station, uint32_t stage, bool bypass);
/** The station's switches are no part of the patch. */
void fb_station_switch(fb_station *station, fb_switch which, bool on);
bool fb_station_switched(const fb_station *station, fb_switch which);

/** Make `take` the patch in force: parameters of stages that stay glide, other changes crossfade.
	An edit that comes while another fades in waits for it, and replaces one that waits already.
	errors: as fb_plan_compile. The old patch stays in force and `take` the caller's then. */
FB_MUST_CHECK fb_status fb_station_apply(
	fb_station *station, fb_patch *take, double glide_ms, fb_error *error);

/** The same as a step of its own for undo.
	errors: as fb_station_apply; then there is no step either */
FB_MUST_CHECK fb_status fb_station_edit(
	fb_station *station, fb_patch *take, double glide_ms, fb_error *error);
/** Could fb_station_apply() take this patch? Changes nothing. */
FB_MUST_CHECK fb_status fb_station_check(
	const fb_station *station, const fb_patch *patch, fb_error *error);

/** The middle of a morph: whole numbers, switches, choices and bypasses in which `take` differs
	from the patch in force turn in one tick, `after_ms` after the one in which audio hears of what
	was sent before it (with it, in a group). `switches` are those of the station that turn then, by
	their bits, to where they do not stand now. What is set meanwhile does not turn any more. The
	patch does not follow by itself: fb_station_turn_in(), once it has turned. Takes the place of an
	earlier one.
	errors: FB_NO_MEMORY; `take` is the caller's then */
FB_MUST_CHECK fb_status fb_station_turn(
	fb_station *station, fb_patch *take, uint32_t switches, double after_ms, fb_error *error);
/** Has audio turned, and the patch has to follow? */
bool fb_station_turned(const fb_station *station);
/** The frame of it; 0 while it is not known, for audio has not heard of it. */
uint64_t fb_station_turn_frame(const fb_station *station);
/** Put what turns into `patch`. Returns whether it changes anything there. */
bool fb_station_turn_in(const fb_station *station, fb_patch *patch);
/** The station's switches that turn, by their bits. */
uint32_t fb_station_turning(const fb_station *station);
/** There is to be no turn (any more). */
void fb_station_end_turn(fb_station *station);

/** The id of the node with that serial, NULL if it has gone. */
const char *fb_station_node(const fb_station *station, uint32_t serial);
/** What a node takes of a tick; false and 0 while no such node is in audio. */
bool fb_station_time(const fb_station *station, uint32_t stage, fb_time *out);
/** What a node's meter reads now; its minimum while no such node is in audio. */
float fb_station_meter(const fb_station *station, uint32_t stage, uint32_t meter);

/** Remember the patch as it is, before a change of it that undo should take back. Every change of
	stages or connections has to be remembered. */
void fb_station_remember(fb_station *station);
/** As fb_station_set() with the parameter's own smoothing, as a step of undo. Changes of the same
	one within a second of each other are one (a fader ride). A value that is refused, at once or
	later, leaves no step. */
FB_MUST_CHECK fb_status fb_station_ride(fb_station *station, uint32_t stage, uint32_t param,
	float value, double now_s, fb_error *error);
void fb_station_ride_bypass(fb_station *station, uint32_t stage, bool bypass, double now_s);
/** errors: FB_EXISTS when there is nothing to undo (redo) */
FB_MUST_CHECK fb_status fb_station_undo(fb_station *station, double glide_ms, fb_error *error);
FB_MUST_CHECK fb_status fb_station_redo(fb_station *station, double glide_ms, fb_error *error);
uint32_t fb_station_undos(const fb_station *station);
uint32_t fb_station_redos(const fb_station *station);

/** Send on what had to wait. Call it often. */
void fb_station_service(fb_station *station);

#endif
