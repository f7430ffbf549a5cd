/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What the storage tests share: a folder of their own, a store in it, waiting for completions, and
   a second, plain SQLite connection to look at the file from outside. */
#ifndef FB_SCRATCH_H
#define FB_SCRATCH_H

#include "testing.h"

#include "../../../storage/store.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAYBE_UNUSED __attribute__((unused))

static char scratch_dir[128], scratch_db[256];

/* The folder is removed whole, so it must not be one that anybody else uses. */
static MAYBE_UNUSED int scratch_setup(void **state)
{
	(void)state;
	snprintf(scratch_dir, sizeof scratch_dir, "/tmp/fb-storage-XXXXXX");
	if (!mkdtemp(scratch_dir)) {
		return -1;
	}
	snprintf(scratch_db, sizeof scratch_db, "%s/audit.db", scratch_dir);
	return 0;
}

static MAYBE_UNUSED int scratch_teardown(void **state)
{
	char command[256];
	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", scratch_dir);
	return system(command) ? -1 : 0;
}

static MAYBE_UNUSED fb_store *open_store(void)
{
	fb_store *store = NULL;
	fb_error error = {0};
	fb_store_options options = {.path = scratch_db};
	if (fb_store_open(&options, &store, &error) != FB_OK) {
		fail_msg("%s: %s", error.where, error.text);
	}
	return store;
}

static MAYBE_UNUSED void sleep_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};
	nanosleep(&t, NULL);
}

/* A completion, kept. */
typedef struct answer {
	int calls;
	fb_error error;
	json_t *rows;
	float *audio;
	uint32_t channels;
	uint64_t frames;
	double rate_hz;
} answer;

static MAYBE_UNUSED void keep_rows(void *ctx, const json_t *rows, const fb_error *error)
{
	answer *a = ctx;
	a->calls++;
	a->error = error ? *error : (fb_error){0};
	a->rows = rows ? json_deep_copy(rows) : NULL;
}

static MAYBE_UNUSED void keep_audio(void *ctx, const float *interleaved, uint32_t channels,
	uint64_t frames, double rate_hz, const fb_error *error)
{
	answer *a = ctx;
	a->calls++;
	a->error = error ? *error : (fb_error){0};
	a->channels = channels;
	a->frames = frames;
	a->rate_hz = rate_hz;
	if (interleaved) {
		size_t bytes = (size_t)frames * channels * sizeof(float);
		a->audio = malloc(bytes + 1);
		memcpy(a->audio, interleaved, bytes);
	}
}

static MAYBE_UNUSED void wait_for(fb_store *store, const answer *a)
{
	for (int ms = 0; !a->calls; ms++) {
		if (ms > 60000) {
			fail_msg("no completion within a minute");
		}
		fb_store_poll(store);
		sleep_ms(1);
	}
}

static MAYBE_UNUSED fb_status sync_status(fb_store *store)
{
	answer a = {0};
	assert_int_equal(fb_store_sync(store, keep_rows, &a), FB_OK);
	wait_for(store, &a);
	return a.error.status;
}

static MAYBE_UNUSED void sync_ok(fb_store *store)
{
	assert_int_equal(sync_status(store), FB_OK);
}

/* An entry that is no part of a ride. */
static MAYBE_UNUSED fb_audit_entry command_entry(const char *address)
{
	return (fb_audit_entry){.time_us = 1000000,
		.frame = 48000,
		.origin = "osc 127.0.0.1:5000",
		.address = address,
		.outcome = "ok"};
}

/* All audit rows, newest first. */
static MAYBE_UNUSED json_t *audit_rows(fb_store *store, const char *glob)
{
	answer a = {0};
	assert_int_equal(fb_store_audit_rows(store, glob, 0, keep_rows, &a), FB_OK);
	wait_for(store, &a);
	assert_int_equal(a.error.status, FB_OK);
	return a.rows;
}

static MAYBE_UNUSED const char *string_of(const json_t *rows, size_t i, const char *key)
{
	const json_t *value = json_object_get(json_array_get(rows, i), key);
	return json_is_string(value) ? json_string_value(value) : NULL;
}

static MAYBE_UNUSED long long integer_of(const json_t *rows, size_t i, const char *key)
{
	const json_t *value = json_object_get(json_array_get(rows, i), key);
	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

/* Run SQL on the file from outside; the first column of the first row, or 0. */
static MAYBE_UNUSED long long outside(const char *path, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *statement;
	long long value = 0;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 10000);
	for (const char *rest = sql; *rest;) {
		if (sqlite3_prepare_v2(db, rest, -1, &statement, &rest) != SQLITE_OK) {
			fail_msg("%s: %s", sql, sqlite3_errmsg(db));
		}
		if (sqlite3_step(statement) == SQLITE_ROW) {
			value = sqlite3_column_int64(statement, 0);
		}
		sqlite3_finalize(statement);
	}
	sqlite3_close(db);
	return value;
}

static MAYBE_UNUSED void assert_chain(uint64_t rows, uint64_t first_broken)
{
	uint64_t n = 0, broken = 0;
	fb_error error = {0};
	if (fb_store_verify(scratch_db, &n, &broken, &error) != FB_OK) {
		fail_msg("%s: %s", error.where, error.text);
	}
	assert_int_equal(n, rows);
	assert_int_equal(broken, first_broken);
}

static MAYBE_UNUSED void assert_mentions(const char *text, const char *part)
{
	if (!strstr(text, part)) {
		fail_msg("\"%s\" does not mention \"%s\"", text, part);
	}
}

#endif
