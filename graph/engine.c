/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The engine's state and its control side. What the audio thread runs is in process.c. */
#include "engine_parts.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EVENTS = 8192 };
#define TAP_S 0.17       /* what a tap holds, at least: the meters look after it every 10 ms */
#define WORTH_NS 40000.0 /* of work, to wake a crew for: a sleeper may take that long to come */
#define BUDGET 0.25      /* of the time there is: four such stations leave nothing */
#define PATIENCE_MS 5.0  /* with a late worker: at least this, or a period */

/** No more threads than stations: one station is the work of one thread. */
static uint32_t crew_size(const fb_engine_options *options)
{
	return options->threads < options->stations ? options->threads : options->stations;
}

static fb_ring *make_tap(double rate_hz)
{
	return fb_ring_create((size_t)ceil(TAP_S * rate_hz / FB_TICK), sizeof(fb_tap_block));
}

static bool init_station(engine_station *station, const fb_engine_options *options)
{
	station->wet = station->loud = 1.0f;
	fb_guard_init(&station->guard, options->rate_hz);
	atomic_init(&station->ceiling, station->guard.ceiling);
	atomic_init(&station->guard_gain, 1.0f);
	atomic_init(&station->on[FB_SWITCH_GUARD], true);
	if (options->taps) {
		station->tap = make_tap(options->rate_hz);
	}
	if (crew_size(options) > 1) {
		station->desk = aligned_alloc(FB_ALIGN, sizeof *station->desk);
	}
	if (station->desk) {
		memset(station->desk, 0, sizeof *station->desk); /* audio must not fault a page in */
	}
	return (station->tap || !options->taps) && (station->desk || crew_size(options) < 2);
}

static bool start_crew(fb_engine *engine, const fb_engine_options *options)
{
	fb_crew_options crew = {.threads = crew_size(options),
		.places = options->stations,
		.spawn = options->spawn,
		.spawn_ctx = options->spawn_ctx,
		.work = fb_engine_work,
		.ctx = engine};
	if (crew.threads < 2) {
		return true;
	}
	engine->worth = (float)(WORTH_NS / engine->count_ns);
	engine->crew = fb_crew_create(&crew);
	return engine->crew != NULL;
}

static double tick_counts(const fb_engine *engine)
{
	return 1e9 * FB_TICK / engine->rate_hz / engine->count_ns;
}

void fb_engine_set_budget(fb_engine *engine, uint32_t station, double share)
{
	engine_station *s = &engine->station[station];
	s->share = fb_clamp(share, 0.0, 1.0);
	float counts = (float)(s->share * tick_counts(engine));
	atomic_store_explicit(&s->budget, counts, memory_order_relaxed);
}

static void fit_rate(fb_engine *engine, double rate_hz)
{
	engine->rate_hz = rate_hz;
	engine->switch_step = fb_fade_step(SWITCH_MS, rate_hz);
	engine->fault_ticks = (uint32_t)ceil(rate_hz * FAULT_HOLD_S / FB_TICK);
	for (uint32_t i = 0; i < engine->n_stations; i++) { /* a tick has another length now */
		fb_engine_set_budget(engine, i, engine->station[i].share);
	}
}

fb_status fb_engine_create(const fb_engine_options *options, fb_engine **out, fb_error *error)
{
	if (options->stations < 1 || options->stations > FB_STATIONS_MAX) {
		return fb_fail(error, FB_INVALID, "stations", "must be 1 to %d", FB_STATIONS_MAX);
	}
	if (!(options->rate_hz >= FB_RATE_MIN && options->rate_hz <= FB_RATE_MAX)) {
		return fb_fail(error, FB_INVALID, "rate", "must be %d to %d Hz", FB_RATE_MIN, FB_RATE_MAX);
	}
	if (options->threads > FB_THREADS_MAX) {
		return fb_fail(error, FB_INVALID, "threads", "must be 1 to %d", FB_THREADS_MAX);
	}
	size_t bytes = sizeof(fb_engine) + options->stations * sizeof(engine_station);
	bytes = (bytes + FB_ALIGN - 1) / FB_ALIGN * FB_ALIGN;
	fb_engine *engine = aligned_alloc(FB_ALIGN, bytes);
	if (!engine) {
		return fb_fail(error, FB_NO_MEMORY, "engine", "out of memory");
	}
	memset(engine, 0, bytes);
	engine->n_stations = options->stations;
	engine->patient = options->patient;
	engine->next_turn = UINT64_MAX;
	engine->count_ns = fb_clock_ns();
	engine->events = fb_ring_create(EVENTS, sizeof(fb_event));
	engine->retired = fb_ring_create(4 * FB_STATIONS_MAX, sizeof(fb_plan *));
	bool whole = engine->events && engine->retired;
	for (uint32_t i = 0; i < options->stations; i++) {
		engine->station[i].index = i;
		engine->station[i].share = BUDGET;
		whole = init_station(&engine->station[i], options) && whole;
	}
	fit_rate(engine, options->rate_hz);
	whole = whole && start_crew(engine, options);
	fb_engine_set_period(engine, options->period);
	if (!whole) {
		fb_engine_destroy(engine);
		return fb_fail(error, FB_NO_MEMORY, "engine", "out of memory");
	}
	*out = engine;
	return FB_OK;
}

static void destroy_chain(fb_plan *plan)
{
	while (plan) {
		fb_plan *next = plan->next;
		fb_plan_destroy(plan);
		plan = next;
	}
}

static void drop_plans(engine_station *station)
{
	destroy_chain(station->plan);
	station->plan = NULL;
	while (station->retired) { /* what it went on to is the station's plan, or in this list too */
		fb_plan *plan = station->retired;
		station->retired = plan->after;
		fb_plan_destroy(plan);
	}
	for (int i = 0; i < 2; i++) {
		fb_plan **list = i ? &station->arrived : &station->in_line;
		while (*list) {
			fb_plan *plan = *list;
			*list = plan->after;
			destroy_chain(plan);
		}
	}
}

static void end_batch(fb_batch *batch)
{
	if (batch) {
		fb_batch_end(batch);
	}
}

/** Every plan inside, and every event on its way. No worker may have a station. */
static void drop_all(fb_engine *engine)
{
	fb_event event;
	fb_engine_service(engine);
	for (uint32_t i = 0; i < engine->agenda.n; i++) {
		if (engine->agenda.item[i].event.kind == FB_EVENT_PLAN) {
			destroy_chain(engine->agenda.item[i].event.plan);
		}
	}
	engine->agenda.n = 0;
	fb_ring_publish(engine->events); /* of a group that has not ended */
	while (fb_ring_read(engine->events, &event)) {
		if (event.kind == FB_EVENT_PLAN) {
			destroy_chain(event.plan);
		} else if (event.kind == FB_EVENT_BATCH || event.kind == FB_EVENT_TURN) {
			end_batch(event.batch);
		}
	}
	for (uint32_t i = 0; i < engine->n_stations; i++) {
		drop_plans(&engine->station[i]);
		end_batch(engine->station[i].turn);
		engine->station[i].turn = NULL;
	}
	engine->next_turn = UINT64_MAX;
}

void fb_engine_destroy(fb_engine *engine)
{
	if (!engine) {
		return;
	}
	fb_crew_destroy(engine->crew);
	if (engine->retired && engine->events) {
		drop_all(engine);
	}
	for (uint32_t i = 0; i < engine->n_stations; i++) {
		fb_ring_destroy(engine->station[i].tap);
		free(engine->station[i].desk);
	}
	fb_ring_destroy(engine->events);
	fb_ring_destroy(engine->retired);
	free(engine);
}

/** A worker that was held up finishes its station some time after audio has stopped. */
static void wait_for_crew(fb_engine *engine)
{
	for (uint32_t i = 0; engine->crew && i < engine->n_stations; i++) {
		while (!fb_crew_home(engine->crew, i)) {
			nanosleep(&(struct timespec){0, 1000000}, NULL);
		}
	}
}

void fb_engine_set_rate(fb_engine *engine, double rate_hz)
{
	wait_for_crew(engine);
	drop_all(engine);
	fit_rate(engine, rate_hz);
	atomic_store_explicit(&engine->timed_done, engine->timed, memory_order_relaxed);
	for (uint32_t i = 0; i < engine->n_stations; i++) {
		engine->station[i].sent = 0;
		engine->station[i].fault_left = 0;
		fb_guard_init(&engine->station[i].guard, rate_hz);
		atomic_store_explicit(&engine->station[i].settled, 0, memory_order_relaxed);
	}
}

static void fit_patience(fb_engine *engine)
{
	if (engine->crew) {
		double ms = engine->patient ? 0.0 : fmax(engine->period_ms, PATIENCE_MS);
		fb_crew_set_patience(engine->crew, 1e6 * ms);
	}
}

void fb_engine_set_patient(fb_engine *engine, bool patient)
{
	if (patient != engine->patient) {
		engine->patient = patient;
		fit_patience(engine);
	}
}

void fb_engine_set_period(fb_engine *engine, uint32_t period)
{
	atomic_store_explicit(&engine->fifo, period % FB_TICK != 0, memory_order_relaxed);
	engine->fifo_at = 0;
	engine->period_ms = 1e3 * period / engine->rate_hz;
	fit_patience(engine);
	for (uint32_t i = 0; i < engine->n_stations; i++) {
		memset(engine->station[i].fifo_in, 0, sizeof engine->station[i].fifo_in);
		memset(engine->station[i].fifo_out, 0, sizeof engine->station[i].fifo_out);
	}
}

/** Events that wait for their frame. */
static uint64_t waiting(const fb_engine *engine)
{
	return engine->timed - atomic_load_explicit(&engine->timed_done, memory_order_relaxed);
}

bool fb_engine_send(fb_engine *engine, const fb_event *event)
{
	if (event->frame && waiting(engine) >= FB_WAITING_MAX) {
		atomic_fetch_add_explicit(&engine->refused, 1, memory_order_relaxed);
		return false;
	}
	fb_event *room = fb_ring_claim(engine->events);
	if (!room) {
		return false;
	}
	*room = *event;
	engine->timed += event->frame > 0;
	if (event->kind == FB_EVENT_PLAN) {
		engine->station[event->station].sent++;
	}
	if (!engine->group_depth) {
		fb_ring_publish(engine->events);
	}
	return true;
}

void fb_engine_begin(fb_engine *engine)
{
	engine->group_depth++;
}

void fb_engine_end(fb_engine *engine)
{
	if (!--engine->group_depth) {
		fb_ring_publish(engine->events);
	}
}

uint32_t fb_engine_space(const fb_engine *engine)
{
	return (uint32_t)fb_ring_space(engine->events);
}

void fb_engine_switch(fb_engine *engine, uint32_t station, fb_switch which, bool on)
{
	atomic_store_explicit(&engine->station[station].on[which], on, memory_order_relaxed);
}

bool fb_engine_switched(const fb_engine *engine, uint32_t station, fb_switch which)
{
	return atomic_load_explicit(&engine->station[station].on[which], memory_order_relaxed);
}

void fb_engine_set_ceiling(fb_engine *engine, uint32_t station, double db)
{
	float ceiling = (float)pow(10.0, fb_clamp(db, FB_CEILING_MIN_DB, FB_CEILING_MAX_DB) / 20.0);
	atomic_store_explicit(&engine->station[station].ceiling, ceiling, memory_order_relaxed);
}

void fb_engine_panic(fb_engine *engine, bool on)
{
	atomic_store_explicit(&engine->panic, on, memory_order_relaxed);
}

void fb_engine_forget_worst(fb_engine *engine)
{
	atomic_fetch_add_explicit(&engine->era, 1, memory_order_relaxed);
	atomic_store_explicit(&engine->latest, 0, memory_order_relaxed);
}

void fb_engine_service(fb_engine *engine)
{
	fb_plan *plan;
	while (fb_ring_read(engine->retired, &plan)) {
		fb_plan_destroy(plan);
	}
}

bool fb_engine_behind(fb_engine *engine, uint32_t station)
{
	_Atomic bool *behind = &engine->station[station].behind;
	return atomic_load_explicit(behind, memory_order_relaxed) &&
		   atomic_exchange_explicit(behind, false, memory_order_acquire);
}

bool fb_engine_settled(const fb_engine *engine, uint32_t station)
{
	const engine_station *s = &engine->station[station];
	return atomic_load_explicit(&s->settled, memory_order_acquire) == s->sent;
}

double fb_engine_rate(const fb_engine *engine)
{
	return engine->rate_hz;
}

uint32_t fb_engine_stations(const fb_engine *engine)
{
	return engine->n_stations;
}

uint32_t fb_engine_latency(const fb_engine *engine)
{
	return atomic_load_explicit(&engine->fifo, memory_order_relaxed) ? FB_TICK : 0;
}

uint64_t fb_engine_frame(const fb_engine *engine)
{
	return atomic_load_explicit(&engine->frame, memory_order_relaxed);
}

fb_ring *fb_engine_tap(fb_engine *engine, uint32_t station)
{
	return engine->station[station].tap;
}

fb_ring *fb_engine_make_tap(const fb_engine *engine)
{
	return make_tap(engine->rate_hz);
}

void fb_engine_take_tap(fb_engine *engine, uint32_t station, fb_ring *tap)
{
	engine->station[station].tap = tap;
}

void fb_engine_set_tap(fb_engine *engine, uint32_t station, bool on)
{
	atomic_store_explicit(&engine->station[station].tap_on, on, memory_order_relaxed);
}

uint64_t fb_engine_station_faults(const fb_engine *engine, uint32_t station)
{
	return atomic_load_explicit(&engine->station[station].faults, memory_order_relaxed);
}

uint64_t fb_engine_station_bad(const fb_engine *engine, uint32_t station)
{
	return atomic_load_explicit(&engine->station[station].bad_samples, memory_order_relaxed);
}

void fb_engine_time(const fb_engine *engine, const fb_load *load, fb_time *out)
{
	double mean = (double)atomic_load_explicit(&load->mean, memory_order_relaxed);
	double worst = (double)atomic_load_explicit(&load->worst, memory_order_relaxed);
	*out = (fb_time){.mean_us = mean * engine->count_ns * 1e-3,
		.worst_us = worst * engine->count_ns * 1e-3,
		.mean_share = mean / tick_counts(engine),
		.worst_share = worst / tick_counts(engine)};
}

void fb_engine_health(const fb_engine *engine, uint32_t station, fb_health *out)
{
	const engine_station *s = &engine->station[station];
	double gain = (double)atomic_load_explicit(&s->guard_gain, memory_order_relaxed);
	*out = (fb_health){.over = atomic_load_explicit(&s->over, memory_order_relaxed),
		.faults = atomic_load_explicit(&s->faults, memory_order_acquire),
		.faulty = atomic_load_explicit(&s->faulty, memory_order_relaxed),
		.guard_db = -20.0 * log10(fmax(gain, 1e-30)),
		.hushed = atomic_load_explicit(&s->hushed, memory_order_relaxed)};
	fb_engine_time(engine, &s->load, &out->time);
}

void fb_engine_count(const fb_engine *engine, fb_engine_counts *out)
{
	*out = (fb_engine_counts){
		.events_late = atomic_load_explicit(&engine->late, memory_order_relaxed),
		.latest = atomic_load_explicit(&engine->latest, memory_order_relaxed),
		.events_orphan = atomic_load_explicit(&engine->orphans, memory_order_relaxed),
		.events_lost = fb_ring_lost(engine->events) +
					   atomic_load_explicit(&engine->refused, memory_order_relaxed),
		.bad_samples = atomic_load_explicit(&engine->bad_input, memory_order_relaxed),
		.replies_lost = atomic_load_explicit(&engine->stuck, memory_order_relaxed),
		.absences = atomic_load_explicit(&engine->absences, memory_order_relaxed),
		.helped = engine->crew ? fb_crew_helped(engine->crew) : 0,
	};
	for (uint32_t i = 0; i < engine->n_stations; i++) {
		out->faults += fb_engine_station_faults(engine, i);
	}
}
