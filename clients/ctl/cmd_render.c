/* SPDX-License-Identifier: GPL-3.0-or-later */
/** foldback render: a file through a patch, by the engine the server runs. */
#include "ctl.h"
#include "nodes.h"
#include "progress.h"
#include "settings.h"
#include "sound.h"

#include "../../graph/offline.h"

#include <string.h>

static struct {
	fb_arg_list sets;
	long period, threads;
	const char *bits, *node_path;
	bool late;
} chosen = {.period = 1024, .threads = 1, .bits = "32f"};

/** A render under way. */
typedef struct job {
	fb_sound *in;
	fb_sound_out *out;
	fb_offline render;
	uint64_t done;
} job;

static fb_status read_piece(void *ctx, float *const *to, uint32_t frames, fb_error *error)
{
	job *j = ctx;
	uint32_t got = 0;
	fb_status status = fb_sound_read(j->in, to, frames, &got, error);
	if (!status && got < frames) {
		return fb_fail(error, FB_IO, j->in->name, "is damaged: it ends after %llu of %llu frames",
			(unsigned long long)(j->done + got), (unsigned long long)j->in->frames);
	}
	j->done += frames;
	fb_progress_show("rendering", (double)j->done, (double)j->in->frames);
	return status;
}

static fb_status write_piece(void *ctx, const float *const *from, uint32_t frames, fb_error *error)
{
	return fb_sound_write(((job *)ctx)->out, from, frames, error);
}

static int bits_of(const char *text)
{
	return !strcmp(text, "16") ? 16 : !strcmp(text, "24") ? 24 : !strcmp(text, "32f") ? 32 : 0;
}

static fb_status read_patch(
	const fb_nodes *nodes, const char *file, fb_patch **out, fb_error *error)
{
	fb_patch *patch = NULL;
	fb_status status = fb_patch_read(file, nodes, &patch, error);
	if (!status) {
		status = fb_settings_apply(patch, &chosen.sets, error);
	}
	if (status) {
		fb_patch_destroy(patch);
		return status;
	}
	*out = patch;
	return FB_OK;
}

/** From an open input and a patch to a finished file. */
static fb_status render(job *j, const fb_patch *patch, const char *to, fb_error *error)
{
	j->out = fb_sound_create(to, j->in->rate_hz, bits_of(chosen.bits), j->in->frames, error);
	if (!j->out) {
		return error->status;
	}
	j->render = (fb_offline){.patch = patch,
		.rate_hz = (double)j->in->rate_hz,
		.period = (uint32_t)chosen.period,
		.threads = (uint32_t)chosen.threads,
		.read = read_piece,
		.write = write_piece,
		.ctx = j,
		.frames = j->in->frames,
		.late = chosen.late};
	fb_status status = fb_offline_render(&j->render, error);
	fb_progress_end();
	if (!status && j->render.faults) {
		status = fb_fail(error, FB_INVALID, fb_patch_name(patch),
			"a node yielded no number in %llu ticks of %d frames; nothing was written",
			(unsigned long long)j->render.faults, FB_TICK);
	}
	if (status) {
		fb_sound_abandon(j->out);
		return status;
	}
	if (j->out->clipped) {
		fb_say("%s: %llu samples were clipped (--bits 32f would hold them)", to,
			(unsigned long long)j->out->clipped);
	}
	return fb_sound_finish(j->out, error);
}

static int print_result(const fb_ctl *ctl, const job *j, const char *patch, const char *to)
{
	double rate_hz = (double)j->in->rate_hz;
	if (ctl->json) {
		return fb_print_json(json_pack("{s:s, s:s, s:s, s:I, s:f, s:i, s:b}", "patch", patch, "in",
			j->in->name, "out", to, "frames", (json_int_t)j->in->frames, "sample_rate", rate_hz,
			"latency_frames", (int)j->render.latency, "late", (int)chosen.late));
	}
	printf("%s: %.3f s at %g Hz; latency %u frames, %s\n", to, (double)j->in->frames / rate_hz,
		rate_hz, j->render.latency, chosen.late ? "left in" : "taken out");
	return FB_EXIT_OK;
}

static int run(const fb_ctl *ctl, int count, char **words)
{
	fb_error error;
	fb_patch *patch = NULL;
	job j = {0};
	(void)count;
	if (!bits_of(chosen.bits)) {
		return fb_say_usage(&fb_cmd_render, "--bits: \"%s\" is none of 16, 24, 32f", chosen.bits);
	}
	fb_nodes *nodes = fb_ctl_nodes(chosen.node_path);
	if (!nodes) {
		return FB_EXIT_FAILED;
	}
	fb_status status = read_patch(nodes, words[0], &patch, &error);
	if (!status) {
		j.in = fb_sound_open(words[1], &error);
		status = j.in ? render(&j, patch, words[2], &error) : error.status;
	}
	int code = status ? fb_say_error(&error) : print_result(ctl, &j, words[0], words[2]);
	fb_sound_close(j.in);
	fb_patch_destroy(patch);
	fb_nodes_close(nodes);
	return code;
}

static const fb_arg args[] = {
	{"set", "NODE.PARAM=V",
		"change a setting of the patch; may be given again. V is a number\n"
		"(with a unit if you like: -20dB, 0.2s), a choice, true or false;\n"
		"NODE.bypass=true takes a node out",
		FB_ARG_LIST, 0, &chosen.sets, 0, 0},
	{"bits", "16|24|32f",
		"what a sample of OUT.wav is: 32f (the default) is float, never clipped;\n"
		"16 is dithered",
		FB_ARG_TEXT, 0, &chosen.bits, 0, 0},
	{"late", NULL, "leave the patch's latency in; else the output lies on the input", FB_ARG_FLAG,
		0, &chosen.late, 0, 0},
	{"period", "N", "frames a call, 1..8192 (1024); the output does not depend on it", FB_ARG_INT,
		0, &chosen.period, 1, 8192},
	{"threads", "N", "taken, and without effect: one station is the work of one thread", FB_ARG_INT,
		0, &chosen.threads, 1, FB_THREADS_MAX},
	{"node-path", "DIRS", "folders to load nodes from, separated by ':'", FB_ARG_TEXT, 0,
		&chosen.node_path, 0, 0},
	{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0},
};

const fb_command fb_cmd_render = {"render", "PATCH IN.wav OUT.wav",
	"play a file through a patch into another",
	"IN is any file that libsndfile reads, of one channel (heard as both) or two, of any length. "
	"OUT is a WAV file of two channels at the rate of IN, as long as IN; it appears when it is "
	"whole. The same input, patch and settings give the same bytes.",
	3, 3, false, args, run};
