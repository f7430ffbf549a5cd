/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Calibration: one run is one parameter set, heard on a shadow station and measured. The audience
	hears nothing of it.

	Control takes a request, gets the source (a capture of the live input, a sample file, or the
	source of an earlier run) and hands the job to the audition thread, which renders, measures and
	scores every candidate from a fresh state; control stores the result and answers. */
#ifndef FB_CALIBRATION_H
#define FB_CALIBRATION_H

#include "meters.h"
#include "proposal/monitor.h"
#include "server.h"

/** Called once on the control thread. `result` is NULL on failure; borrowed for the call. */
typedef void fb_calibration_done(void *ctx, const json_t *result, const fb_error *error);

FB_MUST_CHECK fb_status fb_calibration_create(
	fb_server *server, fb_calibration **out, fb_error *error);
/** Ends the thread; requests under way fail with FB_UNAVAILABLE. NULL is allowed. */
void fb_calibration_destroy(fb_calibration *calibration);

/** POST /api/calibration/run and /audition (several candidates, no audio in the answer).
	errors: FB_INVALID, FB_NOT_FOUND, FB_WRONG_TYPE naming the part of the body; FB_TOO_MANY.
			FB_UNAVAILABLE: a live source, while no audio runs. Then `done` is not called */
FB_MUST_CHECK fb_status fb_calibration_request(fb_calibration *calibration, const json_t *body,
	bool audition, fb_calibration_done *done, void *ctx, fb_error *error);
/** The asker has gone: its `done` will not be called; the run goes on and is stored. */
void fb_calibration_forget(fb_calibration *calibration, void *ctx);

/** /station/N/run: the present settings on `seconds` of live input. Answers with the run's id; who
	asked is told of its end. */
FB_MUST_CHECK fb_status fb_calibration_run_live(fb_calibration *calibration, fb_channel *channel,
	double seconds, const fb_origin *origin, fb_answer *answer, fb_error *error);
/** What is being done for a station's runs: "listening", "measuring", NULL if nothing is. */
const char *fb_calibration_doing(const fb_calibration *calibration, uint32_t station);

/** A recent run of a station. false: there is none of that id. */
bool fb_calibration_find_run(
	const fb_calibration *calibration, const char *run_id, uint32_t station, fb_proposed *out);

/** Called once on the control thread: a clip to keep, or an error. */
typedef void fb_calibration_compared(void *ctx, fb_clip *take, const fb_error *error);
/** Render the source of a run of late with two patches, for the monitor: alike in loudness. Nothing
	is stored. Takes both patches on success.
	errors: FB_NOT_FOUND the source is not at hand any more; FB_TOO_MANY. Then `done` is not
			called */
FB_MUST_CHECK fb_status fb_calibration_compare(fb_calibration *calibration, fb_channel *channel,
	const char *run_id, fb_patch *const take[2], fb_calibration_compared *done, void *ctx,
	fb_error *error);

/** The engine has another rate: what was captured before is not at hand any more. */
void fb_calibration_change_rate(fb_calibration *calibration);
/** There is no live input any more: captures of it end now. */
void fb_calibration_cut(fb_calibration *calibration);
/** A capture ended: it is the calibration's from here on. */
void fb_calibration_captured(fb_calibration *calibration, fb_capture *take);
/** Take up what the audition thread has finished, end what took too long. Call it often. */
void fb_calibration_service(fb_calibration *calibration);

#endif
