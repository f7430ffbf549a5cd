/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The store thread: takes posts from a ring, writes all that wait in one transaction, and hands
	completions back through another ring, after the commit. */
#ifndef FB_WRITER_H
#define FB_WRITER_H

#include "../graph/ring.h"
#include "audit.h"
#include "db.h"
#include "job.h"
#include "rides.h"
#include "store.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
	FB_WRITER_GROUP = 256,    ///< jobs in one transaction
	FB_WRITER_KEPT = 16384,   ///< audit rows kept in memory while recording has stopped
	FB_WRITER_PRUNE_S = 3600, ///< between two looks for old snapshots, without new ones
};

/** Published by the store thread, taken and freed by control. */
typedef struct fb_notice {
	bool recording;
	char reason[256];
} fb_notice;

typedef struct fb_writer {
	/* fixed while the thread runs */
	char *path;
	void (*wake)(void *ctx);
	void *wake_ctx;
	uint64_t snapshot_bytes_max;
	uint32_t snapshot_days_max;
	uint32_t retry_ms;    ///< between two attempts to record again
	fb_ring *posts;       ///< of fb_post, from control
	fb_ring *completions; ///< of fb_job *, to control; control posts no more than fit
	int wake_fd, lock_fd; ///< wake_fd: eventfd that control writes after a post
	pthread_t thread;

	/* both sides */
	_Atomic bool stopping;        ///< by control
	_Atomic bool asleep;          ///< the thread may be waiting for a kick; by both
	_Atomic uint64_t lost;        ///< by both
	_Atomic uint64_t rows;        ///< by the store thread
	_Atomic uint64_t audio_bytes; ///< in jobs posted and not yet written; by both
	_Atomic(fb_notice *) notice;  ///< put by the store thread, taken by control

	/* the store thread's */
	fb_db db;
	fb_rides *rides;
	fb_audit_tip tip;
	fb_job *group[FB_WRITER_GROUP]; ///< writes and syncs for the next transaction
	size_t n_group;
	uint64_t frame;   ///< of the last audit entry
	int64_t prune_us; ///< when to look for old snapshots
	bool recording;
	bool suspect;         ///< the file was found corrupt: check it before it is trusted again
	fb_error why;         ///< why not recording
	uint64_t lost_before; ///< `lost` when recording stopped
	int64_t retry_us;     ///< when to try again
	fb_ride *gap;         ///< the row that says so, while it is written
} fb_writer;

/** Open the file and start the thread. The writer is zeroed but for path, wake and limits.
	errors: as fb_store_open() */
FB_MUST_CHECK fb_status fb_writer_start(fb_writer *writer, fb_error *error);
/** Tell the thread that there is something in the ring. thread: control */
void fb_writer_kick(fb_writer *writer);
/** Write all that was posted, end the thread, close the file. Completions stay in their ring. */
void fb_writer_stop(fb_writer *writer);
/** After stop, or after a start that failed. */
void fb_writer_finish(fb_writer *writer);

#endif
