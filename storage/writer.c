/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "writer.h"

#include "documents.h"
#include "runs.h"
#include "schema.h"
#include "snapshots.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { POSTS = 16384, COMPLETIONS = 4096 };

static int64_t clock_us(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t now_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

static void wake_control(fb_writer *w)
{
	if (w->wake) {
		w->wake(w->wake_ctx);
	}
}

static void publish_health(fb_writer *w)
{
	fb_notice *notice = calloc(1, sizeof *notice);
	if (!notice) {
		return; /* control keeps the last one; the next attempt publishes again */
	}
	notice->recording = w->recording;
	if (!w->recording) {
		int len =
			snprintf(notice->reason, sizeof notice->reason, "%s: %s", w->why.where, w->why.text);
		assert(len >= 0);
	}
	free(atomic_exchange(&w->notice, notice));
	wake_control(w);
}

/* --- writing */

static fb_status apply(fb_writer *w, const fb_job *job, fb_error *error)
{
	switch (job->type) {
	case FB_JOB_RUN:
		return fb_runs_insert(&w->db, job, error);
	case FB_JOB_SNAPSHOT:
		return fb_snapshots_keep(&w->db, job, error);
	case FB_JOB_PUT:
		return fb_documents_put(&w->db, job, error);
	case FB_JOB_REVISE:
		return fb_runs_revise(&w->db, job, error);
	case FB_JOB_DELETE:
		return fb_documents_delete(&w->db, job, error);
	default:
		return FB_OK; /* a sync writes nothing of its own */
	}
}

/* What a job cannot do by its own fault is undone alone and stays in job->error. */
static fb_status apply_alone(fb_writer *w, fb_job *job, fb_error *error)
{
	fb_status status = fb_db_exec(&w->db, "SAVEPOINT job", error);
	if (status != FB_OK) {
		return status;
	}
	if (apply(w, job, &job->error) != FB_OK) {
		if (w->db.broken) {
			*error = job->error;
			return error->status;
		}
		atomic_fetch_add(&w->lost, job->error.status == FB_EXISTS ? 0 : 1);
		status = fb_db_exec(&w->db, "ROLLBACK TO job", error);
	}
	return status == FB_OK ? fb_db_exec(&w->db, "RELEASE job", error) : status;
}

static fb_status prune_if_due(fb_writer *w, bool new_audio, fb_error *error)
{
	if (!new_audio && now_us() < w->prune_us) {
		return FB_OK;
	}
	w->prune_us = now_us() + FB_WRITER_PRUNE_S * INT64_C(1000000);
	return fb_snapshots_prune(
		&w->db, clock_us(CLOCK_REALTIME), w->snapshot_bytes_max, w->snapshot_days_max, error);
}

static fb_status write_all(fb_writer *w, fb_audit_tip *tip, fb_error *error)
{
	bool new_audio = false;
	fb_status status = FB_OK;
	for (size_t i = 0; i < w->n_group && status == FB_OK; i++) {
		status = apply_alone(w, w->group[i], error);
		new_audio = new_audio || w->group[i]->audio;
	}
	if (status == FB_OK) {
		status = prune_if_due(w, new_audio, error);
	}
	if (status == FB_OK) {
		status = fb_audit_write(&w->db, fb_rides_ended(w->rides), tip, error);
	}
	if (status == FB_OK && w->gap) {
		status = fb_audit_write(&w->db, w->gap, tip, error);
	}
	return status;
}

/* The group and all rows that ended, in one transaction; on failure the rows still wait. */
static fb_status commit(fb_writer *w, fb_error *error)
{
	int moved = 0;
	fb_audit_tip tip = w->tip;
	sqlite3_file_control(w->db.handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	if (moved) {
		return fb_fail(error, FB_IO, w->path, "was removed or replaced while in use");
	}
	fb_status status = fb_db_exec(&w->db, "BEGIN IMMEDIATE", error);
	if (status != FB_OK) {
		return status;
	}
	status = write_all(w, &tip, error);
	if (status == FB_OK) {
		status = fb_db_exec(&w->db, "COMMIT", error);
	}
	if (status != FB_OK) {
		fb_db_exec(&w->db, "ROLLBACK", NULL);
		return status;
	}
	atomic_fetch_add(&w->rows, (uint64_t)(tip.id - w->tip.id));
	w->tip = tip;
	fb_rides_written(w->rides);
	return FB_OK;
}

/* --- completions */

/* Control never has more completions outstanding than the ring holds. */
static void complete(fb_writer *w, fb_job *job)
{
	if (job->type < FB_JOB_QUERY) {
		atomic_fetch_sub(&w->audio_bytes, fb_job_bytes(job));
		free(job->audio);
		job->audio = NULL;
	}
	if (!job->done && !job->audio_done) {
		fb_job_destroy(job);
		return;
	}
	bool room = fb_ring_put(w->completions, &job);
	assert(room);
	(void)room;
}

static void publish_completions(fb_writer *w)
{
	fb_ring_publish(w->completions);
	wake_control(w);
}

/* --- stopping and going on */

static void stop_recording(fb_writer *w, const fb_error *why)
{
	int code = w->db.broken & 0xff;
	if (w->recording) {
		w->lost_before = atomic_load(&w->lost);
	}
	w->recording = false;
	w->why = *why;
	w->suspect = w->suspect || code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
	w->retry_us = now_us() + INT64_C(1000) * w->retry_ms;
	publish_health(w);
}

static fb_status check_whole(fb_db *db, fb_error *error)
{
	fb_sql s = fb_sql_start(db, "PRAGMA quick_check(1)");
	bool row = fb_sql_row(&s);
	const char *text = row ? (const char *)sqlite3_column_text(s.statement, 0) : NULL;
	fb_status status = FB_OK;
	if (text && strcmp(text, "ok") != 0) {
		status = fb_fail(error, FB_IO, db->path, "is broken: %s", text);
	}
	fb_status ended = fb_sql_end(&s, error);
	return ended != FB_OK ? ended : status;
}

static fb_status reopen(fb_writer *w, fb_error *error)
{
	fb_db_close(&w->db);
	fb_status status = fb_schema_open(&w->db, w->path, error);
	if (status == FB_OK && w->suspect) {
		status = check_whole(&w->db, error);
	}
	if (status == FB_OK) {
		status = fb_audit_find_tip(&w->db, &w->tip, error);
	}
	return status;
}

/* The gap stands in the audit itself. */
static fb_ride *gap_entry(const fb_writer *w)
{
	char before[sizeof w->why.where + sizeof w->why.text + 16], after[64];
	snprintf(before, sizeof before, "stopped: %s: %s", w->why.where, w->why.text);
	snprintf(after, sizeof after, "recording, %llu lost",
		(unsigned long long)(atomic_load(&w->lost) - w->lost_before));
	const fb_audit_entry entry = {.time_us = clock_us(CLOCK_REALTIME),
		.frame = w->frame,
		.origin = "engine",
		.address = "/server/recording",
		.before = before,
		.after = after,
		.outcome = "ok"};
	return fb_ride_create(&entry);
}

static void try_again(fb_writer *w)
{
	fb_error error = {0};
	fb_status status = reopen(w, &error);
	if (status == FB_OK) {
		w->gap = gap_entry(w);
		status =
			w->gap ? commit(w, &error) : fb_fail(&error, FB_NO_MEMORY, w->path, "out of memory");
		fb_ride_destroy(w->gap);
		w->gap = NULL;
	}
	if (status != FB_OK) {
		stop_recording(w, &error);
		return;
	}
	w->recording = true;
	w->suspect = false;
	publish_health(w);
}

/* --- the round */

static void write_group(fb_writer *w)
{
	fb_error error = {0};
	fb_status status;
	if (!w->n_group && !fb_rides_ended(w->rides)) {
		return;
	}
	if (w->recording) {
		status = commit(w, &error);
		if (status != FB_OK) {
			stop_recording(w, &error);
		}
	} else {
		status = fb_fail(&error, FB_IO, w->why.where, "recording has stopped: %s", w->why.text);
	}
	if (status != FB_OK) {
		atomic_fetch_add(&w->lost, fb_rides_trim(w->rides, FB_WRITER_KEPT));
	}
	for (size_t i = 0; i < w->n_group; i++) {
		fb_job *job = w->group[i];
		if (status != FB_OK) {
			atomic_fetch_add(&w->lost, job->type == FB_JOB_SYNC ? 0 : 1);
			job->error = error;
		}
		complete(w, job);
	}
	if (w->n_group) {
		publish_completions(w);
	}
	w->n_group = 0;
}

static void look_up(fb_writer *w, fb_job *job)
{
	switch (job->type) {
	case FB_JOB_RUNS:
		(void)!fb_runs_list(&w->db, job->station, job->limit, &job->rows, &job->error);
		return;
	case FB_JOB_FIND_RUN:
		(void)!fb_runs_find(&w->db, job->id, &job->rows, &job->error);
		return;
	case FB_JOB_AUDIO:
		(void)!fb_snapshots_load(&w->db, job, &job->error);
		return;
	case FB_JOB_AUDIT_ROWS:
		(void)!fb_audit_read(&w->db, job->id, job->limit, &job->rows, &job->error);
		return;
	case FB_JOB_LIST:
		(void)!fb_documents_list(&w->db, job->kind, job->limit, &job->rows, &job->error);
		return;
	default:
		(void)!fb_documents_find(&w->db, job->kind, job->id, &job->rows, &job->error);
	}
}

static void answer(fb_writer *w, fb_job *job)
{
	if (w->db.handle) {
		look_up(w, job);
	} else {
		fb_fail(&job->error, FB_UNAVAILABLE, w->why.where, "%s", w->why.text);
	}
	if (w->recording && w->db.broken) {
		stop_recording(w, &job->error);
	}
	complete(w, job);
	publish_completions(w);
}

/* A job with audio is a transaction of its own: one that does not fit on the disk takes nothing
   else down with it. A query sees all that was posted before it. */
static void take_job(fb_writer *w, fb_job *job)
{
	bool alone = job->audio || job->type >= FB_JOB_QUERY;
	if (job->type == FB_JOB_SYNC || job->type == FB_JOB_AUDIT_ROWS) {
		fb_rides_end_all(w->rides);
	}
	if (alone || w->n_group == FB_WRITER_GROUP) {
		write_group(w);
	}
	if (job->type >= FB_JOB_QUERY) {
		answer(w, job);
		return;
	}
	w->group[w->n_group++] = job;
	if (alone) {
		write_group(w);
	}
}

static void serve(fb_writer *w)
{
	fb_post post;
	int64_t now = now_us();
	/* Only what waits now, so that what comes meanwhile does not put the commit off. */
	for (size_t n = fb_ring_count(w->posts); n && fb_ring_read(w->posts, &post); n--) {
		if (post.entry) {
			w->frame = post.entry->last->frame;
			fb_rides_add(w->rides, post.entry, now);
		} else {
			take_job(w, post.job);
		}
	}
	fb_rides_expire(w->rides, now);
	write_group(w);
}

static void prune_now_and_then(fb_writer *w)
{
	fb_error error = {0};
	if (w->recording && now_us() >= w->prune_us && commit(w, &error) != FB_OK) {
		stop_recording(w, &error);
	}
}

static void wait_for_work(fb_writer *w)
{
	int64_t due = fb_rides_due(w->rides), other = w->recording ? w->prune_us : w->retry_us;
	int64_t left = (due < other ? due : other) - now_us();
	struct pollfd wake = {.fd = w->wake_fd, .events = POLLIN};
	uint64_t kicks;
	atomic_store(&w->asleep, true); /* before the ring is looked at: who writes then, kicks */
	if (left < 0 || fb_ring_count(w->posts)) {
		left = 0;
	}
	if (poll(&wake, 1, (int)(left / 1000) + 1) > 0 &&
		read(w->wake_fd, &kicks, sizeof kicks) != sizeof kicks) {
		assert(errno == EAGAIN);
	}
	atomic_store(&w->asleep, false);
}

static void *run(void *arg)
{
	fb_writer *w = arg;
	for (bool last = false; !last;) {
		last = atomic_load(&w->stopping); /* before the ring is looked at, to miss nothing */
		serve(w);
		if (!w->recording && (last || now_us() >= w->retry_us)) {
			try_again(w);
		}
		prune_now_and_then(w);
		if (!last) {
			wait_for_work(w);
		}
	}
	fb_rides_end_all(w->rides);
	write_group(w);
	return NULL;
}

/* --- starting and ending, on the control thread */

/* Signals are the main thread's, and SIGXFSZ (a limit on file size) is to come back as an error. */
static int start_thread(fb_writer *w)
{
	sigset_t blocked, before;
	sigfillset(&blocked);
	sigdelset(&blocked, SIGSEGV);
	sigdelset(&blocked, SIGBUS);
	sigdelset(&blocked, SIGFPE);
	sigdelset(&blocked, SIGILL);
	sigdelset(&blocked, SIGABRT);
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	int code = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!code) {
		pthread_setname_np(w->thread, "fb-store");
	}
	return code;
}

fb_status fb_writer_start(fb_writer *w, fb_error *error)
{
	w->wake_fd = w->lock_fd = -1;
	w->posts = fb_ring_create(POSTS, sizeof(fb_post));
	w->completions = fb_ring_create(COMPLETIONS, sizeof(fb_job *));
	w->rides = fb_rides_create();
	if (!w->posts || !w->completions || !w->rides) {
		return fb_fail(error, FB_NO_MEMORY, w->path, "out of memory");
	}
	fb_status status = fb_schema_lock(w->path, &w->lock_fd, error);
	if (status == FB_OK) {
		status = fb_schema_open(&w->db, w->path, error);
	}
	if (status == FB_OK) {
		status = fb_audit_find_tip(&w->db, &w->tip, error);
	}
	if (status != FB_OK) {
		return status;
	}
	w->recording = true;
	w->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->wake_fd < 0) {
		return fb_fail(error, FB_IO, w->path, "no eventfd: %s", strerror(errno));
	}
	int code = start_thread(w);
	return code ? fb_fail(error, FB_IO, w->path, "no thread: %s", strerror(code)) : FB_OK;
}

void fb_writer_kick(fb_writer *w)
{
	uint64_t one = 1;
	if (!atomic_exchange(&w->asleep, false)) {
		return; /* it looks into the ring before it sleeps */
	}
	if (write(w->wake_fd, &one, sizeof one) != sizeof one) {
		assert(errno == EAGAIN); /* the counter is full: the thread is awake anyway */
	}
}

void fb_writer_stop(fb_writer *w)
{
	atomic_store(&w->stopping, true);
	atomic_store(&w->asleep, true);
	fb_writer_kick(w);
	pthread_join(w->thread, NULL);
}

void fb_writer_finish(fb_writer *w)
{
	fb_db_close(&w->db);
	fb_rides_destroy(w->rides);
	fb_ring_destroy(w->posts);
	fb_ring_destroy(w->completions);
	free(atomic_exchange(&w->notice, NULL));
	if (w->wake_fd >= 0) {
		close(w->wake_fd);
	}
	if (w->lock_fd >= 0) {
		close(w->lock_fd);
	}
	free(w->path);
}
