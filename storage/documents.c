/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "documents.h"

#include <stdlib.h>
#include <string.h>

/* A table's name cannot be bound to a statement, so each kind has its own. */
#define STATEMENTS(table)                                                                          \
	{                                                                                              \
		table,                                                                                     \
			"INSERT INTO " table " (id, time_us, document) VALUES (?, ?, ?) ON CONFLICT (id)"      \
			" DO UPDATE SET time_us = excluded.time_us, document = excluded.document",             \
			"SELECT id, time_us, document FROM " table " ORDER BY time_us DESC, id LIMIT ?",       \
			"SELECT id, time_us, document FROM " table " WHERE id = ?",                            \
			"DELETE FROM " table " WHERE id = ?"                                                   \
	}

static const struct {
	const char *name, *put, *list, *find, *delete;
} kinds[FB_DOCUMENT_KINDS] = {
	[FB_DOCUMENT_SESSION] = STATEMENTS("session"),
	[FB_DOCUMENT_SCENE] = STATEMENTS("scene"),
	[FB_DOCUMENT_PROPOSAL] = STATEMENTS("proposal"),
	[FB_DOCUMENT_SETTING] = STATEMENTS("setting"),
};

fb_document_kind fb_documents_kind(const char *name)
{
	unsigned kind = 0;
	while (kind < FB_DOCUMENT_KINDS && strcmp(kinds[kind].name, name) != 0) {
		kind++;
	}
	return (fb_document_kind)kind;
}

fb_status fb_documents_put(fb_db *db, const fb_job *job, fb_error *error)
{
	char *text =
		json_dumps(job->document, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
	if (!text) {
		return fb_fail(error, FB_NO_MEMORY, job->id, "out of memory");
	}
	fb_sql s = fb_sql_start(db, kinds[job->kind].put);
	fb_sql_text(&s, job->id);
	fb_sql_integer(&s, job->time_us);
	fb_sql_text(&s, text);
	fb_sql_row(&s);
	fb_status status = fb_sql_end(&s, error);
	free(text);
	return status;
}

fb_status fb_documents_delete(fb_db *db, const fb_job *job, fb_error *error)
{
	fb_sql s = fb_sql_start(db, kinds[job->kind].delete);
	fb_sql_text(&s, job->id);
	fb_sql_row(&s);
	return fb_sql_end(&s, error);
}

static json_t *object_at(const fb_sql *s)
{
	const char *text = (const char *)sqlite3_column_text(s->statement, 2);
	json_t *document = text ? json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
	return json_pack("{s:o, s:o, s:o}", "id", fb_sql_json(s, 0), "time_us", fb_sql_json(s, 1),
		"document", document ? document : json_null());
}

fb_status fb_documents_list(
	fb_db *db, fb_document_kind kind, uint32_t limit, json_t **out, fb_error *error)
{
	json_t *rows = json_array();
	fb_sql s = fb_sql_start(db, kinds[kind].list);
	fb_sql_integer(&s, limit);
	bool ok = rows;
	while (ok && fb_sql_row(&s)) {
		ok = !json_array_append_new(rows, object_at(&s));
	}
	fb_status status = fb_sql_end(&s, error);
	return fb_db_give(db, status, ok, rows, out, error);
}

fb_status fb_documents_find(
	fb_db *db, fb_document_kind kind, const char *id, json_t **out, fb_error *error)
{
	json_t *object = NULL;
	fb_sql s = fb_sql_start(db, kinds[kind].find);
	fb_sql_text(&s, id);
	bool found = fb_sql_row(&s);
	if (found) {
		object = object_at(&s);
	}
	fb_status status = fb_sql_end(&s, error);
	if (status == FB_OK && !found) {
		return fb_fail(error, FB_NOT_FOUND, id, "there is no such %s", kinds[kind].name);
	}
	return fb_db_give(db, status, object, object, out, error);
}
