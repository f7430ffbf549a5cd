/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What a patch costs: nanoseconds of CPU time per stereo frame per station, through the real
	engine, 16 stations in blocks of 64. Prints one number. */
#include "programme.h"

#include "../../graph/station.h"

#include <stdio.h>
#include <stdlib.h>

enum { STATIONS = 16, PERIOD = 64, CHANNELS = 2 * STATIONS };

typedef struct bench {
	programme sound;
	fb_engine *engine;
	fb_station *station[STATIONS];
	size_t at;
	_Alignas(FB_ALIGN) float in[CHANNELS][PERIOD], out[CHANNELS][PERIOD];
} bench;

static void die(const fb_error *error)
{
	fprintf(stderr, "%s: %s\n", error->where, error->text);
	exit(1);
}

static void start(bench *b, const fb_nodes *nodes, const char *patch_file)
{
	fb_error error;
	fb_patch *patch;
	fb_engine_options options = {
		.stations = STATIONS, .rate_hz = b->sound.rate_hz, .period = PERIOD};
	if (fb_engine_create(&options, &b->engine, &error)) {
		die(&error);
	}
	for (uint32_t i = 0; i < STATIONS; i++) {
		if (fb_patch_read(patch_file, nodes, &patch, &error) ||
			fb_station_create(b->engine, i, patch, &b->station[i], &error)) {
			die(&error);
		}
	}
}

/** Feed all stations for so long, each from its own place in the programme, as a sound card would:
	through small buffers. Returns the CPU time; without the engine, that of the feeding. */
static double run(bench *b, double seconds, bool with_engine)
{
	const float *in[CHANNELS];
	float *out[CHANNELS];
	for (size_t c = 0; c < CHANNELS; c++) {
		in[c] = b->in[c];
		out[c] = b->out[c];
	}
	double begin = thread_seconds();
	size_t periods = (size_t)(seconds * b->sound.rate_hz) / PERIOD;
	for (size_t n = 0; n < periods; n++, b->at += PERIOD) {
		for (size_t i = 0; i < STATIONS; i++) {
			programme_take(&b->sound, i, STATIONS, b->at, PERIOD, b->in[2 * i], b->in[2 * i + 1]);
		}
		if (with_engine) {
			fb_engine_process(b->engine, in, out, PERIOD);
		}
	}
	return thread_seconds() - begin;
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: %s NODE_PATH PROGRAMME.wav PATCH.json SECONDS\n", argv[0]);
		return 2;
	}
	double seconds = atof(argv[4]);
	fb_error error;
	fb_nodes *nodes;
	if (fb_nodes_open(argv[1], NULL, &nodes, &error)) {
		die(&error);
	}
	bench *b = aligned_alloc(FB_ALIGN, sizeof *b);
	if (!b) {
		return 1;
	}
	b->at = 0;
	programme_read(&b->sound, argv[2]);
	start(b, nodes, argv[3]);
	run(b, 2.2,
		true); /* memory touched for the first time (echoes reach back 2 s), filters running */
	fb_engine_service(b->engine);
	double whole = run(b, seconds, true), feeding = run(b, seconds, false);
	printf("%.3f\n", (whole - feeding) / seconds / b->sound.rate_hz / STATIONS * 1e9);

	fb_engine_destroy(b->engine);
	for (size_t i = 0; i < STATIONS; i++) {
		fb_station_destroy(b->station[i]);
	}
	programme_free(&b->sound);
	free(b);
	fb_nodes_close(nodes);
	return 0;
}
