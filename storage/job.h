/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What crosses from the control thread to the store thread and back: a job, owned by whoever holds
	it. Going, it carries what is asked; coming back, the answer. */
#ifndef FB_JOB_H
#define FB_JOB_H

#include "rides.h"
#include "store.h"

/** Each kind of document has a table of its own. */
typedef enum fb_document_kind {
	FB_DOCUMENT_SESSION,
	FB_DOCUMENT_SCENE,
	FB_DOCUMENT_PROPOSAL,
	FB_DOCUMENT_SETTING,
	FB_DOCUMENT_KINDS,
} fb_document_kind;

typedef enum fb_job_type {
	FB_JOB_SYNC,
	FB_JOB_RUN,
	FB_JOB_SNAPSHOT,
	FB_JOB_PUT,
	FB_JOB_REVISE,
	FB_JOB_DELETE,
	FB_JOB_QUERY, ///< this and all after it read
	FB_JOB_RUNS = FB_JOB_QUERY,
	FB_JOB_FIND_RUN,
	FB_JOB_AUDIO,
	FB_JOB_AUDIT_ROWS,
	FB_JOB_LIST,
	FB_JOB_FIND,
} fb_job_type;

typedef struct fb_job {
	fb_job_type type;
	fb_store_done *done;
	fb_store_audio_done *audio_done; ///< FB_JOB_AUDIO
	void *ctx;

	char *id, *session, *source_hash; ///< owned; id: run, name, document, or pattern
	fb_document_kind kind;
	json_t *document; ///< owned, shared with nobody
	uint32_t station, limit;
	int64_t time_us;
	bool pinned;

	float *audio; ///< owned, interleaved, little-endian while it goes
	uint32_t channels;
	uint64_t frames;
	double rate_hz;

	json_t *rows; ///< answer; owned
	fb_error error;
} fb_job;

/** One record of the ring to the store thread: one of the two. */
typedef struct fb_post {
	fb_job *job;
	fb_ride *entry;
} fb_post;

void fb_job_destroy(fb_job *job); ///< NULL is allowed
/** Bytes of audio that a job carries. */
uint64_t fb_job_bytes(const fb_job *job);
/** Turn samples between the machine's order of bytes and the file's, in place. */
void fb_job_swap(float *audio, uint64_t samples);

#endif
