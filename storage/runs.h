/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Runs with their metrics. */
#ifndef FB_RUNS_H
#define FB_RUNS_H

#include "db.h"
#include "job.h"

/** errors: FB_INVALID a score or a metric of the report is no number */
FB_MUST_CHECK fb_status fb_runs_check(const json_t *report, const char *run_id, fb_error *error);

/* All within the caller's transaction; on failure some of it may have been done. */

/** Run, metrics, and its audio if it has some.
	errors: FB_EXISTS, FB_IO */
FB_MUST_CHECK fb_status fb_runs_insert(fb_db *db, const fb_job *job, fb_error *error);
/** As fb_store_revise_run(). errors: FB_NOT_FOUND, FB_IO */
FB_MUST_CHECK fb_status fb_runs_revise(fb_db *db, const fb_job *job, fb_error *error);
/** As fb_store_runs(), fb_store_find_run(). owns: give *out */
FB_MUST_CHECK fb_status fb_runs_list(
	fb_db *db, uint32_t station, uint32_t limit, json_t **out, fb_error *error);
FB_MUST_CHECK fb_status fb_runs_find(fb_db *db, const char *id, json_t **out, fb_error *error);

#endif
