/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "db.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BUSY_MS = 5000 }; /* how long somebody else's transaction on the file is waited for */

fb_status fb_db_fail(fb_db *db, int code, fb_error *error)
{
	const char *text = db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(code);
	int system = db->handle ? sqlite3_system_errno(db->handle) : 0;
	switch (code & 0xff) {
	case SQLITE_CONSTRAINT:
		return fb_fail(error, FB_EXISTS, db->path, "%s", text);
	case SQLITE_TOOBIG:
		return fb_fail(error, FB_TOO_LARGE, db->path, "%s", text);
	case SQLITE_NOMEM:
		db->broken = code;
		return fb_fail(error, FB_NO_MEMORY, db->path, "%s", text);
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		db->broken = code;
		if (system) {
			return fb_fail(error, FB_IO, db->path, "%s (%s)", text, strerror(system));
		}
		/* A commit that fails leaves no errno; which of SQLite's I/O errors it was still helps. */
		return fb_fail(error, FB_IO, db->path, "%s (SQLite code %d)", text, code);
	default:
		db->broken = code;
		return fb_fail(error, FB_IO, db->path, "%s", text);
	}
}

fb_status fb_db_open(fb_db *db, const char *path, int flags, fb_error *error)
{
	memset(db, 0, sizeof *db);
	db->path = path;
	int code = sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
	if (code != SQLITE_OK) {
		fb_status status = fb_db_fail(db, code, error);
		fb_db_close(db);
		return status;
	}
	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_timeout(db->handle, BUSY_MS);
	return FB_OK;
}

void fb_db_close(fb_db *db)
{
	for (unsigned i = 0; i < db->n_cached; i++) {
		sqlite3_finalize(db->cached[i].statement);
	}
	db->n_cached = 0;
	sqlite3_close(db->handle);
	db->handle = NULL;
}

fb_status fb_db_exec(fb_db *db, const char *sql, fb_error *error)
{
	int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
	return code == SQLITE_OK ? FB_OK : fb_db_fail(db, code, error);
}

fb_status fb_db_integer(fb_db *db, const char *sql, int64_t none, int64_t *out, fb_error *error)
{
	int64_t value = none;
	fb_sql s = fb_sql_start(db, sql);
	if (fb_sql_row(&s)) {
		value = sqlite3_column_int64(s.statement, 0);
	}
	fb_status status = fb_sql_end(&s, error);
	if (status == FB_OK) {
		*out = value;
	}
	return status;
}

fb_sql fb_sql_start(fb_db *db, const char *sql)
{
	fb_sql s = {.db = db, .code = SQLITE_OK};
	for (unsigned i = 0; i < db->n_cached; i++) {
		if (db->cached[i].sql == sql) {
			s.statement = db->cached[i].statement;
			return s;
		}
	}
	assert(db->n_cached < FB_DB_STATEMENTS);
	s.code = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &s.statement, NULL);
	if (s.code == SQLITE_OK) {
		db->cached[db->n_cached].sql = sql;
		db->cached[db->n_cached++].statement = s.statement;
	}
	return s;
}

static void keep_first(fb_sql *s, int code)
{
	if (s->code == SQLITE_OK) {
		s->code = code;
	}
}

void fb_sql_integer(fb_sql *s, int64_t value)
{
	keep_first(s, sqlite3_bind_int64(s->statement, ++s->bound, value));
}

void fb_sql_real(fb_sql *s, double value)
{
	keep_first(s, sqlite3_bind_double(s->statement, ++s->bound, value));
}

void fb_sql_null(fb_sql *s)
{
	keep_first(s, sqlite3_bind_null(s->statement, ++s->bound));
}

void fb_sql_text(fb_sql *s, const char *text)
{
	keep_first(s, sqlite3_bind_text(s->statement, ++s->bound, text, -1, SQLITE_STATIC));
}

void fb_sql_blob(fb_sql *s, const void *data, uint64_t bytes)
{
	/* An empty blob needs an address, or SQLite reads it as NULL. */
	const void *at = bytes ? data : "";
	keep_first(s, sqlite3_bind_blob64(s->statement, ++s->bound, at, bytes, SQLITE_STATIC));
}

bool fb_sql_row(fb_sql *s)
{
	if (s->code != SQLITE_OK && s->code != SQLITE_ROW) {
		return false;
	}
	s->code = sqlite3_step(s->statement);
	return s->code == SQLITE_ROW;
}

fb_status fb_sql_end(fb_sql *s, fb_error *error)
{
	fb_status status = FB_OK;
	if (s->code != SQLITE_OK && s->code != SQLITE_ROW && s->code != SQLITE_DONE) {
		status = fb_db_fail(s->db, s->code, error);
	}
	if (s->statement) {
		sqlite3_reset(s->statement);
		sqlite3_clear_bindings(s->statement);
	}
	return status;
}

static json_t *json_of_text(const char *text, size_t len)
{
	json_t *json = json_stringn(text, len);
	if (json) {
		return json;
	}
	char *plain = malloc(len + 1);
	if (!plain) {
		return NULL;
	}
	for (size_t i = 0; i < len; i++) {
		plain[i] = text[i];
		if ((unsigned char)text[i] >= 0x80) {
			plain[i] = '?';
		}
	}
	json = json_stringn(plain, len);
	free(plain);
	return json;
}

json_t *fb_sql_json(const fb_sql *s, int column)
{
	switch (sqlite3_column_type(s->statement, column)) {
	case SQLITE_NULL:
		return json_null();
	case SQLITE_INTEGER:
		return json_integer(sqlite3_column_int64(s->statement, column));
	case SQLITE_FLOAT: {
		double value = sqlite3_column_double(s->statement, column);
		return isfinite(value) ? json_real(value) : json_null();
	}
	default: {
		const char *text = (const char *)sqlite3_column_text(s->statement, column);
		return text ? json_of_text(text, (size_t)sqlite3_column_bytes(s->statement, column)) : NULL;
	}
	}
}

fb_status fb_db_give(
	const fb_db *db, fb_status status, bool whole, json_t *rows, json_t **out, fb_error *error)
{
	if (status == FB_OK && !whole) {
		status = fb_fail(error, FB_NO_MEMORY, db->path, "out of memory");
	}
	if (status == FB_OK) {
		*out = rows;
	} else {
		json_decref(rows);
	}
	return status;
}
