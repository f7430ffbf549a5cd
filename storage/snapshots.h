/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Audio: kept under a name, pruned by age and by size, pinned never. */
#ifndef FB_SNAPSHOTS_H
#define FB_SNAPSHOTS_H

#include "db.h"
#include "job.h"

/* Writing is within the caller's transaction. */

/** errors: FB_EXISTS there is one of that name */
FB_MUST_CHECK fb_status fb_snapshots_insert(fb_db *db, const fb_job *job, fb_error *error);
/** Insert, or pin what is there. */
FB_MUST_CHECK fb_status fb_snapshots_keep(fb_db *db, const fb_job *job, fb_error *error);
/** Drop what is older than `days` before now_us, and the oldest beyond bytes_max but the newest. */
FB_MUST_CHECK fb_status fb_snapshots_prune(
	fb_db *db, int64_t now_us, uint64_t bytes_max, uint32_t days, fb_error *error);

/** Fill the job with the audio of job->id.
	errors: FB_NOT_FOUND */
FB_MUST_CHECK fb_status fb_snapshots_load(fb_db *db, fb_job *job, fb_error *error);

#endif
