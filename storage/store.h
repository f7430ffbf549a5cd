/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What is kept: audit, sessions, runs with their metrics and snapshots, scenes, proposals, in one
	SQLite file (WAL) written by one thread of its own.

	The control thread posts jobs and polls for completions; neither side ever waits for the other.
	A full disk or a broken file stops recording, loudly (fb_store_health), never the audio. */
#ifndef FB_STORE_H
#define FB_STORE_H

#include "../graph/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct fb_store fb_store;

typedef struct fb_store_options {
	const char *path;        ///< the database file; its folder must exist
	void (*wake)(void *ctx); ///< called by the store thread when a completion waits
	void *wake_ctx;
	uint64_t snapshot_bytes_max; ///< prune unpinned snapshots beyond this; 0 = 1 GiB
	uint32_t snapshot_days_max;  ///< and beyond this age; 0 = 30
} fb_store_options;

/** Open or create, migrate forward, start the thread.
	errors: FB_IO naming the file (cannot open, read-only, not a database, from a newer version,
			in use by another server) */
FB_MUST_CHECK fb_status fb_store_open(
	const fb_store_options *options, fb_store **out, fb_error *error);
/** Write out everything posted, then close. NULL is allowed. */
void fb_store_close(fb_store *store);

/* --- posting: thread control, never blocks; everything is copied */

typedef struct fb_audit_entry {
	int64_t time_us; ///< Unix time
	uint64_t frame;  ///< of the engine
	const char *origin, *address;
	const char *before, *after; ///< as text, NULL if none
	const char *outcome;        ///< "ok", or the reason of the refusal
	bool mergeable;             ///< a plain accepted set of a number: part of a ride may be merged
	double value;               ///< for the ride's least and greatest
} fb_audit_entry;
/** errors: FB_TOO_MANY when the queue is full (counted in fb_store_health) */
fb_status fb_store_audit(fb_store *store, const fb_audit_entry *entry);

/** Called on the control thread from fb_store_poll(). `rows` is NULL for writes and on error. */
typedef void fb_store_done(void *ctx, const json_t *rows, const fb_error *error);

/** Called when everything posted before is on disk. */
fb_status fb_store_sync(fb_store *store, fb_store_done *done, void *ctx);

typedef struct fb_run_record {
	const char *run_id;
	const char *session; ///< NULL outside a session
	uint32_t station;    ///< from 1
	int64_t time_us;
	const json_t
		*report; ///< the run report without the audio; `metrics` and `score` are taken from it
	const char *source_hash;   ///< snapshot the run was made from, NULL if none
	const float *const *audio; ///< [2][frames] the run's output, NULL to store none
	uint64_t frames;
	double rate_hz;
} fb_run_record;
/** Store a run, and its audio as a snapshot. done may be NULL. */
fb_status fb_store_run(fb_store *store, const fb_run_record *run, fb_store_done *done, void *ctx);
/** Store audio under a name of its own (a captured source). Same name again: kept once. */
fb_status fb_store_snapshot(fb_store *store, const char *name, const float *const *audio,
	uint32_t channels, uint64_t frames, double rate_hz, bool pinned);
/** Insert or replace a small JSON document: kind is "session", "scene" or "proposal". */
fb_status fb_store_put(fb_store *store, const char *kind, const char *id, const json_t *document);

/* --- reading: rows as JSON, delivered by fb_store_poll() */
fb_status fb_store_runs(fb_store *store, uint32_t station, uint32_t limit, fb_store_done *done,
	void *ctx); ///< newest first; station 0 = all
fb_status fb_store_find_run(fb_store *store, const char *run_id, fb_store_done *done, void *ctx);
/** Audio of a run or of a named snapshot, as floats. */
typedef void fb_store_audio_done(void *ctx, const float *interleaved, uint32_t channels,
	uint64_t frames, double rate_hz, const fb_error *error);
fb_status fb_store_audio(
	fb_store *store, const char *name_or_run, fb_store_audio_done *done, void *ctx);
fb_status fb_store_audit_rows(fb_store *store, const char *address_glob, uint32_t limit,
	fb_store_done *done, void *ctx); ///< newest first
fb_status fb_store_list(
	fb_store *store, const char *kind, uint32_t limit, fb_store_done *done, void *ctx);

/** Deliver completions. thread: control */
void fb_store_poll(fb_store *store);

typedef struct fb_store_status {
	bool recording;   ///< false after a write failed; tried again every few seconds
	char reason[256]; ///< why not
	uint64_t lost;    ///< entries that could not be kept
	uint64_t rows;    ///< audit rows written since start
} fb_store_status;
void fb_store_health(fb_store *store, fb_store_status *out); ///< thread: control

/** Recompute the audit's chain of hashes; count and first broken row (0 = whole). Blocking; for
	the command line and tests.
	errors: FB_IO */
FB_MUST_CHECK fb_status fb_store_verify(
	const char *path, uint64_t *rows, uint64_t *first_broken, fb_error *error);

#endif
