/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Reading calibration requests. A request is checked whole before anything happens. */
#include "calibration_parts.h"
#include "rating.h"
#include "samples.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LIVE_SECONDS_MAX 60.0

/* --- names */

/** "2026-11-20-14-33-01-005-0001": when, which station, which run since start. */
static void name_run(fb_calibration *calibration, const fb_task *task, char *run_id)
{
	time_t seconds = (time_t)(task->time_us / 1000000);
	struct tm utc;
	char stamp[20];
	gmtime_r(&seconds, &utc);
	strftime(stamp, sizeof stamp, "%Y-%m-%d-%H-%M-%S", &utc);
	snprintf(run_id, FB_RUN_ID_LEN, "%s-%03u-%04u", stamp, task->job->station + 1,
		++calibration->runs % 10000);
}

static fb_status sample_file(const fb_calibration *calibration, const json_t *name,
	const char *where, char *file, size_t size, fb_error *error)
{
	const char *text = json_string_value(name);
	if (!text || !fb_sample_name_is_good(text)) {
		return fb_fail(error, FB_INVALID, where,
			"needs the name of a sample: letters, digits, _ - . and .wav at the end");
	}
	snprintf(file, size, "%s/%s", calibration->server->options.sample_dir, text);
	return FB_OK;
}

/* --- source */

/** Audio that a run was made from, by its hash. */
static fb_status read_stored(
	const json_t *stored, const json_t *reference, fb_shadow_job *job, fb_error *error)
{
	const char *hash = json_string_value(stored), *second = json_string_value(reference);
	bool good = hash && strlen(hash) == sizeof job->stored - 1 &&
				(!reference || (second && strlen(second) == sizeof job->stored - 1));
	if (!good) {
		return fb_fail(error, FB_INVALID, "source.stored",
			"needs the hash of a run's source, of 64 hexadecimal digits, and so does its "
			"reference");
	}
	snprintf(job->stored, sizeof job->stored, "%s", hash);
	snprintf(job->stored_reference, sizeof job->stored_reference, "%s", second ? second : "");
	return FB_OK;
}

static fb_status read_source(const fb_calibration *calibration, const json_t *source,
	fb_shadow_job *job, double *live, fb_error *error)
{
	const json_t *seconds = json_object_get(source, "live"),
				 *sample = json_object_get(source, "sample");
	const json_t *run = json_object_get(source, "run");
	const json_t *reference = json_object_get(source, "reference");
	const json_t *stored = json_object_get(source, "stored");
	size_t keys = (seconds ? 1u : 0u) + (sample ? 1u : 0u) + (run ? 1u : 0u) + (stored ? 1u : 0u);
	if (keys != 1 || json_object_size(source) != keys + (reference ? 1u : 0u) ||
		(reference && !sample && !stored)) {
		return fb_fail(error, FB_INVALID, "source",
			"needs {\"live\": seconds}, {\"sample\": name, \"reference\"?: name}, {\"run\": id} or "
			"{\"stored\": hash, \"reference\"?: hash}");
	}
	if (stored) {
		return read_stored(stored, reference, job, error);
	}
	if (seconds) {
		*live = json_number_value(seconds);
		return json_is_number(seconds) && *live >= 0.1 && *live <= LIVE_SECONDS_MAX
				   ? FB_OK
				   : fb_fail(error, FB_INVALID, "source.live", "needs 0.1 to %g seconds",
						 LIVE_SECONDS_MAX);
	}
	if (run) {
		const fb_recent *recent =
			json_is_string(run) ? fb_recent_find(calibration, json_string_value(run), job->station)
								: NULL;
		if (!recent || !recent->source) {
			return fb_fail(error, FB_NOT_FOUND, "source.run",
				"that run's source is not at hand any more, or was never this station's");
		}
		job->source = fb_source_hold(recent->source);
		return FB_OK;
	}
	fb_status status =
		sample_file(calibration, sample, "source.sample", job->sample, sizeof job->sample, error);
	if (!status && reference) {
		status = sample_file(calibration, reference, "source.reference", job->reference,
			sizeof job->reference, error);
	}
	return status;
}

/* --- candidates */

static fb_status add_candidate(const fb_channel *channel, fb_shadow_job *job, const json_t *given,
	const char *where, fb_error *error)
{
	fb_candidate *candidate = &job->candidate[job->n_candidates];
	candidate->patch = fb_patch_copy(fb_station_patch(channel->station));
	candidate->given = given ? json_deep_copy(given) : json_object();
	job->n_candidates++; /* from here on freed with the job */
	if (!candidate->patch || !candidate->given) {
		return fb_fail(error, FB_NO_MEMORY, where, "out of memory");
	}
	fb_error inner;
	if (fb_params_apply(candidate->patch, candidate->given, &inner)) {
		return fb_fail(error, inner.status, where, "%s: %s", inner.where, inner.text);
	}
	return FB_OK;
}

static fb_status read_candidates(const fb_channel *channel, const json_t *body, bool audition,
	fb_shadow_job *job, fb_error *error)
{
	const json_t *list = json_object_get(body, "candidates");
	size_t n = audition ? json_array_size(list) : 1;
	if (audition && (n < 1 || n > FB_CANDIDATES_MAX)) {
		return fb_fail(error, FB_INVALID, "candidates", "needs a list of 1 to %d parameter sets",
			FB_CANDIDATES_MAX);
	}
	job->candidate = calloc(n, sizeof *job->candidate);
	if (!job->candidate) {
		return fb_fail(error, FB_NO_MEMORY, "candidates", "out of memory");
	}
	fb_status status = FB_OK;
	for (size_t i = 0; i < n && !status; i++) {
		char where[32];
		snprintf(where, sizeof where, audition ? "candidates[%zu]" : "parameters", i);
		status = add_candidate(channel, job,
			audition ? json_array_get(list, i) : json_object_get(body, "parameters"), where, error);
	}
	return status;
}

/* --- the rest of the body */

static fb_status check_keys(const json_t *body, bool audition, fb_error *error)
{
	static const struct {
		const char *key;
		json_type type;
	} keys[] = {{"station", JSON_INTEGER}, {"source", JSON_OBJECT}, {"parameters", JSON_OBJECT},
		{"candidates", JSON_ARRAY}, {"notes", JSON_STRING}, {"subjective", JSON_REAL},
		{"session", JSON_STRING}, {"include_audio", JSON_TRUE}};
	for (void *it = json_object_iter((json_t *)(uintptr_t)body); it;
		 it = json_object_iter_next((json_t *)(uintptr_t)body, it)) {
		const char *key = json_object_iter_key(it);
		const json_t *value = json_object_iter_value(it);
		size_t i = 0, n = sizeof keys / sizeof *keys;
		while (i < n && strcmp(keys[i].key, key)) {
			i++;
		}
		if (i == n || !strcmp(key, audition ? "parameters" : "candidates")) {
			return fb_fail(error, FB_INVALID, key, "unknown key");
		}
		bool fits = keys[i].type == JSON_REAL   ? json_is_number(value)
					: keys[i].type == JSON_TRUE ? json_is_boolean(value)
												: json_typeof(value) == keys[i].type;
		if (!fits) {
			return fb_fail(error, FB_WRONG_TYPE, key, "has the wrong type");
		}
	}
	if (json_string_length(json_object_get(body, "notes")) > FB_NOTES_MAX) {
		return fb_fail(error, FB_TOO_LARGE, "notes", "at most %u bytes", FB_NOTES_MAX);
	}
	const json_t *subjective = json_object_get(body, "subjective");
	double mark = json_number_value(subjective);
	if (subjective && (mark < 0.0 || mark > 5.0)) {
		return fb_fail(error, FB_INVALID, "subjective", "runs from 0 to 5");
	}
	return FB_OK;
}

static json_t *common_part(const fb_channel *channel, const json_t *body)
{
	static const char *const kept[] = {"notes", "subjective", "session"};
	json_t *common = json_object();
	json_object_set_new(
		common, "params_before", fb_params_to_json(fb_station_patch(channel->station)));
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
		json_t *value = json_object_get(body, kept[i]);
		if (value) {
			json_object_set(common, kept[i], value);
		}
	}
	return common;
}

fb_task *fb_task_make(fb_calibration *calibration, fb_channel *channel)
{
	fb_driver_state driver;
	fb_task *task = calloc(1, sizeof *task);
	fb_shadow_job *job = calloc(1, sizeof *job);
	if (!task || !job) {
		free(task);
		free(job);
		return NULL;
	}
	fb_server *server = calibration->server;
	server->driver->ops->state(server->driver, &driver);
	task->calibration = calibration;
	task->job = job;
	task->time_us = fb_unix_us();
	job->owner = task;
	job->station = channel->index;
	job->goal = channel->goal;
	job->rate_hz = fb_engine_rate(server->engine);
	job->driver_latency_ms = driver.in_latency_ms + driver.out_latency_ms +
							 1e3 * fb_engine_latency(server->engine) / job->rate_hz;
	job->stt_confidence = fb_metric_valid(&channel->metrics, FB_M_STT_CONFIDENCE)
							  ? channel->metrics.value[FB_M_STT_CONFIDENCE]
							  : NAN;
	return task;
}

static fb_status start_task(fb_calibration *calibration, fb_channel *channel, const json_t *body,
	bool audition, fb_calibration_done *done, void *ctx, fb_error *error)
{
	double live = 0.0;
	fb_task *task = fb_task_make(calibration, channel);
	if (!task) {
		return fb_fail(error, FB_NO_MEMORY, "calibration", "out of memory");
	}
	fb_shadow_job *job = task->job;
	task->audition = audition;
	task->done = done;
	task->ctx = ctx;
	job->keep_audio = !audition;
	job->attach_audio = !audition && !json_is_false(json_object_get(body, "include_audio"));
	job->common = common_part(channel, body);
	const json_t *mark = json_object_get(body, "subjective");
	job->goal.mark = mark ? json_number_value(mark) : (double)NAN;
	fb_status status = read_source(calibration, json_object_get(body, "source"), job, &live, error);
	if (!status) {
		status = read_candidates(channel, body, audition, job, error);
	}
	for (uint32_t i = 0; i < job->n_candidates; i++) {
		name_run(calibration, task, job->candidate[i].run_id);
	}
	if (!status) {
		status = fb_task_start(task, live, error);
	}
	if (status) {
		fb_shadow_job_destroy(job);
		free(task);
	}
	return status;
}

fb_status fb_calibration_request(fb_calibration *calibration, const json_t *body, bool audition,
	fb_calibration_done *done, void *ctx, fb_error *error)
{
	if (!json_is_object(body)) {
		return fb_fail(error, FB_INVALID, "body", "needs a JSON object");
	}
	fb_status status = check_keys(body, audition, error);
	if (status) {
		return status;
	}
	json_int_t station = json_integer_value(json_object_get(body, "station"));
	if (station < 1 || station > calibration->server->n_channels) {
		return fb_fail(error, FB_NOT_FOUND, "station", "needs a station from 1 to %u",
			calibration->server->n_channels);
	}
	return start_task(
		calibration, &calibration->server->channel[station - 1], body, audition, done, ctx, error);
}

fb_status fb_calibration_run_live(fb_calibration *calibration, fb_channel *channel, double seconds,
	const fb_origin *origin, fb_answer *answer, fb_error *error)
{
	json_t *body = json_pack("{s:{s:f}, s:s}", "source", "live", seconds, "notes", origin->text);
	if (!body) {
		return fb_fail(error, FB_NO_MEMORY, "calibration", "out of memory");
	}
	fb_status status = start_task(calibration, channel, body, false, NULL, NULL, error);
	json_decref(body);
	if (!status) {
		fb_task *task = calibration->tasks;
		task->later = answer->later = fb_later_create();
		snprintf(answer->text, sizeof answer->text, "%s", task->job->candidate[0].run_id);
		answer->values[answer->count++] = (fb_value){.tag = 's', .s = answer->text};
	}
	return status;
}
