/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What the audio thread runs: events, and the stations in segments of ticks between them, alone or
	with a crew. No allocation, lock, unbounded loop, or, without a crew, system call from here
	down. */
#include "engine_parts.h"

#include <string.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

/* --- denormals: flushed to zero, so that a fading tail costs no more than a full one */

static unsigned flush_denormals(void)
{
#if defined(__SSE__)
	unsigned saved = _mm_getcsr();
	_mm_setcsr(saved | 0x8040u); /* flush to zero, denormals are zero */
	return saved;
#elif defined(__aarch64__)
	uint64_t saved;
	__asm__ volatile("mrs %0, fpcr" : "=r"(saved));
	__asm__ volatile("msr fpcr, %0" : : "r"(saved | (1u << 24)));
	return (unsigned)saved;
#else
	return 0;
#endif
}

static void restore_denormals(unsigned saved)
{
#if defined(__SSE__)
	_mm_setcsr(saved);
#elif defined(__aarch64__)
	__asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)saved));
#else
	(void)saved;
#endif
}

void fb_engine_work(void *ctx, uint32_t station)
{
	fb_engine *engine = ctx;
	unsigned saved = flush_denormals();
	fb_strip_run(engine, &engine->station[station]);
	fb_crew_weigh(engine->crew, station,
		(uint32_t)atomic_load_explicit(&engine->station[station].load.mean, memory_order_relaxed));
	restore_denormals(saved);
}

/* --- events */

static fb_instance *find_instance(const engine_station *station, uint32_t serial)
{
	const fb_plan *plan = station->plan;
	for (uint32_t i = 0; plan && i < plan->n_steps; i++) {
		if (plan->step[i].node->serial == serial) {
			return plan->step[i].node;
		}
	}
	return NULL;
}

/** An event for a station that a worker is late with: plans wait for its return, and control sends
	everything else once more. */
static void put_aside(engine_station *station, const fb_event *event)
{
	if (event->kind == FB_EVENT_PLAN) {
		event->plan->after = station->arrived;
		station->arrived = event->plan;
	} else {
		atomic_store_explicit(&station->behind, true, memory_order_release);
	}
}

static bool at_home(const fb_engine *engine, uint32_t station)
{
	return !engine->crew || fb_crew_home(engine->crew, station);
}

static void apply(fb_engine *engine, const fb_event *event)
{
	engine_station *station = &engine->station[event->station];
	if (!at_home(engine, event->station)) {
		put_aside(station, event);
	} else if (event->kind == FB_EVENT_PLAN) {
		fb_strip_receive(station, event->plan);
	} else if (event->kind == FB_EVENT_STATION) {
		atomic_store_explicit(
			&station->on[event->param], event->value != 0.0f, memory_order_relaxed);
	} else {
		fb_instance *node = find_instance(station, event->serial);
		if (!node) {
			atomic_fetch_add_explicit(&engine->orphans, 1, memory_order_relaxed);
		} else if (event->kind == FB_EVENT_PARAM) {
			fb_instance_set(node, event->param, event->value, event->ticks);
		} else {
			fb_instance_bypass(node, event->value != 0.0f);
		}
	}
}

/** A switch goes where the item says, unless somebody has moved it since. */
static void turn_switch(engine_station *station, const fb_batch_item *item)
{
	bool to = item->value != 0.0f, from = !to;
	(void)atomic_compare_exchange_strong_explicit(
		&station->on[item->param], &from, to, memory_order_relaxed, memory_order_relaxed);
}

/** All of a batch. Its items stand node by node. */
static void apply_batch(fb_engine *engine, engine_station *station, fb_batch *batch)
{
	bool home = at_home(engine, station->index);
	fb_instance *node = NULL;
	if (!home) {
		atomic_store_explicit(&station->behind, true, memory_order_release);
	}
	for (uint32_t i = 0; home && i < batch->n; i++) {
		const fb_batch_item *item = &batch->item[i];
		if (atomic_load_explicit(&item->off, memory_order_acquire)) {
			continue;
		}
		if (!item->serial) {
			turn_switch(station, item);
			continue;
		}
		node = node && node->serial == item->serial ? node : find_instance(station, item->serial);
		if (!node) {
			atomic_fetch_add_explicit(&engine->orphans, 1, memory_order_relaxed);
		} else if (item->param == FB_BATCH_BYPASS) {
			fb_instance_bypass(node, item->value != 0.0f);
		} else {
			fb_instance_set(node, item->param, item->value, item->ticks);
		}
	}
	fb_batch_end(batch);
}

/** Have a batch wait for its frame, in place of the one before. */
static void take_turn(fb_engine *engine, const fb_event *event, uint64_t frame)
{
	engine_station *station = &engine->station[event->station];
	fb_batch *batch = event->batch;
	if (station->turn) {
		fb_batch_end(station->turn);
	}
	station->turn = batch;
	if (batch) {
		uint64_t due = batch->at ? batch->at : frame + (uint64_t)batch->after * FB_TICK;
		atomic_store_explicit(&batch->due, due, memory_order_release);
		engine->next_turn = due < engine->next_turn ? due : engine->next_turn;
	}
}

/** Turn the stations that are due with the tick that starts at `frame`. */
static void apply_turns(fb_engine *engine, uint64_t frame)
{
	if (engine->next_turn >= frame + FB_TICK) {
		return;
	}
	engine->next_turn = UINT64_MAX;
	for (uint32_t i = 0; i < engine->n_stations; i++) {
		engine_station *station = &engine->station[i];
		uint64_t due = station->turn
						   ? atomic_load_explicit(&station->turn->due, memory_order_relaxed)
						   : UINT64_MAX;
		if (due < frame + FB_TICK) {
			apply_batch(engine, station, station->turn);
			station->turn = NULL;
		} else if (due < engine->next_turn) {
			engine->next_turn = due;
		}
	}
}

static void apply_timed(fb_engine *engine, const fb_event *event)
{
	apply(engine, event);
	atomic_fetch_add_explicit(&engine->timed_done, 1, memory_order_relaxed);
}

/** Apply the waiting events that are due before `frame`. */
static void apply_due(fb_engine *engine, uint64_t frame)
{
	const fb_event *event;
	while ((event = fb_agenda_due(&engine->agenda, frame))) {
		apply_timed(engine, event);
		fb_agenda_drop(&engine->agenda);
	}
}

static void count_late(fb_engine *engine, uint64_t frames)
{
	uint32_t era = atomic_load_explicit(&engine->era, memory_order_relaxed);
	uint64_t latest = atomic_load_explicit(&engine->latest, memory_order_relaxed);
	if (frames) {
		atomic_fetch_add_explicit(&engine->late, 1, memory_order_relaxed);
	}
	if (frames > latest || era != engine->late_era) {
		atomic_store_explicit(&engine->latest, frames, memory_order_relaxed);
	}
	engine->late_era = era;
}

/** Apply an event from the ring, or put it on the agenda. Returns how much there was to do. */
static uint32_t take_event(fb_engine *engine, const fb_event *event, uint64_t frame)
{
	if (event->kind == FB_EVENT_BATCH) {
		uint32_t n = event->batch->n; /* whose it is again after that */
		apply_batch(engine, &engine->station[event->station], event->batch);
		return 1 + n;
	}
	if (event->kind == FB_EVENT_TURN) {
		take_turn(engine, event, frame);
	} else if (event->frame > frame) {
		fb_agenda_put(&engine->agenda, event); /* fb_engine_send() sees to it that there is room */
	} else if (event->frame) {
		count_late(engine, frame - event->frame);
		apply_timed(engine, event);
	} else {
		apply(engine, event);
	}
	return 1;
}

/** All that takes effect with the tick that starts at `frame`: in the order of frames, and what has
	none or is late at the tick's start, in the order of arrival. Returns how many of the coming
	`ticks` have nothing else to take effect. */
static uint32_t take_events(fb_engine *engine, uint64_t frame, uint32_t ticks)
{
	const fb_event *event = NULL;
	uint32_t taken = 0;
	apply_turns(engine, frame);
	apply_due(engine, frame + 1);
	while (taken < EVENTS_PER_TICK && (event = fb_ring_peek(engine->events))) {
		taken += take_event(engine, event, frame);
		fb_ring_drop(engine->events);
	}
	apply_due(engine, frame + FB_TICK);
	apply_turns(engine, frame); /* those that came too late to wait */
	uint64_t next = fb_agenda_next(&engine->agenda);
	next = engine->next_turn < next ? engine->next_turn : next;
	uint64_t until = (next - frame) / FB_TICK;
	return taken >= EVENTS_PER_TICK ? 1 : until < ticks ? (uint32_t)until : ticks;
}

/* --- segments: some ticks without an event in between, station by station */

/** The same arrays, some frames further on. */
static void give_arrays(
	engine_station *station, const float *const *in, float *const *out, size_t offset)
{
	for (int c = 0; c < 2; c++) {
		station->work.in[c] = in[c] ? in[c] + offset : NULL;
		station->work.out[c] = out[c] + offset;
	}
}

/** Copies of them: a worker may be so late that the arrays are gone. */
static void fill_desk(engine_station *station, const float *const *in, size_t offset, size_t frames)
{
	for (int c = 0; c < 2; c++) {
		if (in[c]) {
			memcpy(station->desk->in[c], in[c] + offset, frames * sizeof(float));
		}
		station->work.in[c] = in[c] ? station->desk->in[c] : NULL;
		station->work.out[c] = station->desk->out[c];
	}
}

static void clear_desk(
	const engine_station *station, float *const *out, size_t offset, size_t frames, bool silent)
{
	for (int c = 0; c < 2; c++) {
		if (silent) {
			memset(out[c] + offset, 0, frames * sizeof(float));
		} else {
			memcpy(out[c] + offset, station->desk->out[c], frames * sizeof(float));
		}
	}
}

/** What came while the station was away. */
static void take_arrived(engine_station *station)
{
	fb_plan *oldest = NULL;
	while (station->arrived) {
		fb_plan *plan = station->arrived;
		station->arrived = plan->after;
		plan->after = oldest;
		oldest = plan;
	}
	while (oldest) {
		fb_plan *plan = oldest;
		oldest = plan->after;
		plan->after = NULL;
		fb_strip_receive(station, plan);
	}
}

/** Plans that are done with go back to control; those that find no room, the next time. */
static void hand_back(fb_engine *engine, engine_station *station)
{
	while (station->retired) {
		fb_plan *plan = station->retired, *after = plan->after;
		if (!fb_ring_space(engine->retired) || !fb_ring_write(engine->retired, &plan)) {
			atomic_fetch_add_explicit(&engine->stuck, 1, memory_order_relaxed);
			return;
		}
		station->retired = after;
	}
}

/** Is there enough to do that waking somebody pays? */
static bool worth_a_crew(const fb_engine *engine, uint32_t ticks)
{
	float cost = 0.0f;
	for (uint32_t i = 0; i < engine->n_stations; i++) {
		const fb_load *load = &engine->station[i].load;
		cost += at_home(engine, i) ? atomic_load_explicit(&load->mean, memory_order_relaxed) : 0.0f;
	}
	return cost * (float)ticks >= engine->worth;
}

static void run_alone(
	fb_engine *engine, const float *const *in, float *const *out, size_t offset, uint32_t ticks)
{
	for (uint32_t i = 0; i < engine->n_stations; i++) {
		engine_station *station = &engine->station[i];
		if (at_home(engine, i)) {
			give_arrays(station, in + 2 * (size_t)i, out + 2 * (size_t)i, offset);
			fb_strip_run(engine, station);
		} else {
			clear_desk(station, out + 2 * (size_t)i, offset, (size_t)ticks * FB_TICK, true);
		}
	}
}

/** A worker that is late with a station leaves it silent, and away until it has done with it. */
static void run_with_crew(
	fb_engine *engine, const float *const *in, float *const *out, size_t offset, uint32_t ticks)
{
	size_t frames = (size_t)ticks * FB_TICK;
	for (uint32_t i = 0; i < engine->n_stations; i++) {
		if (at_home(engine, i)) {
			fill_desk(&engine->station[i], in + 2 * (size_t)i, offset, frames);
		}
	}
	bool whole = fb_crew_run(engine->crew);
	for (uint32_t i = 0; i < engine->n_stations; i++) {
		bool away = !whole && !at_home(engine, i);
		clear_desk(&engine->station[i], out + 2 * (size_t)i, offset, frames, away);
		atomic_fetch_add_explicit(&engine->absences, away, memory_order_relaxed);
	}
}

static void run_segment(fb_engine *engine, const float *const *in, float *const *out, size_t offset,
	uint64_t frame, uint32_t ticks)
{
	uint32_t era = atomic_load_explicit(&engine->era, memory_order_relaxed);
	bool panic = atomic_load_explicit(&engine->panic, memory_order_relaxed);
	for (uint32_t i = 0; i < engine->n_stations; i++) {
		engine_station *station = &engine->station[i];
		if (at_home(engine, i)) {
			take_arrived(station);
			station->work.frame = frame;
			station->work.ticks = ticks;
			station->work.tempo = engine->tempo;
			station->work.era = era;
			station->work.panic = panic;
		}
	}
	if (engine->crew && worth_a_crew(engine, ticks)) {
		run_with_crew(engine, in, out, offset, ticks);
	} else {
		run_alone(engine, in, out, offset, ticks);
	}
	for (uint32_t i = 0; i < engine->n_stations; i++) {
		if (at_home(engine, i)) {
			hand_back(engine, &engine->station[i]);
		}
	}
}

static void run_ticks(fb_engine *engine, const float *const *in, float *const *out, uint32_t ticks)
{
	uint64_t frame = atomic_load_explicit(&engine->frame, memory_order_relaxed);
	for (uint32_t done = 0; done < ticks;) {
		uint32_t n = take_events(engine, frame, ticks - done);
		n = engine->crew && n > DESK_TICKS ? DESK_TICKS : n;
		run_segment(engine, in, out, (size_t)done * FB_TICK, frame, n);
		done += n;
		frame += (uint64_t)n * FB_TICK;
		atomic_store_explicit(&engine->frame, frame, memory_order_relaxed);
	}
}

/* --- periods */

/** A tick over every station's FIFO. */
static void run_fifo_tick(fb_engine *engine)
{
	const float *in[2 * FB_STATIONS_MAX];
	float *out[2 * FB_STATIONS_MAX];
	for (uint32_t i = 0; i < engine->n_stations; i++) {
		for (uint32_t c = 0; c < 2; c++) {
			in[2 * i + c] = engine->station[i].fifo_in[c];
			out[2 * i + c] = engine->station[i].fifo_out[c];
		}
	}
	run_ticks(engine, in, out, 1);
}

/** Any number of frames, one tick late. */
static void run_fifo(fb_engine *engine, const float *const *in, float *const *out, uint32_t frames)
{
	for (uint32_t done = 0; done < frames;) {
		uint32_t n = FB_TICK - engine->fifo_at;
		n = n < frames - done ? n : frames - done;
		for (uint32_t i = 0; i < 2 * engine->n_stations; i++) {
			engine_station *station = &engine->station[i / 2];
			float *fifo_in = station->fifo_in[i % 2] + engine->fifo_at;
			const float *fifo_out = station->fifo_out[i % 2] + engine->fifo_at;
			if (in[i]) {
				memcpy(fifo_in, in[i] + done, n * sizeof(float));
			} else {
				memset(fifo_in, 0, n * sizeof(float));
			}
			memcpy(out[i] + done, fifo_out, n * sizeof(float));
		}
		engine->fifo_at += n;
		done += n;
		if (engine->fifo_at == FB_TICK) {
			run_fifo_tick(engine);
			engine->fifo_at = 0;
		}
	}
}

void fb_engine_process(
	fb_engine *engine, const float *const *in, float *const *out, uint32_t frames)
{
	unsigned saved = flush_denormals();
	if (atomic_load_explicit(&engine->fifo, memory_order_relaxed) || frames % FB_TICK) {
		run_fifo(engine, in, out, frames);
	} else {
		run_ticks(engine, in, out, frames / FB_TICK);
	}
	restore_denormals(saved);
}

void fb_engine_set_tempo(fb_engine *engine, double bpm)
{
	engine->tempo = (float)bpm;
}
