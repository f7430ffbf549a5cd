/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The control thread's side: posts out, completions in. */
#include "store.h"

#include "documents.h"
#include "gather.h"
#include "runs.h"
#include "writer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	OUTSTANDING = 4096, /* completions: what their ring holds */
	PATTERN_MAX = 1000, /* SQLite refuses very long ones as an error of the file */
	CHANNELS_MAX = 64,
};
#define AUDIO_WAITING_MAX (UINT64_C(512) << 20) /* bytes; beyond it the disk does not keep up */

struct fb_store {
	fb_writer writer;
	/* control's */
	fb_notice *health; /* the newest taken; NULL: recording */
	fb_gather *gather;
	int64_t gathered_us; /* by the monotonic clock: when the oldest in it came */
	fb_error refusal;
	size_t outstanding;
	bool closing;
};

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

fb_status fb_store_open(const fb_store_options *options, fb_store **out, fb_error *error)
{
	fb_store *store = calloc(1, sizeof *store);
	if (!store) {
		return fb_fail(error, FB_NO_MEMORY, options->path, "out of memory");
	}
	fb_writer *w = &store->writer;
	w->path = strdup(options->path);
	w->wake = options->wake;
	w->wake_ctx = options->wake_ctx;
	w->snapshot_bytes_max = options->snapshot_bytes_max ? options->snapshot_bytes_max : 1u << 30;
	w->snapshot_days_max = options->snapshot_days_max ? options->snapshot_days_max : 30;
	w->retry_ms = options->retry_ms ? options->retry_ms : 2000;
	store->gather = fb_gather_create(options->text);
	fb_status status = w->path && store->gather
						   ? fb_writer_start(w, error)
						   : fb_fail(error, FB_NO_MEMORY, options->path, "out of memory");
	if (status != FB_OK) {
		fb_writer_finish(w);
		fb_gather_destroy(store->gather);
		free(store);
		return status;
	}
	*out = store;
	return FB_OK;
}

/** All of them, once there is room; until then they are merged on. */
static void post_gathered(fb_store *store)
{
	fb_ring *posts = store->writer.posts;
	size_t room = fb_ring_space(posts), n = fb_gather_count(store->gather);
	if (n && room >= n) {
		fb_ride *ride;
		while ((ride = fb_gather_take(store->gather))) {
			(void)fb_ring_put(posts, &(fb_post){.entry = ride}); /* there is room for it */
		}
		fb_ring_publish(posts);
		fb_writer_kick(&store->writer);
	}
}

void fb_store_close(fb_store *store)
{
	if (!store) {
		return;
	}
	post_gathered(store);
	store->closing = true;
	fb_writer_stop(&store->writer);
	fb_store_poll(store);
	fb_writer_finish(&store->writer);
	fb_gather_destroy(store->gather);
	free(store->health);
	free(store);
}

const fb_error *fb_store_refusal(const fb_store *store)
{
	return &store->refusal;
}

/* --- posting */

static fb_status check_room(fb_store *store, bool completes, bool writes)
{
	const char *path = store->writer.path;
	if (store->closing) {
		return fb_fail(&store->refusal, FB_UNAVAILABLE, path, "the store is being closed");
	}
	if (fb_ring_space(store->writer.posts) && !(completes && store->outstanding >= OUTSTANDING)) {
		return FB_OK;
	}
	atomic_fetch_add(&store->writer.lost, writes ? 1 : 0);
	return fb_fail(&store->refusal, FB_TOO_MANY, path, "the queue to the store is full");
}

static void send(fb_store *store, fb_post post)
{
	/* There is room: check_room() looked, and only this thread fills the ring. */
	if (fb_ring_write(store->writer.posts, &post)) {
		fb_writer_kick(&store->writer);
	}
}

fb_status fb_store_audit(fb_store *store, const fb_audit_entry *entry)
{
	if (!entry->origin || !entry->address || !entry->outcome) {
		return fb_fail(&store->refusal, FB_INVALID, entry->address ? entry->address : "audit",
			"an audit entry needs origin, address and outcome");
	}
	post_gathered(store);
	fb_status status = check_room(store, false, true);
	if (status != FB_OK) {
		return status;
	}
	fb_ride *ride = fb_ride_create(entry);
	if (!ride) {
		atomic_fetch_add(&store->writer.lost, 1);
		return fb_fail(&store->refusal, FB_NO_MEMORY, entry->address, "out of memory");
	}
	send(store, (fb_post){.entry = ride});
	return FB_OK;
}

fb_status fb_store_set(fb_store *store, const fb_audit_set *set)
{
	if (store->closing) {
		return check_room(store, false, true);
	}
	if (!fb_gather_count(store->gather)) {
		store->gathered_us = now_us();
	}
	if (fb_gather_add(store->gather, set)) {
		return FB_OK;
	}
	post_gathered(store);
	store->gathered_us = now_us();
	if (!fb_gather_add(store->gather, set)) {
		atomic_fetch_add(&store->writer.lost, 1);
		return fb_fail(
			&store->refusal, FB_TOO_MANY, set->address, "the queue to the store is full");
	}
	return FB_OK;
}

/* A job with its id copied, NULL when out of memory. */
static fb_job *begin(fb_job_type type, const char *id, fb_store_done *done, void *ctx)
{
	struct timespec t;
	fb_job *job = calloc(1, sizeof *job);
	if (!job) {
		return NULL;
	}
	clock_gettime(CLOCK_REALTIME, &t);
	job->type = type;
	job->done = done;
	job->ctx = ctx;
	job->time_us = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
	job->id = id ? strdup(id) : NULL;
	if (id && !job->id) {
		fb_job_destroy(job);
		return NULL;
	}
	return job;
}

/* Takes the job, posted or not; NULL stands for one there was no memory for. */
static fb_status post(fb_store *store, fb_job *job)
{
	if (!job) {
		return fb_fail(&store->refusal, FB_NO_MEMORY, store->writer.path, "out of memory");
	}
	bool completes = job->done || job->audio_done;
	post_gathered(store);
	fb_status status =
		check_room(store, completes, job->type < FB_JOB_QUERY && job->type != FB_JOB_SYNC);
	if (status != FB_OK) {
		fb_job_destroy(job);
		return status;
	}
	store->outstanding += completes;
	atomic_fetch_add(&store->writer.audio_bytes, fb_job_bytes(job));
	send(store, (fb_post){.job = job});
	return FB_OK;
}

fb_status fb_store_sync(fb_store *store, fb_store_done *done, void *ctx)
{
	return post(store, begin(FB_JOB_SYNC, NULL, done, ctx));
}

static fb_status check_name(fb_store *store, const char *what, const char *name)
{
	if (name && *name) {
		return FB_OK;
	}
	return fb_fail(&store->refusal, FB_INVALID, what, "a name is missing");
}

/* Is this audio that can be kept, and is there room for it on its way. */
static fb_status check_audio(
	fb_store *store, const char *name, uint32_t channels, uint64_t frames, double rate_hz)
{
	fb_error *error = &store->refusal;
	if (!channels || channels > CHANNELS_MAX) {
		return fb_fail(
			error, FB_INVALID, name, "%u channels, and 1 to %d can be", channels, CHANNELS_MAX);
	}
	if (!isfinite(rate_hz) || rate_hz <= 0) {
		return fb_fail(error, FB_INVALID, name, "%g Hz is no sample rate", rate_hz);
	}
	if (frames > FB_STORE_AUDIO_MAX / sizeof(float) / channels) {
		return fb_fail(error, FB_TOO_LARGE, name,
			"%llu frames of %u channels are more than the %u bytes of audio one snapshot may have",
			(unsigned long long)frames, channels, FB_STORE_AUDIO_MAX);
	}
	uint64_t waiting = atomic_load(&store->writer.audio_bytes);
	if (waiting && waiting + frames * channels * sizeof(float) > AUDIO_WAITING_MAX) {
		atomic_fetch_add(&store->writer.lost, 1);
		return fb_fail(error, FB_TOO_MANY, name, "%llu bytes of audio wait for the disk already",
			(unsigned long long)waiting);
	}
	return FB_OK;
}

/* Interleave a copy into the job; false when out of memory. */
static bool copy_audio(fb_job *job, const float *const *audio)
{
	size_t n = (size_t)job->frames * job->channels;
	job->audio = malloc(n ? n * sizeof *job->audio : 1);
	if (!job->audio) {
		return false;
	}
	for (uint32_t c = 0; c < job->channels; c++) {
		for (size_t i = 0; i < job->frames; i++) {
			job->audio[i * job->channels + c] = audio[c][i];
		}
	}
	fb_job_swap(job->audio, n);
	return true;
}

static bool copy_text(char **out, const char *text)
{
	*out = text ? strdup(text) : NULL;
	return *out || !text;
}

static bool fill_run(fb_job *job, const fb_run_record *run)
{
	job->station = run->station;
	job->time_us = run->time_us;
	job->channels = 2;
	job->frames = run->frames;
	job->rate_hz = run->rate_hz;
	job->document = json_deep_copy(run->report);
	return job->document && copy_text(&job->session, run->session) &&
		   copy_text(&job->source_hash, run->source_hash) &&
		   (!run->audio || copy_audio(job, run->audio));
}

fb_status fb_store_run(fb_store *store, const fb_run_record *run, fb_store_done *done, void *ctx)
{
	fb_status status = check_name(store, "run", run->run_id);
	if (status == FB_OK) {
		status = fb_runs_check(run->report, run->run_id, &store->refusal);
	}
	if (status == FB_OK && run->audio) {
		status = check_audio(store, run->run_id, 2, run->frames, run->rate_hz);
	}
	if (status != FB_OK) {
		return status;
	}
	fb_job *job = begin(FB_JOB_RUN, run->run_id, done, ctx);
	if (job && !fill_run(job, run)) {
		fb_job_destroy(job);
		job = NULL;
	}
	return post(store, job);
}

fb_status fb_store_revise_run(
	fb_store *store, const char *run_id, const json_t *report, fb_store_done *done, void *ctx)
{
	fb_status status = check_name(store, "run", run_id);
	status = status ? status : fb_runs_check(report, run_id, &store->refusal);
	if (status != FB_OK) {
		return status;
	}
	fb_job *job = begin(FB_JOB_REVISE, run_id, done, ctx);
	if (job && !(job->document = json_deep_copy(report))) {
		fb_job_destroy(job);
		job = NULL;
	}
	return post(store, job);
}

fb_status fb_store_snapshot(fb_store *store, const char *name, const float *const *audio,
	uint32_t channels, uint64_t frames, double rate_hz, bool pinned)
{
	fb_status status = check_name(store, "snapshot", name);
	if (status == FB_OK) {
		status = check_audio(store, name, channels, frames, rate_hz);
	}
	if (status != FB_OK) {
		return status;
	}
	fb_job *job = begin(FB_JOB_SNAPSHOT, name, NULL, NULL);
	if (job) {
		job->channels = channels;
		job->frames = frames;
		job->rate_hz = rate_hz;
		job->pinned = pinned;
		if (!copy_audio(job, audio)) {
			fb_job_destroy(job);
			job = NULL;
		}
	}
	return post(store, job);
}

static fb_status check_kind(fb_store *store, const char *kind)
{
	if (kind && fb_documents_kind(kind) != FB_DOCUMENT_KINDS) {
		return FB_OK;
	}
	return fb_fail(&store->refusal, FB_INVALID, kind ? kind : "document",
		"is no kind of document: session, scene, proposal and setting are");
}

fb_status fb_store_put(fb_store *store, const char *kind, const char *id, const json_t *document)
{
	fb_status status = check_kind(store, kind);
	if (status == FB_OK) {
		status = check_name(store, kind, id);
	}
	if (status == FB_OK && !document) {
		status = fb_fail(&store->refusal, FB_INVALID, id, "the document is missing");
	}
	if (status != FB_OK) {
		return status;
	}
	fb_job *job = begin(FB_JOB_PUT, id, NULL, NULL);
	if (job) {
		job->kind = fb_documents_kind(kind);
		job->document = json_deep_copy(document);
		if (!job->document) {
			fb_job_destroy(job);
			job = NULL;
		}
	}
	return post(store, job);
}

fb_status fb_store_delete(fb_store *store, const char *kind, const char *id)
{
	fb_status status = check_kind(store, kind);
	if (status == FB_OK) {
		status = check_name(store, kind, id);
	}
	if (status != FB_OK) {
		return status;
	}
	fb_job *job = begin(FB_JOB_DELETE, id, NULL, NULL);
	if (job) {
		job->kind = fb_documents_kind(kind);
	}
	return post(store, job);
}

/* --- reading */

static fb_status ask(fb_store *store, fb_job *job, uint32_t limit)
{
	if (job) {
		job->limit = limit && limit < FB_STORE_ROWS_MAX ? limit : FB_STORE_ROWS_MAX;
	}
	return post(store, job);
}

fb_status fb_store_runs(
	fb_store *store, uint32_t station, uint32_t limit, fb_store_done *done, void *ctx)
{
	fb_job *job = begin(FB_JOB_RUNS, NULL, done, ctx);
	if (job) {
		job->station = station;
	}
	return ask(store, job, limit);
}

fb_status fb_store_find_run(fb_store *store, const char *run_id, fb_store_done *done, void *ctx)
{
	fb_status status = check_name(store, "run", run_id);
	return status == FB_OK ? post(store, begin(FB_JOB_FIND_RUN, run_id, done, ctx)) : status;
}

fb_status fb_store_audio(
	fb_store *store, const char *name_or_run, fb_store_audio_done *done, void *ctx)
{
	fb_status status = check_name(store, "snapshot", name_or_run);
	if (status != FB_OK) {
		return status;
	}
	fb_job *job = begin(FB_JOB_AUDIO, name_or_run, NULL, ctx);
	if (job) {
		job->audio_done = done;
	}
	return post(store, job);
}

fb_status fb_store_audit_rows(
	fb_store *store, const char *address_glob, uint32_t limit, fb_store_done *done, void *ctx)
{
	if (address_glob && strlen(address_glob) > PATTERN_MAX) {
		return fb_fail(&store->refusal, FB_INVALID, "audit",
			"the pattern is longer than %d characters", PATTERN_MAX);
	}
	return ask(store, begin(FB_JOB_AUDIT_ROWS, address_glob, done, ctx), limit);
}

fb_status fb_store_list(
	fb_store *store, const char *kind, uint32_t limit, fb_store_done *done, void *ctx)
{
	fb_status status = check_kind(store, kind);
	if (status != FB_OK) {
		return status;
	}
	fb_job *job = begin(FB_JOB_LIST, NULL, done, ctx);
	if (job) {
		job->kind = fb_documents_kind(kind);
	}
	return ask(store, job, limit);
}

fb_status fb_store_find(
	fb_store *store, const char *kind, const char *id, fb_store_done *done, void *ctx)
{
	fb_status status = check_kind(store, kind);
	if (status == FB_OK) {
		status = check_name(store, kind, id);
	}
	if (status != FB_OK) {
		return status;
	}
	fb_job *job = begin(FB_JOB_FIND, id, done, ctx);
	if (job) {
		job->kind = fb_documents_kind(kind);
	}
	return post(store, job);
}

/* --- what comes back */

static void deliver(fb_job *job)
{
	const fb_error *error = job->error.status == FB_OK ? NULL : &job->error;
	if (job->done) {
		job->done(job->ctx, error ? NULL : job->rows, error);
	} else if (error) {
		job->audio_done(job->ctx, NULL, 0, 0, 0, error);
	} else {
		job->audio_done(job->ctx, job->audio, job->channels, job->frames, job->rate_hz, NULL);
	}
}

void fb_store_poll(fb_store *store)
{
	fb_job *job;
	if (fb_gather_count(store->gather) && now_us() - store->gathered_us >= FB_RIDE_LATE_US / 2) {
		post_gathered(store);
	}
	while (fb_ring_read(store->writer.completions, &job)) {
		store->outstanding--;
		deliver(job);
		fb_job_destroy(job);
	}
}

void fb_store_health(fb_store *store, fb_store_status *out)
{
	fb_notice *newer = atomic_exchange(&store->writer.notice, NULL);
	if (newer) {
		free(store->health);
		store->health = newer;
	}
	*out = (fb_store_status){.recording = !store->health || store->health->recording,
		.lost = atomic_load(&store->writer.lost),
		.rows = atomic_load(&store->writer.rows)};
	if (store->health) {
		memcpy(out->reason, store->health->reason, sizeof out->reason);
	}
}
