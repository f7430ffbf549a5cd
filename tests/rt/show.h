/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A busy show, for tests of what the audio thread may not do: every node there is, in four
	stations, parameters ridden, stages added, moved and replaced, switches thrown, taps read, a
	node that fails. One thread processes, the other controls, in step with each other by atomics
	alone, so that the audio thread needs nothing from the system. */
#ifndef FB_SHOW_H
#define FB_SHOW_H

#include "testing.h"

#include "../../graph/station.h"

#include "stand.h"

#include <pthread.h>
#include <sched.h>

enum { SHOW_STATIONS = 4, SHOW_PERIOD_MAX = 128, SHOW_STEP = 8 };

typedef struct show {
	fb_engine *engine;
	fb_station *station[SHOW_STATIONS];
	uint32_t period, seconds;
	const char *misdeed; ///< what t_fail is told to do once, or NULL
	void (*begin)(void); ///< in the audio thread, before and after each period; may be NULL
	void (*end)(void);
	float in[2 * SHOW_STATIONS][SHOW_PERIOD_MAX], out[2 * SHOW_STATIONS][SHOW_PERIOD_MAX];
	_Atomic uint64_t asked, done; ///< periods
	_Atomic bool over;
	uint64_t edits, sets, tap_blocks;
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
		fb_station_service(s->station[i]);
	}
	fb_engine_service(s->engine);
}

/** What control does every SHOW_STEP periods. */
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
	if (step % 12 == 0) {
		fb_error error;
		fb_patch *next = show_patch(s);
		fb_station_remember(station);
		if (fb_station_apply(station, next, step % 24 ? -1 : 100, &error)) {
			fail_msg("%s: %s", error.where, error.text);
		}
		s->edits++;
	}
	if (step % 100 == 50) {
		show_misbehave(s, "nan");
	} else if (step % 100 == 51) {
		show_misbehave(s, s->misdeed && step > 100 ? s->misdeed : "pass");
		s->in[0][3] = NAN;
	}
	show_read(s);
}

static void show_open(show *s, uint32_t period, uint32_t seconds)
{
	fb_engine_options options = {
		.stations = SHOW_STATIONS, .rate_hz = 48000, .period = period, .taps = true};
	fb_error error;
	*s = (show){.period = period, .seconds = seconds, .seed = 88172645463325252u};
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
	uint64_t steps = s->seconds * 48000u / s->period / SHOW_STEP;
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, audio, s), 0);
	for (uint64_t i = 0; i < steps; i++) {
		show_control(s, i);
		atomic_store(&s->asked, (i + 1) * SHOW_STEP);
		while (atomic_load(&s->done) < (i + 1) * SHOW_STEP) {
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
	assert_in_range(s->tap_blocks, SHOW_STATIONS * 48000 / FB_TICK * (s->seconds - 1), 100000000);
	assert_in_range(counts.faults, 2, 10000);
	assert_true(counts.bad_samples > 0);
	assert_int_equal(counts.events_orphan + counts.events_lost + counts.replies_lost, 0);
}

#endif
