/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening and its errors, what an acknowledgement is worth, and that posting never waits. */
#include "scratch.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* SQLite's calls to sync a file come here first: no acknowledgement may come before one. */
static _Atomic int synced;

__attribute__((visibility("default"))) int fdatasync(int fd)
{
	atomic_fetch_add(&synced, 1);
	return (int)syscall(SYS_fdatasync, fd);
}

__attribute__((visibility("default"))) int fsync(int fd)
{
	atomic_fetch_add(&synced, 1);
	return (int)syscall(SYS_fsync, fd);
}

static fb_error open_fails(const char *path)
{
	fb_store *store = NULL;
	fb_error error = {0};
	fb_store_options options = {.path = path};
	assert_int_equal(fb_store_open(&options, &store, &error), FB_IO);
	assert_null(store);
	assert_string_equal(error.where, path);
	return error;
}

static void post_commands(fb_store *store, int n)
{
	fb_audit_entry entry = command_entry("/scene/save");
	for (int i = 0; i < n; i++) {
		assert_int_equal(fb_store_audit(store, &entry), FB_OK);
	}
}

/* --- opening */

static void test_a_new_file_and_again(void **state)
{
	(void)state;
	fb_store *store = open_store();
	fb_store_status health;
	fb_store_health(store, &health);
	assert_true(health.recording);
	assert_string_equal(health.reason, "");
	assert_int_equal(health.lost, 0);
	post_commands(store, 3);
	sync_ok(store);
	fb_store_health(store, &health);
	assert_int_equal(health.rows, 3);
	fb_store_close(store);
	store = open_store();
	fb_store_health(store, &health);
	assert_int_equal(health.rows, 0);
	fb_store_close(store);
	fb_store_close(NULL);
	assert_chain(3, 0);
}

static void test_a_file_that_is_no_database(void **state)
{
	(void)state;
	FILE *file = fopen(scratch_db, "w");
	for (int i = 0; i < 1000; i++) {
		fputs("this is somebody's letter\n", file);
	}
	fclose(file);
	assert_mentions(open_fails(scratch_db).text, "not a database");
	struct stat st;
	assert_int_equal(stat(scratch_db, &st), 0);
	assert_int_equal(st.st_size, 26000); /* left as it was */
}

static void test_another_programs_database(void **state)
{
	(void)state;
	outside(scratch_db, "CREATE TABLE recipes (name TEXT)");
	assert_mentions(open_fails(scratch_db).text, "another program");
	assert_int_equal(outside(scratch_db, "SELECT count(*) FROM sqlite_master"), 1);
}

static void test_a_newer_versions_file(void **state)
{
	(void)state;
	fb_store_close(open_store());
	outside(scratch_db, "PRAGMA user_version = 4711");
	fb_error error = open_fails(scratch_db);
	assert_mentions(error.text, "newer");
	assert_mentions(error.text, "4711");
	uint64_t rows, broken;
	assert_int_equal(fb_store_verify(scratch_db, &rows, &broken, &error), FB_IO);
}

static void test_a_broken_file(void **state)
{
	(void)state;
	fb_store_close(open_store());
	assert_int_equal(truncate(scratch_db, 6000), 0); /* page 1 whole, the tables gone */
	assert_mentions(open_fails(scratch_db).text, "malformed");
}

static void test_a_folder_that_is_not_there(void **state)
{
	char path[300];
	(void)state;
	snprintf(path, sizeof path, "%s/none/audit.db", scratch_dir);
	assert_mentions(open_fails(path).text, "No such file");
	snprintf(path, sizeof path, "%s/folder", scratch_dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_mentions(open_fails(path).text, "unable to open");
}

/* As somebody without root's right to write anywhere. */
static void as_nobody(void (*what)(void))
{
	pid_t child = fork();
	if (!child) {
		if (!geteuid() && (setgid(65534) || setuid(65534))) {
			_exit(2);
		}
		what();
		_exit(0);
	}
	int result = -1;
	assert_int_equal(waitpid(child, &result, 0), child);
	assert_int_equal(result, 0);
}

static void expect_readonly(void)
{
	fb_store *store = NULL;
	fb_error error = {0};
	fb_store_options options = {.path = scratch_db};
	fb_status status = fb_store_open(&options, &store, &error);
	bool said = strstr(error.text, "Permission denied") || strstr(error.text, "read-only");
	if (status != FB_IO || !said || strcmp(error.where, scratch_db) != 0) {
		fprintf(stderr, "status %d, %s: %s\n", status, error.where, error.text);
		_exit(1);
	}
}

static void test_a_read_only_folder(void **state)
{
	(void)state;
	assert_int_equal(chmod(scratch_dir, 0555), 0);
	as_nobody(expect_readonly);
	assert_int_equal(chmod(scratch_dir, 0755), 0);
}

static void test_a_read_only_file(void **state)
{
	char lock[300];
	(void)state;
	fb_store_close(open_store());
	snprintf(lock, sizeof lock, "%s.lock", scratch_db);
	assert_int_equal(chmod(lock, 0666) | chmod(scratch_db, 0444) | chmod(scratch_dir, 0777), 0);
	as_nobody(expect_readonly);
}

static void test_a_second_server(void **state)
{
	char pid[32];
	(void)state;
	fb_store *store = open_store();
	fb_error error = open_fails(scratch_db);
	snprintf(pid, sizeof pid, "process %ld", (long)getpid());
	assert_mentions(error.text, "in use by another server");
	assert_mentions(error.text, pid);
	fb_store_close(store);
	fb_store_close(open_store()); /* free again */
}

/* --- what is acknowledged */

static void test_no_acknowledgement_before_the_disk(void **state)
{
	(void)state;
	fb_store *store = open_store();
	for (int i = 0; i < 5; i++) {
		int before = atomic_load(&synced);
		post_commands(store, 1);
		sync_ok(store);
		assert_true(atomic_load(&synced) > before);
	}
	fb_store_close(store);
}

/* A child posts a ride and commands, tells when the sync came back, and is shot. */
static void test_kill_9_after_a_sync_loses_nothing(void **state)
{
	int pipes[2];
	char byte = 0;
	(void)state;
	assert_int_equal(pipe(pipes), 0);
	pid_t child = fork();
	if (!child) {
		fb_store *store = open_store();
		fb_audit_entry entry = command_entry("/station/1/comp/threshold");
		entry.after = "-20";
		entry.mergeable = true;
		for (int i = 0; i < 100; i++) {
			entry.time_us += 1000;
			entry.value = i;
			fb_store_audit(store, &entry);
		}
		post_commands(store, 2);
		json_t *document = json_pack("{s:i}", "station", 3);
		fb_store_put(store, "scene", "evening", document);
		sync_ok(store);
		if (write(pipes[1], "x", 1) == 1) {
			pause();
		}
		_exit(1);
	}
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(pipes[0]);
	close(pipes[1]);
	fb_store *store = open_store();
	json_t *rows = audit_rows(store, "/station/1/*");
	assert_int_equal(json_array_size(rows), 1);
	assert_int_equal(integer_of(rows, 0, "count"), 100);
	json_decref(rows);
	fb_store_close(store);
	assert_chain(3, 0);
	assert_int_equal(outside(scratch_db, "SELECT count(*) FROM scene"), 1);
}

static void test_close_writes_what_was_posted(void **state)
{
	answer a = {0};
	(void)state;
	fb_store *store = open_store();
	fb_audit_entry ride = command_entry("/station/1/comp/ratio");
	ride.mergeable = true;
	post_commands(store, 1000);
	assert_int_equal(fb_store_sync(store, keep_rows, &a), FB_OK);
	assert_int_equal(fb_store_audit(store, &ride), FB_OK);
	fb_store_close(store);
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.error.status, FB_OK);
	assert_chain(1001, 0);
}

/* --- never waiting */

/* Hold the file's one write lock, as a careless person at its prompt might. */
static sqlite3 *hold_write_lock(void)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(scratch_db, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 10000); /* the store may be writing just now */
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	return db;
}

static void test_what_waits_is_one_transaction(void **state)
{
	answer a = {0};
	(void)state;
	fb_store *store = open_store();
	sync_ok(store);
	sqlite3 *other = hold_write_lock();
	post_commands(store, 1); /* now the store thread waits for the lock */
	sleep_ms(100);
	int before = atomic_load(&synced);
	post_commands(store, 5000);
	assert_int_equal(fb_store_sync(store, keep_rows, &a), FB_OK);
	sqlite3_close(other);
	wait_for(store, &a);
	assert_int_equal(a.error.status, FB_OK);
	/* Two commits, and whatever a checkpoint of the log syncs: not one for each of 5000 rows. */
	assert_in_range(atomic_load(&synced) - before, 2, 10);
	fb_store_close(store);
	assert_chain(5001, 0);
}

static void test_a_full_queue_is_refused_and_counted(void **state)
{
	(void)state;
	fb_store *store = open_store();
	fb_audit_entry entry = command_entry("/scene/save");
	uint64_t taken = 0, refused = 0;
	sqlite3 *other = hold_write_lock();
	post_commands(store, 1);
	sleep_ms(100);
	for (int i = 0; i < 1000000 && refused < 1000; i++) {
		fb_status status = fb_store_audit(store, &entry);
		assert_true(status == FB_OK || status == FB_TOO_MANY);
		*(status == FB_OK ? &taken : &refused) += 1;
	}
	assert_true(refused > 0);
	assert_mentions(fb_store_refusal(store)->text, "full");
	fb_store_status health;
	fb_store_health(store, &health);
	assert_int_equal(health.lost, refused);
	sqlite3_close(other);
	while (fb_store_audit(store, &entry) != FB_OK) { /* until the queue moves again */
		sleep_ms(1);
	}
	sync_ok(store);
	fb_store_close(store);
	assert_chain(taken + 2, 0);
}

static void test_audio_the_disk_does_not_keep_up_with_is_refused(void **state)
{
	float sample = 0;
	const float *audio[1] = {&sample};
	(void)state;
	fb_store *store = open_store();
	sync_ok(store);
	sqlite3 *other = hold_write_lock();
	assert_int_equal(fb_store_snapshot(store, "small", audio, 1, 1, 48000, false), FB_OK);
	/* 600 MB, refused before a sample of it is read */
	assert_int_equal(
		fb_store_snapshot(store, "big", audio, 1, 150000000, 48000, false), FB_TOO_MANY);
	assert_mentions(fb_store_refusal(store)->text, "4 bytes of audio wait");
	sqlite3_close(other);
	sync_ok(store);
	fb_store_status health;
	fb_store_health(store, &health);
	assert_int_equal(health.lost, 1);
	fb_store_close(store);
}

static void test_completions_are_bounded_and_in_order(void **state)
{
	static answer answers[5000];
	int taken = 0;
	(void)state;
	memset(answers, 0, sizeof answers);
	fb_store *store = open_store();
	for (int i = 0; i < 5000; i++) {
		fb_status status = fb_store_sync(store, keep_rows, &answers[i]);
		assert_true(status == FB_OK || status == FB_TOO_MANY);
		taken += status == FB_OK;
	}
	assert_int_equal(taken, 4096); /* none delivered yet, so none may be added */
	wait_for(store, &answers[4095]);
	for (int i = 0; i < 5000; i++) {
		assert_int_equal(answers[i].calls, i < 4096);
	}
	sync_ok(store);
	fb_store_close(store);
}

static _Atomic int woken;

static void count_wake(void *ctx)
{
	assert_ptr_equal(ctx, &woken);
	atomic_fetch_add(&woken, 1);
}

static void test_a_completion_wakes_control(void **state)
{
	answer a = {0};
	fb_store *store = NULL;
	fb_error error;
	fb_store_options options = {.path = scratch_db, .wake = count_wake, .wake_ctx = &woken};
	(void)state;
	atomic_store(&woken, 0);
	assert_int_equal(fb_store_open(&options, &store, &error), FB_OK);
	assert_int_equal(fb_store_sync(store, keep_rows, &a), FB_OK);
	for (int ms = 0; ms < 10000 && !atomic_load(&woken); ms++) {
		sleep_ms(1);
	}
	assert_int_equal(atomic_load(&woken), 1);
	assert_int_equal(a.calls, 0); /* nothing is delivered but by poll */
	fb_store_poll(store);
	assert_int_equal(a.calls, 1);
	fb_store_close(store);
}

/* A completion that posts the next, and at the end finds the store closing. */
typedef struct chain {
	fb_store *store;
	int left;
	fb_status last;
} chain;

static void post_next(void *ctx, const json_t *rows, const fb_error *error)
{
	chain *c = ctx;
	(void)rows;
	(void)error;
	if (--c->left > 0) {
		c->last = fb_store_sync(c->store, post_next, c);
	}
}

static void test_a_completion_may_post(void **state)
{
	(void)state;
	chain c = {.store = open_store(), .left = 5};
	assert_int_equal(fb_store_sync(c.store, post_next, &c), FB_OK);
	while (c.left > 0) {
		fb_store_poll(c.store);
		sched_yield();
	}
	assert_int_equal(c.last, FB_OK);
	c.left = 5;
	assert_int_equal(fb_store_sync(c.store, post_next, &c), FB_OK);
	fb_store_close(c.store);
	assert_int_equal(c.left, 4);
	assert_int_equal(c.last, FB_UNAVAILABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_new_file_and_again, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_a_file_that_is_no_database, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_another_programs_database, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_a_newer_versions_file, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_a_broken_file, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_a_folder_that_is_not_there, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_a_read_only_folder, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_a_read_only_file, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_a_second_server, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_no_acknowledgement_before_the_disk, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_kill_9_after_a_sync_loses_nothing, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_close_writes_what_was_posted, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_what_waits_is_one_transaction, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_a_full_queue_is_refused_and_counted, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_audio_the_disk_does_not_keep_up_with_is_refused, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_completions_are_bounded_and_in_order, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_a_completion_wakes_control, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_a_completion_may_post, scratch_setup, scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
