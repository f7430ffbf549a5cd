/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "station_parts.h"

#include <stdlib.h>

#define GLIDE_MAX_MS 3600e3

static const fb_plan *final_plan(const fb_plan *plan)
{
	return plan->next ? plan->next : plan;
}

/** What audio will play when it has all that the patch says. */
static const fb_plan *coming(const fb_station *station)
{
	return station->waiting ? final_plan(station->waiting) : station->heard;
}

/** A plan and the one it fades to. NULL is allowed. */
static void destroy_both(fb_plan *plan)
{
	fb_plan *next = plan ? plan->next : NULL;
	fb_plan_destroy(plan);
	fb_plan_destroy(next);
}

static void drop_waiting(fb_station *station)
{
	destroy_both(station->waiting);
	station->waiting = NULL;
}

/** After another patch, or another plan to be heard. Looked up once, for every set asks. */
static void find_nodes(fb_station *station)
{
	for (uint32_t i = 0; i < station->patch->n_stages; i++) {
		const fb_stage *stage = &station->patch->stage[i];
		const fb_instance *node = station->heard ? fb_plan_find(station->heard, stage->id) : NULL;
		station->node[i] = node && node->desc == stage->type ? node : NULL;
	}
}

/** From here on it is the patch in force. Gives back the one before. */
static fb_patch *take_patch(fb_station *station, fb_patch *take)
{
	fb_patch *before = station->patch;
	station->patch = take;
	station->revision++;
	find_nodes(station);
	return before;
}

const fb_patch *fb_station_patch(const fb_station *station)
{
	return station->patch;
}

uint32_t fb_station_revision(const fb_station *station)
{
	return station->revision;
}

uint32_t fb_station_latency(const fb_station *station)
{
	return coming(station) ? coming(station)->latency : 0;
}

void fb_station_set_fade(fb_station *station, double fade_ms)
{
	station->fade_ms = fb_clamp(fade_ms, 0.0, FB_FADE_MAX_MS);
}

double fb_station_fade(const fb_station *station)
{
	return station->fade_ms;
}

/* --- sending */

uint32_t fb_station_ticks(const fb_station *station, double ms)
{
	double ticks_per_ms = 1e-3 * fb_engine_rate(station->engine) / FB_TICK;
	return ms < 0.0 ? UINT32_MAX : (uint32_t)ceil(fmin(ms, GLIDE_MAX_MS) * ticks_per_ms);
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
		.ticks = fb_station_ticks(station, glide_ms)};
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

/** Send the waiting plan once the one before has faded in, and with it all values: those set since
	it was compiled did not reach its new instances. */
static void send_waiting(fb_station *station)
{
	if (!station->waiting || !fb_engine_settled(station->engine, station->index)) {
		return;
	}
	fb_event event = {
		.kind = FB_EVENT_PLAN, .station = (uint16_t)station->index, .plan = station->waiting};
	fb_engine_begin(station->engine);
	if (fb_engine_send(station->engine, &event)) {
		station->heard = coming(station);
		station->waiting = NULL;
		find_nodes(station);
		fb_station_send_all(station);
		fb_station_aim_turn(station);
	}
	fb_engine_end(station->engine);
}

/** Compile a patch against what is heard. It takes the place of a plan that still waits: only the
	newest counts. */
static fb_status compile(fb_station *station, const fb_patch *patch, fb_error *error)
{
	const fb_plan *heard = station->heard;
	fb_plan *plan;
	fb_status status = fb_plan_compile(
		patch, fb_engine_rate(station->engine), heard, station->fade_ms, &plan, error);
	if (status) {
		return status;
	}
	bool same = heard && !plan->next && plan->n_steps == heard->n_steps;
	for (uint32_t i = 0; same && i < plan->n_steps; i++) {
		same = fb_plan_find(heard, plan->step[i].node->id) == plan->step[i].node;
	}
	drop_waiting(station);
	if (same) {
		fb_plan_destroy(plan);
	} else {
		station->waiting = plan;
	}
	station->stale = false;
	return FB_OK;
}

/* --- values that a node refuses later */

/** A node refuses values that were set while an edit was under way: back to those it has, in the
	patch and in an edit of it. Returns whether there were any. */
static bool take_back(fb_station *station, fb_patch *edit, const fb_error *why)
{
	int at = fb_patch_find(station->patch, why->where);
	fb_stage *stage = at >= 0 ? &station->patch->stage[at] : NULL;
	const fb_instance *node =
		stage && coming(station) ? fb_plan_find(coming(station), stage->id) : NULL;
	int twin = edit && stage ? fb_patch_find(edit, stage->id) : -1;
	bool any = false;
	for (uint32_t p = 0; node && node->desc == stage->type && p < stage->type->n_params; p++) {
		float asked = stage->values[p];
		if (!(stage->type->params[p].flags & FB_PARAM_REPREPARE) || asked == node->prepared[p]) {
			continue;
		}
		any = true;
		stage->values[p] = node->prepared[p];
		if (twin >= 0 && edit->stage[twin].type == stage->type &&
			edit->stage[twin].values[p] == asked) {
			edit->stage[twin].values[p] = node->prepared[p];
		}
		fb_station_unride(station, (uint32_t)at, p);
		if (station->refused) {
			station->refused(station->refused_ctx, (uint32_t)at, p, asked, why);
		}
	}
	return any;
}

/** Compile what waits to be prepared; what is refused of it is taken back, stage by stage. */
static void prepare_stale(fb_station *station, fb_patch *edit)
{
	fb_error why;
	while (station->stale && compile(station, station->patch, &why)) {
		if (!take_back(station, edit, &why)) {
			return; /* no memory: later, then */
		}
	}
}

/** Compile an edit, which must not fail for a value that was set before it. */
static fb_status compile_edit(fb_station *station, fb_patch *edit, fb_error *error)
{
	fb_status status = compile(station, edit, error);
	if (status && station->stale) {
		prepare_stale(station, edit);
		status = compile(station, edit, error);
	}
	return status;
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
	station->fade_ms = FB_FADE_MS;
	for (uint32_t i = 0; i < FB_SWITCHES; i++) {
		station->on[i] = fb_engine_switched(engine, index, (fb_switch)i);
	}
	fb_status status = FB_OK;
	if (!fb_history_init(&station->past, FB_HISTORY_MAX) ||
		!fb_history_init(&station->future, FB_HISTORY_MAX)) {
		status = fb_fail(error, FB_NO_MEMORY, "station", "out of memory");
	} else {
		status = compile(station, take, error);
	}
	if (status) {
		fb_station_destroy(station);
		return status;
	}
	(void)take_patch(station, take); /* the first */
	send_waiting(station);
	*out = station;
	return FB_OK;
}

fb_status fb_station_restart(fb_station *station, fb_error *error)
{
	drop_waiting(station);
	station->heard = NULL;
	find_nodes(station);
	fb_status status = compile(station, station->patch, error);
	if (status) {
		fb_patch *nothing = fb_patch_create("");
		if (nothing) {
			(void)compile(station, nothing, NULL);
		}
		fb_patch_destroy(nothing);
	}
	send_waiting(station);
	return status;
}

void fb_station_destroy(fb_station *station)
{
	if (!station) {
		return;
	}
	drop_waiting(station);
	fb_station_free_turn(station);
	fb_history_finish(&station->past);
	fb_history_finish(&station->future);
	fb_patch_destroy(station->patch);
	free(station);
}

/* --- changes */

/** A value that needs a new instance. While an edit is under way it has to wait: a ride would have
	an instance prepared for every value on its way. */
static fb_status set_prepared(fb_station *station, float *value, float before, fb_error *error)
{
	if (station->stale || station->waiting || !fb_engine_settled(station->engine, station->index)) {
		station->stale = true;
		return FB_OK;
	}
	fb_status status = compile(station, station->patch, error);
	if (status) {
		*value = before;
	}
	send_waiting(station);
	return status;
}

fb_status fb_station_set(fb_station *station, uint32_t stage, uint32_t param, float value,
	double glide_ms, fb_error *error)
{
	fb_stage *s = &station->patch->stage[stage];
	const fb_param_info *info = &s->type->params[param];
	float before = s->values[param];
	s->values[param] = fb_param_fit(info, value);
	fb_station_touch(station, stage, param);
	if (info->flags & FB_PARAM_REPREPARE) {
		return set_prepared(station, &s->values[param], before, error);
	}
	if (station->node[stage]) {
		fb_instance_provide(station->node[stage], s->values);
		send_param(station, station->node[stage], param, s->values[param], glide_ms);
	}
	return FB_OK;
}

void fb_station_on_refusal(fb_station *station, fb_station_refusal *refused, void *ctx)
{
	station->refused = refused;
	station->refused_ctx = ctx;
}

void fb_station_bypass(fb_station *station, uint32_t stage, bool bypass)
{
	station->patch->stage[stage].bypass = bypass;
	fb_station_touch(station, stage, FB_BATCH_BYPASS);
	if (station->node[stage]) {
		send_bypass(station, station->node[stage], bypass);
	}
}

void fb_station_switch(fb_station *station, fb_switch which, bool on)
{
	fb_station_touch_switch(station, which);
	station->on[which] = on;
	fb_engine_switch(station->engine, station->index, which, on);
}

bool fb_station_switched(const fb_station *station, fb_switch which)
{
	return station->on[which];
}

/** `take` has been compiled. */
static void commit(fb_station *station, fb_patch *take, double glide_ms)
{
	fb_patch *before = take_patch(station, take);
	fb_engine_begin(station->engine);
	fb_station_send_differences(station, before, fb_station_ticks(station, glide_ms));
	send_waiting(station);
	fb_station_aim_turn(station);
	fb_engine_end(station->engine);
	fb_patch_destroy(before);
}

fb_status fb_station_apply(fb_station *station, fb_patch *take, double glide_ms, fb_error *error)
{
	fb_status status = compile_edit(station, take, error);
	if (!status) {
		commit(station, take, glide_ms);
	}
	return status;
}

fb_status fb_station_edit(fb_station *station, fb_patch *take, double glide_ms, fb_error *error)
{
	fb_status status = compile_edit(station, take, error);
	if (!status) {
		fb_station_remember(station);
		commit(station, take, glide_ms);
	}
	return status;
}

fb_status fb_station_check(const fb_station *station, const fb_patch *patch, fb_error *error)
{
	fb_plan *plan;
	fb_status status = fb_plan_compile(
		patch, fb_engine_rate(station->engine), station->heard, station->fade_ms, &plan, error);
	if (!status) {
		destroy_both(plan);
	}
	return status;
}

float fb_station_meter(const fb_station *station, uint32_t stage, uint32_t meter)
{
	const fb_instance *node = station->node[stage];
	return node ? atomic_load_explicit(&node->shown[meter], memory_order_relaxed)
				: station->patch->stage[stage].type->meters[meter].min;
}

/** The plans that may still be in audio, the newest first. */
static const fb_instance *node_of(const fb_plan *plan, uint32_t serial)
{
	for (uint32_t i = 0; plan && i < plan->n_steps; i++) {
		if (plan->step[i].node->serial == serial) {
			return plan->step[i].node;
		}
	}
	return NULL;
}

const char *fb_station_node(const fb_station *station, uint32_t serial)
{
	const fb_instance *node = node_of(coming(station), serial);
	node = node ? node : node_of(station->heard, serial);
	return node ? node->id : NULL;
}

bool fb_station_time(const fb_station *station, uint32_t stage, fb_time *out)
{
	*out = (fb_time){0};
	if (station->node[stage]) {
		fb_engine_time(station->engine, &station->node[stage]->load, out);
	}
	return station->node[stage];
}

/* --- service */

void fb_station_service(fb_station *station)
{
	if (station->stale && fb_engine_settled(station->engine, station->index)) {
		prepare_stale(station, NULL);
	}
	send_waiting(station);
	station->resend = fb_engine_behind(station->engine, station->index) || station->resend;
	bool room = fb_engine_space(station->engine) > 0;
	if (station->resend && room) {
		fb_station_send_all(station);
	}
	if (station->turn && !station->turn->aimed && room) {
		fb_station_aim_turn(station);
	}
	fb_station_free_batches(station);
}
