/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory runs out, in the poster or in the store thread, at any one allocation: the post is
   refused, or its completion says so, or recording stops and comes back; the chain of the audit
   stays whole and every entry that was taken is a row or counted as lost. */
#include "heap.h"
#include "scratch.h"

enum { FRAMES = 480 };

static float channel[FRAMES];

typedef struct outcome {
	fb_status audit, run, sync; ///< of the posts
	answer ran, synced;
} outcome;

static void post_all(fb_store *store, const char *id, outcome *o)
{
	const float *both[2] = {channel, channel};
	json_t *report = json_pack("{s:f, s:{s:f}}", "score", 50.0, "metrics", "rms", -20.0);
	fb_run_record run = {.run_id = id,
		.session = "s",
		.station = 1,
		.time_us = (int64_t)time(NULL) * 1000000,
		.report = report,
		.audio = both,
		.frames = FRAMES,
		.rate_hz = 48000};
	fb_audit_entry entry = command_entry("/scene/save");
	if (report) {
		o->audit = fb_store_audit(store, &entry);
		o->run = fb_store_run(store, &run, keep_rows, &o->ran);
	} else {
		o->audit = o->run = FB_NO_MEMORY;
	}
	o->sync = fb_store_sync(store, keep_rows, &o->synced);
	json_decref(report);
}

static void check_post(fb_status status)
{
	assert_true(status == FB_OK || status == FB_NO_MEMORY);
}

/** What was taken completes, well or with a reason. */
static void check_answer(fb_store *store, fb_status posted, answer *a)
{
	check_post(posted);
	if (posted) {
		assert_int_equal(a->calls, 0);
		return;
	}
	wait_for(store, a);
	assert_int_equal(a->calls, 1);
	if (a->error.status) {
		assert_true(a->error.text[0]);
	}
	json_decref(a->rows);
}

static void wait_recording(fb_store *store)
{
	fb_store_status health;
	for (int ms = 0; fb_store_health(store, &health), !health.recording; ms++) {
		assert_true(ms < 20000);
		fb_store_poll(store);
		sleep_ms(1);
	}
}

/** It may just be about to find that memory had run out; then it comes back and works. */
static void sync_in_the_end(fb_store *store)
{
	wait_recording(store);
	for (int i = 0; sync_status(store); i++) {
		assert_true(i < 10);
		wait_recording(store);
	}
}

/** One round with the n-th allocation failing; was it reached? *kept counts entries and runs. */
static bool round_of(fb_store *store, int n, uint64_t *taken, uint64_t *runs)
{
	char id[32];
	outcome o = {0};
	snprintf(id, sizeof id, "run-%d", n);
	atomic_store(&heap_fail_in, n);
	post_all(store, id, &o);
	check_answer(store, o.sync, &o.synced);
	bool reached = atomic_exchange(&heap_fail_in, -1) < 0;
	check_post(o.audit);
	check_answer(store, o.run, &o.ran);
	wait_recording(store);
	*taken += o.audit == FB_OK;
	if (!o.run && !o.ran.error.status) {
		++*runs;
		answer found = {0};
		assert_int_equal(fb_store_find_run(store, id, keep_rows, &found), FB_OK);
		wait_for(store, &found);
		assert_non_null(found.rows);
		json_decref(found.rows);
	}
	return reached;
}

static void test_any_allocation_fails(void **state)
{
	(void)state;
	if (!heap_watched) {
		skip();
	}
	fb_store *store = NULL;
	fb_error error;
	fb_store_options options = {.path = scratch_db, .retry_ms = 1};
	assert_int_equal(fb_store_open(&options, &store, &error), FB_OK);
	uint64_t taken = 0, runs = 0;
	int n = 0;
	while (round_of(store, n, &taken, &runs)) {
		n++;
	}
	assert_true(n > 20);
	sync_in_the_end(store);
	fb_store_status health;
	fb_store_health(store, &health);
	uint64_t rows = health.rows;
	fb_store_close(store);
	/* rows that tell of a gap come on top; what a failed commit lost is counted */
	assert_true(rows + health.lost >= taken);
	assert_chain(rows, 0);
	assert_int_equal(outside(scratch_db, "SELECT count(*) FROM run"), (long long)runs);
}

static void test_opening(void **state)
{
	(void)state;
	if (!heap_watched) {
		skip();
	}
	fb_store_close(open_store());
	bool done = false;
	for (int n = 0; !done; n++) {
		fb_store_options options = {.path = scratch_db, .retry_ms = 1};
		fb_store *store = NULL;
		fb_error error = {0};
		atomic_store(&heap_fail_in, n);
		fb_status status = fb_store_open(&options, &store, &error);
		done = atomic_exchange(&heap_fail_in, -1) >= 0;
		if (status) {
			assert_null(store);
			assert_true(status == FB_NO_MEMORY || status == FB_IO);
			assert_true(error.text[0]);
		} else {
			sync_in_the_end(store); /* the thread may have failed after it was open */
		}
		fb_store_close(store);
	}
	/* where recording had to stop for a moment, a row says so */
	assert_chain((uint64_t)outside(scratch_db, "SELECT count(*) FROM audit"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_any_allocation_fails, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_opening, scratch_setup, scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
