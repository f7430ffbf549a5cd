/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runs.h"

#include "snapshots.h"

#include <stdlib.h>
#include <string.h>

fb_status fb_runs_check(const json_t *report, const char *run_id, fb_error *error)
{
	const char *id;
	json_t *value;
	const json_t *score = json_object_get(report, "score");
	json_t *metrics = json_object_get(report, "metrics");
	if (!json_is_object(report)) {
		return fb_fail(error, FB_INVALID, run_id, "the run report is no object");
	}
	if (score && !json_is_number(score) && !json_is_null(score)) {
		return fb_fail(error, FB_INVALID, run_id, "score is no number");
	}
	if (metrics && !json_is_object(metrics)) {
		return fb_fail(error, FB_INVALID, run_id, "metrics is no object");
	}
	json_object_foreach(metrics, id, value)
	{
		if (!json_is_number(value)) {
			return fb_fail(error, FB_INVALID, run_id, "metrics.%s is no number", id);
		}
	}
	return FB_OK;
}

static bool is_invalid(const json_t *report, const char *metric)
{
	size_t i;
	const json_t *id;
	json_array_foreach(json_object_get(report, "invalid"), i, id)
	{
		if (json_is_string(id) && !strcmp(json_string_value(id), metric)) {
			return true;
		}
	}
	return false;
}

static fb_status insert_metrics(fb_db *db, const json_t *report, int64_t run, fb_error *error)
{
	const char *id;
	json_t *value;
	json_object_foreach(json_object_get(report, "metrics"), id, value)
	{
		fb_sql s =
			fb_sql_start(db, "INSERT INTO metric (run, id, value, valid) VALUES (?, ?, ?, ?)");
		fb_sql_integer(&s, run);
		fb_sql_text(&s, id);
		fb_sql_real(&s, json_number_value(value));
		fb_sql_integer(&s, !is_invalid(report, id));
		fb_sql_row(&s);
		fb_status status = fb_sql_end(&s, error);
		if (status != FB_OK) {
			return status;
		}
	}
	return FB_OK;
}

static fb_status insert_row(fb_db *db, const fb_job *job, fb_error *error)
{
	const json_t *score = json_object_get(job->document, "score");
	char *report = json_dumps(job->document, JSON_COMPACT | JSON_REAL_PRECISION(17));
	if (!report) {
		return fb_fail(error, FB_NO_MEMORY, job->id, "out of memory");
	}
	fb_sql s = fb_sql_start(db,
		"INSERT INTO run (id, session, station, time_us, score, source_hash, frames, sample_rate,"
		" report) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
	fb_sql_text(&s, job->id);
	fb_sql_text(&s, job->session);
	fb_sql_integer(&s, job->station);
	fb_sql_integer(&s, job->time_us);
	if (json_is_number(score)) {
		fb_sql_real(&s, json_number_value(score));
	} else {
		fb_sql_null(&s);
	}
	fb_sql_text(&s, job->source_hash);
	fb_sql_integer(&s, (int64_t)job->frames);
	fb_sql_real(&s, job->rate_hz);
	fb_sql_text(&s, report);
	fb_sql_row(&s);
	fb_status status = fb_sql_end(&s, error);
	free(report);
	return status;
}

fb_status fb_runs_insert(fb_db *db, const fb_job *job, fb_error *error)
{
	fb_status status = insert_row(db, job, error);
	if (status == FB_EXISTS) {
		return fb_fail(error, FB_EXISTS, job->id, "there is a run of that id already");
	}
	if (status == FB_OK) {
		int64_t number = sqlite3_last_insert_rowid(db->handle);
		status = insert_metrics(db, job->document, number, error);
	}
	if (status == FB_OK && job->audio) {
		status = fb_snapshots_insert(db, job, error);
	}
	return status;
}

fb_status fb_runs_revise(fb_db *db, const fb_job *job, fb_error *error)
{
	const json_t *score = json_object_get(job->document, "score");
	char *report = json_dumps(job->document, JSON_COMPACT | JSON_REAL_PRECISION(17));
	if (!report) {
		return fb_fail(error, FB_NO_MEMORY, job->id, "out of memory");
	}
	fb_sql s = fb_sql_start(db, "UPDATE run SET score = ?, report = ? WHERE id = ?");
	if (json_is_number(score)) {
		fb_sql_real(&s, json_number_value(score));
	} else {
		fb_sql_null(&s);
	}
	fb_sql_text(&s, report);
	fb_sql_text(&s, job->id);
	fb_sql_row(&s);
	fb_status status = fb_sql_end(&s, error);
	free(report);
	if (status == FB_OK && !sqlite3_changes(db->handle)) {
		return fb_fail(error, FB_NOT_FOUND, job->id, "there is no such run");
	}
	return status;
}

#define COLUMNS                                                                                    \
	"id, session, station, time_us, score, source_hash, frames, sample_rate,"                      \
	" EXISTS (SELECT 1 FROM snapshot WHERE name = run.id), report"

static json_t *report_at(const fb_sql *s)
{
	const char *text = (const char *)sqlite3_column_text(s->statement, 9);
	json_t *report = text ? json_loads(text, JSON_ALLOW_NUL, NULL) : NULL;
	return report ? report : json_object();
}

static json_t *summary_at(const fb_sql *s)
{
	json_t *report = report_at(s);
	json_t *row = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:O?, s:O?, s:O?}",
		"run_id", fb_sql_json(s, 0), "session", fb_sql_json(s, 1), "station_id", fb_sql_json(s, 2),
		"time_us", fb_sql_json(s, 3), "score", fb_sql_json(s, 4), "source_hash", fb_sql_json(s, 5),
		"frames", fb_sql_json(s, 6), "sample_rate", fb_sql_json(s, 7), "snapshot",
		sqlite3_column_int(s->statement, 8), "parameters", json_object_get(report, "parameters"),
		"notes", json_object_get(report, "notes"), "subjective",
		json_object_get(report, "subjective"));
	json_decref(report);
	return row;
}

fb_status fb_runs_list(fb_db *db, uint32_t station, uint32_t limit, json_t **out, fb_error *error)
{
	json_t *rows = json_array();
	fb_sql s;
	if (station) {
		s = fb_sql_start(db, "SELECT " COLUMNS " FROM run WHERE station = ?"
							 " ORDER BY time_us DESC, number DESC LIMIT ?");
		fb_sql_integer(&s, station);
	} else {
		s = fb_sql_start(
			db, "SELECT " COLUMNS " FROM run ORDER BY time_us DESC, number DESC LIMIT ?");
	}
	fb_sql_integer(&s, limit);
	bool ok = rows;
	while (ok && fb_sql_row(&s)) {
		ok = !json_array_append_new(rows, summary_at(&s));
	}
	fb_status status = fb_sql_end(&s, error);
	return fb_db_give(db, status, ok, rows, out, error);
}

fb_status fb_runs_find(fb_db *db, const char *id, json_t **out, fb_error *error)
{
	json_t *report = NULL;
	fb_sql s = fb_sql_start(db, "SELECT " COLUMNS " FROM run WHERE id = ?");
	fb_sql_text(&s, id);
	bool found = fb_sql_row(&s), ok = false;
	if (found) {
		report = report_at(&s);
		ok = !json_object_set_new(report, "session", fb_sql_json(&s, 1)) &&
			 !json_object_set_new(report, "time_us", fb_sql_json(&s, 3)) &&
			 !json_object_set_new(report, "source_hash", fb_sql_json(&s, 5)) &&
			 !json_object_set_new(
				 report, "snapshot", json_boolean(sqlite3_column_int(s.statement, 8)));
	}
	fb_status status = fb_sql_end(&s, error);
	if (status == FB_OK && !found) {
		return fb_fail(error, FB_NOT_FOUND, id, "there is no such run");
	}
	return fb_db_give(db, status, ok, report, out, error);
}
