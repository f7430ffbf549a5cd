/* SPDX-License-Identifier: GPL-3.0-or-later */
/** foldback analyze: the 55 metrics of a file, by the analyser the server runs. */
#include "ctl.h"
#include "nodes.h"
#include "progress.h"
#include "sound.h"
#include "tables.h"

#include "../../metrics/analyser.h"
#include "../../metrics/score.h"

#include <math.h>
#include <string.h>

static struct {
	const char *reference, *goal, *node_path;
} chosen;

/** Two channels of a piece. */
typedef struct piece {
	float l[FB_SOUND_PIECE], r[FB_SOUND_PIECE];
} piece;

/** The goal that a patch carries. */
static fb_status read_goal(const char *file, fb_goal *goal, fb_error *error)
{
	fb_patch *patch = NULL;
	fb_error inner;
	fb_nodes *nodes = NULL;
	fb_status status = fb_nodes_open(chosen.node_path, NULL, &nodes, error);
	if (!status) {
		status = fb_patch_read(file, nodes, &patch, error);
	}
	const json_t *object = status ? NULL : fb_patch_goal(patch);
	if (!status && !object) {
		status = fb_fail(error, FB_NOT_FOUND, file, "has no goal");
	} else if (!status && fb_goal_parse(object, "goal", goal, &inner)) {
		status = fb_fail(error, inner.status, file, "%s: %s", inner.where, inner.text);
	}
	fb_patch_destroy(patch);
	fb_nodes_close(nodes);
	return status;
}

/** A reference is cut or padded to the length of the sound. */
static fb_status read_reference(fb_sound *reference, piece *to, uint32_t frames, fb_error *error)
{
	float *const channels[2] = {to->l, to->r};
	uint32_t got = 0;
	fb_status status = fb_sound_read(reference, channels, frames, &got, error);
	for (uint32_t i = got; i < frames && !status; i++) {
		to->l[i] = to->r[i] = 0.0f;
	}
	return status;
}

static fb_status feed(
	fb_analyser *analyser, fb_sound *sound, fb_sound *reference, uint64_t *frames, fb_error *error)
{
	static piece audio, clean;
	float *const channels[2] = {audio.l, audio.r};
	fb_status status;
	uint32_t got;
	do {
		got = 0;
		status = fb_sound_read(sound, channels, FB_SOUND_PIECE, &got, error);
		if (!status && reference) {
			status = read_reference(reference, &clean, got, error);
		}
		fb_stretch stretch = {.out = {audio.l, audio.r}, .frames = got};
		if (reference) {
			stretch.ref[0] = clean.l;
			stretch.ref[1] = clean.r;
		}
		if (!status) {
			fb_analyser_feed(analyser, &stretch);
		}
		*frames += got;
		fb_progress_show("analysing", (double)*frames, (double)sound->frames);
	} while (!status && got == FB_SOUND_PIECE);
	fb_progress_end();
	return status;
}

static fb_status measure(fb_sound *sound, fb_sound *reference, const fb_goal *goal,
	fb_metric_set *set, uint64_t *frames, fb_error *error)
{
	if (reference && reference->rate_hz != sound->rate_hz) {
		return fb_fail(error, FB_INVALID, reference->name,
			"has a sample rate of %u Hz, and %s has %u Hz", reference->rate_hz, sound->name,
			sound->rate_hz);
	}
	fb_analyser_options options = {.rate_hz = (double)sound->rate_hz,
		.window = FB_WINDOW_RUN,
		.target_lufs = goal->target_lufs,
		.has_reference = reference != NULL};
	fb_analyser *analyser = fb_analyser_create(&options);
	if (!analyser) {
		return fb_fail(error, FB_NO_MEMORY, sound->name, "out of memory");
	}
	fb_status status = feed(analyser, sound, reference, frames, error);
	if (!status) {
		fb_analyser_read(analyser, set);
	}
	fb_analyser_destroy(analyser);
	return status;
}

/* --- the answer */

/** As in a run's report: what has no answer is left out. */
static json_t *parts_json(const fb_goal *goal, const double *parts)
{
	json_t *json = json_object();
	for (uint32_t i = 0; i < goal->n_aims; i++) {
		if (parts[i] >= 0.0) {
			json_object_set_new(
				json, fb_metric_catalogue[goal->aims[i].metric].id, json_real(parts[i]));
		}
	}
	return json;
}

static int print_json(
	const fb_sound *sound, uint64_t frames, const fb_metric_set *set, const fb_goal *goal)
{
	json_t *metrics = json_object(), *invalid = json_array();
	for (int i = 0; i < FB_METRICS; i++) {
		const char *id = fb_metric_catalogue[i].id;
		json_object_set_new(metrics, id, json_real(set->value[i]));
		if (!fb_metric_valid(set, i)) {
			json_array_append_new(invalid, json_string(id));
		}
	}
	json_t *root = json_pack("{s:s, s:I, s:i, s:i, s:o, s:o, s:I}", "file", sound->name, "frames",
		(json_int_t)frames, "sample_rate", (int)sound->rate_hz, "channels", (int)sound->channels,
		"metrics", metrics, "invalid", invalid, "bad_samples", (json_int_t)set->bad_samples);
	if (chosen.goal) {
		double parts[FB_METRICS];
		json_object_set_new(root, "score", json_real(fb_score(goal, set, parts)));
		json_object_set_new(root, "score_parts", parts_json(goal, parts));
	}
	return fb_print_json(root);
}

static void print_score(const fb_goal *goal, const fb_metric_set *set)
{
	double parts[FB_METRICS];
	printf("Score %.1f of 100\n", fb_score(goal, set, parts));
	for (uint32_t i = 0; i < goal->n_aims; i++) {
		const fb_aim *aim = &goal->aims[i];
		printf("  %-20s ", fb_metric_catalogue[aim->metric].id);
		if (parts[i] < 0.0) {
			printf("%10s  left out: no answer\n", "-");
		} else {
			printf("%9.0f %%  weight %g\n", 100.0 * parts[i], aim->weight);
		}
	}
}

static int print_text(
	const fb_sound *sound, uint64_t frames, const fb_metric_set *set, const fb_goal *goal)
{
	printf("%s: %.3f s at %u Hz, %u channel%s\n", sound->name,
		(double)frames / (double)sound->rate_hz, sound->rate_hz, sound->channels,
		sound->channels == 1 ? "" : "s");
	fb_print_metrics(set);
	if (set->bad_samples) {
		printf("%llu samples were no number, or beyond +120 dBFS\n",
			(unsigned long long)set->bad_samples);
	}
	if (chosen.goal) {
		print_score(goal, set);
	}
	return FB_EXIT_OK;
}

static int run(const fb_ctl *ctl, int count, char **words)
{
	fb_error error;
	fb_goal goal;
	fb_metric_set set;
	uint64_t frames = 0;
	fb_sound *sound = NULL, *reference = NULL;
	(void)count;
	fb_goal_default(&goal);
	fb_status status = chosen.goal ? read_goal(chosen.goal, &goal, &error) : FB_OK;
	if (!status) {
		sound = fb_sound_open(words[0], &error);
		status = sound ? FB_OK : error.status;
	}
	if (!status && chosen.reference) {
		reference = fb_sound_open(chosen.reference, &error);
		status = reference ? FB_OK : error.status;
	}
	if (!status) {
		status = measure(sound, reference, &goal, &set, &frames, &error);
	}
	int code = status      ? fb_say_error(&error)
			   : ctl->json ? print_json(sound, frames, &set, &goal)
						   : print_text(sound, frames, &set, &goal);
	fb_sound_close(sound);
	fb_sound_close(reference);
	return code;
}

static const fb_arg args[] = {
	{"ref", "R.wav", "the clean original, for si_sdr and stoi", FB_ARG_TEXT, 0, &chosen.reference,
		0, 0},
	{"goal", "PATCH", "score the file by the goal of this patch", FB_ARG_TEXT, 0, &chosen.goal, 0,
		0},
	{"node-path", "DIRS", "folders to load the patch's nodes from, separated by ':'", FB_ARG_TEXT,
		0, &chosen.node_path, 0, 0},
	{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0},
};

const fb_command fb_cmd_analyze = {"analyze", "FILE", "measure a file: all 55 metrics",
	"FILE is any file that libsndfile reads, of one channel (which counts as two alike) or two, of "
	"any length. A metric that has no answer reads \"-\", and is listed under \"invalid\" in JSON.",
	1, 1, false, args, run};
