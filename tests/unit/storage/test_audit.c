/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which entries become which rows, and that a change to a row shows. */
#include "scratch.h"

#include "../../../storage/rides.h"

static fb_audit_entry set(double value, int64_t time_us, char *text, size_t size)
{
	snprintf(text, size, "%g", value);
	return (fb_audit_entry){.time_us = time_us,
		.frame = (uint64_t)(time_us / 20),
		.origin = "osc 127.0.0.1:5000",
		.address = "/station/1/comp/threshold",
		.after = text,
		.outcome = "ok",
		.mergeable = true,
		.value = value};
}

static void post_set(fb_store *store, double value, double before, int64_t time_us)
{
	char after[32], old[32];
	fb_audit_entry entry = set(value, time_us, after, sizeof after);
	snprintf(old, sizeof old, "%g", before);
	entry.before = old;
	assert_int_equal(fb_store_audit(store, &entry), FB_OK);
}

static void test_a_ride_is_one_row(void **state)
{
	(void)state;
	fb_store *store = open_store();
	const double ride[] = {-20, -26.5, -12, -18};
	double before = -24;
	for (int i = 0; i < 4; i++) {
		post_set(store, ride[i], before, 5000000 + i * 250000); /* 250 ms apart: still a ride */
		before = ride[i];
	}
	sync_ok(store);
	json_t *rows = audit_rows(store, NULL);
	assert_int_equal(json_array_size(rows), 1);
	assert_int_equal(integer_of(rows, 0, "count"), 4);
	assert_string_equal(string_of(rows, 0, "old"), "-24");
	assert_string_equal(string_of(rows, 0, "first"), "-20");
	assert_string_equal(string_of(rows, 0, "new"), "-18");
	const json_t *row = json_array_get(rows, 0);
	assert_near(json_real_value(json_object_get(row, "least")), -26.5, 0);
	assert_near(json_real_value(json_object_get(row, "greatest")), -12, 0);
	assert_int_equal(integer_of(rows, 0, "first_time_us"), 5000000);
	assert_int_equal(integer_of(rows, 0, "time_us"), 5750000);
	assert_int_equal(integer_of(rows, 0, "first_frame"), 250000);
	assert_int_equal(integer_of(rows, 0, "frame"), 287500);
	assert_string_equal(string_of(rows, 0, "origin"), "osc 127.0.0.1:5000");
	assert_string_equal(string_of(rows, 0, "outcome"), "ok");
	json_decref(rows);
	fb_store_close(store);
	assert_chain(1, 0);
}

static void test_a_gap_ends_a_ride(void **state)
{
	(void)state;
	fb_store *store = open_store();
	post_set(store, 1, 0, 1000000);
	post_set(store, 2, 1, 1250001);
	sync_ok(store);
	assert_int_equal(outside(scratch_db, "SELECT count(*) FROM audit"), 2);
	fb_store_close(store);
}

static void test_silence_ends_a_ride_by_itself(void **state)
{
	(void)state;
	fb_store *store = open_store();
	post_set(store, 1, 0, 1000000);
	sleep_ms(50);
	assert_int_equal(outside(scratch_db, "SELECT count(*) FROM audit"), 0);
	for (int ms = 0; ms < 5000 && !outside(scratch_db, "SELECT count(*) FROM audit"); ms += 10) {
		sleep_ms(10);
	}
	assert_int_equal(outside(scratch_db, "SELECT count(*) FROM audit"), 1);
	fb_store_close(store);
}

/* Somebody who never lets go of the fader must not keep it out of the audit. */
static void test_a_ride_is_held_for_a_minute_at_most(void **state)
{
	char text[32];
	(void)state;
	fb_rides *rides = fb_rides_create();
	for (int64_t now = 0; now < 100000000; now += 100000) {
		fb_audit_entry entry = set((double)now, now, text, sizeof text);
		fb_rides_add(rides, fb_ride_create(&entry), now);
		fb_rides_expire(rides, now);
	}
	const fb_ride *ended = fb_rides_ended(rides);
	assert_non_null(ended);
	assert_null(ended->next);
	assert_int_equal(ended->count, 600);
	assert_int_equal(ended->last->time_us, 59900000);
	fb_rides_destroy(rides);
}

static void test_another_origin_ends_a_ride(void **state)
{
	(void)state;
	fb_store *store = open_store();
	char text[32];
	post_set(store, 1, 0, 1000000);
	fb_audit_entry other = set(2, 1010000, text, sizeof text);
	other.origin = "http 127.0.0.1:6000";
	assert_int_equal(fb_store_audit(store, &other), FB_OK);
	post_set(store, 3, 2, 1020000);
	sync_ok(store);
	json_t *rows = audit_rows(store, NULL);
	assert_int_equal(json_array_size(rows), 3);
	assert_string_equal(string_of(rows, 2, "new"), "1");
	assert_string_equal(string_of(rows, 1, "new"), "2");
	assert_string_equal(string_of(rows, 0, "new"), "3");
	json_decref(rows);
	fb_store_close(store);
}

static void test_rides_on_two_addresses_do_not_mix(void **state)
{
	(void)state;
	fb_store *store = open_store();
	char text[32];
	for (int i = 0; i < 10; i++) {
		post_set(store, i, i - 1, 1000000 + i * 10000);
		fb_audit_entry other = set(100 + i, 1000000 + i * 10000, text, sizeof text);
		other.address = "/station/2/comp/threshold";
		assert_int_equal(fb_store_audit(store, &other), FB_OK);
	}
	sync_ok(store);
	json_t *rows = audit_rows(store, NULL);
	assert_int_equal(json_array_size(rows), 2);
	assert_int_equal(integer_of(rows, 0, "count"), 10);
	assert_int_equal(integer_of(rows, 1, "count"), 10);
	assert_string_equal(string_of(rows, 1, "address"), "/station/1/comp/threshold");
	json_decref(rows);
	fb_store_close(store);
}

static void test_refusals_and_commands_are_never_merged(void **state)
{
	(void)state;
	fb_store *store = open_store();
	char text[32];
	fb_audit_entry refused = set(99, 1000000, text, sizeof text);
	refused.outcome = "out of range: 0 is the most"; /* mergeable says yes, the outcome no */
	fb_audit_entry command = command_entry("/station/1/undo");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fb_store_audit(store, &refused), FB_OK);
		assert_int_equal(fb_store_audit(store, &command), FB_OK);
	}
	sync_ok(store);
	json_t *rows = audit_rows(store, NULL);
	assert_int_equal(json_array_size(rows), 6);
	assert_string_equal(string_of(rows, 1, "outcome"), "out of range: 0 is the most");
	assert_true(json_is_null(json_object_get(json_array_get(rows, 1), "least")));
	assert_true(json_is_null(json_object_get(json_array_get(rows, 0), "new")));
	json_decref(rows);
	fb_store_close(store);
}

static void test_a_refusal_within_a_ride_keeps_its_place(void **state)
{
	(void)state;
	fb_store *store = open_store();
	char text[32];
	post_set(store, 1, 0, 1000000);
	post_set(store, 2, 1, 1010000);
	fb_audit_entry refused = set(99, 1020000, text, sizeof text);
	refused.mergeable = false;
	refused.outcome = "out of range";
	assert_int_equal(fb_store_audit(store, &refused), FB_OK);
	post_set(store, 3, 2, 1030000);
	sync_ok(store);
	json_t *rows = audit_rows(store, NULL);
	assert_int_equal(json_array_size(rows), 3);
	assert_int_equal(integer_of(rows, 2, "count"), 2);
	assert_string_equal(string_of(rows, 1, "outcome"), "out of range");
	assert_string_equal(string_of(rows, 0, "new"), "3");
	json_decref(rows);
	fb_store_close(store);
}

static void test_values_no_ride_can_hold(void **state)
{
	(void)state;
	fb_store *store = open_store();
	post_set(store, -0.0, 0, 1000000); /* SQLite stores +0: the hash must too */
	sync_ok(store);
	post_set(store, (double)NAN, 0, 2000000);
	post_set(store, (double)INFINITY, 0, 2000000);
	sync_ok(store);
	json_t *rows = audit_rows(store, NULL);
	assert_int_equal(json_array_size(rows), 3);
	json_decref(rows);
	fb_store_close(store);
	assert_chain(3, 0);
}

static void test_text_of_any_kind(void **state)
{
	(void)state;
	fb_store *store = open_store();
	fb_audit_entry entry = command_entry("/station/1/name");
	entry.before = "caf\xc3\xa9, '\"; DROP TABLE audit; --";
	entry.after = "\xff\xfe not UTF-8"; /* an OSC string may hold anything */
	assert_int_equal(fb_store_audit(store, &entry), FB_OK);
	entry.before = entry.after = "";
	assert_int_equal(fb_store_audit(store, &entry), FB_OK);
	json_t *rows = audit_rows(store, NULL);
	assert_string_equal(string_of(rows, 1, "old"), "caf\xc3\xa9, '\"; DROP TABLE audit; --");
	assert_string_equal(string_of(rows, 1, "new"), "?? not UTF-8");
	assert_string_equal(string_of(rows, 0, "old"), "");
	json_decref(rows);
	fb_store_close(store);
	assert_chain(2, 0);
}

static void test_reading_by_pattern_and_limit(void **state)
{
	(void)state;
	fb_store *store = open_store();
	for (int station = 1; station <= 12; station++) {
		char address[64];
		snprintf(address, sizeof address, "/station/%d/undo", station);
		fb_audit_entry entry = command_entry(address);
		assert_int_equal(fb_store_audit(store, &entry), FB_OK);
	}
	json_t *rows = audit_rows(store, "/station/1*/undo");
	assert_int_equal(json_array_size(rows), 4);
	assert_string_equal(string_of(rows, 0, "address"), "/station/12/undo");
	json_decref(rows);
	rows = audit_rows(store, "/station/7/undo");
	assert_int_equal(json_array_size(rows), 1);
	assert_int_equal(integer_of(rows, 0, "id"), 7);
	json_decref(rows);
	answer two = {0};
	assert_int_equal(fb_store_audit_rows(store, NULL, 2, keep_rows, &two), FB_OK);
	wait_for(store, &two);
	assert_int_equal(json_array_size(two.rows), 2);
	assert_int_equal(integer_of(two.rows, 1, "id"), 11);
	json_decref(two.rows);
	char *endless = malloc(60001); /* SQLite itself stops at 50000 */
	memset(endless, 'a', 60000);
	endless[60000] = '\0';
	assert_int_equal(fb_store_audit_rows(store, endless, 0, keep_rows, &two), FB_INVALID);
	assert_mentions(fb_store_refusal(store)->text, "longer");
	free(endless);
	fb_store_close(store);
}

/* Ten rows of all kinds; the store is closed. */
static void write_ten(void)
{
	fb_store *store = open_store();
	for (int i = 0; i < 10; i++) {
		if (i % 2) {
			post_set(store, i, i - 1, i * 1000000);
		} else {
			fb_audit_entry entry = command_entry("/scene/save");
			entry.after = "evening";
			assert_int_equal(fb_store_audit(store, &entry), FB_OK);
		}
		sync_ok(store);
	}
	fb_store_close(store);
	assert_chain(10, 0);
}

static void test_a_changed_row_shows(void **state)
{
	static const char *const changes[] = {"time_us = time_us + 1", "frame = frame - 1",
		"origin = 'engine'", "address = '/scene/load'", "old = '0'", "new = '3.00'", "new = NULL",
		"outcome = 'refused'", "count = 2", "first_time_us = 1", "first_frame = 1", "first = '-1'",
		"least = least + 1e-9", "least = NULL", "greatest = 4",
		"hash = '0' || substr(hash, 2) || ' '", "hash = upper(hash)",
		"address = address || char(0) || 'x'"};
	(void)state;
	write_ten();
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		char sql[512];
		outside(scratch_db, "CREATE TABLE kept AS SELECT * FROM audit WHERE id = 4");
		snprintf(sql, sizeof sql, "UPDATE audit SET %s WHERE id = 4", changes[i]);
		outside(scratch_db, sql);
		uint64_t rows, broken;
		fb_error error;
		assert_int_equal(fb_store_verify(scratch_db, &rows, &broken, &error), FB_OK);
		if (broken != 4) {
			fail_msg("%s: broken at %d, not at 4", changes[i], (int)broken);
		}
		outside(scratch_db, "DELETE FROM audit WHERE id = 4; INSERT INTO audit SELECT * FROM kept; "
							"DROP TABLE kept");
		assert_chain(10, 0);
	}
}

static void test_a_missing_row_shows(void **state)
{
	(void)state;
	write_ten();
	outside(scratch_db, "CREATE TABLE kept AS SELECT * FROM audit");
	outside(scratch_db, "DELETE FROM audit WHERE id = 1");
	assert_chain(9, 1);
	outside(scratch_db, "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept WHERE id <> 6");
	assert_chain(9, 6);
	outside(scratch_db, "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept WHERE id < 9");
	assert_chain(8, 9);
	/* Going on does not cover it up. */
	fb_store *store = open_store();
	fb_audit_entry entry = command_entry("/scene/save");
	assert_int_equal(fb_store_audit(store, &entry), FB_OK);
	fb_store_close(store);
	assert_chain(9, 9);
	outside(scratch_db, "DELETE FROM audit");
	assert_chain(0, 1);
}

static void test_two_rows_swapped_show(void **state)
{
	(void)state;
	write_ten();
	outside(scratch_db,
		"UPDATE audit SET id = 100 WHERE id = 4; UPDATE audit SET id = 4 WHERE id = 6;"
		"UPDATE audit SET id = 6 WHERE id = 100");
	assert_chain(10, 4);
}

static void test_the_chain_goes_on_after_reopening(void **state)
{
	(void)state;
	write_ten();
	fb_store *store = open_store();
	fb_audit_entry entry = command_entry("/scene/load");
	assert_int_equal(fb_store_audit(store, &entry), FB_OK);
	sync_ok(store);
	assert_chain(11, 0); /* while the store holds the file */
	fb_store_close(store);
	assert_chain(11, 0);
}

/* A second opinion on the hash, from nothing but what schema/1.sql says. */
static void test_python_computes_the_same_chain(void **state)
{
	static const char script[] =
		"import hashlib, sqlite3, struct, sys\n"
		"previous, n = '0' * 64, 0\n"
		"for row in sqlite3.connect(sys.argv[1]).execute('SELECT * FROM audit ORDER BY id'):\n"
		"    items = [previous, *row[:-3]]\n"
		"    items += [x if x is None else struct.pack('>d', x).hex() for x in row[-3:-1]]\n"
		"    items = [x if x is None else str(x).encode() for x in items]\n"
		"    text = b''.join(b'-,' if x is None else b'%d:%s,' % (len(x), x) for x in items)\n"
		"    previous = hashlib.sha256(text).hexdigest()\n"
		"    assert previous == row[-1], row\n"
		"    n += 1\n"
		"assert n == 10, n\n";
	char path[300], command[700];
	(void)state;
	write_ten();
	snprintf(path, sizeof path, "%s/chain.py", scratch_dir);
	FILE *file = fopen(path, "w");
	fputs(script, file);
	fclose(file);
	snprintf(command, sizeof command, "/usr/bin/python3 '%s' '%s'", path, scratch_db);
	assert_int_equal(system(command), 0);
}

static void test_an_entry_without_a_name_is_refused(void **state)
{
	(void)state;
	fb_store *store = open_store();
	fb_audit_entry entry = command_entry("/scene/save");
	entry.origin = NULL;
	assert_int_equal(fb_store_audit(store, &entry), FB_INVALID);
	assert_string_equal(fb_store_refusal(store)->where, "/scene/save");
	assert_mentions(fb_store_refusal(store)->text, "origin");
	fb_store_close(store);
}

static void test_verify_says_what_it_cannot_read(void **state)
{
	uint64_t rows = 7, broken = 7;
	fb_error error;
	(void)state;
	assert_int_equal(fb_store_verify("/nonexistent/x.db", &rows, &broken, &error), FB_IO);
	assert_string_equal(error.where, "/nonexistent/x.db");
	assert_int_equal(rows, 7); /* untouched on failure */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_ride_is_one_row, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_a_gap_ends_a_ride, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_silence_ends_a_ride_by_itself, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_a_ride_is_held_for_a_minute_at_most, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_another_origin_ends_a_ride, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_rides_on_two_addresses_do_not_mix, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_refusals_and_commands_are_never_merged, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_a_refusal_within_a_ride_keeps_its_place, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_values_no_ride_can_hold, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_text_of_any_kind, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_reading_by_pattern_and_limit, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_a_changed_row_shows, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_a_missing_row_shows, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_two_rows_swapped_show, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_the_chain_goes_on_after_reopening, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_python_computes_the_same_chain, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_an_entry_without_a_name_is_refused, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_verify_says_what_it_cannot_read, scratch_setup, scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
