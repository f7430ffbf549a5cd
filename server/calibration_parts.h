/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Calibration's insides, shared by calibration.c and calibration_request.c alone. */
#ifndef FB_CALIBRATION_PARTS_H
#define FB_CALIBRATION_PARTS_H

#include "audition.h"
#include "calibration.h"

#include "../osc/later.h"

enum {
	RECENT_MAX = 64, ///< runs whose parameters can be offered
	SOURCES_MAX = 8, ///< of them, those whose source can be used again
	TASKS_MAX = 16   ///< under way at once; below FB_CAPTURES_MAX
};

/** A run of late. */
typedef struct fb_recent {
	char run_id[FB_RUN_ID_LEN];
	uint32_t station;
	json_t *parameters;
	json_t *began;     ///< the station's settings when its source was first heard; NULL: not known
	bool live;         ///< that was the station's input
	fb_source *source; ///< NULL once newer runs pushed it out
} fb_recent;

/** A request under way. */
typedef struct fb_task {
	fb_calibration *calibration;
	fb_shadow_job *job;
	bool audition;
	fb_capture *capture; ///< while the meter thread fills it
	bool lost;           ///< the live input went away meanwhile
	double deadline_s;
	int64_t time_us;
	json_t *result;
	fb_calibration_done *done;         ///< NULL: nobody waits
	fb_calibration_compared *compared; ///< of a comparison, instead of done
	void *ctx;
	fb_later *later; ///< NULL: it was not asked for by a command
	struct fb_task *next;
} fb_task;

struct fb_calibration {
	fb_server *server;
	fb_audition *audition;
	fb_task *tasks; ///< the newest first
	fb_recent recent[RECENT_MAX];
	uint64_t n_recent;
	uint32_t runs; ///< numbered since start, for their ids
};

const fb_recent *fb_recent_find(
	const fb_calibration *calibration, const char *run_id, uint32_t station);

/** A task for a station as it is. NULL when out of memory. */
fb_task *fb_task_make(fb_calibration *calibration, fb_channel *channel);
/** A comparison's audio has been rendered. */
void fb_compare_finish(fb_task *task);

/** Takes the task on success. live_seconds 0: the job has its source or its file.
	errors: FB_TOO_MANY, FB_NO_MEMORY; FB_UNAVAILABLE: there is no live input */
FB_MUST_CHECK fb_status fb_task_start(fb_task *task, double live_seconds, fb_error *error);

#endif
