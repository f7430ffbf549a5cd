/* SPDX-License-Identifier: GPL-3.0-or-later */
/* t_value: makes its parameters audible. Left is `level` and right is `rate` / 1000, each as the
   straight line the host asks for, and left 100 more for each of `steps`; the input plays no part.
   t_denormal: a state that fades into denormals, for ever if they are not flushed. */
#include "probe.h"

PROBE_STEREO(stereo);

enum { LEVEL, RATE, STEPS, SWITCH, N_PARAMS };

static const fb_param_info value_params[N_PARAMS] = {
	[LEVEL] = {.symbol = "level",
		.label = "Level",
		.unit = "dB",
		.doc = "Linear, 20 ms",
		.min = -60.0f,
		.max = 24.0f,
		.smooth_ms = 20.0f},
	[RATE] = {.symbol = "rate",
		.label = "Rate",
		.unit = "Hz",
		.doc = "Logarithmic, 50 ms",
		.scale = FB_SCALE_LOG,
		.min = 20.0f,
		.max = 20000.0f,
		.def = 1000.0f,
		.smooth_ms = 50.0f},
	[STEPS] = {.symbol = "steps",
		.label = "Steps",
		.unit = "",
		.doc = "Whole",
		.kind = FB_INT,
		.max = 8.0f},
	[SWITCH] = {.symbol = "switch",
		.label = "Switch",
		.unit = "",
		.doc = "On or off",
		.kind = FB_BOOL,
		.max = 1.0f},
};

typedef struct value {
	float state[2];
} value;

static size_t value_size(double rate_hz, const float *params)
{
	(void)rate_hz;
	(void)params;
	return sizeof(value);
}

static bool value_prepare(void *self, double rate_hz, const float *params)
{
	(void)self;
	(void)rate_hz;
	(void)params;
	return true;
}

static void value_process(void *self, const fb_tick *tick)
{
	(void)self;
	const float scale[2] = {1.0f, 0.001f}, more[2] = {100.0f * tick->to[STEPS], 0.0f};
	for (int c = 0; c < 2; c++) {
		float from = tick->from[c], step = (tick->to[c] - from) / FB_TICK;
		for (int i = 0; i < FB_TICK; i++) {
			tick->out[c][i] = scale[c] * (from + step * (float)(i + 1)) + more[c];
		}
	}
}

static void value_reset(void *self)
{
	memset(self, 0, sizeof(value));
}

static const fb_node_desc t_value = {PROBE("t_value"), .inputs = stereo, .outputs = stereo,
	.params = value_params, .n_inputs = 1, .n_outputs = 1, .n_params = N_PARAMS,
	.instance_size = value_size, .prepare = value_prepare, .process = value_process,
	.reset = value_reset};

static void denormal_process(void *self, const fb_tick *tick)
{
	value *v = self;
	for (int c = 0; c < 2; c++) {
		for (int i = 0; i < FB_TICK; i++) {
			v->state[c] = tick->in[c][i] + 0.99f * v->state[c];
			tick->out[c][i] = v->state[c];
		}
	}
}

static const fb_node_desc t_denormal = {PROBE("t_denormal"), .inputs = stereo, .outputs = stereo,
	.n_inputs = 1, .n_outputs = 1, .instance_size = value_size, .prepare = value_prepare,
	.process = denormal_process, .reset = value_reset};

FB_NODE_EXPORT const fb_node_desc *fb_node_entry(uint32_t index)
{
	static const fb_node_desc *const types[] = {&t_value, &t_denormal};
	return index < sizeof types / sizeof *types ? types[index] : NULL;
}
