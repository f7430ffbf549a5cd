/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A shadow station: the same code as a live one, run offline from a fresh state over a source,
	measured over exactly its frames, scored and reported. */
#include "audition.h"

#include "server.h"

#include "../graph/offline.h"
#include "../metrics/analyser.h"

#include <stdlib.h>
#include <string.h>

enum { SAMPLE_SECONDS_MAX = 600, PERIOD = 1024, FEED = 4096 };

void fb_shadow_job_destroy(fb_shadow_job *job)
{
	if (!job) {
		return;
	}
	for (uint32_t i = 0; i < job->n_candidates; i++) {
		fb_patch_destroy(job->candidate[i].patch);
		json_decref(job->candidate[i].given);
		json_decref(job->candidate[i].report);
		free(job->candidate[i].audio[0]);
		free(job->candidate[i].audio[1]);
	}
	free(job->candidate);
	fb_source_drop(job->source);
	json_decref(job->common);
	free(job->audio[0]);
	free(job->audio[1]);
	free(job->reduction_db);
	free(job);
}

/* --- source */

/** The reference is cut or padded to the sample's length; the analyser aligns it. */
static fb_status read_reference(fb_shadow_job *job)
{
	float *audio[2];
	uint64_t frames, wanted = job->source->frames;
	fb_status status = fb_audio_read(
		job->reference, job->rate_hz, SAMPLE_SECONDS_MAX, audio, &frames, &job->error);
	if (status) {
		return status;
	}
	float *fitted[2] = {calloc(wanted, sizeof(float)), calloc(wanted, sizeof(float))};
	for (int c = 0; c < 2 && fitted[0] && fitted[1]; c++) {
		memcpy(fitted[c], audio[c], (frames < wanted ? frames : wanted) * sizeof(float));
	}
	free(audio[0]);
	free(audio[1]);
	if (!fitted[0] || !fitted[1]) {
		free(fitted[0]);
		free(fitted[1]);
		return fb_fail(&job->error, FB_NO_MEMORY, job->reference, "out of memory");
	}
	fb_source_take_reference(job->source, fitted);
	return FB_OK;
}

static fb_status get_source(fb_shadow_job *job)
{
	float *audio[2];
	uint64_t frames;
	if (job->source) {
		return FB_OK;
	}
	fb_status status =
		fb_audio_read(job->sample, job->rate_hz, SAMPLE_SECONDS_MAX, audio, &frames, &job->error);
	if (status) {
		return status;
	}
	job->source = fb_source_create(audio, frames, 0, job->rate_hz);
	if (!job->source) {
		free(audio[0]);
		free(audio[1]);
		return fb_fail(&job->error, FB_NO_MEMORY, job->sample, "out of memory");
	}
	return job->reference[0] ? read_reference(job) : FB_OK;
}

/* --- measuring */

static fb_status measure(const fb_shadow_job *job, const float *const out[2],
	const float *reduction_db, double chain_ms, fb_metric_set *set, double *third_db)
{
	const fb_source *source = job->source;
	fb_analyser_options options = {.rate_hz = job->rate_hz,
		.window = FB_WINDOW_RUN,
		.target_lufs = job->goal.target_lufs,
		.latency_ms = chain_ms + job->driver_latency_ms,
		.has_input = true,
		.has_reference = source->reference[0] != NULL};
	fb_analyser *analyser = fb_analyser_create(&options);
	if (!analyser) {
		return FB_NO_MEMORY;
	}
	fb_analyser_reset(analyser, source->frame_start);
	fb_analyser_set_stt(analyser, job->stt_confidence);
	for (uint64_t at = 0; at < source->frames; at += FEED) {
		fb_stretch stretch = {.frames = source->frames - at < FEED ? source->frames - at : FEED,
			.reduction_db = reduction_db ? reduction_db + at / FB_TICK : NULL};
		for (int c = 0; c < 2; c++) {
			stretch.out[c] = out[c] + at;
			stretch.in[c] = source->audio[c] + at;
			stretch.ref[c] = source->reference[c] ? source->reference[c] + at : NULL;
		}
		fb_analyser_feed(analyser, &stretch);
	}
	fb_analyser_read(analyser, set);
	fb_analyser_thirds(analyser, third_db);
	fb_analyser_destroy(analyser);
	return FB_OK;
}

/** What the unprocessed source has an answer to, every candidate must answer; and what is to stay
	as it is there has its target now. */
static fb_status learn_source(fb_shadow_job *job)
{
	fb_source *source = job->source;
	const float *audio[2] = {source->audio[0], source->audio[1]};
	if (!source->measured) {
		if (measure(job, audio, NULL, 0.0, &source->unprocessed, source->third_db)) {
			return fb_fail(&job->error, FB_NO_MEMORY, "calibration", "out of memory");
		}
		source->measured = true;
	}
	job->goal.required = source->unprocessed.valid;
	fb_goal_learn(&job->goal, &source->unprocessed);
	return FB_OK;
}

/* --- reporting */

static json_t *metrics_to_json(const fb_metric_set *set, json_t *invalid)
{
	json_t *metrics = json_object();
	for (int i = 0; i < FB_METRICS; i++) {
		json_object_set_new(metrics, fb_metric_catalogue[i].id, json_real(set->value[i]));
		if (!fb_metric_valid(set, i)) {
			json_array_append_new(invalid, json_string(fb_metric_catalogue[i].id));
		}
	}
	return metrics;
}

/** Each aim's own part, 0..1, by metric: why the score is what it is. */
static json_t *parts_to_json(const fb_goal *goal, const double *parts)
{
	json_t *out = json_object();
	for (uint32_t i = 0; i < goal->n_aims; i++) {
		if (parts[i] >= 0.0) {
			json_object_set_new(
				out, fb_metric_catalogue[goal->aims[i].metric].id, json_real(parts[i]));
		}
	}
	return out;
}

static json_t *make_report(const fb_shadow_job *job, const fb_candidate *candidate,
	const fb_metric_set *set, uint64_t faults)
{
	double parts[FB_METRICS];
	double score = fb_score(&job->goal, set, parts);
	json_t *invalid = json_array(), *metrics = metrics_to_json(set, invalid);
	json_t *report = json_pack("{s:s, s:i, s:O, s:o, s:o, s:o, s:f, s:o, s:I, s:I, s:f, s:I}",
		"run_id", candidate->run_id, "station_id", (int)job->station + 1, "parameters",
		candidate->given, "params_after", fb_params_to_json(candidate->patch), "metrics", metrics,
		"invalid", invalid, "score", score, "score_parts", parts_to_json(&job->goal, parts),
		"frame_start", (json_int_t)set->frame_start, "frame_end", (json_int_t)set->frame_end,
		"sample_rate", set->rate_hz, "node_faults", (json_int_t)faults);
	if (report) {
		json_object_update(report, job->common);
		json_object_set_new(report, "source", json_string(job->source->hash));
		json_object_set_new(report, "target_lufs", json_real(job->goal.target_lufs));
		if (job->source->reference_hash[0]) {
			json_object_set_new(report, "reference", json_string(job->source->reference_hash));
		}
	}
	return report;
}

static void attach_audio(const fb_shadow_job *job, json_t *report)
{
	size_t len;
	unsigned char *wav =
		fb_wav_encode((const float *const *)job->audio, 2, job->source->frames, job->rate_hz, &len);
	char *text = wav ? fb_base64(wav, len) : NULL;
	if (text) {
		json_object_set_new(report, "audio_snapshot_base64", json_string_nocheck(text));
	}
	free(text);
	free(wav);
}

/* --- the job */

/** Buffers that every candidate is rendered into. */
typedef struct fb_bench {
	float *out[2], *reduction;
} fb_bench;

static fb_status run_candidate(fb_shadow_job *job, uint32_t index, fb_bench *bench)
{
	fb_candidate *candidate = &job->candidate[index];
	fb_metric_set set;
	double third_db[FB_THIRDS] = {0};
	fb_offline render = {.patch = candidate->patch,
		.rate_hz = job->rate_hz,
		.period = PERIOD,
		.in = {job->source->audio[0], job->source->audio[1]},
		.out = {bench->out[0], bench->out[1]},
		.reduction_db = bench->reduction,
		.frames = job->source->frames};
	fb_status status = fb_offline_render(&render, &job->error);
	if (status) {
		return status;
	}
	const float *out[2] = {bench->out[0], bench->out[1]};
	bool in_full = index == 0 && job->keep_audio;
	if (measure(job, out, bench->reduction, 1e3 * render.latency / job->rate_hz, &set, third_db) ||
		!(candidate->report = make_report(job, candidate, &set, render.faults))) {
		return fb_fail(&job->error, FB_NO_MEMORY, "calibration", "out of memory");
	}
	if (in_full) {
		fb_shadow_explain(job, candidate, third_db);
	} else {
		fb_shadow_explain_balance(candidate, third_db);
	}
	for (int c = 0; c < 2 && job->keep_all; c++) {
		candidate->audio[c] = bench->out[c];
		bench->out[c] = NULL;
	}
	if (in_full) {
		for (int c = 0; c < 2; c++) {
			job->audio[c] = bench->out[c];
			bench->out[c] = NULL;
		}
		job->reduction_db = bench->reduction;
		bench->reduction = NULL;
		if (job->attach_audio) {
			attach_audio(job, candidate->report);
		}
	}
	return FB_OK;
}

fb_status fb_shadow_job_run(fb_shadow_job *job)
{
	fb_status status = get_source(job);
	if (!status) {
		status = learn_source(job);
	}
	fb_bench bench = {{NULL, NULL}, NULL};
	for (uint32_t i = 0; i < job->n_candidates && !status; i++) {
		for (int c = 0; c < 2; c++) {
			bench.out[c] =
				bench.out[c] ? bench.out[c] : malloc(job->source->frames * sizeof(float));
		}
		if (!bench.reduction) {
			bench.reduction = calloc(job->source->frames / FB_TICK + 1, sizeof(float));
		}
		status = bench.out[0] && bench.out[1] && bench.reduction
					 ? run_candidate(job, i, &bench)
					 : fb_fail(&job->error, FB_NO_MEMORY, "calibration", "out of memory");
	}
	free(bench.out[0]);
	free(bench.out[1]);
	free(bench.reduction);
	return status;
}
