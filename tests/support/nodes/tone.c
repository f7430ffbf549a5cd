/* SPDX-License-Identifier: GPL-3.0-or-later */
/* t_tone: a source whose sines hang on the engine's count of frames alone, so that an instance made
   anew is in phase with the one before, and what a tap hears can be foretold to the sample. */
#include "probe.h"

PROBE_STEREO(stereo);

enum { ON, N_PARAMS };

static const fb_param_info params[N_PARAMS] = {[ON] = {.symbol = "on",
												   .label = "On",
												   .unit = "",
												   .doc = "Sound or silence, at once",
												   .kind = FB_BOOL,
												   .max = 1.0f,
												   .def = 1.0f}};

typedef struct tone {
	double rate_hz;
} tone;

static size_t tone_size(double rate_hz, const float *values)
{
	(void)rate_hz;
	(void)values;
	return sizeof(tone);
}

static bool tone_prepare(void *self, double rate_hz, const float *values)
{
	(void)values;
	((tone *)self)->rate_hz = rate_hz;
	return true;
}

/** 100 Hz on the left, 150 Hz on the right, a quarter of full scale. */
static void tone_process(void *self, const fb_tick *tick)
{
	const tone *t = self;
	for (int c = 0; c < 2; c++) {
		double cycles = (c ? 150.0 : 100.0) / t->rate_hz;
		for (int i = 0; i < FB_TICK; i++) {
			double at = (double)(tick->frame + (uint64_t)i) * cycles;
			tick->out[c][i] = tick->to[ON] != 0.0f
								  ? (float)(0.25 * sin(2.0 * 3.14159265358979 * (at - floor(at))))
								  : 0.0f;
		}
	}
}

static void tone_reset(void *self)
{
	(void)self;
}

static const fb_node_desc t_tone = {PROBE("t_tone"), .outputs = stereo, .params = params,
	.n_outputs = 1, .n_params = N_PARAMS, .instance_size = tone_size, .prepare = tone_prepare,
	.process = tone_process, .reset = tone_reset};

FB_NODE_EXPORT const fb_node_desc *fb_node_entry(uint32_t index)
{
	return index ? NULL : &t_tone;
}
