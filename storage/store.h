/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What is kept: audit, sessions, runs with their metrics and snapshots, scenes, proposals, in one
	SQLite file (WAL) written by one thread of its own.

	The control thread posts jobs and polls for completions; neither side ever waits for the other.
	A full disk or a broken file stops recording, loudly (fb_store_health), never the audio. While
	stopped, audit rows wait in memory, up to a bound; the store tries again every few seconds, and
	the first row after such a gap says why it was and how much was lost. */
#ifndef FB_STORE_H
#define FB_STORE_H

#include "../graph/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct fb_store fb_store;

/** A number as people read it, at most 31 bytes. tag: what kind, as in OSC's type tags. */
typedef void fb_store_text(char tag, double value, char *text, size_t size);

typedef struct fb_store_options {
	const char *path;        ///< the database file; its folder must exist
	void (*wake)(void *ctx); ///< called by the store thread when a completion waits or the health
							 ///< changed; NULL for none
	void *wake_ctx;
	uint64_t snapshot_bytes_max; ///< the oldest unpinned snapshots go when their sum is beyond
								 ///< this, the newest never; 0 = 1 GiB
	uint32_t snapshot_days_max;  ///< unpinned ones beyond this age go; 0 = 30
	uint32_t retry_ms;           ///< between two attempts to record again; 0 = 2000
	fb_store_text *text;         ///< for fb_store_set()
} fb_store_options;

/** Open or create, migrate forward, start the thread.
	errors: FB_IO naming the file (cannot open, read-only, not a database, from a newer version,
			in use by another server) */
FB_MUST_CHECK fb_status fb_store_open(
	const fb_store_options *options, fb_store **out, fb_error *error);
/** Write out everything posted, deliver the completions that wait, close. NULL is allowed.
	Never from inside a completion. */
void fb_store_close(fb_store *store);

/* --- posting: thread control, never blocks; everything is copied. A post that is refused never
   calls `done`, one that is taken calls it once. All refuse with FB_TOO_MANY when the queue is
   full (counted in fb_store_health), FB_NO_MEMORY, and FB_INVALID for what is missing. */

/** What the last refused post had to say, in full. thread: control */
const fb_error *fb_store_refusal(const fb_store *store);

typedef struct fb_audit_entry {
	int64_t time_us; ///< Unix time
	uint64_t frame;  ///< of the engine
	const char *origin, *address;
	const char *before, *after; ///< as text, NULL if none
	const char *outcome;        ///< "ok", or the reason of the refusal
	bool mergeable;             ///< a plain accepted set of a number: part of a ride may be merged
	double value;               ///< for the ride's least and greatest
} fb_audit_entry;
/** Add to the audit. A ride (mergeable entries of one origin on one address, each within 250 ms of
	the one before) becomes one row, written when it ends: by 250 ms of silence, any other entry on
	that address, a sync, a reading of the audit, or after a minute. Rows stand in the order in
	which they ended. */
fb_status fb_store_audit(fb_store *store, const fb_audit_entry *entry);

/** A plain accepted set of a number. */
typedef struct fb_audit_set {
	int64_t time_us; ///< Unix time
	uint64_t frame;  ///< of the engine
	const char *origin, *address;
	uint64_t place;       ///< stands for the address: never given to another one
	char tag;             ///< of both values
	double before, after; ///< finite
} fb_audit_set;
/** As fb_store_audit() of a mergeable entry, for floods: what comes within 50 ms is merged here,
	before it takes room in the queue, and posted with the next other post or by fb_store_poll(). */
fb_status fb_store_set(fb_store *store, const fb_audit_set *set);

/** Called on the control thread from fb_store_poll(). `rows` is NULL for writes and on error. */
typedef void fb_store_done(void *ctx, const json_t *rows, const fb_error *error);

/** Called when everything posted before is on disk, or with an error if it is not.
	errors: FB_IO by done, recording has stopped */
fb_status fb_store_sync(fb_store *store, fb_store_done *done, void *ctx);

#define FB_STORE_AUDIO_MAX 999000000u ///< bytes of float32 audio in one snapshot: SQLite's limit

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
/** Store a run, and its audio as a snapshot named by its run id. done may be NULL.
	errors: FB_TOO_LARGE audio beyond FB_STORE_AUDIO_MAX; FB_INVALID a metric or score that is no
			number; by done: FB_EXISTS there is a run or a snapshot of that name, FB_IO */
fb_status fb_store_run(fb_store *store, const fb_run_record *run, fb_store_done *done, void *ctx);
/** Put another report (and score) in place of a run's: its marks and notes may come later. Its
	metrics and its audio stay. done may be NULL.
	errors: FB_INVALID as above; by done: FB_NOT_FOUND, FB_IO */
fb_status fb_store_revise_run(
	fb_store *store, const char *run_id, const json_t *report, fb_store_done *done, void *ctx);
/** Store audio under a name of its own (a captured source). Same name again: kept once, and pinned
	if it ever was.
	errors: FB_TOO_LARGE as above */
fb_status fb_store_snapshot(fb_store *store, const char *name, const float *const *audio,
	uint32_t channels, uint64_t frames, double rate_hz, bool pinned);
/** Insert or replace a small JSON document: kind is "session", "scene", "proposal" or "setting". */
fb_status fb_store_put(fb_store *store, const char *kind, const char *id, const json_t *document);
/** Take one away, if it is there. */
fb_status fb_store_delete(fb_store *store, const char *kind, const char *id);

/* --- reading: rows as JSON, delivered by fb_store_poll(); they see everything posted before.
   limit: 0 stands for FB_STORE_ROWS_MAX, and more are never given. */
#define FB_STORE_ROWS_MAX 10000u

/** Newest first; station 0 = all.
	shape: [{run_id, session, station_id, time_us, score, source_hash, frames, sample_rate,
		   snapshot: is its audio still kept, parameters, notes, subjective}], null for none */
fb_status fb_store_runs(
	fb_store *store, uint32_t station, uint32_t limit, fb_store_done *done, void *ctx);
/** The report as it was given, and beside it session, time_us, source_hash, snapshot.
	errors: FB_NOT_FOUND by done */
fb_status fb_store_find_run(fb_store *store, const char *run_id, fb_store_done *done, void *ctx);
/** `interleaved` is borrowed for the call, NULL on error. */
typedef void fb_store_audio_done(void *ctx, const float *interleaved, uint32_t channels,
	uint64_t frames, double rate_hz, const fb_error *error);
/** Audio of a run or of a named snapshot, as floats.
	errors: FB_NOT_FOUND by done */
fb_status fb_store_audio(
	fb_store *store, const char *name_or_run, fb_store_audio_done *done, void *ctx);
/** Newest first. Of a ride, time_us, frame and new are its last entry's; first_time_us, first_frame
	and first its first one's; old is what was there before it.
	shape: [{id, time_us, frame, origin, address, old, new, outcome, count, first_time_us,
		   first_frame, first, least, greatest, hash}]
	range: address_glob as SQLite's GLOB has it (`*` `?` `[a-z]`), NULL for all */
fb_status fb_store_audit_rows(
	fb_store *store, const char *address_glob, uint32_t limit, fb_store_done *done, void *ctx);
/** Documents of a kind, the last written first.
	shape: [{id, time_us, document}] */
fb_status fb_store_list(
	fb_store *store, const char *kind, uint32_t limit, fb_store_done *done, void *ctx);
/** One such object.
	errors: FB_NOT_FOUND by done */
fb_status fb_store_find(
	fb_store *store, const char *kind, const char *id, fb_store_done *done, void *ctx);

/** Deliver completions. thread: control */
void fb_store_poll(fb_store *store);

typedef struct fb_store_status {
	bool recording;   ///< false after a write failed; tried again every few seconds
	char reason[256]; ///< why not
	uint64_t lost;    ///< audit entries, runs, snapshots and documents that could not be kept
	uint64_t rows;    ///< audit rows written since start
} fb_store_status;
void fb_store_health(fb_store *store, fb_store_status *out); ///< thread: control

/** Recompute the audit's chain of hashes: how many rows, and the id of the first that was changed
	or taken out (0 = whole). Blocking; for the command line and tests; a server may be using it.
	errors: FB_IO */
FB_MUST_CHECK fb_status fb_store_verify(
	const char *path, uint64_t *rows, uint64_t *first_broken, fb_error *error);

#endif
