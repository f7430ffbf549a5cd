/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk that is full, a file that breaks or goes: recording stops, says so, and comes back.
   Real ones: a small file system filled to the brim, a limit on file size, bytes overwritten. */
/* pytest: slow */
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

enum { KEPT = 16384 }; /* rows that wait in memory, FB_WRITER_KEPT */

static fb_store_status health_of(fb_store *store)
{
	fb_store_status health;
	fb_store_health(store, &health);
	return health;
}

static void wait_until(fb_store *store, bool recording)
{
	for (int ms = 0; health_of(store).recording != recording; ms += 10) {
		if (ms > 20000) {
			fail_msg("recording is still %d: %s", !recording, health_of(store).reason);
		}
		fb_store_poll(store);
		sleep_ms(10);
	}
}

static void post_commands(fb_store *store, int n)
{
	fb_audit_entry entry = command_entry("/scene/save");
	for (int i = 0; i < n; i++) {
		if (fb_store_audit(store, &entry) != FB_OK) {
			fail_msg("%s", fb_store_refusal(store)->text);
		}
	}
}

/* A run with `frames` of audio; what became of it. */
static fb_error store_audio(fb_store *store, const char *id, uint64_t frames)
{
	answer a = {0};
	float *data = calloc(frames, sizeof *data);
	const float *both[2] = {data, data};
	json_t *report = json_pack("{s:f}", "score", 50.0);
	fb_run_record run = {.run_id = id,
		.station = 1,
		.time_us = (int64_t)time(NULL) * 1000000,
		.report = report,
		.audio = both,
		.frames = frames,
		.rate_hz = 48000};
	assert_int_equal(fb_store_run(store, &run, keep_rows, &a), FB_OK);
	wait_for(store, &a);
	json_decref(report);
	free(data);
	return a.error;
}

/* The newest row says that recording stopped and why. */
static void assert_gap(fb_store *store, const char *why, const char *lost)
{
	json_t *rows = audit_rows(store, "/server/recording");
	assert_int_equal(json_array_size(rows), 1);
	assert_string_equal(string_of(rows, 0, "origin"), "engine");
	assert_mentions(string_of(rows, 0, "old"), why);
	assert_mentions(string_of(rows, 0, "new"), lost);
	json_decref(rows);
}

/* A file that takes all the room there is. */
static void fill(const char *path)
{
	static char block[4096];
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	while (write(fd, block, sizeof block) > 0) {
	}
	assert_int_equal(errno, ENOSPC);
	close(fd);
}

static void test_a_full_disk(void **state)
{
	char ballast[300];
	(void)state;
	/* In a mount namespace of our own, so that nothing stays mounted whatever happens here. */
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		mount("none", scratch_dir, "tmpfs", 0, "size=16m")) {
		print_message("no right to mount: test_a_limit_on_file_size stands alone\n");
		return;
	}
	fb_store *store = open_store();
	post_commands(store, 1);
	sync_ok(store);
	snprintf(ballast, sizeof ballast, "%s/ballast", scratch_dir);
	fill(ballast);
	post_commands(store, 10000); /* more than what a checkpoint of the log might set free */
	assert_int_equal(sync_status(store), FB_IO);
	fb_store_status health = health_of(store);
	assert_false(health.recording);
	assert_mentions(health.reason, "full");
	assert_mentions(health.reason, scratch_db);
	assert_int_equal(health.rows, 1);
	assert_int_equal(health.lost, 0); /* they wait */
	post_commands(store, 10000);
	assert_int_equal(sync_status(store), FB_IO);
	assert_int_equal(
		health_of(store).lost, 20000 - KEPT); /* for as long as memory for them lasts */
	assert_int_equal(store_audio(store, "run-1", 1000).status, FB_IO);
	assert_int_equal(health_of(store).lost, 20000 - KEPT + 1);
	sleep_ms(2500); /* one more attempt in vain */
	assert_false(health_of(store).recording);
	assert_int_equal(remove(ballast), 0);
	wait_until(store, true);
	assert_string_equal(health_of(store).reason, "");
	sync_ok(store);
	assert_gap(store, "full", "3617 lost");
	assert_int_equal(store_audio(store, "run-1", 1000).status, FB_OK);
	fb_store_close(store);
	assert_chain(1 + KEPT + 1, 0);
	assert_int_equal(umount(scratch_dir), 0);
}

static void test_a_limit_on_file_size(void **state)
{
	struct rlimit before, small;
	(void)state;
	fb_store *store = open_store();
	post_commands(store, 1);
	sync_ok(store);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 400000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	/* The kernel's signal for it would end the program, did it reach anybody. */
	fb_error error = store_audio(store, "big", 100000);
	fb_store_status health = health_of(store);
	post_commands(store, 1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(error.status, FB_IO);
	assert_mentions(error.text, "disk I/O error");
	assert_false(health.recording);
	assert_int_equal(health.lost, 1);
	wait_until(store, true);
	assert_int_equal(store_audio(store, "big", 100000).status, FB_OK);
	assert_gap(store, "disk I/O error", "1 lost");
	fb_store_close(store);
	assert_chain(3, 0);
}

/* Audio that does not fit takes nothing else down with it, though both wait for one commit. */
static void test_a_run_too_big_for_the_disk(void **state)
{
	struct rlimit before, small;
	sqlite3 *other;
	(void)state;
	fb_store *store = open_store();
	sync_ok(store);
	assert_int_equal(sqlite3_open(scratch_db, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	post_commands(store, 1);
	sleep_ms(100); /* the store thread waits for the file now */
	json_t *document = json_object();
	assert_int_equal(fb_store_put(store, "scene", "evening", document), FB_OK);
	json_decref(document);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 400000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	sqlite3_close(other);
	fb_error error = store_audio(store, "big", 100000);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(error.status, FB_IO);
	fb_store_close(store);
	assert_int_equal(outside(scratch_db, "SELECT count(*) FROM scene"), 1);
}

static void overwrite(const char *path, off_t from)
{
	static char garbage[65536];
	struct stat st;
	memset(garbage, 0xfe, sizeof garbage);
	int fd = open(path, O_WRONLY);
	assert_int_equal(fstat(fd, &st), 0);
	for (off_t at = from; at < st.st_size; at += (off_t)sizeof garbage) {
		size_t len = sizeof garbage;
		if ((off_t)len > st.st_size - at) {
			len = (size_t)(st.st_size - at);
		}
		assert_int_equal(pwrite(fd, garbage, len, at), (ssize_t)len);
	}
	close(fd);
}

static void test_a_file_that_breaks_in_use(void **state)
{
	char name[300], away[320];
	answer a = {0};
	(void)state;
	fb_store *store = open_store();
	for (int i = 0; i < 4; i++) { /* more than SQLite keeps in memory */
		snprintf(name, sizeof name, "run-%d", i);
		assert_int_equal(store_audio(store, name, 500000).status, FB_OK);
	}
	overwrite(scratch_db, 1 << 20); /* the audit, in the first pages, can still be read */
	assert_int_equal(fb_store_audio(store, "run-0", keep_audio, &a), FB_OK);
	wait_for(store, &a);
	assert_int_equal(a.error.status, FB_IO);
	assert_mentions(a.error.text, "malformed");
	assert_false(health_of(store).recording);
	post_commands(store, 3);
	assert_int_equal(sync_status(store), FB_IO);
	sleep_ms(3000); /* a file found broken is not trusted again */
	assert_false(health_of(store).recording);
	/* Somebody looks at it and puts it out of the way. */
	const char *const parts[] = {"", "-wal", "-shm"};
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof name, "%s%s", scratch_db, parts[i]);
		snprintf(away, sizeof away, "%s.broken%s", scratch_db, parts[i]);
		assert_true(!rename(name, away) || errno == ENOENT);
	}
	wait_until(store, true);
	sync_ok(store);
	fb_store_close(store);
	assert_chain(4, 0); /* the three that waited, and the gap */
}

static void test_a_file_taken_away_in_use(void **state)
{
	(void)state;
	fb_store *store = open_store();
	post_commands(store, 5);
	sync_ok(store);
	assert_int_equal(remove(scratch_db), 0);
	post_commands(store, 2);
	/* Without a look it would be written to a file without a name, and acknowledged. */
	assert_int_equal(sync_status(store), FB_IO);
	assert_mentions(health_of(store).reason, "removed or replaced");
	wait_until(store, true);
	sync_ok(store);
	assert_gap(store, "removed", "0 lost");
	fb_store_close(store);
	assert_chain(3, 0);
}

static void test_closing_while_stopped_tries_once_more(void **state)
{
	(void)state;
	fb_store *store = open_store();
	sync_ok(store);
	assert_int_equal(remove(scratch_db), 0);
	post_commands(store, 2);
	assert_int_equal(sync_status(store), FB_IO);
	post_commands(store, 2);
	fb_store_close(store);
	assert_chain(5, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_full_disk, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_a_limit_on_file_size, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_a_run_too_big_for_the_disk, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_a_file_that_breaks_in_use, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_a_file_taken_away_in_use, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_closing_while_stopped_tries_once_more, scratch_setup, scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
