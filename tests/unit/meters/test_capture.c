/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The meter thread's captures. */
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
	for (int i = 0; i < BURSTS; i++) {
		fb_capture *take = fb_capture_create(0, FRAMES);
		fb_meter_report report = {0};
		assert_true(fb_meters_capture(meters, take));
		nap(50); /* until it has been asked for; then all at once */
		stand_run(&s, BURST);
		for (int left = 2000; report.capture != take; left--) {
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_backlog_behind_it_takes_nothing_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
