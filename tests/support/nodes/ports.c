/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nodes of other shapes than stereo in, stereo out: t_mono, t_source (no input), t_split (two
   outputs), t_key (a side input), t_merge (stereo in, mono out). */
#include "probe.h"

PROBE_STEREO(stereo);

static const fb_port_info mono[] = {
	{.symbol = "main", .label = "Main", .doc = "Mono", .channels = 1}};

static size_t no_size(double rate_hz, const float *params)
{
	(void)rate_hz;
	(void)params;
	return 1;
}

static bool no_prepare(void *self, double rate_hz, const float *params)
{
	(void)self;
	(void)rate_hz;
	(void)params;
	return true;
}

static void no_reset(void *self)
{
	(void)self;
}

#define NO_STATE .instance_size = no_size, .prepare = no_prepare, .reset = no_reset

static void mono_process(void *self, const fb_tick *tick)
{
	(void)self;
	probe_copy(tick, 1);
}

static const fb_node_desc t_mono = {PROBE("t_mono"), NO_STATE, .inputs = mono, .outputs = mono,
	.n_inputs = 1, .n_outputs = 1, .process = mono_process};

static void merge_process(void *self, const fb_tick *tick)
{
	(void)self;
	for (int i = 0; i < FB_TICK; i++) {
		tick->out[0][i] = 0.5f * (tick->in[0][i] + tick->in[1][i]);
	}
}

static const fb_node_desc t_merge = {PROBE("t_merge"), NO_STATE, .inputs = stereo, .outputs = mono,
	.n_inputs = 1, .n_outputs = 1, .process = merge_process};

/* A saw of 100 frames' period, from the frame number alone. */
static void source_process(void *self, const fb_tick *tick)
{
	(void)self;
	for (uint32_t i = 0; i < FB_TICK; i++) {
		tick->out[0][i] = (float)((tick->frame + i) % 100) / 400.0f;
		tick->out[1][i] = -tick->out[0][i];
	}
}

static const fb_node_desc t_source = {
	PROBE("t_source"), NO_STATE, .outputs = stereo, .n_outputs = 1, .process = source_process};

static const fb_port_info split_out[] = {
	{.symbol = "main", .label = "Main", .doc = "The input", .channels = 2},
	{.symbol = "side", .label = "Side", .doc = "Left less right", .channels = 1}};

static void split_process(void *self, const fb_tick *tick)
{
	(void)self;
	probe_copy(tick, 2);
	for (int i = 0; i < FB_TICK; i++) {
		tick->out[2][i] = tick->in[0][i] - tick->in[1][i];
	}
}

static const fb_node_desc t_split = {PROBE("t_split"), NO_STATE, .inputs = stereo,
	.outputs = split_out, .n_inputs = 1, .n_outputs = 2, .process = split_process};

static const fb_port_info key_in[] = {
	{.symbol = "main", .label = "Main", .doc = "Stereo", .channels = 2},
	{.symbol = "key", .label = "Key", .doc = "Added to both", .channels = 1}};

static const fb_meter_info key_meters[] = {{.symbol = "reduction",
											   .label = "Reduction",
											   .unit = "dB",
											   .doc = "3 while a key is connected",
											   .max = 60.0f,
											   .flags = FB_METER_REDUCTION},
	{.symbol = "level", .label = "Level", .unit = "dB", .doc = "Always -20", .min = -120.0f}};

static void key_process(void *self, const fb_tick *tick)
{
	(void)self;
	for (int i = 0; i < FB_TICK; i++) {
		tick->out[0][i] = tick->in[0][i] + tick->in[2][i];
		tick->out[1][i] = tick->in[1][i] + tick->in[2][i];
	}
	tick->meter[0] = tick->connected & 2u ? 3.0f : 0.0f;
	tick->meter[1] = -20.0f;
}

static const fb_node_desc t_key = {PROBE("t_key"), NO_STATE, .inputs = key_in, .outputs = stereo,
	.meters = key_meters, .n_inputs = 2, .n_outputs = 1, .n_meters = 2, .process = key_process};

FB_NODE_EXPORT const fb_node_desc *fb_node_entry(uint32_t index)
{
	static const fb_node_desc *const types[] = {&t_mono, &t_merge, &t_source, &t_split, &t_key};
	return index < sizeof types / sizeof *types ? types[index] : NULL;
}
