/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What a period costs with so many stations on so many threads: prints the median of the clock and
	the mean of this thread's CPU time, in microseconds a period, and whether its threads were
	real-time ones as under JACK. Else other programs on a busy machine come between. */
#include "programme.h"

#include "../../graph/station.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PERIOD_MAX = 1024, CHANNELS = 2 * FB_STATIONS_MAX };

typedef struct bench {
	programme sound;
	fb_engine *engine;
	fb_station *station[FB_STATIONS_MAX];
	uint32_t stations, period;
	size_t at;
	_Alignas(FB_ALIGN) float in[CHANNELS][PERIOD_MAX], out[CHANNELS][PERIOD_MAX];
} bench;

static void die(const fb_error *error)
{
	fprintf(stderr, "%s: %s\n", error->where, error->text);
	exit(1);
}

static double clock_us(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return 1e6 * (double)now.tv_sec + 1e-3 * (double)now.tv_nsec;
}

static void start(bench *b, const fb_nodes *nodes, const char *patch_file, uint32_t threads)
{
	fb_error error;
	fb_patch *patch;
	fb_engine_options options = {.stations = b->stations,
		.rate_hz = b->sound.rate_hz,
		.period = b->period,
		.threads = threads,
		.patient = true};
	if (fb_engine_create(&options, &b->engine, &error)) {
		die(&error);
	}
	for (uint32_t i = 0; i < b->stations; i++) {
		if (fb_patch_read(patch_file, nodes, &patch, &error) ||
			fb_station_create(b->engine, i, patch, &b->station[i], &error)) {
			die(&error);
		}
	}
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/** So many periods, each station from its own place in the programme. took: the time of each.
	Returns the CPU time of all. */
static double run(bench *b, size_t periods, double *took)
{
	const float *in[CHANNELS];
	float *out[CHANNELS];
	double cpu = 0.0;
	for (size_t c = 0; c < CHANNELS; c++) {
		in[c] = b->in[c];
		out[c] = b->out[c];
	}
	for (size_t n = 0; n < periods; n++, b->at += b->period) {
		for (size_t i = 0; i < b->stations; i++) {
			programme_take(
				&b->sound, i, b->stations, b->at, b->period, b->in[2 * i], b->in[2 * i + 1]);
		}
		double spent = clock_us(CLOCK_THREAD_CPUTIME_ID), began = clock_us(CLOCK_MONOTONIC);
		fb_engine_process(b->engine, in, out, b->period);
		took[n] = clock_us(CLOCK_MONOTONIC) - began;
		cpu += clock_us(CLOCK_THREAD_CPUTIME_ID) - spent;
	}
	return cpu;
}

int main(int argc, char **argv)
{
	if (argc != 8) {
		fprintf(stderr,
			"usage: %s NODE_PATH PROGRAMME.wav PATCH.json SECONDS STATIONS THREADS PERIOD\n",
			argv[0]);
		return 2;
	}
	fb_error error;
	fb_nodes *nodes;
	if (fb_nodes_open(argv[1], NULL, &nodes, &error)) {
		die(&error);
	}
	bench *b = aligned_alloc(FB_ALIGN, sizeof *b);
	if (!b) {
		return 1;
	}
	*b = (bench){.stations = (uint32_t)atoi(argv[5]), .period = (uint32_t)atoi(argv[7])};
	programme_read(&b->sound, argv[2]);
	size_t warm = (size_t)(2.2 * b->sound.rate_hz) / b->period;
	size_t periods = (size_t)(atof(argv[4]) * b->sound.rate_hz) / b->period;
	double *took = calloc(warm + periods, sizeof *took);
	if (!took) {
		return 1;
	}
	bool realtime = !sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){10});
	start(b, nodes, argv[3], (uint32_t)atoi(argv[6]));
	/* memory touched for the first time (echoes reach back 2 s), filters running */
	run(b, warm, took);
	fb_engine_service(b->engine);
	double cpu = run(b, periods, took);
	qsort(took, periods, sizeof *took, by_size);
	printf("%.2f %.2f %d\n", took[periods / 2], cpu / (double)periods, realtime);

	fb_engine_destroy(b->engine);
	for (size_t i = 0; i < b->stations; i++) {
		fb_station_destroy(b->station[i]);
	}
	free(took);
	programme_free(&b->sound);
	free(b);
	fb_nodes_close(nodes);
	return 0;
}
