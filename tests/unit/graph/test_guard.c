/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What protects those who listen: the guard at the ceiling, panic and mute that nothing delays; and
   what tells on the guilty: which node failed, which station takes too long. */
#include "testing.h"

#include "rig.h"
#include "stand.h"

enum { PERIOD = 64, SECOND = 48000, FADE = 240 /* 5 ms */ };

#define LOUD "{'stages': [{'type': 'gain', 'id': 'g', 'parameters': {'gain': 0}}]}"
/* repeats its input for a long time */
#define ECHO                                                                                       \
	"{'stages': [{'type': 'delay', 'id': 'd', 'parameters': {'time': 100, 'feedback': 80, 'mix': " \
	"100}}]}"

static fb_health health(const stand *s)
{
	fb_health h;
	fb_engine_health(s->engine, 0, &h);
	return h;
}

static void guarded(stand *s, const char *json, size_t frames, double ceiling_db)
{
	stand_open(s, json, PERIOD, frames);
	fb_station_switch(s->station, FB_SWITCH_GUARD, true);
	fb_engine_set_ceiling(s->engine, 0, ceiling_db);
}

/* --- the guard */

/* Below the ceiling, and at it, not a bit changes and nothing is late. */
static void test_transparent(void **state)
{
	(void)state;
	stand s;
	guarded(&s, "{}", SECOND, 0.0);
	sig_noise(s.in[0], s.frames, 1.0, 5);
	s.in[1][20000] = -1.0f;
	stand_run(&s, SECOND);
	assert_memory_equal(s.out[0], s.in[0], SECOND * sizeof(float));
	assert_memory_equal(s.out[1], s.in[1], SECOND * sizeof(float));
	assert_true(health(&s).guard_db == 0.0);
	stand_close(&s);
}

/* A signal that doubles every 10 ms up to the largest number there is, then is as before: what
   leaves never exceeds the ceiling by a bit, has no jump (a sine at the ceiling cut off flat bends
   by less than the sum of its slopes, 2 * 2 * pi * 150 Hz / rate), and is itself again in the
   end. */
static void test_runaway(void **state)
{
	(void)state;
	const double ceiling = pow(10.0, 6.0 / 20.0);
	stand s;
	guarded(&s, "{}", 6 * SECOND, 6.0);
	for (int c = 0; c < 2; c++) {
		for (size_t i = SECOND; i < 2 * SECOND + SECOND / 4; i++) {
			double gain = pow(2.0, (double)(i - SECOND) / 480.0);
			s.in[c][i] = (float)fmin(fmax((double)s.in[c][i] * gain, -3e38), 3e38);
		}
	}
	stand_run(&s, 2 * SECOND + SECOND / 4);
	assert_near(health(&s).guard_db, 120.0, 1e-3);
	stand_run(&s, s.frames - s.at);
	for (int c = 0; c < 2; c++) {
		assert_true(sig_finite(s.out[c], s.at));
		assert_true(sig_peak(s.out[c], s.at) <= ceiling * (1 + 1e-7));
		assert_memory_equal(s.out[c], s.in[c], SECOND * sizeof(float));
	}
	assert_true(sig_peak(s.out[0] + 2 * SECOND, SECOND / 8) > 0.9 * ceiling);
	assert_memory_equal(s.out[0] + 5 * SECOND, s.in[0] + 5 * SECOND, SECOND * sizeof(float));
	assert_true(health(&s).guard_db == 0.0);
	stand_close(&s);
}

/* A sine 12 dB above the ceiling comes within a tick, and goes: no click, and 50 ms later the gain
   rises. Both channels are turned down alike. */
static void test_loud_for_a_moment(void **state)
{
	(void)state;
	const double slope = 2.0 * M_PI * 150.0 / 48000.0 * 4.0;
	stand s;
	guarded(&s, LOUD, 3 * SECOND, -12.0);
	stand_run(&s, SECOND / 2);
	stand_set(&s, "g", "gain", 12);
	stand_run(&s, SECOND / 2);
	double ceiling = pow(10.0, -12.0 / 20.0);
	assert_near(health(&s).guard_db, 12.0, 0.1);
	assert_true(sig_peak(s.out[0], s.at) <= ceiling * (1 + 1e-7));
	assert_near(sig_peak(s.out[1] + s.at - 4800, 4800), ceiling, 0.01);
	stand_set(&s, "g", "gain", 0);
	stand_run(&s, 2 * SECOND);
	assert_true(health(&s).guard_db == 0.0);
	assert_memory_equal(s.out[0] + s.at - 9600, s.in[0] + s.at - 9600, 9600 * sizeof(float));
	assert_true(stand_bend(s.out[0], SECOND / 4, s.at - SECOND / 4) < slope * ceiling);
	stand_close(&s);
}

/* A ceiling lowered into the signal is reached within 20 ms; switched off, the guard lets go within
   20 ms; neither clicks. */
static void test_ceiling_and_switch(void **state)
{
	(void)state;
	stand s;
	guarded(&s, "{}", 2 * SECOND, 6.0);
	stand_run(&s, SECOND / 2);
	fb_engine_set_ceiling(s.engine, 0, -32.0);
	stand_run(&s, SECOND / 2);
	assert_true(sig_peak(s.out[0] + SECOND / 2 + 960, 20000) <= 1.000001 * pow(10.0, -32.0 / 20.0));
	assert_true(sig_peak(s.out[0] + SECOND / 2 + 960, 20000) > pow(10.0, -32.5 / 20.0));
	fb_station_switch(s.station, FB_SWITCH_GUARD, false);
	stand_run(&s, SECOND / 2);
	size_t off = SECOND + PERIOD + 960;
	assert_memory_equal(s.out[0] + off, s.in[0] + off, 20000 * sizeof(float));
	/* 0.2250 to go in some 10 ms, beside the sine's own */
	assert_true(stand_bend(s.out[0], SECOND / 4, SECOND) < 0.01);
	stand_close(&s);
}

/* --- panic, mute */

/* Silent 5 ms after the period that sees it, though the ring is full and an edit fades in. The edit
   comes to its end, the tail does not come back, and what sounds again fades in. */
static void test_panic(void **state)
{
	(void)state;
	stand s;
	stand_open(&s, ECHO, PERIOD, 4 * SECOND);
	double own = stand_bend(s.in[0], 0, 4800);
	stand_run(&s, SECOND);
	fb_station_set_fade(s.station, 500);
	stand_edit(&s, "{'stages': [{'type': 'delay', 'id': 'd', 'parameters': {'time': 100, "
				   "'feedback': 80, 'mix': 100}}, {'type': 't_delay', 'id': 'late'}]}");
	stand_run(&s, SECOND / 10);
	assert_false(fb_engine_settled(s.engine, 0));
	fb_event event = {.kind = FB_EVENT_STATION, .param = FB_SWITCH_MONO};
	while (fb_engine_space(s.engine)) {
		assert_true(fb_engine_send(s.engine, &event));
	}
	size_t at = s.at;
	fb_engine_panic(s.engine, true);
	stand_run(&s, SECOND / 2);
	assert_true(sig_peak(s.out[0] + at + FADE, SECOND / 2 - FADE) == 0.0);
	assert_true(sig_peak(s.out[1] + at + FADE, SECOND / 2 - FADE) == 0.0);
	assert_true(stand_bend(s.out[0], at - 200, 600) < own + 0.01);
	assert_true(fb_engine_settled(s.engine, 0) && health(&s).hushed);
	memset(s.in[0] + s.at, 0, (s.frames - s.at) * sizeof(float));
	memset(s.in[1] + s.at, 0, (s.frames - s.at) * sizeof(float));
	fb_engine_panic(s.engine, false);
	at = s.at;
	stand_run(&s, SECOND);
	assert_false(health(&s).hushed);
	assert_true(sig_peak(s.out[0] + at, SECOND) == 0.0); /* the echo would go on for seconds */
	sig_sine(s.in[0] + s.at, SECOND, 48000, 100, 0.25, 0);
	at = s.at;
	stand_run(&s, SECOND);
	assert_true(sig_peak(s.out[0] + at + SECOND / 2, SECOND / 2) > 0.1);
	stand_close(&s);
}

/* A panic that is over at once still fades out, wipes and fades in; one in a station that is muted
   already wipes as well; mute itself waits for nobody. */
static void test_short_panic_and_mute(void **state)
{
	(void)state;
	stand s;
	stand_open(&s, ECHO, PERIOD, 4 * SECOND);
	stand_run(&s, SECOND);
	fb_event event = {.kind = FB_EVENT_STATION, .param = FB_SWITCH_MONO};
	while (fb_engine_space(s.engine)) {
		assert_true(fb_engine_send(s.engine, &event));
	}
	size_t at = s.at;
	fb_station_switch(s.station, FB_SWITCH_MUTE, true);
	stand_run(&s, SECOND / 10);
	assert_true(sig_peak(s.out[0] + at + FADE, s.at - at - FADE) == 0.0);
	fb_engine_panic(s.engine, true);
	stand_run(&s, 2 * PERIOD);
	fb_engine_panic(s.engine, false);
	memset(s.in[0] + s.at, 0, (s.frames - s.at) * sizeof(float));
	memset(s.in[1] + s.at, 0, (s.frames - s.at) * sizeof(float));
	stand_run(&s, SECOND / 10);
	fb_station_switch(s.station, FB_SWITCH_MUTE, false);
	at = s.at;
	stand_run(&s, SECOND);
	assert_true(sig_peak(s.out[0] + at, SECOND) == 0.0);
	stand_close(&s);
}

/* --- who it was */

static void test_the_failing_node(void **state)
{
	(void)state;
	stand s;
	stand_open(&s,
		"{'stages': [{'type': 'gain', 'id': 'trim'}, {'type': 't_fail', 'id': 'first'}, "
		"{'type': 't_fail', 'id': 'second'}]}",
		PERIOD, 2 * SECOND);
	stand_run(&s, SECOND / 10);
	assert_int_equal(health(&s).faults, 0);
	stand_set(&s, "second", "mode", 1);
	stand_run(&s, PERIOD);
	stand_set(&s, "second", "mode", 0);
	stand_run(&s, SECOND / 10);
	assert_string_equal(fb_station_node(s.station, health(&s).faulty), "second");
	stand_set(&s, "first", "mode", 2);
	stand_run(&s, PERIOD);
	assert_string_equal(fb_station_node(s.station, health(&s).faulty), "first");
	assert_null(fb_station_node(s.station, 0));
	stand_edit(&s, "{'stages': [{'type': 'gain', 'id': 'trim'}]}");
	stand_run(&s, SECOND / 2);
	assert_null(fb_station_node(s.station, health(&s).faulty)); /* it has gone */
	stand_close(&s);
}

/* A node that naps a millisecond a tick is what takes the time; the station is over its budget in
   each period; the worst is forgotten when asked. A tick is 667 us. */
static void test_times(void **state)
{
	(void)state;
	stand s;
	fb_time quick, slow;
	stand_open(&s,
		"{'stages': [{'type': 'gain', 'id': 'quick'}, {'type': 't_fail', 'id': 'slow'}]}", PERIOD,
		SECOND);
	fb_engine_set_budget(s.engine, 0, 1.0);
	stand_run(&s, SECOND / 10);
	uint64_t before = health(&s).over;
	stand_set(&s, "slow", "mode", 6);
	stand_run(&s, 14 * PERIOD);
	assert_true(health(&s).over >= before + 14);
	assert_true(health(&s).time.worst_us >= 1000.0 && health(&s).time.worst_share >= 1.5);
	assert_true(fb_station_time(s.station, 0, &quick) && fb_station_time(s.station, 1, &slow));
	assert_true(slow.worst_us >= 1000.0 && slow.mean_us > 10.0 && quick.mean_us > 0.0);
	for (int i = 0; i < 50 && quick.mean_us >= slow.mean_us; i++) { /* it was interrupted: longer */
		stand_run(&s, 14 * PERIOD);
		assert_true(fb_station_time(s.station, 0, &quick) && fb_station_time(s.station, 1, &slow));
	}
	assert_true(quick.mean_us < slow.mean_us && quick.mean_us <= quick.worst_us);
	assert_near(slow.worst_share, slow.worst_us / (32e6 / 48000), 1e-6);
	stand_set(&s, "slow", "mode", 0);
	stand_run(&s, PERIOD);
	fb_engine_forget_worst(s.engine);
	double least = 1e9; /* on a busy machine a single tick may take long */
	for (int i = 0; i < 20; i++) {
		fb_engine_forget_worst(s.engine);
		stand_run(&s, 14 * PERIOD);
		fb_station_time(s.station, 1, &slow);
		least = fmin(least, slow.worst_us);
	}
	assert_true(least < 1000.0);
	stand_close(&s);
}

/* A budget is a share of the time there is, at any rate: a nap of a millisecond a tick is too much
   of a tick of 667 us, and a quarter of one of 4 ms. Naps may be longer than asked for, but few are
   four times as long. */
static void test_a_budget_follows_the_rate(void **state)
{
	(void)state;
	stand s;
	fb_error error;
	stand_open(&s, "{'stages': [{'type': 't_fail', 'id': 'slow', 'parameters': {'mode': 'nap'}}]}",
		PERIOD, SECOND);
	fb_engine_set_budget(s.engine, 0, 1.0);
	stand_run(&s, 20 * PERIOD);
	assert_int_equal(health(&s).over, 20);
	fb_engine_set_rate(s.engine, 8000);
	fb_engine_set_period(s.engine, PERIOD);
	assert_int_equal(fb_station_restart(s.station, &error), FB_OK);
	stand_run(&s, 40 * PERIOD);
	assert_in_range(health(&s).over, 20, 20 + 10);
	assert_true(health(&s).time.worst_us >= 1000.0);
	stand_close(&s);
}

/* How late an event came, at worst. */
static void test_lateness(void **state)
{
	(void)state;
	stand s;
	fb_engine_counts counts;
	stand_open(&s, "{}", PERIOD, SECOND);
	stand_run(&s, 6400);
	fb_event event = {.frame = 6000, .kind = FB_EVENT_STATION, .param = FB_SWITCH_MONO};
	assert_true(fb_engine_send(s.engine, &event));
	event.frame = 6200;
	assert_true(fb_engine_send(s.engine, &event));
	stand_run(&s, PERIOD);
	fb_engine_count(s.engine, &counts);
	assert_int_equal(counts.events_late, 2);
	assert_int_equal(counts.latest, 400);
	fb_engine_forget_worst(s.engine);
	fb_engine_count(s.engine, &counts);
	assert_int_equal(counts.latest, 0);
	event.frame = 6400;
	assert_true(fb_engine_send(s.engine, &event));
	stand_run(&s, PERIOD);
	fb_engine_count(s.engine, &counts);
	assert_int_equal(counts.latest, 64);
	stand_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transparent),
		cmocka_unit_test(test_runaway),
		cmocka_unit_test(test_loud_for_a_moment),
		cmocka_unit_test(test_ceiling_and_switch),
		cmocka_unit_test(test_panic),
		cmocka_unit_test(test_short_panic_and_mute),
		cmocka_unit_test(test_the_failing_node),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_a_budget_follows_the_rate),
		cmocka_unit_test(test_lateness),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
