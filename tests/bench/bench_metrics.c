/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What live measurement costs: the share of one core, in percent, that the analysers of 16 stereo
	stations take when they are fed and read as server/meters.c does. Prints one number. */
#include "programme.h"

#include "../../metrics/analyser.h"

#include <stdio.h>
#include <stdlib.h>

enum { STATIONS = 16, TICK = 32, GATHER_MAX = 2048, READS_PER_S = 10 };

typedef struct bench {
	programme sound;
	fb_analyser *analyser[STATIONS];
	size_t at, until_read;
	float in[2][GATHER_MAX], out[2][GATHER_MAX], reduction_db[GATHER_MAX / TICK];
} bench;

/** `gather` frames at a time for each station in turn; input and output are one sound, a little
	apart in level, since what they are does not matter to the cost. */
static double run(bench *b, double seconds, size_t gather, bool measure)
{
	fb_stretch stretch = {.out = {b->out[0], b->out[1]},
		.in = {b->in[0], b->in[1]},
		.reduction_db = b->reduction_db,
		.frames = gather};
	static fb_metric_set set;
	size_t read_every = (size_t)b->sound.rate_hz / READS_PER_S;
	double begin = thread_seconds();
	for (size_t n = (size_t)(seconds * b->sound.rate_hz) / gather; n > 0; n--) {
		b->until_read += gather;
		bool read = b->until_read >= read_every;
		b->until_read -= read ? read_every : 0;
		for (size_t i = 0; i < STATIONS; i++) {
			programme_take(&b->sound, i, STATIONS, b->at, gather, b->in[0], b->in[1]);
			for (size_t k = 0; k < gather; k++) {
				b->out[0][k] = 0.8f * b->in[0][k];
				b->out[1][k] = 0.8f * b->in[1][k];
			}
			if (measure) {
				fb_analyser_feed(b->analyser[i], &stretch);
			}
			if (measure && read) {
				fb_analyser_read(b->analyser[i], &set);
			}
		}
		b->at += gather;
	}
	return thread_seconds() - begin;
}

int main(int argc, char **argv)
{
	size_t gather = argc == 4 ? (size_t)atoi(argv[3]) : 0;
	if (gather < TICK || gather > GATHER_MAX || gather % TICK) {
		fprintf(stderr, "usage: %s PROGRAMME.wav SECONDS FRAMES_AT_ONCE\n", argv[0]);
		return 2;
	}
	double seconds = atof(argv[2]);
	static bench b;
	programme_read(&b.sound, argv[1]);
	fb_analyser_options options = {.rate_hz = b.sound.rate_hz,
		.window = FB_WINDOW_LIVE,
		.target_lufs = -23.0,
		.has_input = true};
	for (size_t i = 0; i < STATIONS; i++) {
		b.analyser[i] = fb_analyser_create(&options);
		if (!b.analyser[i]) {
			fprintf(stderr, "analyser: out of memory\n");
			return 1;
		}
	}
	run(&b, 4.0, gather, true); /* the windows of 3 s fill */
	double whole = run(&b, seconds, gather, true), feeding = run(&b, seconds, gather, false);
	printf("%.3f\n", (whole - feeding) / seconds * 100.0);
	for (size_t i = 0; i < STATIONS; i++) {
		fb_analyser_destroy(b.analyser[i]);
	}
	programme_free(&b.sound);
	return 0;
}
