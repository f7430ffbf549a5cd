/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The audition thread: shadow stations. It takes jobs and gives them back done. */
#ifndef FB_AUDITION_H
#define FB_AUDITION_H

#include "source.h"

#include "../graph/patch.h"
#include "../metrics/score.h"

enum { FB_CANDIDATES_MAX = 256, FB_RUN_ID_LEN = 32 };

/** One parameter set and what came of it. */
typedef struct fb_candidate {
	char run_id[FB_RUN_ID_LEN];
	fb_patch *patch;
	json_t *given;   ///< parameters as asked for
	json_t *report;  ///< result: design.md's run report
	float *audio[2]; ///< result: its output, if keep_all
} fb_candidate;

/** Made by control, given to the thread, given back. Nobody else touches it meanwhile. */
typedef struct fb_shadow_job {
	/* what to do */
	uint32_t station;                      ///< from 0
	fb_source *source;                     ///< NULL: read `sample` (and `reference`) first
	char sample[512], reference[512];      ///< files; reference "" = none
	char stored[65], stored_reference[65]; ///< or audio out of the store, by its hash
	fb_candidate *candidate;
	uint32_t n_candidates;
	fb_goal goal;
	double rate_hz, driver_latency_ms;
	double stt_confidence; ///< NAN: none
	bool keep_audio;       ///< keep the first candidate's output
	bool attach_audio;     ///< and put it in its report
	bool keep_all;         ///< keep every candidate's output
	json_t *common;        ///< put into every report: params_before, notes, subjective, source
	/* what came of it */
	float *reduction_db; ///< [ticks] of the same, if keep_audio
	float *audio[2];     ///< [source->frames] output of the first candidate, if keep_audio
	fb_status status;
	fb_error error;
	void *owner; ///< control's
} fb_shadow_job;

typedef struct fb_audition fb_audition;

/** `wake` is called from the thread when a job is done. errors: FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_audition_create(
	void (*wake)(void *ctx), void *ctx, fb_audition **out, fb_error *error);
/** Jobs not yet begun are given back undone: poll them afterwards with fb_audition_poll(), then
	fb_audition_destroy(). */
void fb_audition_stop(fb_audition *audition);
void fb_audition_destroy(fb_audition *audition);
bool fb_audition_give(fb_audition *audition, fb_shadow_job *take); ///< false when too many wait
fb_shadow_job *fb_audition_poll(fb_audition *audition);            ///< a job done, NULL if none

void fb_shadow_job_destroy(fb_shadow_job *job); ///< NULL is allowed

/** Add to a report what explains it: the goal, the chain in order, the balance in third octaves
	before and after, and the goal's curve. thread: as below */
void fb_shadow_explain(
	const fb_shadow_job *job, const fb_candidate *candidate, const double *third_db);

/** Of it the balance after alone, which is what differs between the candidates of an audition. */
void fb_shadow_explain_balance(const fb_candidate *candidate, const double *third_db);

/** Render, measure and score all candidates of a job. thread: any but audio and control */
fb_status fb_shadow_job_run(fb_shadow_job *job);

#endif
