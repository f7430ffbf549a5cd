/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Calibration's control side: from a request to a job, from a finished job to storage and answer.
	Reading requests is in calibration_request.c. */
#include "calibration_parts.h"

#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPTURE_GRACE_S 3.0

static bool is_run(const fb_task *task)
{
	return !task->audition && !task->compared;
}

static fb_channel *channel_of(const fb_task *task)
{
	return &task->calibration->server->channel[task->job->station];
}

/** Tell of what is being done, where it is a run that people wait for. */
static void tell_state(const fb_task *task)
{
	if (is_run(task)) {
		const fb_origin origin = {"calibration", NULL};
		fb_channel_touch(channel_of(task), "run/state", &origin);
	}
}

const char *fb_calibration_doing(const fb_calibration *calibration, uint32_t station)
{
	const char *doing = NULL;
	for (const fb_task *task = calibration->tasks; task; task = task->next) {
		if (is_run(task) && task->job->station == station) {
			doing = task->capture ? "listening" : (doing ? doing : "measuring");
		}
	}
	return doing;
}

static void finish(fb_task *task, const json_t *result, const fb_error *error)
{
	if (task->compared && error) {
		task->compared(task->ctx, NULL, error);
	} else if (task->done) {
		task->done(task->ctx, result, error);
	}
	for (fb_task **at = &task->calibration->tasks; *at; at = &(*at)->next) {
		if (*at == task) {
			*at = task->next;
			break;
		}
	}
	if (is_run(task)) {
		fb_channel *channel = channel_of(task);
		snprintf(channel->run_failed, sizeof channel->run_failed, "%s", error ? error->text : "");
		fb_later_end(task->later, task->job->candidate[0].run_id, error);
	}
	tell_state(task);
	json_decref(task->result);
	fb_shadow_job_destroy(task->job);
	free(task);
}

static void fail(fb_task *task, fb_status status, const char *text)
{
	fb_error error;
	fb_fail(&error, status, "calibration", "%s", text);
	finish(task, NULL, &error);
}

/* --- life */

static void wake(void *ctx)
{
	fb_http_wake(((fb_calibration *)ctx)->server->http);
}

fb_status fb_calibration_create(fb_server *server, fb_calibration **out, fb_error *error)
{
	fb_calibration *calibration = calloc(1, sizeof *calibration);
	if (!calibration) {
		return fb_fail(error, FB_NO_MEMORY, "calibration", "out of memory");
	}
	calibration->server = server;
	fb_status status = fb_audition_create(wake, calibration, &calibration->audition, error);
	if (status) {
		free(calibration);
		return status;
	}
	*out = calibration;
	return FB_OK;
}

void fb_calibration_destroy(fb_calibration *calibration)
{
	if (!calibration) {
		return;
	}
	fb_audition_stop(calibration->audition);
	while (fb_audition_poll(calibration->audition)) {
		/* the jobs are still their tasks' */
	}
	while (calibration->tasks) {
		fail(calibration->tasks, FB_UNAVAILABLE, "the server is ending");
	}
	for (int i = 0; i < RECENT_MAX; i++) {
		json_decref(calibration->recent[i].parameters);
		json_decref(calibration->recent[i].began);
		fb_source_drop(calibration->recent[i].source);
	}
	fb_audition_destroy(calibration->audition);
	free(calibration);
}

void fb_calibration_forget(fb_calibration *calibration, void *ctx)
{
	for (fb_task *task = calibration->tasks; task; task = task->next) {
		if (task->ctx == ctx) {
			task->done = NULL;
		}
	}
}

/* --- recent runs */

const fb_recent *fb_recent_find(
	const fb_calibration *calibration, const char *run_id, uint32_t station)
{
	for (int i = 0; i < RECENT_MAX; i++) {
		const fb_recent *recent = &calibration->recent[i];
		if (!strcmp(recent->run_id, run_id) && recent->station == station && *run_id) {
			return recent;
		}
	}
	return NULL;
}

bool fb_calibration_find_run(
	const fb_calibration *calibration, const char *run_id, uint32_t station, fb_proposed *out)
{
	const fb_recent *recent = fb_recent_find(calibration, run_id, station);
	if (recent) {
		*out = (fb_proposed){recent->run_id, recent->parameters, recent->began, recent->live};
	}
	return recent;
}

/** Only the newest SOURCES_MAX of the recent runs keep their audio: it is large. */
static void remember(fb_calibration *calibration, const fb_shadow_job *job)
{
	fb_recent *recent = &calibration->recent[calibration->n_recent++ % RECENT_MAX];
	json_decref(recent->parameters);
	json_decref(recent->began);
	fb_source_drop(recent->source);
	const fb_candidate *candidate = &job->candidate[0];
	snprintf(recent->run_id, sizeof recent->run_id, "%s", candidate->run_id);
	recent->station = job->station;
	recent->parameters = json_incref(json_object_get(candidate->report, "params_after"));
	recent->began = json_incref(job->source->settings);
	recent->live = job->source->live;
	recent->source = fb_source_hold(job->source);
	if (calibration->n_recent > SOURCES_MAX) {
		fb_recent *old =
			&calibration->recent[(calibration->n_recent - SOURCES_MAX - 1) % RECENT_MAX];
		fb_source_drop(old->source);
		old->source = NULL;
	}
}

/* --- a finished job */

static void stored(void *ctx, const json_t *rows, const fb_error *error)
{
	(void)rows;
	fb_task *task = ctx;
	json_object_set_new(task->result, "stored", json_boolean(!error));
	finish(task, task->result, NULL);
}

/** What a run was made from, and the reduction its dynamics nodes told of: with the run's own audio
    all that it takes to measure it again. */
static void store_sources(fb_store *store, const fb_shadow_job *job)
{
	const fb_source *source = job->source;
	const float *audio[2] = {source->audio[0], source->audio[1]};
	const float *reference[2] = {source->reference[0], source->reference[1]};
	(void)fb_store_snapshot(store, source->hash, audio, 2, source->frames, job->rate_hz, false);
	if (reference[0]) {
		(void)fb_store_snapshot(
			store, source->reference_hash, reference, 2, source->frames, job->rate_hz, false);
	}
	if (job->reduction_db) {
		char name[FB_RUN_ID_LEN + 16];
		const float *reduction = job->reduction_db;
		snprintf(name, sizeof name, "%s.reduction", job->candidate[0].run_id);
		(void)fb_store_snapshot(store, name, &reduction, 1,
			(source->frames + FB_TICK - 1) / FB_TICK, job->rate_hz / FB_TICK, false);
	}
}

/** Into the database; when the last is on disk, the asker is answered. */
static void store_runs(fb_task *task)
{
	fb_store *store = task->calibration->server->store;
	const fb_shadow_job *job = task->job;
	store_sources(store, job);
	for (uint32_t i = 0; i < job->n_candidates; i++) {
		const fb_candidate *candidate = &job->candidate[i];
		bool last = i + 1 == job->n_candidates, first = i == 0;
		json_t *report = json_copy(candidate->report); /* shallow: without the audio's text */
		json_object_del(report, "audio_snapshot_base64");
		fb_run_record record = {.run_id = candidate->run_id,
			.session = json_string_value(json_object_get(job->common, "session")),
			.station = job->station + 1,
			.time_us = task->time_us,
			.report = report,
			.source_hash = job->source->hash,
			.audio = first && job->audio[0] ? (const float *const *)job->audio : NULL,
			.frames = job->source->frames,
			.rate_hz = job->rate_hz};
		fb_status status = fb_store_run(store, &record, last ? stored : NULL, task);
		json_decref(report);
		if (last && status) {
			stored(task, NULL, fb_store_refusal(store));
		}
	}
}

static json_t *audition_result(const fb_shadow_job *job)
{
	json_t *results = json_array();
	for (uint32_t i = 0; i < job->n_candidates; i++) {
		json_t *report = job->candidate[i].report, *row = json_object();
		static const char *const kept[] = {"run_id", "parameters", "metrics", "invalid", "score",
			"score_parts", "node_faults", "third_octaves"};
		for (size_t k = 0; k < sizeof kept / sizeof *kept; k++) {
			json_object_set(row, kept[k], json_object_get(report, kept[k]));
		}
		json_array_append_new(results, row);
	}
	return json_pack("{s:i, s:s, s:o}", "station_id", (int)job->station + 1, "source",
		job->source->hash, "results", results);
}

static void take_result(fb_calibration *calibration, fb_task *task)
{
	fb_shadow_job *job = task->job;
	if (job->status) {
		finish(task, NULL, &job->error);
		return;
	}
	if (task->compared) {
		fb_compare_finish(task);
		finish(task, NULL, NULL);
		return;
	}
	fb_channel *channel = channel_of(task);
	if (!job->source->settings) {
		job->source->settings = json_incref(json_object_get(job->common, "params_before"));
	}
	if (task->audition) {
		task->result = audition_result(job);
	} else {
		const fb_origin origin = {"calibration", NULL};
		task->result = json_incref(job->candidate[0].report);
		remember(calibration, job);
		snprintf(channel->last_run, sizeof channel->last_run, "%s", job->candidate[0].run_id);
		channel->last_run_score = json_number_value(json_object_get(task->result, "score"));
		fb_channel_touch(channel, "run/last", &origin);
		fb_channel_touch(channel, "run/score", &origin);
	}
	store_runs(task);
}

/* --- under way */

void fb_calibration_captured(fb_calibration *calibration, fb_capture *take)
{
	fb_task *task = calibration->tasks;
	while (task && task->capture != take) {
		task = task->next;
	}
	if (task) {
		task->capture = NULL;
		tell_state(task);
	}
	if (task && !take->failed) {
		task->job->source =
			fb_source_create(take->audio, take->frames, take->frame_start, task->job->rate_hz);
		if (task->job->source) {
			task->job->source->live = true;
			take->audio[0] = take->audio[1] = NULL;
			if (!fb_audition_give(calibration->audition, task->job)) {
				fail(task, FB_TOO_MANY, "too many auditions wait");
			}
		} else {
			fail(task, FB_NO_MEMORY, "out of memory");
		}
	} else if (task) {
		fail(task, FB_UNAVAILABLE,
			task->lost ? "the JACK server went away while the live input was captured"
					   : "the live input could not be captured whole: some of it was lost");
	}
	fb_capture_destroy(take);
}

void fb_calibration_change_rate(fb_calibration *calibration)
{
	for (int i = 0; i < RECENT_MAX; i++) {
		fb_source_drop(calibration->recent[i].source);
		calibration->recent[i].source = NULL;
	}
}

void fb_calibration_cut(fb_calibration *calibration)
{
	for (fb_task *task = calibration->tasks; task; task = task->next) {
		if (task->capture) {
			task->lost = true;
			fb_meters_cancel(calibration->server->meters, task->capture);
		}
	}
}

void fb_calibration_service(fb_calibration *calibration)
{
	fb_shadow_job *job;
	double now = fb_now_s();
	while ((job = fb_audition_poll(calibration->audition))) {
		take_result(calibration, job->owner);
	}
	for (fb_task *task = calibration->tasks; task; task = task->next) {
		if (task->capture && now > task->deadline_s) {
			fb_meters_cancel(calibration->server->meters, task->capture);
			task->deadline_s = now + CAPTURE_GRACE_S;
		}
	}
}

/* --- a source out of the store */

static bool unweave(const float *interleaved, uint64_t frames, float *out[2])
{
	for (int c = 0; c < 2; c++) {
		out[c] = malloc(frames * sizeof(float));
	}
	for (uint64_t i = 0; out[0] && out[1] && i < frames; i++) {
		out[0][i] = interleaved[2 * i];
		out[1][i] = interleaved[2 * i + 1];
	}
	if (!out[0] || !out[1]) {
		free(out[0]);
		free(out[1]);
	}
	return out[0] && out[1];
}

/** Its source first, then its reference. */
static fb_status take_audio(fb_shadow_job *job, const float *interleaved, uint32_t channels,
	uint64_t frames, double rate_hz, fb_error *error)
{
	float *audio[2];
	bool reference = job->source != NULL;
	if (channels != 2 || rate_hz != job->rate_hz || (reference && frames != job->source->frames)) {
		return fb_fail(
			error, FB_INVALID, "source.stored", "has another rate or length than needed");
	}
	if (!unweave(interleaved, frames, audio)) {
		return fb_fail(error, FB_NO_MEMORY, "calibration", "out of memory");
	}
	if (reference) {
		fb_source_take_reference(job->source, audio);
		return FB_OK;
	}
	job->source = fb_source_create(audio, frames, 0, rate_hz);
	if (!job->source) {
		free(audio[0]);
		free(audio[1]);
		return fb_fail(error, FB_NO_MEMORY, "calibration", "out of memory");
	}
	return strcmp(job->source->hash, job->stored) ? fb_fail(error, FB_INVALID, "source.stored",
														"what is stored there is another audio")
												  : FB_OK;
}

static fb_status read_stored(fb_task *task, fb_store_audio_done *done, fb_error *error)
{
	fb_shadow_job *job = task->job;
	fb_store *store = task->calibration->server->store;
	const char *hash = !job->source                     ? job->stored
					   : job->source->reference_hash[0] ? ""
														: job->stored_reference;
	if (*hash && fb_store_audio(store, hash, done, task)) {
		*error = *fb_store_refusal(store);
		return error->status;
	}
	if (!*hash && !fb_audition_give(task->calibration->audition, job)) {
		return fb_fail(error, FB_TOO_MANY, "calibration", "too many auditions wait");
	}
	return FB_OK;
}

static void source_read(void *ctx, const float *interleaved, uint32_t channels, uint64_t frames,
	double rate_hz, const fb_error *refusal)
{
	fb_task *task = ctx;
	fb_error error;
	fb_status status = FB_OK;
	if (refusal) {
		error = *refusal;
		status = error.status;
	}
	status =
		status ? status : take_audio(task->job, interleaved, channels, frames, rate_hz, &error);
	status = status ? status : read_stored(task, source_read, &error);
	if (status) {
		finish(task, NULL, &error);
	}
}

/** Put a task to work: its source is there, or a file, or has to be captured first. */
fb_status fb_task_start(fb_task *task, double live_seconds, fb_error *error)
{
	fb_calibration *calibration = task->calibration;
	fb_shadow_job *job = task->job;
	uint32_t under_way = 0;
	for (const fb_task *other = calibration->tasks; other; other = other->next) {
		under_way++;
	}
	if (under_way == TASKS_MAX) {
		return fb_fail(error, FB_TOO_MANY, "calibration", "%d runs are under way", TASKS_MAX);
	}
	if (live_seconds > 0.0 && !fb_audio_runs(calibration->server)) {
		return fb_fail(error, FB_UNAVAILABLE, "source.live",
			"there is no live input: no JACK server is there");
	}
	if (live_seconds > 0.0) {
		task->capture =
			fb_capture_create(job->station, (uint64_t)ceil(live_seconds * job->rate_hz));
		if (!task->capture || !fb_meters_capture(calibration->server->meters, task->capture)) {
			fb_capture_destroy(task->capture);
			return fb_fail(error, FB_NO_MEMORY, "calibration", "the capture cannot start");
		}
		task->deadline_s = fb_now_s() + live_seconds + CAPTURE_GRACE_S;
	} else if (job->stored[0]) {
		fb_status status = read_stored(task, source_read, error);
		if (status) {
			return status;
		}
	} else if (!fb_audition_give(calibration->audition, job)) {
		return fb_fail(error, FB_TOO_MANY, "calibration", "too many auditions wait");
	}
	task->next = calibration->tasks;
	calibration->tasks = task;
	tell_state(task);
	return FB_OK;
}
