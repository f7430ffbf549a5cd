/* SPDX-License-Identifier: GPL-3.0-or-later */
/* t_delay: a pure delay that reports itself as latency. t_echo: a tail to keep. t_slow: takes its
   time to prepare, and memory of its own. */
#include "probe.h"

#include <stdlib.h>
#include <unistd.h>

enum { DELAY_MAX = 9600, ECHO = 4800 };

PROBE_STEREO(stereo);

typedef struct line {
	uint32_t at, frames;
	float x[][2];
} line;

static float line_read(const line *l, int c)
{
	return l->x[l->at][c];
}

static void line_write(line *l, float left, float right)
{
	l->x[l->at][0] = left;
	l->x[l->at][1] = right;
	l->at = (l->at + 1) % l->frames;
}

static void line_reset(void *self)
{
	line *l = self;
	memset(l->x, 0, l->frames * sizeof *l->x);
}

/* --- t_delay */

static const fb_param_info delay_params[] = {{.symbol = "frames",
	.label = "Frames",
	.unit = "",
	.doc = "Its latency",
	.kind = FB_INT,
	.max = DELAY_MAX,
	.flags = FB_PARAM_REPREPARE}};

static size_t delay_size(double rate_hz, const float *params)
{
	(void)rate_hz;
	return sizeof(line) + ((size_t)params[0] + 1) * 2 * sizeof(float);
}

static bool delay_prepare(void *self, double rate_hz, const float *params)
{
	(void)rate_hz;
	((line *)self)->frames = (uint32_t)params[0];
	return true;
}

static void delay_process(void *self, const fb_tick *tick)
{
	line *l = self;
	if (tick->to[0] != (float)l->frames) {
		/* the host has let a value in that only a new instance may have */
		memset(tick->out[0], 0xff, FB_TICK * sizeof(float));
		memset(tick->out[1], 0xff, FB_TICK * sizeof(float));
		return;
	}
	if (!l->frames) {
		probe_copy(tick, 2);
		return;
	}
	for (int i = 0; i < FB_TICK; i++) {
		tick->out[0][i] = line_read(l, 0);
		tick->out[1][i] = line_read(l, 1);
		line_write(l, tick->in[0][i], tick->in[1][i]);
	}
}

static uint32_t delay_latency(const void *self)
{
	return ((const line *)self)->frames;
}

static const fb_node_desc t_delay = {PROBE("t_delay"), .inputs = stereo, .outputs = stereo,
	.params = delay_params, .n_inputs = 1, .n_outputs = 1, .n_params = 1,
	.instance_size = delay_size, .prepare = delay_prepare, .process = delay_process,
	.reset = line_reset, .latency = delay_latency};

/* --- t_echo: the input, and half of what came out ECHO frames before */

static size_t echo_size(double rate_hz, const float *params)
{
	(void)rate_hz;
	(void)params;
	return sizeof(line) + ECHO * 2 * sizeof(float);
}

static bool echo_prepare(void *self, double rate_hz, const float *params)
{
	(void)rate_hz;
	(void)params;
	((line *)self)->frames = ECHO;
	return true;
}

static void echo_process(void *self, const fb_tick *tick)
{
	line *l = self;
	for (int i = 0; i < FB_TICK; i++) {
		tick->out[0][i] = tick->in[0][i] + 0.5f * line_read(l, 0);
		tick->out[1][i] = tick->in[1][i] + 0.5f * line_read(l, 1);
		line_write(l, tick->out[0][i], tick->out[1][i]);
	}
}

static const fb_node_desc t_echo = {PROBE("t_echo"), .inputs = stereo, .outputs = stereo,
	.n_inputs = 1, .n_outputs = 1, .instance_size = echo_size, .prepare = echo_prepare,
	.process = echo_process, .reset = line_reset};

/* --- t_slow */

typedef struct slow {
	void *own; ///< so that a leak checker sees an instance that was not finished
} slow;

static const fb_param_info slow_params[] = {{.symbol = "ms",
	.label = "Time",
	.unit = "ms",
	.doc = "How long prepare() takes",
	.max = 1000.0f,
	.def = 1.0f,
	.flags = FB_PARAM_REPREPARE}};

static size_t slow_size(double rate_hz, const float *params)
{
	(void)rate_hz;
	(void)params;
	return sizeof(slow);
}

static bool slow_prepare(void *self, double rate_hz, const float *params)
{
	(void)rate_hz;
	usleep((useconds_t)(1000.0f * params[0]));
	((slow *)self)->own = malloc(1000);
	return ((slow *)self)->own != NULL;
}

static void slow_process(void *self, const fb_tick *tick)
{
	(void)self;
	probe_copy(tick, 2);
}

static void slow_reset(void *self)
{
	(void)self;
}

static void slow_finish(void *self)
{
	free(((slow *)self)->own);
}

static const fb_node_desc t_slow = {PROBE("t_slow"), .inputs = stereo, .outputs = stereo,
	.params = slow_params, .n_inputs = 1, .n_outputs = 1, .n_params = 1, .instance_size = slow_size,
	.prepare = slow_prepare, .process = slow_process, .reset = slow_reset, .finish = slow_finish};

FB_NODE_EXPORT const fb_node_desc *fb_node_entry(uint32_t index)
{
	static const fb_node_desc *const types[] = {&t_delay, &t_echo, &t_slow};
	return index < sizeof types / sizeof *types ? types[index] : NULL;
}
