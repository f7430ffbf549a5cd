/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What happens to a station when a node or its input goes bad: it is heard dry, without a gap,
   within 5 ms, comes back, and everything is counted. */
#include "testing.h"

#include "rig.h"
#include "stand.h"

enum { PERIOD = 64, SECOND = 48000 };

#define TROUBLE                                                                                    \
	"{'stages': [{'type': 'gain', 'id': 'trim', 'parameters': {'gain': -6}}, {'type': 't_fail', "  \
	"'id': 'f'}, {'type': 't_delay', 'id': 'd', 'parameters': {'frames': 32}}]}"

static fb_engine_counts counts(const stand *s)
{
	fb_engine_counts c;
	fb_engine_count(s->engine, &c);
	return c;
}

static void nothing_but(const stand *s, uint64_t bad_samples, uint64_t faults)
{
	fb_engine_counts c = counts(s);
	assert_int_equal(c.bad_samples, bad_samples);
	assert_int_equal(c.faults, faults);
	assert_int_equal(fb_engine_station_faults(s->engine, 0), faults);
	assert_int_equal(c.events_late + c.events_orphan + c.events_lost + c.replies_lost, 0);
}

/** out is in, `late` frames late and `gain` times as loud, over these frames. */
static void expect_signal(const stand *s, size_t first, size_t end, size_t late, double gain)
{
	for (size_t i = first; i < end; i++) {
		assert_near(s->out[0][i], gain * (double)s->in[0][i - late], 1e-6);
		assert_near(s->out[1][i], gain * (double)s->in[1][i - late], 1e-6);
	}
}

static void fails_once(double mode)
{
	const double trimmed = pow(10, -6 / 20.0);
	stand s;
	stand_open(&s, TROUBLE, PERIOD, 3 * SECOND);
	double own = stand_bend(s.in[0], 0, 4800);
	stand_run(&s, SECOND / 2);
	size_t at = s.at;
	expect_signal(&s, 100, at, 32, trimmed);
	stand_set(&s, "f", "mode", mode);
	stand_run(&s, PERIOD);
	stand_set(&s, "f", "mode", 0);
	stand_run(&s, 2 * SECOND);
	nothing_but(&s, 0, 2); /* two ticks in the period */
	assert_true(sig_finite(s.out[0], s.at) && sig_finite(s.out[1], s.at));
	/* dry within 5 ms of the last of them, for a second, then processed within 5 ms */
	expect_signal(&s, at + PERIOD + 240, at + SECOND, 32, 1.0);
	expect_signal(&s, at + SECOND + 400, s.at, 32, trimmed);
	/* no gap and no click on the way there and back: -80 dBFS beyond the sine's own bend */
	assert_true(stand_bend(s.out[0], at - 100, SECOND + 1000) < own + 1e-4);
	stand_close(&s);
}

static void test_nan(void **state)
{
	(void)state;
	fails_once(1);
}

static void test_infinity(void **state)
{
	(void)state;
	fails_once(2);
}

/* A node that fails for ever: the station stays dry, and no more is heard of it. */
static void test_fails_for_ever(void **state)
{
	(void)state;
	stand s;
	stand_open(&s, TROUBLE, PERIOD, 3 * SECOND);
	stand_run(&s, SECOND / 2);
	size_t at = s.at;
	stand_set(&s, "f", "mode", 1);
	stand_run(&s, 2 * SECOND);
	expect_signal(&s, at + 240, s.at, 32, 1.0);
	nothing_but(&s, 0, (s.at - at) / FB_TICK);
	/* mute and bypass work as ever */
	fb_station_switch(s.station, FB_SWITCH_MUTE, true);
	stand_run(&s, SECOND / 4);
	assert_true(sig_peak(s.out[0] + s.at - 1000, 1000) == 0.0);
	stand_close(&s);
}

/* Finite numbers whose sum is not: no node is to blame, but what leaves is finite. */
static void test_sum_overflows(void **state)
{
	(void)state;
	stand s;
	stand_open(&s,
		"{'stages': [{'type': 't_fail', 'id': 'f'}], 'connections': [{'from': 'in', 'to': 'f'}, "
		"{'from': 'f', 'to': 'out', 'weight': 4}]}",
		PERIOD, SECOND);
	stand_run(&s, SECOND / 4);
	size_t at = s.at;
	stand_set(&s, "f", "mode", 3);
	stand_run(&s, SECOND / 4);
	assert_true(sig_finite(s.out[0], s.at) && sig_finite(s.out[1], s.at));
	assert_true(sig_peak(s.out[0] + at, s.at - at) <= 1.01);
	expect_signal(&s, at + 240, s.at, 0, 1.0);
	stand_set(&s, "f", "mode", 0);
	stand_run(&s, SECOND / 4);
	assert_true(counts(&s).faults > 0);
	stand_close(&s);
}

/* Every kind of bad sample in every place of a tick: those and no others become silence. */
static void test_bad_input(void **state)
{
	(void)state;
	const float bad[] = {NAN, INFINITY, -INFINITY};
	stand s;
	stand_open(&s, "{'stages': [{'type': 't_echo'}]}", PERIOD, SECOND / 2);
	size_t n = 0;
	for (size_t i = 1000; i + 100 < s.frames && n < 96; i += 33, n++) {
		s.in[n % 2][i] = bad[n % 3];
	}
	stand_run(&s, 4736); /* until the first echo */
	size_t ticks = 0, silenced = 0;
	for (size_t i = 0; i < s.at; i++) {
		for (int c = 0; c < 2; c++) {
			bool good = isfinite(s.in[c][i]);
			silenced += !good;
			assert_true(s.out[c][i] == (good ? s.in[c][i] : 0.0f));
		}
		ticks += !isfinite(s.in[0][i]) || !isfinite(s.in[1][i]);
	}
	assert_int_equal(silenced, 96);
	nothing_but(&s, ticks, 0);
	assert_int_equal(fb_engine_station_bad(s.engine, 0), silenced);
	/* both sides bad in one tick is one tick */
	s.in[0][s.at] = s.in[1][s.at] = s.in[0][s.at + 1] = NAN;
	stand_run(&s, PERIOD);
	nothing_but(&s, ticks + 1, 0);
	assert_int_equal(fb_engine_station_bad(s.engine, 0), silenced + 3);
	stand_close(&s);
}

/* The bad side does not matter while the station takes its input from the other alone, but it is
   told all the same. No input connected is silence, not an error. */
static void test_mono_and_nothing(void **state)
{
	(void)state;
	stand s;
	stand_open(&s, "{}", PERIOD, SECOND / 2);
	fb_station_switch(s.station, FB_SWITCH_MONO, true);
	stand_run(&s, 1024);
	s.in[1][s.at + 5] = NAN;
	stand_run(&s, PERIOD);
	assert_memory_equal(s.out[1] + 960, s.in[0] + 960, 128 * sizeof(float));
	nothing_but(&s, 1, 0);
	const float *none[2] = {NULL, NULL};
	float *out[2] = {s.out[0], s.out[1]};
	fb_engine_process(s.engine, none, out, PERIOD);
	assert_true(sig_peak(s.out[0], PERIOD) == 0.0);
	nothing_but(&s, 1, 0);
	stand_close(&s);
}

/* A fault while an edit fades in is like any other. */
static void test_fault_in_a_fade(void **state)
{
	(void)state;
	stand s;
	stand_open(&s, "{'stages': [{'type': 'gain', 'id': 'g'}]}", PERIOD, 3 * SECOND);
	stand_run(&s, SECOND / 4);
	stand_edit(&s, "{'stages': [{'type': 'gain', 'id': 'g'}, {'type': 't_fail', 'id': 'f', "
				   "'parameters': {'mode': 'nan'}}]}");
	stand_run(&s, SECOND / 4);
	assert_true(fb_engine_settled(s.engine, 0));
	stand_set(&s, "f", "mode", 0);
	stand_run(&s, 2 * SECOND);
	assert_true(sig_finite(s.out[0], s.at));
	expect_signal(&s, 1000, s.at, 0, 1.0);
	assert_true(counts(&s).faults > 100);
	stand_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nan),
		cmocka_unit_test(test_infinity),
		cmocka_unit_test(test_fails_for_ever),
		cmocka_unit_test(test_sum_overflows),
		cmocka_unit_test(test_bad_input),
		cmocka_unit_test(test_mono_and_nothing),
		cmocka_unit_test(test_fault_in_a_fade),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
