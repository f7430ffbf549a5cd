/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stand.h"

#include "rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const fb_error *error)
{
	fprintf(stderr, "stand: %s: %s\n", error->where, error->text);
	abort();
}

static fb_nodes *nodes;

static void close_nodes(void)
{
	fb_nodes_close(nodes);
}

const fb_nodes *stand_nodes(void)
{
	fb_error error;
	if (!nodes) {
		if (fb_nodes_open(FB_BUILD "/tests/nodes:" FB_BUILD "/nodes", die, &nodes, &error)) {
			die(&error);
		}
		atexit(close_nodes);
	}
	return nodes;
}

fb_status stand_parse(const char *json, fb_patch **out, fb_error *error)
{
	char *text = strdup(json);
	for (char *c = text; *c; c++) {
		*c = *c == '\'' ? '"' : *c;
	}
	fb_status status = fb_patch_parse(text, strlen(text), "test.json", stand_nodes(), out, error);
	free(text);
	return status;
}

fb_patch *stand_patch(const char *json)
{
	fb_patch *patch;
	fb_error error;
	if (stand_parse(json, &patch, &error)) {
		die(&error);
	}
	return patch;
}

void stand_open(stand *s, const char *json, uint32_t period, size_t frames)
{
	fb_error error;
	frames = (frames + period - 1) / period * period;
	*s = (stand){.period = period, .rate_hz = 48000.0, .frames = frames};
	fb_engine_options options = {
		.stations = 1, .rate_hz = s->rate_hz, .period = period, .taps = true};
	for (int c = 0; c < 2; c++) {
		s->in[c] = sig_alloc(frames);
		s->out[c] = sig_alloc(frames);
		sig_sine(s->in[c], frames, s->rate_hz, c ? 150.0 : 100.0, 0.25, 0.0);
	}
	if (fb_engine_create(&options, &s->engine, &error) ||
		fb_station_create(s->engine, 0, stand_patch(json), &s->station, &error)) {
		die(&error);
	}
	fb_station_switch(s->station, FB_SWITCH_GUARD, false);
}

void stand_close(stand *s)
{
	fb_engine_destroy(s->engine);
	fb_station_destroy(s->station);
	for (int c = 0; c < 2; c++) {
		free(s->in[c]);
		free(s->out[c]);
	}
}

void stand_run(stand *s, size_t frames)
{
	for (size_t done = 0; done < frames; done += s->period) {
		if (s->at + s->period > s->frames) {
			die(&(fb_error){.where = "stand_run", .text = "past the end"});
		}
		const float *in[2] = {s->in[0] + s->at, s->in[1] + s->at};
		float *out[2] = {s->out[0] + s->at, s->out[1] + s->at};
		fb_engine_process(s->engine, in, out, s->period);
		fb_engine_service(s->engine);
		fb_station_service(s->station);
		s->at += s->period;
	}
}

void stand_edit(stand *s, const char *json)
{
	fb_error error;
	if (fb_station_apply(s->station, stand_patch(json), -1.0, &error)) {
		die(&error);
	}
}

static uint32_t find_stage(const stand *s, const char *id)
{
	int stage = fb_patch_find(fb_station_patch(s->station), id);
	if (stage < 0) {
		die(&(fb_error){.where = "stand", .text = "no such stage"});
	}
	return (uint32_t)stage;
}

void stand_set(stand *s, const char *id, const char *param, double value)
{
	fb_error error;
	uint32_t stage = find_stage(s, id);
	int p = fb_node_param(fb_station_patch(s->station)->stage[stage].type, param);
	if (p < 0) {
		die(&(fb_error){.where = "stand_set", .text = "no such parameter"});
	}
	if (fb_station_set(s->station, stage, (uint32_t)p, (float)value, -1.0, &error)) {
		die(&error);
	}
}

void stand_bypass(stand *s, const char *id, bool bypass)
{
	fb_station_bypass(s->station, find_stage(s, id), bypass);
}

double stand_bend(const float *x, size_t first, size_t n)
{
	double worst = 0.0;
	for (size_t i = first + 1; i + 1 < first + n; i++) {
		worst = fmax(worst, fabs((double)x[i - 1] - 2.0 * (double)x[i] + (double)x[i + 1]));
	}
	return worst;
}

double stand_differ(const float *a, const float *b, size_t n)
{
	double worst = 0.0;
	for (size_t i = 0; i < n; i++) {
		worst = fmax(worst, fabs((double)a[i] - (double)b[i]));
	}
	return worst;
}
