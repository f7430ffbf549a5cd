/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "station.h"

#include "history.h"

#include <stdlib.h>
#include <string.h>

enum { WAITING_MAX = 16, KEY_LEN = 96 };
#define FADE_MS 20.0
#define RIDE_S 1.0 /* changes of one control closer than this are one step of undo */

struct fb_station {
	fb_engine *engine;
	uint32_t index;
	fb_patch *patch;
	const fb_plan *live;           ///< the plan of the patch once all waiting ones have faded in
	fb_plan *waiting[WAITING_MAX]; ///< compiled, each against the one before; oldest first
	uint32_t n_waiting;
	bool stale;  ///< a value that needs a new instance changed while plans waited
	bool resend; ///< the ring was full: values in audio may be behind the patch
	bool on[FB_SWITCHES];
	double fade_ms;
	fb_history past, future;
	char last_key[KEY_LEN];
	double last_s;
};

static const fb_plan *final_plan(const fb_plan *plan)
{
	return plan->next ? plan->next : plan;
}

const fb_patch *fb_station_patch(const fb_station *station)
{
	return station->patch;
}

uint32_t fb_station_latency(const fb_station *station)
{
	return station->live->latency;
}

void fb_station_set_fade(fb_station *station, double fade_ms)
{
	station->fade_ms = fade_ms;
}

/* --- sending */

static uint32_t to_ticks(const fb_station *station, double ms)
{
	return ms < 0.0 ? UINT32_MAX
					: (uint32_t)ceil(ms * 1e-3 * fb_engine_rate(station->engine) / FB_TICK);
}

static void send_or_remember(fb_station *station, const fb_event *event)
{
	if (!fb_engine_send(station->engine, event)) {
		station->resend = true;
	}
}

static void send_param(
	fb_station *station, const fb_instance *node, uint32_t param, float value, double glide_ms)
{
	fb_event event = {.kind = FB_EVENT_PARAM,
		.station = (uint16_t)station->index,
		.serial = node->serial,
		.param = param,
		.value = value,
		.ticks = to_ticks(station, glide_ms)};
	send_or_remember(station, &event);
}

static void send_bypass(fb_station *station, const fb_instance *node, bool bypass)
{
	fb_event event = {.kind = FB_EVENT_BYPASS,
		.station = (uint16_t)station->index,
		.serial = node->serial,
		.value = bypass ? 1.0f : 0.0f};
	send_or_remember(station, &event);
}

/** All values of the patch to the instances of the live plan. Those that change nothing are cheap.
 */
static void send_all(fb_station *station)
{
	station->resend = false;
	for (uint32_t i = 0; i < station->patch->n_stages; i++) {
		const fb_stage *stage = &station->patch->stage[i];
		const fb_instance *node = fb_plan_find(station->live, stage->id);
		for (uint32_t p = 0; node && p < stage->type->n_params; p++) {
			send_param(station, node, p, stage->values[p], -1.0);
		}
		if (node) {
			send_bypass(station, node, stage->bypass);
		}
	}
	for (uint32_t i = 0; i < FB_SWITCHES; i++) {
		fb_station_switch(station, (fb_switch)i, station->on[i]);
	}
}

/** Send the oldest waiting plan once the one before has faded in. Values that were set while it
	waited did not reach its new instances: when the last has gone, all are sent once more. */
static void send_waiting(fb_station *station)
{
	if (!station->n_waiting || !fb_engine_settled(station->engine, station->index)) {
		return;
	}
	fb_event event = {
		.kind = FB_EVENT_PLAN, .station = (uint16_t)station->index, .plan = station->waiting[0]};
	if (!fb_engine_send(station->engine, &event)) {
		return;
	}
	station->n_waiting--;
	memmove(station->waiting, station->waiting + 1, station->n_waiting * sizeof(fb_plan *));
	if (!station->n_waiting) {
		send_all(station);
	}
}

/** Compile a patch against what will be live, and queue it unless nothing but values changed. */
static fb_status queue_plan(fb_station *station, const fb_patch *patch, fb_error *error)
{
	fb_plan *plan;
	if (station->n_waiting == WAITING_MAX) {
		return fb_fail(error, FB_UNAVAILABLE, "patch", "too many edits wait for their crossfades");
	}
	fb_status status = fb_plan_compile(
		patch, fb_engine_rate(station->engine), station->live, station->fade_ms, &plan, error);
	if (status) {
		return status;
	}
	const fb_plan *final = final_plan(plan);
	bool same = station->live && !plan->next && final->n_steps == station->live->n_steps;
	for (uint32_t i = 0; i < final->n_steps && same; i++) {
		same = fb_plan_find(station->live, final->step[i].node->id) == final->step[i].node;
	}
	if (same) {
		fb_plan_destroy(plan);
		return FB_OK;
	}
	station->live = final;
	station->waiting[station->n_waiting++] = plan;
	return FB_OK;
}

/* --- life */

fb_status fb_station_create(
	fb_engine *engine, uint32_t index, fb_patch *take, fb_station **out, fb_error *error)
{
	fb_station *station = calloc(1, sizeof *station);
	if (!station) {
		return fb_fail(error, FB_NO_MEMORY, "station", "out of memory");
	}
	station->engine = engine;
	station->index = index;
	station->fade_ms = FADE_MS;
	fb_status status = FB_OK;
	if (!fb_history_init(&station->past, FB_HISTORY_MAX) ||
		!fb_history_init(&station->future, FB_HISTORY_MAX)) {
		status = fb_fail(error, FB_NO_MEMORY, "station", "out of memory");
	} else {
		status = queue_plan(station, take, error);
	}
	if (status) {
		fb_station_destroy(station);
		return status;
	}
	station->patch = take;
	send_waiting(station);
	*out = station;
	return FB_OK;
}

void fb_station_destroy(fb_station *station)
{
	if (!station) {
		return;
	}
	for (uint32_t i = 0; i < station->n_waiting; i++) {
		fb_plan *next = station->waiting[i]->next;
		fb_plan_destroy(station->waiting[i]);
		fb_plan_destroy(next);
	}
	fb_history_finish(&station->past);
	fb_history_finish(&station->future);
	fb_patch_destroy(station->patch);
	free(station);
}

/* --- changes */

fb_status fb_station_set(fb_station *station, uint32_t stage, uint32_t param, float value,
	double glide_ms, fb_error *error)
{
	fb_stage *s = &station->patch->stage[stage];
	float before = s->values[param];
	s->values[param] = value;
	if (s->type->params[param].flags & FB_PARAM_REPREPARE) {
		if (station->n_waiting) {
			station->stale = true; /* a ride: the last value counts, once the fades are through */
			return FB_OK;
		}
		fb_status status = queue_plan(station, station->patch, error);
		if (status) {
			s->values[param] = before;
			return status;
		}
		send_waiting(station);
		return FB_OK;
	}
	const fb_instance *node = fb_plan_find(station->live, s->id);
	if (node) {
		send_param(station, node, param, value, glide_ms);
	}
	return FB_OK;
}

void fb_station_bypass(fb_station *station, uint32_t stage, bool bypass)
{
	fb_stage *s = &station->patch->stage[stage];
	s->bypass = bypass;
	const fb_instance *node = fb_plan_find(station->live, s->id);
	if (node) {
		send_bypass(station, node, bypass);
	}
}

void fb_station_switch(fb_station *station, fb_switch which, bool on)
{
	fb_event event = {.kind = FB_EVENT_STATION,
		.station = (uint16_t)station->index,
		.param = (uint32_t)which,
		.value = on ? 1.0f : 0.0f};
	station->on[which] = on;
	send_or_remember(station, &event);
}

bool fb_station_switched(const fb_station *station, fb_switch which)
{
	return station->on[which];
}

/** Values and bypasses in which `after` differs from `before`, for stages that stay. */
static void send_differences(
	fb_station *station, const fb_patch *before, const fb_patch *after, double glide_ms)
{
	for (uint32_t i = 0; i < after->n_stages; i++) {
		const fb_stage *now = &after->stage[i];
		int k = fb_patch_find(before, now->id);
		const fb_instance *node = fb_plan_find(station->live, now->id);
		if (k < 0 || !node || before->stage[k].type != now->type) {
			continue;
		}
		for (uint32_t p = 0; p < now->type->n_params; p++) {
			if (before->stage[k].values[p] != now->values[p]) {
				send_param(station, node, p, now->values[p], glide_ms);
			}
		}
		if (before->stage[k].bypass != now->bypass) {
			send_bypass(station, node, now->bypass);
		}
	}
}

fb_status fb_station_apply(fb_station *station, fb_patch *take, double glide_ms, fb_error *error)
{
	fb_status status = queue_plan(station, take, error);
	if (status) {
		return status;
	}
	fb_patch *before = station->patch;
	station->patch = take;
	fb_engine_begin(station->engine);
	send_differences(station, before, take, glide_ms);
	send_waiting(station);
	fb_engine_end(station->engine);
	fb_patch_destroy(before);
	return FB_OK;
}

float fb_station_meter(const fb_station *station, uint32_t stage, uint32_t meter)
{
	const fb_stage *s = &station->patch->stage[stage];
	const fb_instance *node = fb_plan_find(station->live, s->id);
	if (!node || node->desc != s->type) {
		return s->type->meters[meter].min;
	}
	return atomic_load_explicit(&node->shown[meter], memory_order_relaxed);
}

/* --- undo */

void fb_station_remember(fb_station *station, const char *key, double now_s)
{
	bool same_ride = *key && /* an edit has no key: each is a step of its own */
					 !strncmp(key, station->last_key, KEY_LEN - 1) &&
					 now_s - station->last_s < RIDE_S;
	station->last_s = now_s;
	if (same_ride && station->past.count) {
		return;
	}
	fb_patch *copy = fb_patch_copy(station->patch);
	if (copy) {
		fb_history_push(&station->past, copy);
		fb_history_clear(&station->future);
	}
	strncpy(station->last_key, key, KEY_LEN - 1);
}

/** Go to the newest of `from`, and leave the patch in force on `to`. */
static fb_status travel(
	fb_station *station, fb_history *from, fb_history *to, double glide_ms, fb_error *error)
{
	fb_patch *here = fb_patch_copy(station->patch);
	if (!here) {
		return fb_fail(error, FB_NO_MEMORY, "undo", "out of memory");
	}
	fb_patch *target = fb_history_pop(from);
	fb_status status = fb_station_apply(station, target, glide_ms, error);
	if (status) {
		fb_history_push(from, target);
		fb_patch_destroy(here);
		return status;
	}
	fb_history_push(to, here);
	station->last_key[0] = '\0';
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

void fb_station_service(fb_station *station)
{
	if (station->stale && !station->n_waiting) {
		station->stale = false;
		/* cannot be told to whoever set it: it was accepted on trust that the node takes its range
		 */
		(void)queue_plan(station, station->patch, NULL);
	}
	send_waiting(station);
	if (station->resend) {
		send_all(station);
	}
}
