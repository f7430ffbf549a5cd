/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Floods of sets: merged before they reach the queue, with the rows that they would have made one
   by one, and none lost. */
#include "scratch.h"

#include "../../../storage/gather.h"

#include <time.h>

enum { LEAVES = 700, ROUNDS = 500 };

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void text_of(char tag, double value, char *text, size_t size)
{
	snprintf(text, size, tag == 'T' ? (value != 0.0 ? "true" : "false") : "%g", value);
}

static fb_store *open_for_sets(void)
{
	fb_store *store = NULL;
	fb_error error = {0};
	fb_store_options options = {.path = scratch_db, .text = text_of};
	if (fb_store_open(&options, &store, &error) != FB_OK) {
		fail_msg("%s: %s", error.where, error.text);
	}
	return store;
}

static fb_audit_set set_of(
	const char *address, uint64_t place, double before, double after, int64_t time_us)
{
	return (fb_audit_set){.time_us = time_us,
		.frame = (uint64_t)(time_us / 20),
		.origin = "osc 127.0.0.1:5000",
		.address = address,
		.place = place,
		.tag = 'f',
		.before = before,
		.after = after};
}

/** A row of a leaf whose value grew by one with each set, from k on: what it tells of its ride.
	Returns the value before it. */
static int assert_ride(const json_t *rows, size_t i, int k, int after)
{
	const json_t *row = json_array_get(rows, i);
	int before = atoi(json_string_value(json_object_get(row, "old")));
	assert_int_equal(atoi(json_string_value(json_object_get(row, "first"))), before + 1);
	assert_int_equal(atoi(json_string_value(json_object_get(row, "new"))), after);
	assert_int_equal(integer_of(rows, i, "count"), after - before);
	assert_near(json_real_value(json_object_get(row, "least")), before + 1, 0);
	assert_near(json_real_value(json_object_get(row, "greatest")), after, 0);
	assert_int_equal(integer_of(rows, i, "first_time_us"), 1000000 + (before - k) * 1000);
	assert_int_equal(integer_of(rows, i, "time_us"), 1000000 + (after - 1 - k) * 1000);
	assert_int_equal(integer_of(rows, i, "frame"), integer_of(rows, i, "time_us") / 20);
	return before;
}

/** The rows of all leaves: each set is in one of them, and in its order. */
static void assert_all_rides(const json_t *rows)
{
	int value[LEAVES]; /* before the rows that were seen: the newest come first */
	for (int k = 0; k < LEAVES; k++) {
		value[k] = k + ROUNDS;
	}
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *address = json_object_get(json_array_get(rows, i), "address");
		int k = -1;
		assert_int_equal(sscanf(json_string_value(address), "/leaf/%d", &k), 1);
		assert_in_range(k, 0, LEAVES - 1);
		value[k] = assert_ride(rows, i, k, value[k]);
	}
	for (int k = 0; k < LEAVES; k++) {
		assert_int_equal(value[k], k);
	}
}

/* 350,000 sets as fast as they can be posted: more than twenty times what the queue holds. */
static void test_a_flood_is_kept(void **state)
{
	(void)state;
	static char address[LEAVES][32];
	fb_store *store = open_for_sets();
	double longest_s = 0.0;
	for (int i = 0; i < LEAVES; i++) {
		snprintf(address[i], sizeof address[i], "/leaf/%d", i);
	}
	for (int round = 0; round < ROUNDS; round++) {
		double began_s = now_s();
		for (int i = 0; i < LEAVES; i++) {
			fb_audit_set set = set_of(
				address[i], (uint64_t)i + 1, round + i, round + i + 1, 1000000 + round * 1000);
			assert_int_equal(fb_store_set(store, &set), FB_OK);
		}
		if (round % 7 == 0) {
			fb_store_poll(store);
		}
		longest_s = fmax(longest_s, now_s() - began_s);
	}
	sync_ok(store);
	fb_store_status health;
	fb_store_health(store, &health);
	assert_int_equal(health.lost, 0);
	json_t *rows = audit_rows(store, NULL);
	size_t n = json_array_size(rows);
	assert_all_rides(rows);
	/* one ride each, unless the machine stood still for so long that some have ended */
	assert_true(longest_s > 0.1 ? n >= LEAVES : n == LEAVES);
	json_decref(rows);
	fb_store_close(store);
	assert_chain(n, 0);
}

/* What ends a ride: a pause of more than 250 ms, another origin, any other entry, a new kind of
   value. Two who take turns at two addresses end nothing. */
static void test_what_ends_a_ride(void **state)
{
	(void)state;
	static const struct {
		const char *address, *origin;
		char tag;
		int at_ms;
		double before, after;
		int row; ///< that this set is part of; the refusal is row 4
	} sets[] = {
		{"/a", "one", 'f', 0, 0, 1, 0},
		{"/a", "one", 'f', 250, 1, 2, 0},
		{"/a", "one", 'f', 501, 2, 3, 1},
		{"/a", "two", 'f', 502, 3, 4, 2},
		{"/a", "two", 'T', 803, 0, 1, 3},
		{"/a", "two", 'T', 804, 1, 0, 5},
		{"/b", "two", 'T', 805, 0, 1, 6},
		{"/c", "three", 'T', 805, 0, 1, 7},
		{"/b", "two", 'T', 806, 1, 0, 6},
		{"/c", "three", 'T', 806, 1, 0, 7},
	};
	fb_store *store = open_for_sets();
	for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
		if (sets[i].row == 5) {
			fb_audit_entry refusal = {.time_us = 803500,
				.origin = "two",
				.address = "/a",
				.outcome = "/a: is out of sorts"};
			assert_int_equal(fb_store_audit(store, &refusal), FB_OK);
		}
		fb_audit_set set = set_of(sets[i].address, (uint64_t)sets[i].address[1], sets[i].before,
			sets[i].after, sets[i].at_ms * 1000);
		set.origin = sets[i].origin;
		set.tag = sets[i].tag;
		assert_int_equal(fb_store_set(store, &set), FB_OK);
	}
	sync_ok(store);
	json_t *rows = audit_rows(store, NULL);
	assert_int_equal(json_array_size(rows), 8);
	static const char *const wanted[8][4] = {{"/a", "0", "2", "ok"}, {"/a", "2", "3", "ok"},
		{"/a", "3", "4", "ok"}, {"/a", "false", "true", "ok"}, {"/a", NULL, NULL, NULL},
		{"/a", "true", "false", "ok"}, {"/b", "false", "false", "ok"},
		{"/c", "false", "false", "ok"}};
	for (int i = 0; i < 8; i++) {
		const json_t *row = json_array_get(rows, (size_t)(7 - i));
		assert_string_equal(json_string_value(json_object_get(row, "address")), wanted[i][0]);
		if (wanted[i][1]) {
			assert_string_equal(json_string_value(json_object_get(row, "old")), wanted[i][1]);
			assert_string_equal(json_string_value(json_object_get(row, "new")), wanted[i][2]);
			assert_string_equal(json_string_value(json_object_get(row, "outcome")), wanted[i][3]);
		}
		assert_int_equal(
			json_integer_value(json_object_get(row, "count")), i == 0 || i >= 6 ? 2 : 1);
	}
	json_decref(rows);
	fb_store_close(store);
	assert_chain(8, 0);
}

/* More addresses than it holds: it says so, and begins anew when all have been taken. */
static void test_no_more_than_it_holds(void **state)
{
	(void)state;
	static char address[FB_GATHER_RIDES + 1][16];
	fb_gather *gather = fb_gather_create(text_of);
	assert_non_null(gather);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i <= FB_GATHER_RIDES; i++) {
			snprintf(address[i], sizeof address[i], "/%d", i);
			fb_audit_set set = set_of(address[i], (uint64_t)i + 1, 0, i, 1);
			assert_int_equal(fb_gather_add(gather, &set), i < FB_GATHER_RIDES);
		}
		assert_int_equal(fb_gather_count(gather), FB_GATHER_RIDES);
		for (int i = 0; i < FB_GATHER_RIDES && round < 2; i++) {
			fb_ride *ride = fb_gather_take(gather);
			assert_string_equal(ride->address, address[i]);
			fb_ride_destroy(ride);
		}
	}
	fb_gather_destroy(gather); /* with all of the last round still in it */
	fb_gather_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_flood_is_kept, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_what_ends_a_ride, scratch_setup, scratch_teardown),
		cmocka_unit_test(test_no_more_than_it_holds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
