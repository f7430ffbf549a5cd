/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A busy show, for tests of what the audio thread may not do: every node there is, in four
	stations, parameters ridden and morphed, every kind of edit made and undone, switches thrown,
	the guard at work, panics, taps read, a node that fails. One thread processes, the other
	controls, in step with each other by atomics alone, so that the audio thread needs nothing
	from the system. */
#ifndef FB_SHOW_H
#define FB_SHOW_H

#include "testing.h"

#include "../../graph/station.h"

#include "stand.h"

#include <pthread.h>
#include <sched.h>

enum { SHOW_STATIONS = 4, SHOW_PERIOD_MAX = 1024, SHOW_STEP = 512 };

typedef struct show {
	fb_engine *engine;
	fb_station *station[SHOW_STATIONS];
	uint32_t period, seconds, threads;
	const char *misdeed; ///< what t_fail is told to do once, or NULL
	void (*begin)(void); ///< in the audio thread, before and after each period; may be NULL
	void (*end)(void);
	float in[2 * SHOW_STATIONS][SHOW_PERIOD_MAX], out[2 * SHOW_STATIONS][SHOW_PERIOD_MAX];
	_Atomic uint64_t asked, done; ///< periods
	_Atomic bool over;
	uint64_t edits, refusals, sets, turns, tap_blocks;
	uint64_t seed;
} show;

static uint32_t show_chance(show *s, uint32_t n)
{
	s->seed ^= s->seed << 13;
	s->seed ^= s->seed >> 7;
	s->seed ^= s->seed << 17;
	return (uint32_t)(s->seed >> 20) % n;
}

/** The audio thread's loop: a period for each that is asked, until the show is over. */
static void show_audio(show *s)
{
	const float *in[2 * SHOW_STATIONS];
	float *out[2 * SHOW_STATIONS];
	for (int i = 0; i < 2 * SHOW_STATIONS; i++) {
		in[i] = s->in[i];
		out[i] = s->out[i];
	}
	for (uint64_t done = 0; !atomic_load(&s->over);) {
		if (atomic_load(&s->asked) > done) {
			if (s->begin) {
				s->begin();
			}
			fb_engine_process(s->engine, in, out, s->period);
			if (s->end) {
				s->end();
			}
			atomic_store(&s->done, ++done);
		}
	}
}

/** Every node type of foldback's own, from the first to the last or the other way round, between a
	node that can fail and one whose latency changes. */
static fb_patch *show_patch(show *s)
{
	const fb_nodes *nodes = stand_nodes();
	size_t n = fb_nodes_count(nodes);
	bool backward = show_chance(s, 2), some = show_chance(s, 2);
	fb_patch *patch = stand_patch("{'stages': [{'type': 't_fail'}, {'type': 't_delay'}]}");
	fb_error error;
	for (size_t i = 0; i < n; i++) {
		const fb_node_desc *type = fb_nodes_at(nodes, backward ? n - 1 - i : i);
		if (strncmp(type->id, "t_", 2) != 0 && !(some && show_chance(s, 2))) {
			assert_int_equal(fb_patch_add(patch, type, type->id, "t_delay", &error), FB_OK);
		}
	}
	return patch;
}

/** Set any parameter of a stage anywhere in its range. */
static void show_set(show *s, fb_station *station, uint32_t stage)
{
	const fb_stage *st = &fb_station_patch(station)->stage[stage];
	fb_error error;
	if (!st->type->n_params || !strcmp(st->type->id, "t_fail")) {
		return;
	}
	uint32_t p = show_chance(s, st->type->n_params);
	const fb_param_info *info = &st->type->params[p];
	double value = fb_scale_from_norm(
		info->scale, (double)info->min, (double)info->max, (double)show_chance(s, 1001) / 1000.0);
	/* a node may refuse some combination; that is control's business */
	s->sets += !fb_station_set(station, stage, p, (float)value, -1.0, &error);
}

/** Any two ends of the patch, as people write them. */
static const char *show_end(show *s, const fb_patch *patch, bool from)
{
	uint32_t n = show_chance(s, patch->n_stages + 1);
	return n < patch->n_stages ? patch->stage[n].id : from ? "in" : "out";
}

/** One edit of a patch, any kind; what cannot be done is refused. Two nodes always stay, for other
	parts of the show. */
static fb_status show_change(show *s, fb_patch *patch, fb_error *error)
{
	const fb_nodes *nodes = stand_nodes();
	const fb_node_desc *type = fb_nodes_at(nodes, show_chance(s, (uint32_t)fb_nodes_count(nodes)));
	const char *id = patch->stage[show_chance(s, patch->n_stages)].id;
	const char *from = show_end(s, patch, true), *to = show_end(s, patch, false);
	char fresh[FB_ID_LEN];
	bool spare = !strncmp(id, "t_", 2) || !strncmp(type->id, "t_", 2);
	snprintf(fresh, sizeof fresh, "new_%u", show_chance(s, 1000));
	switch (show_chance(s, 7)) {
	case 0:
		return spare ? FB_OK : fb_patch_add(patch, type, fresh, to, error);
	case 1:
		return spare ? FB_OK : fb_patch_remove(patch, id, error);
	case 2:
		return fb_patch_move(patch, id, show_chance(s, 2) ? from : NULL, error);
	case 3:
		return spare ? FB_OK : fb_patch_replace(patch, id, type, error);
	case 4:
		return fb_patch_connect(patch, from, to, 0.5, error);
	case 5:
		return fb_patch_disconnect(patch, from, to, error);
	default:
		return fb_patch_weigh(patch, from, to, 0.25, error);
	}
}

/** An edit of the patch in force, with undo, or such a step taken back or forth. */
static void show_edit(show *s, fb_station *station)
{
	fb_error error;
	fb_status status;
	if (show_chance(s, 4) == 0) {
		status = show_chance(s, 2) ? fb_station_undo(station, -1, &error)
								   : fb_station_redo(station, -1, &error);
	} else {
		fb_patch *next = fb_patch_copy(fb_station_patch(station));
		status = show_change(s, next, &error);
		if (!status) {
			status = fb_station_edit(station, next, -1, &error);
		}
		if (status) {
			fb_patch_destroy(next);
		}
	}
	s->edits += !status;
	s->refusals += status != FB_OK;
}

/** Every parameter of a patch somewhere else: those that glide, or the others, and bypasses. */
static void show_move(show *s, fb_patch *patch, bool gliding)
{
	for (uint32_t i = 0; i < patch->n_stages; i++) {
		fb_stage *stage = &patch->stage[i];
		for (uint32_t p = 0; strcmp(stage->type->id, "t_fail") && p < stage->type->n_params; p++) {
			const fb_param_info *info = &stage->type->params[p];
			double to = fb_scale_from_norm(info->scale, (double)info->min, (double)info->max,
				(double)show_chance(s, 1001) / 1000.0);
			bool moves = !(info->flags & FB_PARAM_REPREPARE) && (info->kind == FB_FLOAT) == gliding;
			stage->values[p] = moves ? fb_param_fit(info, (float)to) : stage->values[p];
		}
		stage->bypass ^= !gliding && show_chance(s, 3) == 0;
	}
}

/** As a scene does it: over a time, and in its middle what cannot glide. */
static void show_morph(show *s, fb_station *station)
{
	fb_error error;
	fb_patch *start = fb_patch_copy(fb_station_patch(station));
	show_move(s, start, true);
	fb_patch *end = fb_patch_copy(start);
	show_move(s, end, false);
	fb_engine_begin(s->engine);
	assert_int_equal(fb_station_edit(station, start, 300, &error), FB_OK);
	assert_int_equal(
		fb_station_turn(station, end, show_chance(s, 1u << FB_SWITCHES), 150, &error), FB_OK);
	fb_engine_end(s->engine);
	s->edits++;
}

/** The patch of a station that has turned follows. */
static void show_follow(show *s, fb_station *station)
{
	fb_error error;
	if (fb_station_turned(station)) {
		fb_patch *patch = fb_patch_copy(fb_station_patch(station));
		s->turns += fb_station_turn_in(station, patch);
		fb_station_end_turn(station);
		assert_int_equal(fb_station_apply(station, patch, -1, &error), FB_OK);
	}
}

static void show_misbehave(show *s, const char *mode)
{
	fb_error error;
	const fb_patch *patch = fb_station_patch(s->station[0]);
	int stage = fb_patch_find(patch, "t_fail");
	const fb_param_info *info = &patch->stage[stage].type->params[0];
	for (int i = 0; i <= (int)info->max; i++) {
		if (!strcmp(info->choices[i], mode)) {
			assert_int_equal(
				fb_station_set(s->station[0], (uint32_t)stage, 0, (float)i, -1, &error), FB_OK);
		}
	}
}

static void show_read(show *s)
{
	static fb_tap_block block;
	for (uint32_t i = 0; i < SHOW_STATIONS; i++) {
		while (fb_ring_read(fb_engine_tap(s->engine, i), &block)) {
			s->tap_blocks++;
		}
		show_follow(s, s->station[i]);
		fb_station_service(s->station[i]);
	}
	fb_engine_service(s->engine);
}

/** What control does every SHOW_STEP frames, or every period if that is longer. */
static void show_control(show *s, uint64_t step)
{
	fb_station *station = s->station[show_chance(s, SHOW_STATIONS)];
	for (int i = 0; i < 2 * SHOW_STATIONS; i++) {
		for (uint32_t k = 0; k < s->period; k++) {
			s->in[i][k] = (float)show_chance(s, 20001) / 10000.0f - 1.0f;
		}
	}
	for (int i = 0; i < 3; i++) {
		show_set(s, station, show_chance(s, fb_station_patch(station)->n_stages));
	}
	if (step % 6 == 1) {
		uint32_t stage = show_chance(s, fb_station_patch(station)->n_stages);
		fb_station_bypass(station, stage, show_chance(s, 2));
		fb_station_switch(station, (fb_switch)show_chance(s, FB_SWITCHES), show_chance(s, 2));
	}
	if (step % 32 == 0) {
		fb_error error;
		if (fb_station_edit(station, show_patch(s), step % 64 ? -1 : 100, &error)) {
			fail_msg("%s: %s", error.where, error.text);
		}
		s->edits++;
	} else if (step % 4 == 0) {
		show_edit(s, station);
	} else if (step % 30 == 7) {
		show_morph(s, station);
	}
	if (step % 20 == 3) {
		uint32_t i = show_chance(s, SHOW_STATIONS);
		fb_engine_set_ceiling(s->engine, i, (double)show_chance(s, 60) - 59.0);
		fb_engine_set_budget(s->engine, i, 1e-6);
		fb_engine_forget_worst(s->engine);
	}
	if (step % 60 == 40) {
		fb_engine_panic(s->engine, true);
	} else if (step % 60 == 42) {
		fb_engine_panic(s->engine, false);
	}
	if (step % 100 == 50) {
		show_misbehave(s, "nan");
	} else if (step % 100 == 51) {
		show_misbehave(s, s->misdeed && step > 100 ? s->misdeed : "pass");
		s->in[0][3] = NAN;
	}
	show_read(s);
}

static void show_open(show *s, uint32_t period, uint32_t seconds, uint32_t threads, fb_spawn *spawn)
{
	fb_engine_options options = {.stations = SHOW_STATIONS,
		.rate_hz = 48000,
		.period = period,
		.taps = true,
		.threads = threads,
		.spawn = spawn,
		.patient = true};
	fb_error error;
	*s = (show){
		.period = period, .seconds = seconds, .threads = threads, .seed = 88172645463325252u};
	assert_int_equal(fb_engine_create(&options, &s->engine, &error), FB_OK);
	for (uint32_t i = 0; i < SHOW_STATIONS; i++) {
		assert_int_equal(
			fb_station_create(s->engine, i, show_patch(s), &s->station[i], &error), FB_OK);
		fb_engine_set_tap(s->engine, i, true);
	}
}

static void show_close(show *s)
{
	fb_engine_destroy(s->engine);
	for (uint32_t i = 0; i < SHOW_STATIONS; i++) {
		fb_station_destroy(s->station[i]);
	}
}

/** The whole show: `audio` is what the thread runs, with the show. Returns false if it died. */
static bool show_run(show *s, void *(*audio)(void *))
{
	uint64_t each = s->period < SHOW_STEP ? SHOW_STEP / s->period : 1;
	uint64_t steps = s->seconds * 48000u / s->period / each;
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, audio, s), 0);
	for (uint64_t i = 0; i < steps; i++) {
		show_control(s, i);
		atomic_store(&s->asked, (i + 1) * each);
		while (atomic_load(&s->done) < (i + 1) * each) {
			if (!pthread_tryjoin_np(thread, NULL)) {
				return false;
			}
			sched_yield();
		}
	}
	atomic_store(&s->over, true);
	pthread_join(thread, NULL);
	return true;
}

/** Was it the show it was meant to be? */
static void show_check(const show *s)
{
	fb_engine_counts counts;
	fb_engine_count(s->engine, &counts);
	assert_in_range(s->edits, s->seconds * 4, 1000);
	assert_in_range(s->sets, s->seconds * 100, 1000000);
	assert_in_range(s->turns, s->seconds, 1000);
	assert_in_range(s->tap_blocks, SHOW_STATIONS * 48000 / FB_TICK * (s->seconds - 1), 100000000);
	assert_in_range(counts.faults, 2, 10000);
	assert_true(counts.bad_samples > 0);
	assert_true(s->refusals > 0);
	assert_int_equal(counts.helped > 0, s->threads > 1);
	assert_int_equal(counts.events_orphan + counts.events_lost + counts.replies_lost, 0);
}

#endif
