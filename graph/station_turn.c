/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What a station sends as a whole: batches, and the turn in the middle of a morph. */
#include "station_parts.h"

#include <stdlib.h>

/* --- batches */

/** Room for all that a patch can say, and the switches. */
static fb_batch *make_batch(fb_station *station, const fb_patch *patch)
{
	uint32_t room = FB_SWITCHES;
	for (uint32_t i = 0; i < patch->n_stages; i++) {
		room += patch->stage[i].type->n_params + 1;
	}
	fb_batch *batch = calloc(1, sizeof *batch + room * sizeof batch->item[0]);
	if (batch) {
		batch->next = station->batches;
		station->batches = batch;
	}
	return batch;
}

static void add(fb_batch *batch, uint32_t serial, uint32_t param, float value, uint32_t ticks)
{
	fb_batch_item *item = &batch->item[batch->n++];
	item->serial = serial;
	item->param = param;
	item->value = value;
	item->ticks = ticks;
}

static void add_bypass(fb_batch *batch, const fb_instance *node, bool bypass)
{
	add(batch, node->serial, FB_BATCH_BYPASS, bypass ? 1.0f : 0.0f, 0);
}

/** false: the ring is full, and the batch is to be freed with those that are done. */
static bool send(fb_station *station, fb_event_kind kind, fb_batch *batch)
{
	fb_event event = {.kind = (uint16_t)kind, .station = (uint16_t)station->index, .batch = batch};
	bool sent = fb_engine_send(station->engine, &event);
	if (!sent && batch) {
		fb_batch_end(batch);
	}
	return sent;
}

static bool passed(const fb_batch *batch)
{
	return atomic_load_explicit(&batch->done, memory_order_acquire);
}

void fb_station_free_batches(fb_station *station)
{
	for (fb_batch **at = &station->batches; *at;) {
		fb_batch *batch = *at;
		bool turn = station->turn && station->turn->batch == batch;
		if (!turn && passed(batch)) {
			*at = batch->next;
			free(batch);
		} else {
			at = &batch->next;
		}
	}
}

void fb_station_send_all(fb_station *station)
{
	fb_batch *batch = make_batch(station, station->patch);
	for (uint32_t i = 0; batch && i < station->patch->n_stages; i++) {
		const fb_stage *stage = &station->patch->stage[i];
		const fb_instance *node = station->node[i];
		if (!node) {
			continue;
		}
		fb_instance_provide(node, stage->values);
		for (uint32_t p = 0; p < stage->type->n_params; p++) {
			add(batch, node->serial, p, stage->values[p], UINT32_MAX);
		}
		add_bypass(batch, node, stage->bypass);
	}
	station->resend = !batch || !send(station, FB_EVENT_BATCH, batch);
}

void fb_station_send_differences(fb_station *station, const fb_patch *before, uint32_t ticks)
{
	const fb_patch *after = station->patch;
	uint64_t frame = fb_engine_frame(station->engine);
	bool asked = ticks != UINT32_MAX, all = asked && frame < station->gliding_until;
	fb_batch *batch = make_batch(station, after);
	if (asked) {
		station->gliding_until = frame + ((uint64_t)ticks + 1) * FB_TICK;
	}
	for (uint32_t i = 0; batch && i < after->n_stages; i++) {
		const fb_stage *now = &after->stage[i];
		const fb_instance *node = station->node[i];
		int k = fb_patch_find(before, now->id);
		if (k < 0 || !node || before->stage[k].type != now->type) {
			continue;
		}
		fb_instance_provide(node, now->values);
		for (uint32_t p = 0; p < now->type->n_params; p++) {
			if (before->stage[k].values[p] != now->values[p] ||
				(all && now->type->params[p].kind == FB_FLOAT)) {
				add(batch, node->serial, p, now->values[p], ticks);
			}
		}
		if (before->stage[k].bypass != now->bypass) {
			add_bypass(batch, node, now->bypass);
		}
	}
	if (batch && !batch->n) {
		fb_batch_end(batch);
	} else if (!batch || !send(station, FB_EVENT_BATCH, batch)) {
		station->resend = true;
	}
}

/* --- the turn */

/** The same stage in another patch: id and type alike. */
static fb_stage *twin(const fb_patch *patch, const fb_stage *stage)
{
	int i = fb_patch_find(patch, stage->id);
	bool same = i >= 0 && patch->stage[i].type == stage->type;
	return same ? (fb_stage *)(uintptr_t)&patch->stage[i] : NULL;
}

/** Does a value turn? Not if it has been touched since: it stays as the hand wants it. */
static bool turns(const fb_stage *from, const fb_stage *to, const fb_stage *now, uint32_t param)
{
	return to->type->params[param].kind != FB_FLOAT && from->values[param] != to->values[param] &&
		   now->values[param] == from->values[param];
}

static bool bypass_turns(const fb_stage *from, const fb_stage *to, const fb_stage *now)
{
	return from->bypass != to->bypass && now->bypass == from->bypass;
}

bool fb_station_turn_in(const fb_station *station, fb_patch *patch)
{
	const fb_turn *turn = station->turn;
	bool changed = false;
	for (uint32_t i = 0; turn && i < patch->n_stages; i++) {
		fb_stage *now = &patch->stage[i];
		const fb_stage *from = twin(turn->from, now), *to = twin(turn->to, now);
		for (uint32_t p = 0; from && to && p < now->type->n_params; p++) {
			if (turns(from, to, now, p)) {
				now->values[p] = to->values[p];
				changed = true;
			}
		}
		if (from && to && bypass_turns(from, to, now)) {
			now->bypass = to->bypass;
			changed = true;
		}
	}
	return changed;
}

uint32_t fb_station_turning(const fb_station *station)
{
	return station->turn ? station->turn->switches : 0;
}

static fb_batch *turn_batch(fb_station *station)
{
	const fb_turn *turn = station->turn;
	fb_batch *batch = make_batch(station, station->patch);
	for (uint32_t i = 0; batch && i < station->patch->n_stages; i++) {
		const fb_stage *now = &station->patch->stage[i];
		const fb_instance *node = station->node[i];
		const fb_stage *from = twin(turn->from, now), *to = twin(turn->to, now);
		if (!node || !from || !to) {
			continue;
		}
		for (uint32_t p = 0; p < now->type->n_params; p++) {
			bool here = !(now->type->params[p].flags & FB_PARAM_REPREPARE);
			if (here && turns(from, to, now, p)) {
				add(batch, node->serial, p, to->values[p], 0);
			}
		}
		if (bypass_turns(from, to, now)) {
			add_bypass(batch, node, to->bypass);
		}
	}
	for (uint32_t i = 0; batch && i < FB_SWITCHES; i++) {
		if (turn->switches >> i & 1) {
			add(batch, 0, i, station->on[i] ? 0.0f : 1.0f, 0);
		}
	}
	return batch;
}

void fb_station_aim_turn(fb_station *station)
{
	fb_turn *turn = station->turn;
	if (!turn || (turn->batch && passed(turn->batch))) {
		return;
	}
	uint64_t due = turn->batch ? atomic_load_explicit(&turn->batch->due, memory_order_acquire) : 0;
	turn->due = due ? due : turn->due;
	fb_batch *batch = turn_batch(station);
	if (batch) {
		batch->at = turn->due;
		batch->after = turn->after;
	}
	turn->aimed = batch && send(station, FB_EVENT_TURN, batch);
	turn->batch = turn->aimed ? batch : turn->batch;
	if (!turn->aimed && !turn->due) { /* the next try is not to be later for that */
		turn->due = turn->began + (uint64_t)turn->after * FB_TICK;
	}
}

fb_status fb_station_turn(
	fb_station *station, fb_patch *take, uint32_t switches, double after_ms, fb_error *error)
{
	fb_station_end_turn(station);
	fb_turn *turn = calloc(1, sizeof *turn);
	fb_patch *from = fb_patch_copy(station->patch);
	if (!turn || !from) {
		free(turn);
		fb_patch_destroy(from);
		return fb_fail(error, FB_NO_MEMORY, "turn", "out of memory");
	}
	*turn = (fb_turn){.from = from,
		.to = take,
		.switches = switches,
		.after = fb_station_ticks(station, after_ms),
		.began = fb_engine_frame(station->engine)};
	station->turn = turn;
	fb_station_aim_turn(station);
	return FB_OK;
}

uint64_t fb_station_turn_frame(const fb_station *station)
{
	const fb_turn *turn = station->turn;
	uint64_t due =
		turn && turn->batch ? atomic_load_explicit(&turn->batch->due, memory_order_acquire) : 0;
	return due || !turn ? due : turn->due;
}

bool fb_station_turned(const fb_station *station)
{
	const fb_turn *turn = station->turn;
	if (turn && turn->batch) {
		return passed(turn->batch);
	}
	/* audio was never told */
	return turn &&
		   fb_engine_frame(station->engine) >= turn->began + (uint64_t)turn->after * FB_TICK;
}

static void destroy_turn(fb_turn *turn)
{
	if (turn) {
		fb_patch_destroy(turn->from);
		fb_patch_destroy(turn->to);
		free(turn);
	}
}

void fb_station_free_turn(fb_station *station)
{
	destroy_turn(station->turn);
	station->turn = NULL;
	while (station->batches) {
		fb_batch *batch = station->batches;
		station->batches = batch->next;
		free(batch);
	}
}

void fb_station_end_turn(fb_station *station)
{
	fb_turn *turn = station->turn;
	if (!turn) {
		return;
	}
	bool waits = turn->batch && !passed(turn->batch);
	station->turn = NULL;
	if (waits && !send(station, FB_EVENT_TURN, NULL)) {
		for (uint32_t i = 0; i < turn->batch->n; i++) { /* then it finds nothing to do */
			atomic_store_explicit(&turn->batch->item[i].off, true, memory_order_release);
		}
	}
	destroy_turn(turn);
}

void fb_station_touch(fb_station *station, uint32_t stage, uint32_t param)
{
	const fb_stage *now = &station->patch->stage[stage];
	bool glides = param != FB_BATCH_BYPASS && now->type->params[param].kind == FB_FLOAT;
	fb_turn *turn = station->turn;
	const fb_stage *from = turn && !glides ? twin(turn->from, now) : NULL;
	fb_stage *to = from ? twin(turn->to, now) : NULL;
	if (!to) {
		return;
	}
	if (param == FB_BATCH_BYPASS) {
		to->bypass = from->bypass;
	} else {
		to->values[param] = from->values[param];
	}
	if (station->node[stage]) {
		fb_batch_put_off(turn->batch, station->node[stage]->serial, param);
	}
}

void fb_station_touch_switch(fb_station *station, fb_switch which)
{
	fb_turn *turn = station->turn;
	if (turn) {
		turn->switches &= ~(1u << which);
		fb_batch_put_off(turn->batch, 0, which);
	}
}
