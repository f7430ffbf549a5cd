/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Comparisons: one source through two patches, for the engineer's ears. */
#include "calibration_parts.h"

#include <stdlib.h>
#include <string.h>

fb_status fb_calibration_compare(fb_calibration *calibration, fb_channel *channel,
	const char *run_id, fb_patch *const take[2], fb_calibration_compared *done, void *ctx,
	fb_error *error)
{
	const fb_recent *recent = fb_recent_find(calibration, run_id, channel->index);
	if (!recent || !recent->source) {
		return fb_fail(
			error, FB_NOT_FOUND, run_id, "the source of that run is not at hand any more");
	}
	fb_task *task = fb_task_make(calibration, channel);
	fb_candidate *candidates = task ? calloc(2, sizeof *candidates) : NULL;
	if (!candidates) {
		if (task) {
			fb_shadow_job_destroy(task->job);
		}
		free(task);
		return fb_fail(error, FB_NO_MEMORY, "calibration", "out of memory");
	}
	fb_shadow_job *job = task->job;
	job->candidate = candidates;
	job->source = fb_source_hold(recent->source);
	job->common = json_object();
	job->keep_all = true;
	task->compared = done;
	task->ctx = ctx;
	for (int i = 0; i < 2; i++) {
		candidates[i].given = json_object();
		candidates[i].patch = take[i];
	}
	job->n_candidates = 2;
	fb_status status = fb_task_start(task, 0.0, error);
	if (status) {
		job->n_candidates = 0; /* the patches are the caller's still */
		json_decref(candidates[0].given);
		json_decref(candidates[1].given);
		fb_shadow_job_destroy(job);
		free(task);
	}
	return status;
}

static bool loudness(const fb_candidate *candidate, double *lufs)
{
	size_t at;
	json_t *id;
	json_array_foreach(json_object_get(candidate->report, "invalid"), at, id)
	{
		if (!strcmp(json_string_value(id), "lufs_integrated")) {
			return false;
		}
	}
	*lufs = json_number_value(
		json_object_get(json_object_get(candidate->report, "metrics"), "lufs_integrated"));
	return true;
}

/** Alike in loudness: the louder is turned down, so that neither can clip. */
static void match(const fb_shadow_job *job, fb_clip *clip)
{
	double lufs[2];
	clip->gain[0] = clip->gain[1] = 1.0f;
	if (loudness(&job->candidate[0], &lufs[0]) && loudness(&job->candidate[1], &lufs[1])) {
		double least = fmin(lufs[0], lufs[1]);
		for (int i = 0; i < 2; i++) {
			clip->gain[i] = (float)pow(10.0, (least - lufs[i]) / 20.0);
		}
	}
}

void fb_compare_finish(fb_task *task)
{
	fb_shadow_job *job = task->job;
	fb_clip *clip = calloc(1, sizeof *clip);
	fb_error error;
	if (!clip) {
		fb_fail(&error, FB_NO_MEMORY, "calibration", "out of memory");
		task->compared(task->ctx, NULL, &error);
		return;
	}
	clip->frames = job->source->frames;
	for (int v = 0; v < 2; v++) {
		for (int c = 0; c < 2; c++) {
			clip->audio[v][c] = job->candidate[v].audio[c];
			job->candidate[v].audio[c] = NULL;
		}
	}
	match(job, clip);
	task->compared(task->ctx, clip, NULL);
}
