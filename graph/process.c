/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What the audio thread runs: events, ticks, stations. No allocation, lock, system call or
	unbounded loop from here down. */
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

/* --- plans */

static bool write_back(fb_engine *engine, fb_plan *plan)
{
	return fb_ring_space(engine->retired) && fb_ring_write(engine->retired, &plan);
}

/** A plan for which there is no room waits with its station, and is tried again. */
static void hand_back(fb_engine *engine, engine_station *station, fb_plan *plan)
{
	if (!write_back(engine, plan)) {
		station->handing_back = plan;
		atomic_fetch_add_explicit(&engine->stuck, 1, memory_order_relaxed);
	}
}

static bool retry_handing_back(fb_engine *engine, engine_station *station)
{
	if (station->handing_back && write_back(engine, station->handing_back)) {
		station->handing_back = NULL;
	}
	return !station->handing_back;
}

static void count_settled(engine_station *station)
{
	uint32_t settled = atomic_load_explicit(&station->settled, memory_order_relaxed);
	atomic_store_explicit(&station->settled, settled + 1, memory_order_release);
}

/** Is there a fade to finish first, or no room to hand the old plan back? */
static bool busy(fb_engine *engine, engine_station *station)
{
	return (station->plan && station->plan->next) || !retry_handing_back(engine, station);
}

static void take_plan(fb_engine *engine, engine_station *station, fb_plan *plan)
{
	fb_plan *old = station->plan;
	station->plan = plan;
	if (old) {
		hand_back(engine, station, old);
	}
	if (!plan->next) {
		count_settled(station);
	}
}

/** Take a plan up, or put it in line behind those that wait for a fade to end. */
static void receive_plan(fb_engine *engine, engine_station *station, fb_plan *plan)
{
	if (!station->in_line && !busy(engine, station)) {
		take_plan(engine, station, plan);
		return;
	}
	fb_plan **end = &station->in_line;
	while (*end) {
		end = &(*end)->after;
	}
	*end = plan;
}

/** After a fade: on to the plan of what stays, and to the next in line. */
static void advance(fb_engine *engine, engine_station *station)
{
	fb_plan *fading = station->plan;
	if (fb_plan_faded(fading) && retry_handing_back(engine, station)) {
		station->plan = fading->next;
		hand_back(engine, station, fading);
		count_settled(station);
	}
	if (station->in_line && !busy(engine, station)) {
		fb_plan *plan = station->in_line;
		station->in_line = plan->after;
		take_plan(engine, station, plan);
	}
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

static void apply(fb_engine *engine, const fb_event *event)
{
	engine_station *station = &engine->station[event->station];
	if (event->kind == FB_EVENT_PLAN) {
		receive_plan(engine, station, event->plan);
	} else if (event->kind == FB_EVENT_STATION) {
		station->on[event->param] = event->value != 0.0f;
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

/** Apply an event from the ring, or put it on the agenda. */
static void take_event(fb_engine *engine, const fb_event *event, uint64_t frame)
{
	if (event->frame > frame) {
		fb_agenda_put(&engine->agenda, event); /* fb_engine_send() sees to it that there is room */
	} else if (event->frame) {
		atomic_fetch_add_explicit(&engine->late, event->frame < frame, memory_order_relaxed);
		apply_timed(engine, event);
	} else {
		apply(engine, event);
	}
}

/** All that takes effect with the tick that starts at `frame`: in the order of frames, and what has
	none or is late at the tick's start, in the order of arrival. */
static void take_events(fb_engine *engine, uint64_t frame)
{
	const fb_event *event;
	apply_due(engine, frame + 1);
	for (uint32_t n = 0; n < EVENTS_PER_TICK && (event = fb_ring_peek(engine->events)); n++) {
		take_event(engine, event, frame);
		fb_ring_drop(engine->events);
	}
	apply_due(engine, frame + FB_TICK);
}

/* --- a station's tick */

static float toward(float now, float aim, float step)
{
	return aim > now ? fminf(now + step, aim) : fmaxf(now - step, aim);
}

/** Copy a channel's tick; what is no number becomes silence. Returns how many were none. */
static uint32_t clean_copy(float *to, const float *from)
{
	uint32_t bad = 0;
	if (!from) {
		memset(to, 0, FB_TICK * sizeof *to);
		return 0;
	}
	memcpy(to, from, FB_TICK * sizeof *to);
	if (fb_tick_finite(to)) {
		return 0;
	}
	for (int i = 0; i < FB_TICK; i++) {
		bad += isfinite(to[i]) ? 0 : 1;
		to[i] = isfinite(to[i]) ? to[i] : 0.0f;
	}
	return bad;
}

static void take_input(
	fb_engine *engine, engine_station *station, const float *const *in, float *buffers)
{
	float *left = buffers, *right = buffers + FB_TICK;
	float mono =
		toward(station->mono, station->on[FB_SWITCH_MONO] ? 1.0f : 0.0f, engine->switch_step);
	uint32_t bad = clean_copy(left, in[0]);
	bad += clean_copy(right, in[1]);
	if (bad) {
		atomic_fetch_add_explicit(&engine->bad_input, 1, memory_order_relaxed);
		atomic_fetch_add_explicit(&station->bad_samples, bad, memory_order_relaxed);
	}
	if (mono == 1.0f && station->mono == 1.0f) {
		memcpy(right, left, FB_TICK * sizeof *right);
	} else if (mono != 0.0f || station->mono != 0.0f) {
		/* right fades from itself (wet) to the left (dry) */
		fb_tick_blend(right, left, 1.0f - station->mono, 1.0f - mono);
	}
	station->mono = mono;
}

static void fade_mute(float *out, float from, float to)
{
	float step = (to - from) / FB_TICK;
	for (int i = 0; i < FB_TICK; i++) {
		out[i] *= fb_fade_gain(from + step * (float)(i + 1));
	}
}

/** Crossfade to or from dry. Even finite numbers can be too far apart to be blended. */
static void blend_dry(float *out, const float *dry, float from, float to)
{
	if (from == 0.0f && to == 0.0f) {
		memcpy(out, dry, FB_TICK * sizeof *out);
		return;
	}
	fb_tick_blend(out, dry, from, to);
	if (!fb_tick_finite(out)) {
		memcpy(out, dry, FB_TICK * sizeof *out);
	}
}

/** The station's own switches: processed against dry, and mute. sound: the sum of
	all is finite; if it is not, though all nodes are, dry comes at once. */
static void mix_output(
	const fb_engine *engine, engine_station *station, float *const *out, bool sound)
{
	const fb_plan *plan = station->plan;
	bool dry = station->on[FB_SWITCH_BYPASS] || station->fault_left;
	float from = sound ? station->wet : 0.0f;
	float wet = sound ? toward(from, dry ? 0.0f : 1.0f, engine->switch_step) : 0.0f;
	float loud =
		toward(station->loud, station->on[FB_SWITCH_MUTE] ? 0.0f : 1.0f, engine->switch_step);
	for (int c = 0; c < 2; c++) {
		memcpy(out[c], plan->out[c], FB_TICK * sizeof(float));
		if (wet != 1.0f || from != 1.0f) {
			blend_dry(out[c], plan->dry[c], from, wet);
		}
		if (loud != 1.0f || station->loud != 1.0f) {
			fade_mute(out[c], station->loud, loud);
		}
	}
	station->wet = wet;
	station->loud = loud;
}

static void write_tap(
	engine_station *station, uint64_t frame, const float *in, float *const *out, float reduction_db)
{
	if (!station->tap || !atomic_load_explicit(&station->tap_on, memory_order_relaxed)) {
		return;
	}
	fb_tap_block *block = fb_ring_claim(station->tap);
	if (block) {
		block->frame = frame;
		block->reduction_db = reduction_db;
		for (int c = 0; c < 2; c++) {
			memcpy(block->in[c], in + c * FB_TICK, sizeof block->in[c]);
			memcpy(block->out[c], out[c], sizeof block->out[c]);
		}
		fb_ring_publish(station->tap);
	}
}

static void run_station(fb_engine *engine, engine_station *station, uint64_t frame,
	const float *const *in, float *const *out)
{
	float reduction_db;
	if (!station->plan) {
		memset(out[0], 0, FB_TICK * sizeof(float));
		memset(out[1], 0, FB_TICK * sizeof(float));
		return;
	}
	float *input = station->plan->buffers;
	take_input(engine, station, in, input);
	station->fault_left -= station->fault_left > 0;
	bool nodes_sound = fb_plan_tick(station->plan, frame, engine->tempo, &reduction_db);
	bool sum_sound = fb_tick_finite(station->plan->out[0]) && fb_tick_finite(station->plan->out[1]);
	if (!nodes_sound || !sum_sound) {
		station->fault_left = engine->fault_ticks;
		atomic_fetch_add_explicit(&station->faults, 1, memory_order_relaxed);
	}
	mix_output(engine, station, out, sum_sound);
	write_tap(station, frame, input, out, reduction_db);
	advance(engine, station);
}

static void run_tick(fb_engine *engine, const float *const *in, float *const *out, size_t offset)
{
	uint64_t frame = atomic_load_explicit(&engine->frame, memory_order_relaxed);
	take_events(engine, frame);
	for (uint32_t i = 0; i < engine->n_stations; i++) {
		const float *station_in[2];
		float *station_out[2];
		for (int c = 0; c < 2; c++) {
			const float *source = in[2 * i + (uint32_t)c];
			station_in[c] = source ? source + offset : NULL;
			station_out[c] = out[2 * i + (uint32_t)c] + offset;
		}
		run_station(engine, &engine->station[i], frame, station_in, station_out);
	}
	atomic_store_explicit(&engine->frame, frame + FB_TICK, memory_order_relaxed);
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
	run_tick(engine, in, out, 0);
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
		for (uint32_t at = 0; at < frames; at += FB_TICK) {
			run_tick(engine, in, out, at);
		}
	}
	restore_denormals(saved);
}

void fb_engine_set_tempo(fb_engine *engine, double bpm)
{
	engine->tempo = (float)bpm;
}
