/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A station's own ticks: its input, its plan, its switches, its tap. Whichever thread of the crew
	runs them, nothing here touches another station. No allocation, lock, system call or unbounded
	loop from here down. */
#include "engine_parts.h"

#include <string.h>

/* --- plans */

static void count_settled(engine_station *station)
{
	uint32_t settled = atomic_load_explicit(&station->settled, memory_order_relaxed);
	atomic_store_explicit(&station->settled, settled + 1, memory_order_release);
}

static void retire(engine_station *station, fb_plan *plan)
{
	plan->after = station->retired;
	station->retired = plan;
}

static void take_plan(engine_station *station, fb_plan *plan)
{
	if (station->plan) {
		retire(station, station->plan);
	}
	station->plan = plan;
	station->cleared = 0;
	if (!plan->next) {
		count_settled(station);
	}
}

static bool fading(const engine_station *station)
{
	return station->plan && station->plan->next;
}

void fb_strip_receive(engine_station *station, fb_plan *plan)
{
	if (!station->in_line && !fading(station)) {
		take_plan(station, plan);
		return;
	}
	fb_plan **end = &station->in_line;
	while (*end) {
		end = &(*end)->after;
	}
	*end = plan;
}

/** After a fade: on to the plan of what stays, and to the next in line. */
static void advance(engine_station *station)
{
	fb_plan *plan = station->plan;
	if (fb_plan_faded(plan)) {
		station->plan = plan->next;
		station->cleared = 0;
		retire(station, plan);
		count_settled(station);
	}
	if (station->in_line && !fading(station)) {
		fb_plan *next = station->in_line;
		station->in_line = next->after;
		next->after = NULL;
		take_plan(station, next);
	}
}

/* --- a tick */

static bool is_on(const engine_station *station, fb_switch which)
{
	return atomic_load_explicit(&station->on[which], memory_order_relaxed);
}

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
		toward(station->mono, is_on(station, FB_SWITCH_MONO) ? 1.0f : 0.0f, engine->switch_step);
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
	bool dry = is_on(station, FB_SWITCH_BYPASS) || station->fault_left;
	bool mute = is_on(station, FB_SWITCH_MUTE) || station->work.panic;
	float from = sound ? station->wet : 0.0f;
	float wet = sound ? toward(from, dry ? 0.0f : 1.0f, engine->switch_step) : 0.0f;
	float loud = toward(station->loud, mute ? 0.0f : 1.0f, engine->switch_step);
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
	fb_guard_tick(&station->guard, is_on(station, FB_SWITCH_GUARD),
		atomic_load_explicit(&station->ceiling, memory_order_relaxed), out[0], out[1]);
	atomic_store_explicit(&station->guard_gain, station->guard.gain, memory_order_relaxed);
}

/** A tick of a station that a panic has silenced. Nothing runs, edits come to their end, and tails
	are wiped out: a node each time it is this station's turn, for to do it all at once would take
	longer than a period. It sounds again when there is no panic and nothing left to wipe. */
static void rest(engine_station *station, bool turn, float *const *out)
{
	fb_plan *plan = station->plan;
	memset(out[0], 0, FB_TICK * sizeof(float));
	memset(out[1], 0, FB_TICK * sizeof(float));
	if (turn && station->cleared <= plan->n_steps) {
		fb_plan_clear(plan, station->cleared++);
	}
	if (plan->next) {
		fb_plan_skip_fade(plan);
	}
	bool hushed = station->work.panic || station->cleared <= plan->n_steps;
	for (uint32_t i = 0; !hushed && i < plan->n_steps; i++) {
		fb_instance_arrive(plan->step[i].node); /* what was set meanwhile */
	}
	atomic_store_explicit(&station->hushed, hushed, memory_order_relaxed);
	station->fault_left = 0;
	station->guard.gain = 1.0f;
	atomic_store_explicit(&station->guard_gain, 1.0f, memory_order_relaxed);
	station->wet = is_on(station, FB_SWITCH_BYPASS) ? 0.0f : 1.0f;
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

/** Run the plan and mix what comes out. Returns the sum of reductions. */
static float sound_tick(
	fb_engine *engine, engine_station *station, uint64_t frame, float *const *out)
{
	float reduction_db;
	fb_plan *plan = station->plan;
	station->fault_left -= station->fault_left > 0;
	bool nodes_sound =
		fb_plan_tick(plan, frame, station->work.tempo, station->work.era, &reduction_db);
	bool sum_sound = fb_tick_finite(plan->out[0]) && fb_tick_finite(plan->out[1]);
	if (!nodes_sound || !sum_sound) {
		station->fault_left = engine->fault_ticks;
		atomic_store_explicit(
			&station->faulty, nodes_sound ? 0 : plan->faulty, memory_order_relaxed);
		atomic_fetch_add_explicit(&station->faults, 1, memory_order_release);
	}
	mix_output(engine, station, out, sum_sound);
	if (station->work.panic && station->loud == 0.0f) {
		atomic_store_explicit(&station->hushed, true, memory_order_relaxed);
		station->cleared = 0;
	}
	return reduction_db;
}

static void run_tick(fb_engine *engine, engine_station *station, uint64_t frame,
	const float *const *in, float *const *out)
{
	float reduction_db = 0.0f;
	if (!station->plan) {
		memset(out[0], 0, FB_TICK * sizeof(float));
		memset(out[1], 0, FB_TICK * sizeof(float));
		return;
	}
	float *input = station->plan->buffers;
	take_input(engine, station, in, input);
	if (atomic_load_explicit(&station->hushed, memory_order_relaxed)) {
		rest(station, frame / FB_TICK % engine->n_stations == station->index, out);
	} else {
		reduction_db = sound_tick(engine, station, frame, out);
	}
	write_tap(station, frame, input, out, reduction_db);
	advance(station);
}

void fb_strip_run(fb_engine *engine, engine_station *station)
{
	const segment *work = &station->work;
	uint64_t began = fb_clock_now();
	for (uint32_t i = 0; i < work->ticks; i++) {
		const float *in[2];
		float *out[2];
		for (int c = 0; c < 2; c++) {
			in[c] = work->in[c] ? work->in[c] + (size_t)i * FB_TICK : NULL;
			out[c] = work->out[c] + (size_t)i * FB_TICK;
		}
		run_tick(engine, station, work->frame + (uint64_t)i * FB_TICK, in, out);
	}
	float cost = (float)((double)(fb_clock_now() - began) / work->ticks);
	fb_load_add(&station->load, cost, COST_STEP, work->era);
	if (cost > atomic_load_explicit(&station->budget, memory_order_relaxed)) {
		atomic_fetch_add_explicit(&station->over, 1, memory_order_relaxed);
	}
}
