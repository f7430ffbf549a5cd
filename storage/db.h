/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A connection to the database file and statements on it.

	A statement is started, bound in order, stepped and ended; the first failure sticks and comes
	out at the end, so that no step needs a check of its own:

		fb_sql s = fb_sql_start(db, "UPDATE scene SET document = ? WHERE id = ?");
		fb_sql_text(&s, document);
		fb_sql_text(&s, id);
		fb_sql_row(&s);
		return fb_sql_end(&s, error); */
#ifndef FB_DB_H
#define FB_DB_H

#include "../graph/status.h"

#include <jansson.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

enum { FB_DB_STATEMENTS = 40 };

/** Owner: one thread at a time. */
typedef struct fb_db {
	sqlite3 *handle;
	const char *path; ///< borrowed
	int broken;       ///< the result code that put the file or the disk at fault, 0 if none did
	unsigned n_cached;
	struct {
		const char *sql; ///< known by its address
		sqlite3_stmt *statement;
	} cached[FB_DB_STATEMENTS];
} fb_db;

/** flags: SQLite's. On failure nothing is open.
	errors: FB_IO naming the file */
FB_MUST_CHECK fb_status fb_db_open(fb_db *db, const char *path, int flags, fb_error *error);
void fb_db_close(fb_db *db); ///< again is allowed

/** Run SQL without values, more than one statement if need be. */
fb_status fb_db_exec(fb_db *db, const char *sql, fb_error *error);
/** One integer of one row, `none` if there is no row. */
fb_status fb_db_integer(fb_db *db, const char *sql, int64_t none, int64_t *out, fb_error *error);

/** Fill an error from what SQLite said last and remember in `broken` if the file is at fault.
	errors: FB_EXISTS a constraint, FB_TOO_LARGE, FB_NO_MEMORY, FB_IO */
fb_status fb_db_fail(fb_db *db, int code, fb_error *error);

typedef struct fb_sql {
	fb_db *db;
	sqlite3_stmt *statement;
	int bound, code;
} fb_sql;

/** sql: a string literal, one statement; it is compiled once and kept by the literal's address. */
fb_sql fb_sql_start(fb_db *db, const char *sql);
void fb_sql_integer(fb_sql *sql, int64_t value);
void fb_sql_real(fb_sql *sql, double value);
void fb_sql_null(fb_sql *sql);
void fb_sql_text(fb_sql *sql, const char *text); ///< borrowed until the end; NULL is NULL
void fb_sql_blob(fb_sql *sql, const void *data, uint64_t bytes); ///< borrowed until the end
bool fb_sql_row(fb_sql *sql);                                    ///< step; is there a row
fb_status fb_sql_end(fb_sql *sql, fb_error *error);

/** A column as a new JSON value: null for NULL, bytes that are no UTF-8 as question marks. */
json_t *fb_sql_json(const fb_sql *sql, int column);

/** The end of a query: its rows through `out`, or why not; whole: nothing ran out of memory.
	owns: takes `rows`, gives *out */
fb_status fb_db_give(
	const fb_db *db, fb_status status, bool whole, json_t *rows, json_t **out, fb_error *error);

#endif
