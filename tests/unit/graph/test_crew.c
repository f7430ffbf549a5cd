/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stations shared out among threads: the same bits at any number of them, through events, edits,
   switches and faults; and a thread that is late holds nobody up. */
/* pytest: threads */
#include "testing.h"

#include "../../../graph/station.h"

#include "rig.h"
#include "stand.h"

#include <errno.h>
#include <time.h>

enum { STATIONS = 7, FRAMES = 24576, LATE_STATIONS = 4 };

static const char *const patches[] = {
	"{'stages': [{'type': 'eq'}, {'type': 'comp'}, {'type': 'reverb'}, {'type': 't_echo'}]}",
	"{'stages': [{'type': 'comp'}, {'type': 't_delay', 'parameters': {'frames': 77}}]}",
	"{'stages': [{'type': 't_fail'}, {'type': 'exciter'}, {'type': 'delay'}, {'type': 'gain'}]}",
};

typedef struct rack {
	fb_engine *engine;
	fb_station *station[STATIONS];
	uint32_t n;
} rack;

static void rack_open(rack *r, const fb_engine_options *options)
{
	fb_error error;
	*r = (rack){.n = options->stations};
	assert_int_equal(fb_engine_create(options, &r->engine, &error), FB_OK);
	for (uint32_t i = 0; i < r->n; i++) {
		fb_patch *patch = stand_patch(patches[i % 3]);
		assert_int_equal(fb_station_create(r->engine, i, patch, &r->station[i], &error), FB_OK);
	}
}

static void rack_close(rack *r)
{
	fb_engine_destroy(r->engine);
	for (uint32_t i = 0; i < r->n; i++) {
		fb_station_destroy(r->station[i]);
	}
}

static fb_engine_counts rack_counts(const rack *r)
{
	fb_engine_counts counts;
	fb_engine_count(r->engine, &counts);
	return counts;
}

static void rack_set(rack *r, uint32_t station, const char *stage, const char *param, double value)
{
	fb_error error;
	const fb_patch *patch = fb_station_patch(r->station[station]);
	int s = fb_patch_find(patch, stage);
	int p = fb_node_param(patch->stage[s].type, param);
	assert_int_equal(
		fb_station_set(r->station[station], (uint32_t)s, (uint32_t)p, (float)value, -1, &error),
		FB_OK);
}

/* --- the same bits */

static float in[2 * STATIONS][FRAMES];

/** An edit, an undo, a ride, a switch or a fault, by the frame alone. */
static void control(rack *r, uint32_t step)
{
	fb_error error;
	fb_station *station = r->station[step % STATIONS];
	uint32_t i = step % STATIONS;
	if (step % 5 == 0) {
		fb_station_remember(station);
		assert_int_equal(
			fb_station_apply(station, stand_patch(patches[step / 5 % 3]), -1, &error), FB_OK);
	} else if (step % 5 == 1 && fb_station_undos(station)) {
		assert_int_equal(fb_station_undo(station, -1, &error), FB_OK);
	} else if (step % 5 == 2) {
		fb_station_switch(station, (fb_switch)(step % FB_SWITCHES), step % 2);
	} else if (fb_patch_find(fb_station_patch(station), "comp") >= 0) {
		rack_set(r, i, "comp", "threshold", -10.0 - step % 30);
	} else if (fb_patch_find(fb_station_patch(station), "t_fail") >= 0) {
		rack_set(r, i, "t_fail", "mode", step % 3 == 0);
	}
}

/** A morph's turn some ticks ahead, of the first node's bypass and of a switch; or, once audio has
	made it, the patch follows. */
static void morph(fb_station *station, uint32_t step)
{
	fb_error error;
	fb_patch *patch = fb_patch_copy(fb_station_patch(station));
	if (fb_station_turned(station)) {
		(void)fb_station_turn_in(station, patch);
		fb_station_end_turn(station);
		assert_int_equal(fb_station_apply(station, patch, -1, &error), FB_OK);
	} else if (step % 3 == 0) {
		patch->stage[0].bypass = !patch->stage[0].bypass;
		assert_int_equal(
			fb_station_turn(station, patch, 1u << FB_SWITCH_MUTE, 30.0 + step % 7, &error), FB_OK);
	} else {
		fb_patch_destroy(patch);
	}
}

/** A switch of every station in the middle of a period. */
static void send_timed(rack *r, uint64_t frame)
{
	for (uint32_t i = 0; i < STATIONS; i++) {
		fb_event event = {.frame = frame + 45 + 64 * i,
			.kind = FB_EVENT_STATION,
			.station = (uint16_t)i,
			.param = FB_SWITCH_MONO,
			.value = (float)(frame / 1024 % 2)};
		assert_true(fb_engine_send(r->engine, &event));
	}
}

static fb_engine_counts play(uint32_t threads, uint32_t period, float (*out)[FRAMES])
{
	rack r;
	fb_engine_options options = {.stations = STATIONS,
		.rate_hz = 48000,
		.period = period,
		.threads = threads,
		.patient = true};
	rack_open(&r, &options);
	for (uint32_t at = 0; at < FRAMES; at += period) {
		const float *ins[2 * STATIONS];
		float *outs[2 * STATIONS];
		for (uint32_t c = 0; c < 2 * STATIONS; c++) {
			ins[c] = c == 5 ? NULL : in[c] + at;
			outs[c] = out[c] + at;
		}
		if (at % 1024 == 0) { /* the longest period: control acts at the same frames in all */
			send_timed(&r, at);
			control(&r, at / 1024);
			for (uint32_t i = 0; i < STATIONS; i++) {
				morph(r.station[i], at / 1024 + i);
				fb_station_service(r.station[i]);
			}
		}
		fb_engine_process(r.engine, ins, outs, period);
		fb_engine_service(r.engine);
	}
	fb_engine_counts counts = rack_counts(&r);
	rack_close(&r);
	return counts;
}

static void test_any_number_of_threads(void **state)
{
	(void)state;
	static float alone[2 * STATIONS][FRAMES], out[2 * STATIONS][FRAMES];
	static const struct {
		uint32_t threads, period;
	} runs[] = {{2, 64}, {2, 1024}, {3, 128}, {5, 1024}, {7, 32}, {32, 256}};
	for (uint32_t c = 0; c < 2 * STATIONS; c++) {
		sig_noise(in[c], FRAMES, 0.5, 91u + c);
	}
	fb_engine_counts first = play(1, 1024, alone);
	assert_int_equal(first.helped, 0);
	assert_true(first.faults > 0);
	uint64_t helped = 0;
	size_t n_runs = sizeof runs / sizeof *runs;
	/* on a busy machine a worker may not be given a processor all through a run */
	for (size_t turn = 0; turn < n_runs || (!helped && turn < 50 * n_runs); turn++) {
		size_t i = turn % n_runs;
		memset(out, 0, sizeof out);
		fb_engine_counts counts = play(runs[i].threads, runs[i].period, out);
		for (uint32_t c = 0; c < 2 * STATIONS; c++) {
			for (size_t f = 0; f < FRAMES; f++) {
				if (memcmp(&out[c][f], &alone[c][f], sizeof(float)) != 0) {
					fail_msg("%u threads, period %u: channel %u differs at frame %zu: %a, not %a",
						runs[i].threads, runs[i].period, c, f, (double)out[c][f],
						(double)alone[c][f]);
				}
			}
		}
		helped += counts.helped;
		assert_int_equal(counts.faults, first.faults);
		assert_int_equal(counts.events_late + counts.absences + counts.replies_lost, 0);
	}
	assert_true(helped > 0);
}

/* --- a thread that is late */

typedef struct late_run {
	rack r;
	float in[2 * LATE_STATIONS][64], out[2 * LATE_STATIONS][64];
} late_run;

/** One period. Returns how long it took, in ms. */
static double late_period(late_run *l)
{
	const float *ins[2 * LATE_STATIONS];
	float *outs[2 * LATE_STATIONS];
	struct timespec a, b;
	for (int c = 0; c < 2 * LATE_STATIONS; c++) {
		ins[c] = l->in[c];
		outs[c] = l->out[c];
	}
	clock_gettime(CLOCK_MONOTONIC, &a);
	fb_engine_process(l->r.engine, ins, outs, 64);
	clock_gettime(CLOCK_MONOTONIC, &b);
	fb_engine_service(l->r.engine);
	for (uint32_t i = 0; i < LATE_STATIONS; i++) {
		fb_station_service(l->r.station[i]);
	}
	return 1e3 * (double)(b.tv_sec - a.tv_sec) + 1e-6 * (double)(b.tv_nsec - a.tv_nsec);
}

/* Station 3 (of 4, so the first of the worker's share) sleeps for 80 ms in a period, while the
   caller's own share takes long enough for the worker to have come. The caller waits 5 ms, goes on
   without it, and takes it back; what was sent to it meanwhile is in force. */
static void test_a_late_thread(void **state)
{
	(void)state;
	static late_run l;
	fb_engine_options options = {
		.stations = LATE_STATIONS, .rate_hz = 48000, .period = 64, .threads = 2};
	const uint32_t late = 2;
	bool edited = false;
	fb_error error;
	rack_open(&l.r, &options);
	for (int c = 0; c < 2 * LATE_STATIONS; c++) {
		sig_noise(l.in[c], 64, 0.5, 7u + (unsigned)c);
	}
	for (uint32_t i = 0; i < LATE_STATIONS; i++) {
		fb_patch *patch = stand_patch("{'stages': [{'type': 't_fail'}]}");
		assert_int_equal(fb_station_apply(l.r.station[i], patch, 0, &error), FB_OK);
	}
	for (int i = 0; i < 100; i++) {
		late_period(&l);
	}
	rack_set(&l.r, 0, "t_fail", "mode", 6); /* a nap in each tick */
	late_period(&l);
	rack_set(&l.r, late, "t_fail", "mode", 7);
	uint64_t absent = 0;
	for (int i = 0; i < 200 && absent < 3; i++) {
		double ms = late_period(&l);
		uint64_t absences = rack_counts(&l.r).absences;
		bool away = absences > absent;
		absent = absences;
		for (int k = 0; k < 64; k++) { /* the others go on as ever */
			assert_true(l.out[2][k] == l.in[2][k] && l.out[7][k] == l.in[7][k]);
			assert_true(!away || (l.out[4][k] == 0.0f && l.out[5][k] == 0.0f));
		}
		if (away) {
			assert_true(ms < 79.0); /* the naps, and 5 ms, and what else the machine does */
			rack_set(&l.r, late, "t_fail", "mode", 0);
			if (!edited) {
				fb_patch *patch =
					stand_patch("{'stages': [{'type': 't_fail'}, {'type': 'gain', 'parameters': "
								"{'gain': -6.0206}}]}");
				assert_int_equal(fb_station_apply(l.r.station[late], patch, 0, &error), FB_OK);
				edited = true;
			}
		}
	}
	assert_true(absent > 0);
	rack_set(&l.r, 0, "t_fail", "mode", 0);
	for (int i = 0;
		 i < 5000 && (i < 100 || l.out[4][9] == 0.0f || !fb_engine_settled(l.r.engine, late));
		 i++) {
		late_period(&l);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	assert_true(fb_engine_settled(l.r.engine, late));
	for (int k = 0; k < 64; k++) {
		assert_near(l.out[4][k], 0.5 * (double)l.in[4][k], 1e-5);
	}
	rack_close(&l.r);
}

/* How long the caller waits follows the period: there is time for a worker that needs 80 ms when a
   period has 171. */
static void test_patience_follows_the_period(void **state)
{
	(void)state;
	static late_run l;
	fb_engine_options options = {
		.stations = LATE_STATIONS, .rate_hz = 48000, .period = 64, .threads = 2};
	fb_error error;
	rack_open(&l.r, &options);
	for (uint32_t i = 0; i < LATE_STATIONS; i++) {
		fb_patch *patch = stand_patch("{'stages': [{'type': 't_fail'}]}");
		assert_int_equal(fb_station_apply(l.r.station[i], patch, 0, &error), FB_OK);
	}
	for (int i = 0; i < 100; i++) {
		late_period(&l);
	}
	uint64_t before = rack_counts(&l.r).absences, helped = rack_counts(&l.r).helped;
	fb_engine_set_period(l.r.engine, 8192);
	rack_set(&l.r, 0, "t_fail", "mode", 6);
	late_period(&l);
	rack_set(&l.r, 2, "t_fail", "mode", 7);
	for (int i = 0; i < 6; i++) {
		assert_true(late_period(&l) >= 80.0);
	}
	assert_int_equal(rack_counts(&l.r).absences, before);
	assert_true(rack_counts(&l.r).helped > helped);
	rack_close(&l.r);
}

/* --- threads */

static int refuse(void *ctx, pthread_t *thread, void *(*run)(void *), void *arg)
{
	int *left = ctx;
	return (*left)-- ? pthread_create(thread, NULL, run, arg) : EAGAIN;
}

/* If not all threads can be had there is none, and an error. More threads than stations are not
   asked for. */
static void test_no_thread_to_be_had(void **state)
{
	(void)state;
	int left = 2;
	fb_error error;
	fb_engine *engine = NULL;
	fb_engine_options options = {.stations = 4,
		.rate_hz = 48000,
		.period = 64,
		.threads = 4,
		.spawn = refuse,
		.spawn_ctx = &left};
	assert_int_equal(fb_engine_create(&options, &engine, &error), FB_NO_MEMORY);
	left = 2;
	options.stations = 3;
	assert_int_equal(fb_engine_create(&options, &engine, &error), FB_OK);
	assert_int_equal(left, 0);
	fb_engine_destroy(engine);
	options.threads = FB_THREADS_MAX + 1;
	assert_int_equal(fb_engine_create(&options, &engine, &error), FB_INVALID);
	assert_string_equal(error.where, "threads");
}

/** CPU time of the whole process, in ms. */
static double cpu_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

/* A worker without work sleeps: three of them for 300 ms take less than 30 ms of CPU time. */
static void test_idle_threads_sleep(void **state)
{
	(void)state;
	fb_engine_options options = {.stations = 4, .rate_hz = 48000, .period = 64, .threads = 4};
	rack r;
	rack_open(&r, &options);
	nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	double before = cpu_ms();
	nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
	assert_true(cpu_ms() - before < 30.0);
	rack_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_number_of_threads),
		cmocka_unit_test(test_a_late_thread),
		cmocka_unit_test(test_patience_follows_the_period),
		cmocka_unit_test(test_no_thread_to_be_had),
		cmocka_unit_test(test_idle_threads_sleep),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
