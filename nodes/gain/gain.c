/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Gain, balance, polarity and mono of a stereo signal: one 2 x 2 matrix, glided sample by sample.
	At its neutral setting the very bits pass. */
#include "../dsp/clean.h"
#include "../dsp/fade.h"
#include "../dsp/fastmath.h"
#include "../dsp/ramp.h"

enum { GAIN, BALANCE, INVERT_L, INVERT_R, MONO, N_PARAMS };

#define OFF_DB (-60.0f)
#define SWITCH_MS 30.0

/** out_l = ll l + lr r; out_r = rl l + rr r */
typedef struct matrix {
	float ll, lr, rl, rr;
} matrix;

typedef struct gain_node {
	fb_fade invert_l, invert_r, mono;
	matrix before, at; ///< where the last tick started and ended
	bool fresh;        ///< reset: take the next tick's values at once
} gain_node;

/** Down to -50 dB the fader is in dB; below, straight to nothing at -60, so that the bottom of the
	travel is silence and is reached without a step. */
static float fader(float db)
{
	const float knee_db = -50.0f;
	if (db >= knee_db) {
		return fb_db_to_gain(db);
	}
	return fb_db_to_gain(knee_db) * (db - OFF_DB) / (knee_db - OFF_DB);
}

/** The matrix at the end of a tick. Polarity comes before the sum to mono: that is how a wrongly
	wired leg of a pair is put right. */
static matrix settle(const gain_node *self, const float *values)
{
	float gain = fader(values[GAIN]), balance = values[BALANCE] * 0.01f;
	float gain_l = gain * (balance > 0.0f ? 1.0f - balance : 1.0f);
	float gain_r = gain * (balance < 0.0f ? 1.0f + balance : 1.0f);
	float sign_l = 1.0f - 2.0f * fb_ease(self->invert_l.at);
	float sign_r = 1.0f - 2.0f * fb_ease(self->invert_r.at);
	float cross = 0.5f * fb_ease(self->mono.at), own = 1.0f - cross;
	return (matrix){gain_l * own * sign_l, gain_l * cross * sign_r, gain_r * cross * sign_l,
		gain_r * own * sign_r};
}

static size_t instance_size(double rate_hz, const float *params)
{
	(void)rate_hz;
	(void)params;
	return sizeof(gain_node);
}

/** At rest, with these values in force. */
static void start(gain_node *self, const float *values)
{
	fb_fade_set(&self->invert_l, values[INVERT_L] > 0.5f);
	fb_fade_set(&self->invert_r, values[INVERT_R] > 0.5f);
	fb_fade_set(&self->mono, values[MONO] > 0.5f);
	self->before = self->at = settle(self, values);
	self->fresh = false;
}

static bool prepare(void *instance, double rate_hz, const float *values)
{
	gain_node *self = instance;
	fb_fade_init(&self->invert_l, rate_hz, SWITCH_MS);
	fb_fade_init(&self->invert_r, rate_hz, SWITCH_MS);
	fb_fade_init(&self->mono, rate_hz, SWITCH_MS);
	start(self, values);
	return true;
}

static void reset(void *instance) FB_RT
{
	gain_node *self = instance;
	self->fresh = true;
}

/** A row of the matrix on its way: own weighs x, cross weighs y. */
static void row(const float *restrict x, const float *restrict y, float *restrict out, fb_bend own,
	fb_bend cross)
{
	const fb_bend none = {0.0f, 0.0f, 0.0f};
	if (!memcmp(&cross, &none, sizeof none)) {
		for (uint32_t i = 0; i < FB_TICK; i++) {
			out[i] = fb_clean(x[i]) * fb_bend_at(&own, i);
		}
		return;
	}
	for (uint32_t i = 0; i < FB_TICK; i++) {
		out[i] = fb_clean(x[i]) * fb_bend_at(&own, i) + fb_clean(y[i]) * fb_bend_at(&cross, i);
	}
}

static bool neutral(const matrix *m)
{
	const matrix unity = {1.0f, 0.0f, 0.0f, 1.0f};
	return !memcmp(m, &unity, sizeof unity);
}

static void process(void *instance, const fb_tick *tick) FB_RT
{
	gain_node *self = instance;
	if (self->fresh) {
		start(self, tick->from);
	}
	float unused;
	fb_fade_tick(&self->invert_l, tick->to[INVERT_L] > 0.5f, &unused);
	fb_fade_tick(&self->invert_r, tick->to[INVERT_R] > 0.5f, &unused);
	fb_fade_tick(&self->mono, tick->to[MONO] > 0.5f, &unused);
	const matrix a = self->before, b = self->at, c = settle(self, tick->to);
	self->before = b;
	self->at = c;
	if (neutral(&a) && neutral(&b) && neutral(&c)) {
		fb_clean_tick(tick->in[0], tick->out[0]);
		fb_clean_tick(tick->in[1], tick->out[1]);
		return;
	}
	row(tick->in[0], tick->in[1], tick->out[0], fb_bend_of(a.ll, b.ll, c.ll),
		fb_bend_of(a.lr, b.lr, c.lr));
	row(tick->in[1], tick->in[0], tick->out[1], fb_bend_of(a.rr, b.rr, c.rr),
		fb_bend_of(a.rl, b.rl, c.rl));
}

static const fb_port_info inputs[] = {{"in", "In", "The signal", 2}};
static const fb_port_info outputs[] = {{"out", "Out", "The signal, set", 2}};

static const fb_param_info params[N_PARAMS] = {
	[GAIN] = {.symbol = "gain",
		.label = "Gain",
		.unit = "dB",
		.doc =
			"Level change. 0 passes the very bits; below -50 the fader falls straight to silence "
			"at -60",
		.min = OFF_DB,
		.max = 24.0f,
		.smooth_ms = 20.0f},
	[BALANCE] = {.symbol = "balance",
		.label = "Balance",
		.unit = "%",
		.doc =
			"Turns the other side down: -100 leaves the left side alone, 100 the right. The side "
			"turned to keeps its level",
		.min = -100.0f,
		.max = 100.0f,
		.smooth_ms = 50.0f},
	[INVERT_L] = {.symbol = "invert_l",
		.label = "Polarity L",
		.unit = "",
		.doc = "Turns the left channel upside down, before mono",
		.kind = FB_BOOL,
		.max = 1.0f},
	[INVERT_R] = {.symbol = "invert_r",
		.label = "Polarity R",
		.unit = "",
		.doc = "Turns the right channel upside down, before mono",
		.kind = FB_BOOL,
		.max = 1.0f},
	[MONO] = {.symbol = "mono",
		.label = "Mono",
		.unit = "",
		.doc =
			"Half the sum of both channels on both sides: equal channels keep their level. Balance "
			"then places it",
		.kind = FB_BOOL,
		.max = 1.0f},
};

static const fb_node_desc desc = {
	FB_NODE_USUAL,
	.id = "gain",
	.label = "Gain",
	.doc = "Level, balance, polarity and mono of a stereo signal. For trimming between stages, "
		   "putting a miswired leg right and checking a mix in mono",
	.category = "utility",
};

FB_NODE_ENTRY(desc)
