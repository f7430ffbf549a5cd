/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A hundred thousand entries: all there and in order. What it took is printed, not judged. */
#include "scratch.h"

enum { MANY = 100000 };

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Post MANY entries, as fast as the store takes them; the longest a post took. */
static double post_many(fb_store *store, bool mergeable)
{
	char address[64], after[32];
	double longest = 0;
	for (int i = 0; i < MANY; i++) {
		snprintf(address, sizeof address, "/station/%d/comp/threshold", i % 64 + 1);
		snprintf(after, sizeof after, "%d", i);
		fb_audit_entry entry = command_entry(address);
		entry.time_us = i * 1000;
		entry.before = "-20";
		entry.after = after;
		entry.mergeable = mergeable;
		entry.value = i;
		for (bool taken = false; !taken;) {
			double start = now_s();
			taken = fb_store_audit(store, &entry) == FB_OK;
			longest = fmax(longest, now_s() - start);
			if (!taken) {
				sleep_ms(1);
			}
		}
	}
	return longest;
}

static void run(bool mergeable, uint64_t rows, const char *what)
{
	fb_store *store = open_store();
	double start = now_s();
	double longest = post_many(store, mergeable);
	double posted = now_s() - start;
	sync_ok(store);
	double all = now_s() - start;
	fb_store_close(store);
	start = now_s();
	assert_chain(rows, 0);
	struct stat st;
	assert_int_equal(stat(scratch_db, &st), 0);
	print_message("%d %s: posted in %.3f s (longest post %.0f us), on disk after %.3f s"
				  " (%.0f entries/s), verified in %.3f s, file %.1f MB\n",
		MANY, what, posted, longest * 1e6, all, MANY / all, now_s() - start,
		(double)st.st_size / 1e6);
}

static void test_many_single_rows(void **state)
{
	(void)state;
	run(false, MANY, "single rows");
	assert_int_equal(outside(scratch_db, "SELECT min(new = id - 1) FROM audit"), 1);
}

static void test_many_entries_of_rides(void **state)
{
	(void)state;
	run(true, 64, "entries of 64 rides");
	assert_int_equal(outside(scratch_db, "SELECT sum(count) FROM audit"), MANY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_many_single_rows, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_many_entries_of_rides, scratch_setup, scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
