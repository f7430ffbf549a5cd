/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bringing files forward, with the real steps and with one that does not exist yet. */
#include "scratch.h"

#include "../../../storage/schema.h"

static fb_db open_raw(void)
{
	fb_db db;
	fb_error error;
	assert_int_equal(
		fb_db_open(&db, scratch_db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &error), FB_OK);
	return db;
}

static void test_every_older_version_is_brought_forward(void **state)
{
	(void)state;
	for (int version = 0; version < fb_schema_version; version++) {
		fb_error error;
		remove(scratch_db);
		fb_db db = open_raw();
		assert_int_equal(fb_schema_migrate(&db, fb_schema_steps, version, &error), FB_OK);
		fb_db_close(&db);
		assert_int_equal(outside(scratch_db, "PRAGMA user_version"), version);
		fb_store_close(open_store());
		assert_int_equal(outside(scratch_db, "PRAGMA user_version"), fb_schema_version);
	}
}

static void test_the_tables_are_those_of_the_design(void **state)
{
	(void)state;
	fb_store_close(open_store());
	assert_int_equal(
		outside(scratch_db,
			"SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN"
			" ('session', 'run', 'metric', 'snapshot', 'audit', 'scene', 'proposal', 'setting')"),
		8);
}

/* A file of today under a program that knows one step more. */
static void test_a_step_keeps_what_is_there(void **state)
{
	const char *steps[64];
	fb_error error = {0};
	int next = fb_schema_version + 1;
	(void)state;
	memcpy(steps, fb_schema_steps, (size_t)fb_schema_version * sizeof *steps);
	steps[fb_schema_version] = "ALTER TABLE run ADD COLUMN engine TEXT; CREATE TABLE extra (x); "
							   "INSERT INTO extra VALUES (7)";
	fb_store *store = open_store();
	fb_audit_entry entry = command_entry("/scene/save");
	assert_int_equal(fb_store_audit(store, &entry), FB_OK);
	fb_store_close(store);
	fb_db db = open_raw();
	assert_int_equal(fb_schema_migrate(&db, steps, next, &error), FB_OK);
	assert_int_equal(fb_schema_migrate(&db, steps, next, &error), FB_OK); /* again: nothing to do */
	fb_db_close(&db);
	assert_int_equal(outside(scratch_db, "PRAGMA user_version"), next);
	assert_int_equal(outside(scratch_db, "SELECT sum(x) FROM extra"), 7);
	assert_int_equal(outside(scratch_db, "SELECT count(engine IS NULL) FROM run"), 0);
	assert_int_equal(outside(scratch_db, "SELECT count(*) FROM audit"), 1);
}

static void test_a_step_that_fails_leaves_the_file_as_it_was(void **state)
{
	const char *steps[64];
	fb_error error = {0};
	(void)state;
	memcpy(steps, fb_schema_steps, (size_t)fb_schema_version * sizeof *steps);
	steps[fb_schema_version] = "CREATE TABLE extra (x)";
	steps[fb_schema_version + 1] = "CREATE TABLE more (x); ALTER TABLE nowhere ADD COLUMN y";
	fb_store_close(open_store());
	fb_db db = open_raw();
	assert_int_equal(fb_schema_migrate(&db, steps, fb_schema_version + 2, &error), FB_IO);
	fb_db_close(&db);
	assert_string_equal(error.where, scratch_db);
	assert_mentions(error.text, "nowhere");
	assert_int_equal(outside(scratch_db, "PRAGMA user_version"), fb_schema_version);
	assert_int_equal(
		outside(scratch_db, "SELECT count(*) FROM sqlite_master WHERE name IN ('extra', 'more')"),
		0);
	fb_store_close(open_store());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_every_older_version_is_brought_forward, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_the_tables_are_those_of_the_design, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_a_step_keeps_what_is_there, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_a_step_that_fails_leaves_the_file_as_it_was, scratch_setup, scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
