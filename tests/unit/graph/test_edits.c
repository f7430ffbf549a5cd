/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edits while sound runs: no click, tails of what stays are kept, and afterwards it sounds as if
   the patch had always been so. */
#include "testing.h"

#include "../../../graph/offline.h"

#include "rig.h"
#include "stand.h"

enum { SETTLE = 9600, PERIOD = 64 };

/* An edit may bend a steady sine by this much beyond its own curve: -80 dBFS, below what shows in a
   spectrum of programme. A crossfade of d over n frames bends by 6 d / n^2 and its slope times the
   sine's, here 2e-5 at most; a straight one by d / n = 2.6e-4 at each end. */
#define CLICK 1e-4

static void expect_no_click(const stand *s, size_t first, size_t frames, const char *what)
{
	for (int c = 0; c < 2; c++) {
		double own = stand_bend(s->in[c], 0, 4800);
		double bend = stand_bend(s->out[c], first, frames);
		if (bend > own + CLICK) {
			fail_msg("%s: channel %d bends by %.3g, the sine by %.3g", what, c, bend, own);
		}
	}
}

/** Edit a running station from one patch to another and back: no click either way. */
static void edit_and_back(const char *what, const char *a, const char *b)
{
	stand s;
	stand_open(&s, a, PERIOD, 5 * SETTLE);
	stand_run(&s, 2 * SETTLE);
	size_t at = s.at;
	stand_edit(&s, b);
	stand_run(&s, SETTLE);
	stand_edit(&s, a);
	stand_run(&s, SETTLE);
	assert_true(fb_engine_settled(s.engine, 0));
	expect_no_click(&s, at - PERIOD, 2 * SETTLE, what);
	stand_close(&s);
}

#define SERIES(stages) "{'stages': [" stages "]}"
#define NEUTRAL(id) "{'type': 'gain', 'id': '" id "'}"
#define TRIM "{'type': 'gain', 'id': 'trim', 'parameters': {'gain': -3}}"
#define PAD "{'type': 'gain', 'id': 'pad', 'parameters': {'gain': -12}}"
#define ECHO "{'type': 't_echo', 'id': 'echo'}"
#define LATE(n) "{'type': 't_delay', 'id': 'late', 'parameters': {'frames': " #n "}}"

static void test_no_clicks(void **state)
{
	(void)state;
	edit_and_back("add at the front", SERIES(TRIM), SERIES(PAD "," TRIM));
	edit_and_back("add at the end", SERIES(TRIM), SERIES(TRIM "," PAD));
	edit_and_back("add to nothing", SERIES(""), SERIES(PAD));
	edit_and_back("move", SERIES(TRIM "," ECHO "," PAD), SERIES(PAD "," TRIM "," ECHO));
	edit_and_back("swap", SERIES(TRIM "," PAD), SERIES(PAD "," TRIM));
	edit_and_back("replace", SERIES("{'type': 'gain', 'id': 'x', 'parameters': {'gain': -6}}"),
		SERIES("{'type': 't_echo', 'id': 'x'}"));
	edit_and_back("a latency comes", SERIES(TRIM), SERIES(LATE(240) "," TRIM));
	edit_and_back("a latency changes", SERIES(TRIM "," LATE(100)), SERIES(TRIM "," LATE(1000)));
	edit_and_back("a side chain comes",
		"{'stages': [{'type': 't_key', 'id': 'k'}], 'connections': [{'from': 'in', 'to': 'k'}, "
		"{'from': 'k', 'to': 'out'}]}",
		"{'stages': [{'type': 't_key', 'id': 'k'}], 'connections': [{'from': 'in', 'to': 'k'}, "
		"{'from': 'in', 'to': 'k:key', 'weight': 0.5}, {'from': 'k', 'to': 'out'}]}");
	edit_and_back("a weight", "{'connections': [{'from': 'in', 'to': 'out'}]}",
		"{'connections': [{'from': 'in', 'to': 'out', 'weight': -0.5}]}");
	edit_and_back("all goes", SERIES(TRIM "," PAD), "{'connections': []}");
	edit_and_back("a branch", SERIES(TRIM "," PAD),
		"{'stages': [" TRIM "," PAD "," LATE(
			333) "], 'connections': [{'from': 'in', 'to': 'trim'}, {'from': 'trim', 'to': 'pad'}, "
				 "{'from': 'in', 'to': 'late'}, {'from': 'pad', 'to': 'out'}, {'from': 'late', "
				 "'to': "
				 "'out', 'weight': 0.5}]}");
}

/* 4800 frames are whole periods of both sines: an edit that brings in such a delay, by a node or
   beside one, cannot be heard at all, unless the fade goes to a delay that is not full yet. */
static void whole_periods(const char *what, const char *a, const char *b)
{
	stand s;
	stand_open(&s, a, PERIOD, 6 * SETTLE);
	stand_run(&s, 2 * SETTLE);
	size_t at = s.at;
	stand_edit(&s, b);
	stand_run(&s, 2 * SETTLE);
	stand_edit(&s, a);
	stand_run(&s, SETTLE);
	for (int c = 0; c < 2; c++) {
		double off = stand_differ(s.out[c] + at, s.in[c] + at, s.at - at);
		if (off > 1e-5) {
			fail_msg("%s: channel %d is off by %g", what, c, off);
		}
	}
	stand_close(&s);
}

static void test_whole_periods_are_not_heard(void **state)
{
	(void)state;
	whole_periods("a node", SERIES(""), SERIES(LATE(4800)));
	whole_periods("more of it", SERIES(LATE(960)), SERIES(LATE(5760)));
	whole_periods("connections alone",
		"{'stages': [" NEUTRAL("a") "," LATE(
			4800) "], 'connections': [{'from': 'in', 'to': 'a'}, {'from': 'in', 'to': 'late'}, "
				  "{'from': 'a', 'to': 'out'}]}",
		"{'stages': [" NEUTRAL("a") "," LATE(4800) "], 'connections': [{'from': 'in', 'to': 'a'}, "
												   "{'from': 'in', 'to': 'late'}, {'from': "
												   "'late', 'to': 'out', 'weight': 0.5}, {'from': "
												   "'a', 'to': 'out', 'weight': 0.5}]}");
	whole_periods("beside a node",
		"{'stages': [" NEUTRAL("a") "], 'connections': [{'from': 'in', 'to': 'a'}, {'from': 'a', "
									"'to': 'out', 'weight': 0.5}, {'from': 'in', 'to': 'out', "
									"'weight': 0.5}]}",
		"{'stages': [" NEUTRAL("a") "," LATE(4800) "], 'connections': [{'from': 'in', 'to': 'a'}, "
												   "{'from': 'a', 'to': 'late'}, {'from': "
												   "'late', 'to': 'out', 'weight': 0.5}, {'from': "
												   "'in', 'to': 'out', 'weight': 0.5}]}");
}

/* What the edit leads to sounds, once tails are over, as if it had always been so. */
static void test_arrives(void **state)
{
	(void)state;
	static const char *const patches[] = {SERIES(TRIM), SERIES(PAD "," TRIM),
		SERIES(TRIM "," LATE(77) "," PAD), SERIES(""), SERIES(PAD "," LATE(2000)),
		SERIES("{'type': 't_mono', 'id': 'm'}," TRIM), SERIES(PAD "," TRIM)};
	enum { N = sizeof patches / sizeof *patches };
	stand s, fresh;
	stand_open(&s, patches[0], PERIOD, (N + 1) * SETTLE);
	for (int i = 1; i < N; i++) {
		stand_run(&s, SETTLE);
		stand_edit(&s, patches[i]);
		stand_run(
			&s, SETTLE / 2); /* 100 ms: 20 each of entry and fade, 42 of the longest latency */
		s.at -= SETTLE / 2;
		stand_open(&fresh, patches[i], PERIOD, s.at + SETTLE);
		stand_run(&fresh, s.at + SETTLE / 2);
		s.at += SETTLE / 2;
		for (int c = 0; c < 2; c++) {
			assert_memory_equal(s.out[c] + s.at - 500, fresh.out[c] + s.at - 500, 2000);
		}
		stand_close(&fresh);
		s.at -= SETTLE / 2;
	}
	stand_close(&s);
}

/* The echo's tail goes on, bit for bit, through edits on every side of it: compared with the same
   echo never touched. A click of one frame is all it was fed. */
static void tail_is_kept(const char *what, const char *before, const char *after)
{
	stand s, still;
	stand *both[2] = {&s, &still};
	for (int i = 0; i < 2; i++) {
		stand_open(both[i], before, PERIOD, 4 * SETTLE);
		for (int c = 0; c < 2; c++) {
			memset(both[i]->in[c], 0, both[i]->frames * sizeof(float));
			both[i]->in[c][100] = 1.0f;
		}
		stand_run(both[i], 1000 / PERIOD * PERIOD);
	}
	stand_edit(&s, after);
	for (int i = 0; i < 2; i++) {
		stand_run(both[i], 3 * SETTLE);
	}
	/* the repeats come 4800 frames apart, each half of the one before: long after the fade */
	for (size_t i = 4000; i < 30000; i++) {
		if (s.out[0][i] != still.out[0][i]) {
			fail_msg("%s: frame %zu is %g, wanted %g", what, i, (double)s.out[0][i],
				(double)still.out[0][i]);
		}
	}
	assert_true(fabs((double)s.out[0][4900] - 0.5) < 1e-6);
	assert_true(fabs((double)s.out[0][28900] - 1.0 / 64) < 1e-6);
	stand_close(&s);
	stand_close(&still);
}

static void test_tails_are_kept(void **state)
{
	(void)state;
	tail_is_kept("add before", SERIES(ECHO), SERIES(NEUTRAL("a") "," ECHO));
	tail_is_kept("add behind", SERIES(ECHO), SERIES(ECHO "," NEUTRAL("a")));
	tail_is_kept("remove before", SERIES(NEUTRAL("a") "," ECHO), SERIES(ECHO));
	tail_is_kept("remove behind", SERIES(ECHO "," NEUTRAL("a")), SERIES(ECHO));
	tail_is_kept("others change places", SERIES(NEUTRAL("a") "," NEUTRAL("b") "," ECHO),
		SERIES(NEUTRAL("b") "," NEUTRAL("a") "," ECHO));
	tail_is_kept("others change places behind", SERIES(ECHO "," NEUTRAL("a") "," NEUTRAL("b")),
		SERIES(ECHO "," NEUTRAL("b") "," NEUTRAL("a")));
	/* it or its neighbour must come new, and it has more to lose */
	tail_is_kept(
		"it changes places itself", SERIES(ECHO "," NEUTRAL("a")), SERIES(NEUTRAL("a") "," ECHO));
	tail_is_kept("another goes from one end to the other",
		SERIES(NEUTRAL("a") "," NEUTRAL("b") "," ECHO),
		SERIES(ECHO "," NEUTRAL("b") "," NEUTRAL("a")));
}

/* The content of delays between nodes is kept too: a branch beside a node with latency plays on. */
static void test_delays_of_connections_are_kept(void **state)
{
	(void)state;
	static const char before[] = "{'stages': [" LATE(
		9600) "], 'connections': [{'from': 'in', 'to': 'late'}, {'from': 'late', "
			  "'to': 'out', 'weight': 0}, {'from': 'in', 'to': 'out'}]}";
	static const char after[] = "{'stages': [" LATE(9600) "," NEUTRAL(
		"a") "], 'connections': [{'from': 'in', 'to': 'late'}, "
			 "{'from': 'late', 'to': 'a'}, {'from': 'a', 'to': 'out', 'weight': 0}, "
			 "{'from': 'in', 'to': 'out'}]}";
	stand s;
	stand_open(&s, before, PERIOD, 3 * SETTLE);
	stand_run(&s, 6400);
	stand_edit(&s, after);
	stand_run(&s, 2 * SETTLE);
	for (int c = 0; c < 2; c++) {
		assert_memory_equal(s.out[c] + 9600, s.in[c], 14000 * sizeof(float));
	}
	stand_close(&s);
}

/* A station's switches. 5 ms of crossfade bend by 6 d / 240^2 and the slopes' product: under -80 dB
   for these sines, where a straight line would make d / 240. */
static void test_switches_do_not_click(void **state)
{
	(void)state;
	for (int which = 0; which < FB_SWITCH_GUARD; which++) {
		stand s;
		stand_open(&s, SERIES(PAD "," LATE(50)), PERIOD, 3 * SETTLE);
		stand_run(&s, SETTLE);
		fb_station_switch(s.station, (fb_switch)which, true);
		assert_true(fb_station_switched(s.station, (fb_switch)which));
		stand_run(&s, SETTLE);
		fb_station_switch(s.station, (fb_switch)which, false);
		stand_run(&s, SETTLE);
		expect_no_click(&s, SETTLE / 2, 2 * SETTLE, "switch");
		/* within 6 ms of the period that took it up */
		size_t on = SETTLE + 288, n = SETTLE - 300, off = 2 * SETTLE + 288;
		if (which == FB_SWITCH_MUTE) {
			assert_true(sig_peak(s.out[0] + on, n) == 0.0);
		} else if (which == FB_SWITCH_BYPASS) {
			assert_memory_equal(s.out[0] + on, s.in[0] + on - 50, n * sizeof(float));
			assert_memory_equal(s.out[1] + on, s.in[1] + on - 50, n * sizeof(float));
		} else {
			assert_memory_equal(s.out[0] + on + 50, s.out[1] + on + 50, (n - 50) * sizeof(float));
			assert_true(sig_peak(s.out[0] + on, n) > 0.05);
		}
		for (size_t i = off; i < 3 * SETTLE; i++) {
			assert_near(s.out[1][i], (double)s.in[1][i - 50] * 0.251188643, 1e-6);
		}
		stand_close(&s);
	}
}

/* A bypassed stage with latency nulls against the input as late. */
static void test_stage_bypass(void **state)
{
	(void)state;
	stand s;
	stand_open(&s, SERIES(LATE(123)), PERIOD, 3 * SETTLE);
	for (int c = 0; c < 2; c++) {
		sig_noise(s.in[c], s.frames, 0.5, 5u + (unsigned)c);
	}
	stand_run(&s, SETTLE);
	stand_bypass(&s, "late", true);
	stand_run(&s, SETTLE);
	stand_bypass(&s, "late", false);
	stand_run(&s, SETTLE);
	/* through both crossfades: the two sides are the same bits */
	for (int c = 0; c < 2; c++) {
		assert_memory_equal(s.out[c] + 123, s.in[c], (3 * SETTLE - 123) * sizeof(float));
	}
	stand_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_clicks),
		cmocka_unit_test(test_whole_periods_are_not_heard),
		cmocka_unit_test(test_arrives),
		cmocka_unit_test(test_tails_are_kept),
		cmocka_unit_test(test_delays_of_connections_are_kept),
		cmocka_unit_test(test_switches_do_not_click),
		cmocka_unit_test(test_stage_bypass),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
