/* SPDX-License-Identifier: GPL-3.0-or-later */
/** tremolo: a worked example of a node outside foldback's tree. See doc/nodes.md. */
#include <foldback/node.h>

#include <math.h>

enum { RATE, DEPTH, N_PARAMS };

static const fb_param_info params[N_PARAMS] = {
	{"rate", "Rate", "Hz", "How often the level swings.", FB_FLOAT, FB_SCALE_LOG, 0.1f, 20.0f, 5.0f,
		50.0f, NULL, 0},
	{"depth", "Depth", "%", "How far it swings: 100 % reaches silence.", FB_FLOAT, FB_SCALE_LINEAR,
		0.0f, 100.0f, 50.0f, 20.0f, NULL, 0},
};

static const fb_port_info input = {"in", "In", "The sound to swing.", 2};
static const fb_port_info output = {"out", "Out", "The sound, swinging.", 2};
static const fb_meter_info level = {"level", "Level", "%", "Where the swing is.", 0.0f, 100.0f, 0};

/** All there is of one instance: flat, and zeroed before prepare(). */
typedef struct tremolo {
	float phase, per_hz; /* 0..1; phase step a frame for each Hz */
} tremolo;

static size_t instance_size(double rate_hz, const float *values)
{
	(void)rate_hz, (void)values;
	return sizeof(tremolo);
}

static bool prepare(void *self, double rate_hz, const float *values)
{
	(void)values;
	((tremolo *)self)->per_hz = (float)(1.0 / rate_hz);
	return true;
}

static void reset(void *self)
{
	((tremolo *)self)->phase = 0.0f;
}

static void process(void *self, const fb_tick *tick)
{
	tremolo *t = self;
	float gain = 1.0f, depth = tick->from[DEPTH] * 0.01f;
	float slope = (tick->to[DEPTH] - tick->from[DEPTH]) * (0.01f / FB_TICK);
	for (int i = 0; i < FB_TICK; i++) {
		t->phase += tick->to[RATE] * t->per_hz;
		t->phase -= t->phase >= 1.0f ? 1.0f : 0.0f;
		depth += slope;
		gain = 1.0f - depth * (0.5f - 0.5f * cosf(6.2831853f * t->phase));
		tick->out[0][i] = tick->in[0][i] * gain;
		tick->out[1][i] = tick->in[1][i] * gain;
	}
	tick->meter[0] = gain * 100.0f;
}

static const fb_node_desc desc = {FB_NODE_ABI, sizeof(fb_node_desc), "tremolo", "Tremolo",
	"Swings the level up and down.", "modulation", &input, &output, params, &level, 1, 1, N_PARAMS,
	1, instance_size, prepare, process, reset, NULL, NULL, NULL};

FB_NODE_ENTRY(desc)
