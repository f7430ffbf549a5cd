/* SPDX-License-Identifier: GPL-3.0-or-later */
/** foldback verify: measure a kept run again, from its kept audio, here and now, and hold every
    number against the one that was reported. */
#include "report.h"
#include "wire.h"

#include "../../metrics/analyser.h"

#include <math.h>
#include <sndfile.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TICK = 32 }; /* frames for one value of the reduction */

/** A kept stretch of audio, a channel after the other. */
typedef struct kept {
	float *channel[2];
	uint64_t frames;
} kept;

static void drop(kept *k)
{
	free(k->channel[0]);
	free(k->channel[1]);
}

/** Take a file's audio apart. false if it is none. */
static bool read_file(const char *file, kept *out)
{
	SF_INFO info = {0};
	SNDFILE *sound = sf_open(file, SFM_READ, &info);
	if (!sound) {
		return false;
	}
	size_t n = (size_t)info.frames, channels = (size_t)info.channels;
	float *woven = malloc(n * channels * sizeof *woven + 1);
	bool whole = channels <= 2 && woven && sf_readf_float(sound, woven, info.frames) == info.frames;
	sf_close(sound);
	for (size_t c = 0; c < channels && whole; c++) {
		out->channel[c] = malloc(n * sizeof(float) + 1);
		whole = out->channel[c] != NULL;
		for (size_t i = 0; i < n && whole; i++) {
			out->channel[c][i] = woven[i * channels + c];
		}
	}
	out->frames = n;
	free(woven);
	return whole;
}

/** Fetch a snapshot by its name. Tells on standard error why it cannot be had. */
static bool fetch(const fb_ctl *ctl, const char *name, kept *out)
{
	char path[160], file[] = "/tmp/foldback-verify-XXXXXX";
	memset(out, 0, sizeof *out);
	int fd = mkstemp(file);
	if (fd < 0) {
		fb_say("no temporary file can be made");
		return false;
	}
	close(fd);
	snprintf(path, sizeof path, "/api/runs/%s/snapshot.wav", name);
	bool got = !fb_wire_download(ctl, path, file);
	if (got && !read_file(file, out)) {
		fb_say("%s: the snapshot is no audio", name);
		got = false;
	}
	unlink(file);
	return got;
}

/** All that a run was measured on. */
typedef struct evidence {
	kept out, in, ref, reduction;
	bool has_reference;
} evidence;

static const char *text_of(const json_t *report, const char *key)
{
	const char *text = json_string_value(json_object_get(report, key));
	return text ? text : "";
}

static bool gather(const fb_ctl *ctl, const char *run_id, const json_t *report, evidence *e)
{
	char reduction[128];
	memset(e, 0, sizeof *e);
	snprintf(reduction, sizeof reduction, "%s.reduction", run_id);
	e->has_reference = *text_of(report, "reference");
	bool all = fetch(ctl, run_id, &e->out) && fetch(ctl, text_of(report, "source"), &e->in) &&
			   fetch(ctl, reduction, &e->reduction) &&
			   (!e->has_reference || fetch(ctl, text_of(report, "reference"), &e->ref));
	if (all && (e->in.frames != e->out.frames || !e->in.channel[1] || !e->out.channel[1] ||
				   e->reduction.frames != (e->out.frames + TICK - 1) / TICK)) {
		fb_say("%s: its snapshots do not belong together", run_id);
		all = false;
	}
	return all;
}

static double metric_of(const json_t *report, int metric)
{
	return json_number_value(
		json_object_get(json_object_get(report, "metrics"), fb_metric_catalogue[metric].id));
}

static bool was_valid(const json_t *report, int metric)
{
	size_t i;
	json_t *id;
	json_array_foreach(json_object_get(report, "invalid"), i, id)
	{
		if (!strcmp(json_string_value(id), fb_metric_catalogue[metric].id)) {
			return false;
		}
	}
	return true;
}

/** The chain's latency and a recogniser's confidence are told, not heard: taken as reported. */
static bool measure(const json_t *report, const evidence *e, fb_metric_set *set)
{
	fb_analyser_options options = {
		.rate_hz = json_number_value(json_object_get(report, "sample_rate")),
		.window = FB_WINDOW_RUN,
		.target_lufs = json_number_value(json_object_get(report, "target_lufs")),
		.latency_ms = metric_of(report, FB_M_LATENCY),
		.has_input = true,
		.has_reference = e->has_reference};
	fb_analyser *analyser = fb_analyser_create(&options);
	if (!analyser) {
		fb_say("out of memory");
		return false;
	}
	fb_stretch all = {.reduction_db = e->reduction.channel[0], .frames = e->out.frames};
	for (int c = 0; c < 2; c++) {
		all.out[c] = e->out.channel[c];
		all.in[c] = e->in.channel[c];
		all.ref[c] = e->has_reference ? e->ref.channel[c] : NULL;
	}
	fb_analyser_reset(
		analyser, (uint64_t)json_integer_value(json_object_get(report, "frame_start")));
	fb_analyser_set_stt(analyser, was_valid(report, FB_M_STT_CONFIDENCE)
									  ? metric_of(report, FB_M_STT_CONFIDENCE)
									  : (double)NAN);
	fb_analyser_feed(analyser, &all);
	fb_analyser_read(analyser, set);
	fb_analyser_destroy(analyser);
	return true;
}

static int tell(
	const fb_ctl *ctl, const char *run_id, const json_t *report, const fb_metric_set *set)
{
	json_t *differ = json_array();
	for (int i = 0; i < FB_METRICS; i++) {
		double before = metric_of(report, i);
		bool valid = fb_metric_valid(set, i);
		if (before != set->value[i] || valid != was_valid(report, i)) {
			json_array_append_new(differ, json_string(fb_metric_catalogue[i].id));
			if (!ctl->json) {
				printf("%-20s reported %.17g, measured %.17g\n", fb_metric_catalogue[i].id, before,
					set->value[i]);
			}
		}
	}
	size_t n = json_array_size(differ);
	if (ctl->json) {
		fb_print_json(
			json_pack("{s:s, s:b, s:o}", "run_id", run_id, "same", n == 0, "differ", differ));
		return n ? FB_EXIT_FAILED : FB_EXIT_OK;
	}
	json_decref(differ);
	if (n) {
		printf("run %s: %zu of %d metrics differ\n", run_id, n, FB_METRICS);
		return FB_EXIT_FAILED;
	}
	printf("run %s: all %d metrics are the same, bit for bit\n", run_id, FB_METRICS);
	return FB_EXIT_OK;
}

static int run_verify(const fb_ctl *ctl, int count, char **words)
{
	char path[160];
	evidence e;
	fb_metric_set set;
	(void)count;
	snprintf(path, sizeof path, "/api/runs/%s", words[0]);
	json_t *report = fb_wire_read(ctl, path);
	if (!report) {
		return FB_EXIT_FAILED;
	}
	int code = gather(ctl, words[0], report, &e) && measure(report, &e, &set)
				   ? tell(ctl, words[0], report, &set)
				   : FB_EXIT_FAILED;
	drop(&e.out);
	drop(&e.in);
	drop(&e.ref);
	drop(&e.reduction);
	json_decref(report);
	return code;
}

static const fb_arg no_args[] = {{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0}};

const fb_command fb_cmd_verify = {"verify", "RUN",
	"measure a kept run again from its kept audio and compare", NULL, 1, 1, true, no_args,
	run_verify};
