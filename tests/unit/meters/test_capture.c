/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The meter thread's captures, and how it gives back what it was lent. */
#include "testing.h"

#include "../../../server/meters.h"
#include "stand.h"

#include <time.h>

enum { FRAMES = 1000, BURST = 200 * FB_TICK, BURSTS = 5 };

static void wake(void *ctx)
{
	(void)ctx;
}

static void nap(long ms)
{
	nanosleep(&(struct timespec){0, ms * 1000000}, NULL);
}

/** Until the thread has taken what it was asked for before: a reading tells how often it has been
	told of speech. */
static void await_asked(fb_meters *meters, uint32_t times)
{
	fb_meter_report report = {0};
	fb_meters_set_stt(meters, 0, 0.5);
	for (int left = 20000; report.stt_taken != times; left--) {
		assert_true(left > 0);
		if (!fb_meters_poll(meters, &report)) {
			nap(1);
		}
	}
}

/* A capture that is full is whole, however much of what comes after it the thread finds at once: it
   may have been kept from its work for longer than it takes blocks at a time. */
static void test_a_backlog_behind_it_takes_nothing_away(void **state)
{
	(void)state;
	stand s;
	fb_meters *meters;
	fb_error error;
	stand_open(&s, "{'name': 'wire', 'stages': []}", FB_TICK, BURSTS * BURST);
	assert_int_equal(fb_meters_create(s.engine, wake, NULL, &meters, &error), FB_OK);
	assert_int_equal(fb_meters_await(meters, &error), FB_OK);
	for (uint32_t i = 0; i < BURSTS; i++) {
		fb_capture *take = fb_capture_create(0, FRAMES);
		fb_meter_report report = {0};
		assert_true(fb_meters_capture(meters, take));
		await_asked(meters, i + 1);
		stand_run(&s, BURST); /* all at once */
		for (int left = 20000; report.capture != take; left--) {
			assert_true(left > 0);
			nap(1);
			(void)fb_meters_poll(meters, &report);
		}
		assert_false(take->failed);
		assert_int_equal(take->frame_start, i * BURST);
		assert_memory_equal(
			take->audio[0], s.in[0] + take->frame_start, FRAMES * sizeof *take->audio[0]);
		fb_capture_destroy(take);
	}
	fb_meters_destroy(meters);
	stand_close(&s);
}

/* However long control was away, and however many readings wait for it: a listener comes back. */
static void test_a_listener_is_given_back_to_who_was_away(void **state)
{
	(void)state;
	fb_engine *engine;
	fb_meters *meters;
	fb_error error;
	fb_engine_options options = {
		.stations = FB_STATIONS_MAX, .rate_hz = 48000.0, .period = 64, .taps = true};
	assert_int_equal(fb_engine_create(&options, &engine, &error), FB_OK);
	assert_int_equal(fb_meters_create(engine, wake, NULL, &meters, &error), FB_OK);
	assert_int_equal(fb_meters_await(meters, &error), FB_OK);
	fb_listener *listener = fb_meters_listen(meters, 0, true, NULL);
	assert_non_null(listener);
	for (int i = 0; i < 20; i++) { /* ten readings of each station in a second */
		nap(100);
	}
	fb_meters_unlisten(meters, listener);
	nap(100);
	fb_meter_report report = {0};
	int readings = 0;
	for (int left = 20000; report.listener != listener; left--) {
		assert_true(left > 0);
		if (fb_meters_poll(meters, &report)) {
			readings += !report.listener;
		} else {
			nap(1);
		}
	}
	assert_true(readings > 5 * FB_STATIONS_MAX);
	fb_listener_destroy(listener);
	fb_meters_destroy(meters);
	fb_engine_destroy(engine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_backlog_behind_it_takes_nothing_away),
		cmocka_unit_test(test_a_listener_is_given_back_to_who_was_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
