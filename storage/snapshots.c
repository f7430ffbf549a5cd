/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snapshots.h"

#include <stdlib.h>
#include <string.h>

fb_status fb_snapshots_insert(fb_db *db, const fb_job *job, fb_error *error)
{
	uint64_t bytes = fb_job_bytes(job);
	fb_sql s = fb_sql_start(db,
		"INSERT INTO snapshot (name, time_us, pinned, channels, frames, sample_rate, bytes, audio)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
	fb_sql_text(&s, job->id);
	fb_sql_integer(&s, job->time_us);
	fb_sql_integer(&s, job->pinned);
	fb_sql_integer(&s, job->channels);
	fb_sql_integer(&s, (int64_t)job->frames);
	fb_sql_real(&s, job->rate_hz);
	fb_sql_integer(&s, (int64_t)bytes);
	fb_sql_blob(&s, job->audio, bytes);
	fb_sql_row(&s);
	fb_status status = fb_sql_end(&s, error);
	if (status == FB_EXISTS) {
		return fb_fail(error, FB_EXISTS, job->id, "there is a snapshot of that name already");
	}
	return status;
}

fb_status fb_snapshots_keep(fb_db *db, const fb_job *job, fb_error *error)
{
	/* An update writes the whole row again, audio and all: only when it changes something. */
	fb_sql s = fb_sql_start(db, "SELECT pinned FROM snapshot WHERE name = ?");
	fb_sql_text(&s, job->id);
	bool found = fb_sql_row(&s);
	bool pinned = found && sqlite3_column_int(s.statement, 0);
	fb_status status = fb_sql_end(&s, error);
	if (status != FB_OK || pinned || (found && !job->pinned)) {
		return status;
	}
	if (!found) {
		return fb_snapshots_insert(db, job, error);
	}
	s = fb_sql_start(db, "UPDATE snapshot SET pinned = 1 WHERE name = ?");
	fb_sql_text(&s, job->id);
	fb_sql_row(&s);
	return fb_sql_end(&s, error);
}

/* The newest snapshot that no longer fits; false if all fit. The newest of all always does. */
static bool find_excess(fb_db *db, uint64_t bytes_max, int64_t *time_us, int64_t *number,
	fb_status *status, fb_error *error)
{
	uint64_t sum = 0;
	bool excess = false;
	fb_sql s = fb_sql_start(db, "SELECT time_us, number, bytes FROM snapshot WHERE pinned = 0"
								" ORDER BY time_us DESC, number DESC");
	for (bool newest = true; !excess && fb_sql_row(&s); newest = false) {
		sum += (uint64_t)sqlite3_column_int64(s.statement, 2);
		if (sum > bytes_max && !newest) {
			*time_us = sqlite3_column_int64(s.statement, 0);
			*number = sqlite3_column_int64(s.statement, 1);
			excess = true;
		}
	}
	*status = fb_sql_end(&s, error);
	return excess;
}

fb_status fb_snapshots_prune(
	fb_db *db, int64_t now_us, uint64_t bytes_max, uint32_t days, fb_error *error)
{
	const int64_t day_us = INT64_C(86400000000);
	fb_sql s = fb_sql_start(db, "DELETE FROM snapshot WHERE pinned = 0 AND time_us < ?");
	fb_sql_integer(&s, now_us - (int64_t)days * day_us);
	fb_sql_row(&s);
	fb_status status = fb_sql_end(&s, error);
	int64_t time_us, number;
	if (status != FB_OK || !find_excess(db, bytes_max, &time_us, &number, &status, error) ||
		status != FB_OK) {
		return status;
	}
	s = fb_sql_start(db, "DELETE FROM snapshot WHERE pinned = 0 AND (time_us, number) <= (?, ?)");
	fb_sql_integer(&s, time_us);
	fb_sql_integer(&s, number);
	fb_sql_row(&s);
	return fb_sql_end(&s, error);
}

static fb_status copy_audio(const fb_sql *s, fb_job *job, fb_error *error)
{
	size_t bytes = (size_t)sqlite3_column_bytes(s->statement, 3);
	job->channels = (uint32_t)sqlite3_column_int(s->statement, 0);
	job->frames = (uint64_t)sqlite3_column_int64(s->statement, 1);
	job->rate_hz = sqlite3_column_double(s->statement, 2);
	if (bytes != job->channels * job->frames * sizeof(float)) {
		return fb_fail(error, FB_IO, job->id, "its audio is not as long as the file says");
	}
	const void *data = sqlite3_column_blob(s->statement, 3);
	job->audio = malloc(bytes ? bytes : 1);
	if (!job->audio || (bytes && !data)) {
		return fb_fail(error, FB_NO_MEMORY, job->id, "out of memory");
	}
	if (bytes) {
		memcpy(job->audio, data, bytes);
	}
	fb_job_swap(job->audio, job->channels * job->frames);
	return FB_OK;
}

fb_status fb_snapshots_load(fb_db *db, fb_job *job, fb_error *error)
{
	fb_status status = FB_OK;
	fb_sql s = fb_sql_start(
		db, "SELECT channels, frames, sample_rate, audio FROM snapshot WHERE name = ?");
	fb_sql_text(&s, job->id);
	bool found = fb_sql_row(&s);
	if (found) {
		status = copy_audio(&s, job, error);
	}
	fb_status ended = fb_sql_end(&s, error);
	if (ended == FB_OK && !found) {
		return fb_fail(error, FB_NOT_FOUND, job->id, "no audio is kept under that name");
	}
	return ended != FB_OK ? ended : status;
}
