/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Exciter: harmonics made of the treble alone, added to the signal untouched.

	The signal above `freq` (12 dB/oct) meets two curves at four times the rate. With
	B(x) = (1 - x^2)^6 within -1..1 and 0 outside, S the integral of B scaled to end at 1:
	odd(x) = S(x) - x S'(x), which starts as the cube of x and ends at 1 as a limiter does;
	even(x) = 1 - B(x), which starts as the square.
	Neither passes a quiet signal, so no hiss is lifted; both bend so gently (six derivatives run
	through) that their harmonics die out faster than those of any clipper, before they reach the
	rate of the curve and fold. A second high pass takes off DC and difference tones. */
#include "../dsp/clean.h"
#include "../dsp/oversample.h"
#include "../dsp/fastmath.h"
#include "../dsp/ramp.h"
#include "../dsp/section.h"
#include "../dsp/wide.h"

#include <string.h>

enum { FREQ, DRIVE, BALANCE, BLEND, N_PARAMS };

/* Of the curve's argument per full scale at 0 dB of drive: 24 dB come to 1.8. */
#define SENSITIVITY 0.11357f
/* Harmonics at a blend of 100 %, against full scale. */
#define LEVEL 0.5f
/* The integral of (1 - x^2)^6 from 0 to 1. */
#define AREA (1024.0 / 3003.0)
#define LATENCY_MOST 32

/** The curves' weights and gains where the last tick ended. */
typedef struct gains {
	float drive, odd, even, blend;
} gains;

typedef struct exciter_node {
	double rate_hz;
	bool fresh; ///< the next tick starts at rest on its parameters
	float freq; ///< that `high` was made from
	fb_section high;
	fb_section_state before, after;
	gains now;
	fb_oversample over;
	fb_oversample_state side[2];
	float dry[2][LATENCY_MOST + FB_TICK];
} exciter_node;

static size_t instance_size(double rate_hz, const float *params)
{
	(void)rate_hz;
	(void)params;
	return sizeof(exciter_node);
}

static bool prepare(void *instance, double rate_hz, const float *params)
{
	(void)params;
	exciter_node *self = instance;
	self->rate_hz = rate_hz;
	self->fresh = true;
	fb_oversample_init(&self->over, rate_hz);
	return true;
}

static void reset(void *instance) FB_RT
{
	exciter_node *self = instance;
	self->before = self->after = (fb_section_state){0};
	memset(self->side, 0, sizeof self->side);
	memset(self->dry, 0, sizeof self->dry);
	self->fresh = true;
}

static uint32_t latency(const void *instance)
{
	return ((const exciter_node *)instance)->over.latency;
}

static fb_section high_pass(double freq_hz, double rate_hz)
{
	return fb_section_svf(tan(M_PI * fmin(freq_hz / rate_hz, 0.45)), M_SQRT2, 1.0, 0.0, 0.0);
}

static gains gains_of(const float *values)
{
	float even = values[BALANCE] * 0.01f;
	return (gains){fb_db_to_gain(values[DRIVE]) * SENSITIVITY, 1.0f - even, even,
		values[BLEND] * 0.01f * LEVEL};
}

static void settle(exciter_node *self, const float *values)
{
	self->freq = values[FREQ];
	self->high = high_pass((double)values[FREQ], self->rate_hz);
	self->now = gains_of(values);
	self->fresh = false;
}

/** Both high passes move alike. */
static void filter(const exciter_node *self, const fb_section *to, bool moving,
	fb_section_state *state, fb_stereo x[FB_TICK])
{
	if (moving) {
		fb_section_glide(&self->high, to, state, x, FB_TICK);
	} else {
		fb_section_run_all(1, &to, &state, x);
	}
}

/** The curves over n samples in two stretches of a tick's time each. */
FB_WIDE static void bend(float *restrict x, int n, const gains *from, const gains *to)
{
	const float c[7] = {(float)(1.0 / AREA), (float)(-6.0 / 3.0 / AREA), (float)(15.0 / 5.0 / AREA),
		(float)(-20.0 / 7.0 / AREA), (float)(15.0 / 9.0 / AREA), (float)(-6.0 / 11.0 / AREA),
		(float)(1.0 / 13.0 / AREA)};
	const fb_v8 ahead = {1, 2, 3, 4, 5, 6, 7, 8};
	float share = 2.0f / (float)n;
	for (int i = 0; i < n; i++) {
		float within = x[i] > 1.0f ? 1.0f : x[i];
		x[i] = within < -1.0f ? -1.0f : within;
	}
	for (int i = 0; i < n; i += 8) {
		fb_v8 t = share * (ahead + (float)(i < n / 2 ? i : i - n / 2));
		fb_v8 odd = from->odd + t * (to->odd - from->odd);
		fb_v8 even = from->even + t * (to->even - from->even);
		fb_v8 v = FB_LOAD8(x + i);
		fb_v8 w = v * v, left = 1.0f - w, left2 = left * left, b = left2 * left2 * left2;
		fb_v8 s = c[5] + c[6] * w;
		s = c[4] + s * w;
		s = c[3] + s * w;
		s = c[2] + s * w;
		s = c[1] + s * w;
		s = c[0] + s * w;
		*(fb_v8_unaligned *)(x + i) = odd * (v * (s - c[0] * b)) + even * (1.0f - b);
	}
}

/** Treble to harmonics, in place. */
static void excite(exciter_node *self, const gains *to, fb_stereo x[FB_TICK])
{
	fb_ramp drive = fb_ramp_of(self->now.drive, to->drive);
	int n = self->over.factor * FB_TICK;
	for (int c = 0; c < 2; c++) {
		float base[FB_TICK], many[FB_OVERSAMPLE_MOST * FB_TICK];
		for (uint32_t i = 0; i < FB_TICK; i++) {
			base[i] = (float)x[i][c] * fb_ramp_at(&drive, i);
		}
		fb_oversample_up(&self->over, &self->side[c], base, many);
		bend(many, n, &self->now, to);
		fb_oversample_down(&self->over, &self->side[c], many, base);
		for (int i = 0; i < FB_TICK; i++) {
			x[i][c] = (double)base[i];
		}
	}
}

static void process(void *instance, const fb_tick *tick) FB_RT
{
	exciter_node *self = instance;
	if (self->fresh) {
		settle(self, tick->from);
	}
	const gains to = gains_of(tick->to);
	bool moving = tick->to[FREQ] != self->freq;
	fb_section high = moving ? high_pass((double)tick->to[FREQ], self->rate_hz) : self->high;
	uint32_t late = self->over.latency;
	fb_stereo x[FB_TICK];
	for (int c = 0; c < 2; c++) {
		fb_clean_tick(tick->in[c], self->dry[c] + late);
		for (int i = 0; i < FB_TICK; i++) {
			x[i][c] = (double)self->dry[c][late + (uint32_t)i];
		}
	}
	filter(self, &high, moving, &self->before, x);
	excite(self, &to, x);
	filter(self, &high, moving, &self->after, x);
	fb_ramp blend = fb_ramp_of(self->now.blend, to.blend);
	for (int c = 0; c < 2; c++) {
		float *dry = self->dry[c], *restrict out = tick->out[c];
		for (uint32_t i = 0; i < FB_TICK; i++) {
			out[i] = dry[i] + fb_ramp_at(&blend, i) * (float)x[i][c];
		}
		memmove(dry, dry + FB_TICK, late * sizeof(float));
	}
	self->freq = tick->to[FREQ];
	self->high = high;
	self->now = to;
}

static const fb_port_info inputs[] = {{"in", "In", "The signal", 2}};
static const fb_port_info outputs[] = {{"out", "Out", "The signal and its new harmonics", 2}};

static const fb_param_info params[N_PARAMS] = {
	[FREQ] = {.symbol = "freq",
		.label = "Frequency",
		.unit = "Hz",
		.doc = "What lies above here (12 dB/oct) is given harmonics, and only what of them lies "
			   "above here is added",
		.scale = FB_SCALE_LOG,
		.min = 600.0f,
		.max = 10000.0f,
		.def = 3000.0f,
		.smooth_ms = 80.0f},
	[DRIVE] = {.symbol = "drive",
		.label = "Drive",
		.unit = "dB",
		.doc = "Level into the curves. Harmonics grow with the square and the cube of the treble, "
			   "until at 24 dB a full-scale tone is all but square. Aim for the treble's own level",
		.max = 24.0f,
		.def = 15.0f,
		.smooth_ms = 50.0f},
	[BALANCE] = {.symbol = "balance",
		.label = "Odd/even",
		.unit = "%",
		.doc = "Which harmonics: 0 odd ones only (an edge, like tape), 100 even ones only (an "
			   "octave of air, like a triode)",
		.max = 100.0f,
		.def = 40.0f,
		.smooth_ms = 50.0f},
	[BLEND] = {.symbol = "blend",
		.label = "Blend",
		.unit = "%",
		.doc = "How much of the harmonics is added; at 100 their peaks reach -6 dBFS. 0 passes the "
			   "signal to the bit, late by the latency",
		.max = 100.0f,
		.def = 30.0f,
		.smooth_ms = 50.0f},
};

static const fb_node_desc desc = {
	.abi = FB_NODE_ABI,
	.size = sizeof(fb_node_desc),
	.id = "exciter",
	.label = "Exciter",
	.doc = "Adds harmonics to the treble where an equaliser finds nothing to lift: for dull "
		   "speech, muffled recordings, an acoustic guitar behind a band. Oversampled four times "
		   "(twice above 50 kHz), with the signal itself delayed to match and otherwise untouched",
	.category = "modulation",
	.inputs = inputs,
	.outputs = outputs,
	.params = params,
	.n_inputs = 1,
	.n_outputs = 1,
	.n_params = N_PARAMS,
	.instance_size = instance_size,
	.prepare = prepare,
	.process = process,
	.reset = reset,
	.latency = latency,
};

FB_NODE_EXPORT const fb_node_desc *fb_node_entry(uint32_t index);

FB_NODE_EXPORT const fb_node_desc *fb_node_entry(uint32_t index)
{
	return index == 0 ? &desc : NULL;
}
