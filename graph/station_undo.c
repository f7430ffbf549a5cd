/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A station's way back: steps of values, bypasses and whole patches. */
#include "station_parts.h"

#define RIDE_S 1.0   /* changes of one control closer than this are one step of undo */
enum { HANDS = 16 }; /* controls that may be ridden at once, each ride a step of its own */

/** A step was taken that cannot be told: what came before it cannot be undone either. */
static void forget(fb_station *station)
{
	fb_history_clear(&station->past);
	fb_history_clear(&station->future);
}

void fb_station_remember(fb_station *station)
{
	fb_patch *copy = fb_patch_copy(station->patch);
	if (!copy) {
		forget(station);
		return;
	}
	fb_history_push(&station->past, (fb_undo){.patch = copy});
	fb_history_clear(&station->future);
}

/** What a step is about, as the patch has it now. */
static float value_now(const fb_station *station, uint32_t stage, uint32_t param)
{
	const fb_stage *s = &station->patch->stage[stage];
	return param == FB_UNDO_BYPASS ? (s->bypass ? 1.0f : 0.0f) : s->values[param];
}

/** The step of a ride of this control that still goes on. What other hands ride meanwhile does not
	end it; an edit does. */
static fb_undo *ride_of(fb_station *station, uint32_t stage, uint32_t param, double now_s)
{
	fb_undo *step = fb_history_find(&station->past, stage, param, HANDS);
	return step && step->touched_s >= 0 && now_s - step->touched_s < RIDE_S ? step : NULL;
}

/** `was`: the value before it changed. */
static void remember_value(
	fb_station *station, uint32_t stage, uint32_t param, float was, double now_s)
{
	fb_undo *ride = ride_of(station, stage, param, now_s);
	if (!ride) {
		ride = fb_history_push_value(&station->past, stage, param, was);
		fb_history_clear(&station->future);
	}
	ride->touched_s = now_s;
}

/** After undo or redo a change is a step of its own. */
static void end_rides(fb_station *station)
{
	for (uint32_t i = 0; i < HANDS; i++) {
		fb_undo *step = fb_history_recent(&station->past, i);
		if (step) {
			step->touched_s = -1;
		}
	}
}

fb_status fb_station_ride(
	fb_station *station, uint32_t stage, uint32_t param, float value, double now_s, fb_error *error)
{
	float was = value_now(station, stage, param);
	fb_status status = fb_station_set(station, stage, param, value, -1.0, error);
	if (!status) {
		remember_value(station, stage, param, was, now_s);
	}
	return status;
}

void fb_station_ride_bypass(fb_station *station, uint32_t stage, bool bypass, double now_s)
{
	float was = value_now(station, stage, FB_UNDO_BYPASS);
	remember_value(station, stage, FB_UNDO_BYPASS, was, now_s);
	fb_station_bypass(station, stage, bypass);
}

/** How many of the newest steps it takes to come to one of this value from now; 0: there is none
	before an edit. */
static uint32_t steps_since(const fb_history *history, uint32_t stage, uint32_t param, float value)
{
	for (uint32_t n = 0; n < history->count; n++) {
		const fb_undo *step = fb_history_recent(history, n);
		if (step->patch) {
			break;
		}
		if (step->stage == stage && step->param == param && step->value == value) {
			return n + 1;
		}
	}
	return 0;
}

void fb_station_unride(fb_station *station, uint32_t stage, uint32_t param)
{
	float now = value_now(station, stage, param);
	for (uint32_t n = steps_since(&station->past, stage, param, now); n--;) {
		const fb_undo *step = fb_history_recent(&station->past, n);
		if (step->stage == stage && step->param == param) {
			fb_history_drop(&station->past, n);
		}
	}
}

/** Go where a step came from; `back` is the step that leads here again. Steps are taken back in
	turn, so the stages are those that there were. */
static fb_status go(
	fb_station *station, const fb_undo *step, double glide_ms, fb_undo *back, fb_error *error)
{
	if (!step->patch) {
		*back = (fb_undo){.stage = step->stage,
			.param = step->param,
			.value = value_now(station, step->stage, step->param),
			.touched_s = -1};
		if (step->param == FB_UNDO_BYPASS) {
			fb_station_bypass(station, step->stage, step->value != 0.0f);
			return FB_OK;
		}
		return fb_station_set(station, step->stage, step->param, step->value, glide_ms, error);
	}
	*back = (fb_undo){.patch = fb_patch_copy(station->patch)};
	if (!back->patch) {
		return fb_fail(error, FB_NO_MEMORY, "undo", "out of memory");
	}
	fb_status status = fb_station_apply(station, step->patch, glide_ms, error);
	if (status) {
		fb_patch_destroy(back->patch);
	}
	return status;
}

/** Go to the newest of `from`, and leave what leads back on `to`. */
static fb_status travel(
	fb_station *station, fb_history *from, fb_history *to, double glide_ms, fb_error *error)
{
	fb_undo step, back;
	(void)fb_history_pop(from, &step); /* the caller has seen that there is one */
	fb_status status = go(station, &step, glide_ms, &back, error);
	if (status) {
		fb_history_push(from, step);
		return status;
	}
	fb_history_push(to, back);
	end_rides(station);
	return FB_OK;
}

fb_status fb_station_undo(fb_station *station, double glide_ms, fb_error *error)
{
	if (!station->past.count) {
		return fb_fail(error, FB_EXISTS, "undo", "there is nothing to undo");
	}
	return travel(station, &station->past, &station->future, glide_ms, error);
}

fb_status fb_station_redo(fb_station *station, double glide_ms, fb_error *error)
{
	if (!station->future.count) {
		return fb_fail(error, FB_EXISTS, "redo", "there is nothing to redo");
	}
	return travel(station, &station->future, &station->past, glide_ms, error);
}

uint32_t fb_station_undos(const fb_station *station)
{
	return station->past.count;
}

uint32_t fb_station_redos(const fb_station *station)
{
	return station->future.count;
}
