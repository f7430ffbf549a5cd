/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Exciter: harmonics made of the treble alone, added to the signal untouched.

	The signal above `freq` (12 dB/oct) meets two curves at four times the rate. With
	B(x) = (1 - x^2)^6 within -1..1 and 0 outside, S the integral of B scaled to end at 1:
	odd(x) = S(x) - x S'(x), which starts as the cube of x and ends at 1 as a limiter does;
	even(x) = 1 - B(x), which starts as the square.
	Neither passes a quiet signal, so no hiss is lifted; both bend so gently (six derivatives run
	through) that their harmonics die out faster than those of any clipper, before they reach the
	rate of the curve and fold. A second high pass takes off DC and difference tones. */
#include "../dsp/block.h"
#include "../dsp/clean.h"
#include "../dsp/fastmath.h"
#include "../dsp/oversample.h"
#include "../dsp/ramp.h"
#include "../dsp/wide.h"

enum { FREQ, DRIVE, BALANCE, BLEND, N_PARAMS };

/* Of the curve's argument per full scale at 0 dB of drive: 24 dB come to 1.8. */
#define SENSITIVITY 0.11357f
/* Harmonics at a blend of 100 %, against full scale. */
#define LEVEL 0.5f
/* The integral of (1 - x^2)^6 from 0 to 1. */
#define AREA (1024.0 / 3003.0)
#define LATENCY_MOST 18

/** The curves' weights and gains where the last tick ended. */
typedef struct gains {
	float drive, odd, even, blend;
} gains;

typedef struct exciter_node {
	double rate_hz;
	int factor;             ///< of oversampling
	bool fresh;             ///< the next tick starts at rest on its parameters
	float values[N_PARAMS]; ///< that `now` and `high` were made from
	gains now;
	fb_section high;
	fb_block steady; ///< the same
	fb_lanes before[2], after[2];
	fb_oversample_state side[2];
	float dry[2][LATENCY_MOST];
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
	self->factor = fb_oversample_factor(rate_hz);
	self->fresh = true;
	return true;
}

static void reset(void *instance) FB_RT
{
	exciter_node *self = instance;
	memset(self->before, 0, sizeof self->before);
	memset(self->after, 0, sizeof self->after);
	memset(self->side, 0, sizeof self->side);
	memset(self->dry, 0, sizeof self->dry);
	self->fresh = true;
}

static uint32_t latency(const void *instance)
{
	return fb_oversample_latency(((const exciter_node *)instance)->factor);
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
	memcpy(self->values, values, sizeof self->values);
	self->high = high_pass((double)values[FREQ], self->rate_hz);
	fb_block_make(&self->steady, &self->high);
	self->now = gains_of(values);
	self->fresh = false;
}

/** A high pass that moves. Both move alike. */
static void glide(
	const exciter_node *self, const fb_section *to, fb_lanes state[2], float x[2][FB_TICK])
{
	fb_section_state s = fb_block_state(state);
	fb_stereo both[FB_TICK];
	for (int i = 0; i < FB_TICK; i++) {
		both[i] = (fb_stereo){(double)x[0][i], (double)x[1][i]};
	}
	fb_section_glide(&self->high, to, &s, both, FB_TICK);
	for (int i = 0; i < FB_TICK; i++) {
		x[0][i] = (float)both[i][0];
		x[1][i] = (float)both[i][1];
	}
	fb_block_take(state, &s);
}

/** The curves' polynomials: odd(x) = x w q(w), w = x^2, by the coefficients of q. */
static const float odd_curve[6] = {(float)((-6.0 / 3.0 + 6.0) / AREA),
	(float)((15.0 / 5.0 - 15.0) / AREA), (float)((-20.0 / 7.0 + 20.0) / AREA),
	(float)((15.0 / 9.0 - 15.0) / AREA), (float)((-6.0 / 11.0 + 6.0) / AREA),
	(float)((1.0 / 13.0 - 1.0) / AREA)};

/** The curves over FB_TICK samples. */
static inline __attribute__((always_inline)) void bend(
	const float *restrict in, float *restrict out, fb_ramp odd, fb_ramp even)
{
	float x[FB_TICK];
	for (int i = 0; i < FB_TICK; i++) { /* one bound a loop, or the compiler makes masks of all */
		x[i] = in[i] < 1.0f ? in[i] : 1.0f;
	}
	for (uint32_t i = 0; i < FB_TICK; i++) {
		float v = x[i] > -1.0f ? x[i] : -1.0f;
		float w = v * v, left = 1.0f - w, left2 = left * left;
		float q = odd_curve[4] + odd_curve[5] * w;
		q = odd_curve[3] + q * w;
		q = odd_curve[2] + q * w;
		q = odd_curve[1] + q * w;
		q = odd_curve[0] + q * w;
		out[i] = fb_ramp_at(&odd, i) * (v * w * q) +
				 fb_ramp_at(&even, i) * (1.0f - left2 * left2 * left2);
	}
}

/** Treble to harmonics, in place; inlined with the factor known. */
static inline __attribute__((always_inline)) void oversampled(
	int factor, exciter_node *self, const gains *to, float x[2][FB_TICK])
{
	_Alignas(FB_ALIGN) fb_oversample_tick work[2];
	fb_ramp drive = fb_ramp_of(self->now.drive, to->drive);
	fb_ramp odd = fb_ramp_of(self->now.odd, to->odd), even = fb_ramp_of(self->now.even, to->even);
	for (int c = 0; c < 2; c++) {
		for (uint32_t i = 0; i < FB_TICK; i++) {
			x[c][i] *= fb_ramp_at(&drive, i);
		}
		fb_oversample_up(factor, &self->side[c], &work[c], x[c]);
	}
	for (int c = 0; c < 2; c++) {
		for (int p = 0; p < factor; p++) {
			bend(work[c].up[p] + FB_OVERSAMPLE_SHORT, work[c].many[p] + FB_OVERSAMPLE_SHORT, odd,
				even);
		}
	}
	for (int c = 0; c < 2; c++) {
		fb_oversample_down(factor, &self->side[c], &work[c], x[c]);
	}
}

FB_WIDE static void excite(exciter_node *self, const gains *to, float x[2][FB_TICK])
{
	if (self->factor == 4) {
		oversampled(4, self, to, x);
	} else {
		oversampled(2, self, to, x);
	}
}

FB_WIDE static void high_passes(const fb_block *high, fb_lanes state[2], float x[2][FB_TICK])
{
	fb_block_run(high, state, x);
}

/** The harmonics of a tick, in place, and on to where it ends. */
static void harmonics(exciter_node *self, const float *values, float x[2][FB_TICK])
{
	if (!memcmp(values, self->values, sizeof self->values)) {
		high_passes(&self->steady, self->before, x);
		excite(self, &self->now, x);
		high_passes(&self->steady, self->after, x);
		return;
	}
	fb_section high = high_pass((double)values[FREQ], self->rate_hz);
	const gains to = gains_of(values);
	glide(self, &high, self->before, x);
	excite(self, &to, x);
	glide(self, &high, self->after, x);
	settle(self, values);
}

static void process(void *instance, const fb_tick *tick) FB_RT
{
	exciter_node *self = instance;
	if (self->fresh) {
		settle(self, tick->from);
	}
	_Alignas(FB_ALIGN) float dry[2][LATENCY_MOST + FB_TICK], x[2][FB_TICK];
	for (int c = 0; c < 2; c++) {
		memcpy(dry[c], self->dry[c], sizeof self->dry[c]);
		fb_clean_tick(tick->in[c], x[c]);
		memcpy(dry[c] + LATENCY_MOST, x[c], sizeof x[c]);
		memcpy(self->dry[c], dry[c] + FB_TICK, sizeof self->dry[c]);
	}
	float blend_from = self->now.blend;
	harmonics(self, tick->to, x);
	fb_ramp blend = fb_ramp_of(blend_from, self->now.blend);
	for (int c = 0; c < 2; c++) {
		const float *late = dry[c] + LATENCY_MOST - fb_oversample_latency(self->factor);
		float *restrict out = tick->out[c];
		for (uint32_t i = 0; i < FB_TICK; i++) {
			out[i] = late[i] + fb_ramp_at(&blend, i) * x[c][i];
		}
	}
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
	FB_NODE_USUAL,
	.id = "exciter",
	.label = "Exciter",
	.doc = "Adds harmonics to the treble where an equaliser finds nothing to lift: for dull "
		   "speech, muffled recordings, an acoustic guitar behind a band. Oversampled four times "
		   "(twice above 50 kHz), with the signal itself delayed to match and otherwise untouched",
	.category = "modulation",
	.latency = latency,
};

FB_NODE_ENTRY(desc)
