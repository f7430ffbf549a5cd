/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Gate and downward expander.

	Open or closed is decided on the crest of the key with hysteresis and hold; closed, the
   expansion curve says how far down. Going down is exponential in dB, the release; coming up is
   exponential in amplitude, the attack, as an opening is heard by its amplitude. */
#include "../dsp/ballistics.h"
#include "../dsp/clean.h"
#include "../dsp/crest.h"
#include "../dsp/fastmath.h"
#include "../dsp/key.h"
#include "../dsp/largest.h"
#include "../dsp/lookahead.h"
#include "../dsp/metadata.h"

enum {
	THRESHOLD,
	HYSTERESIS,
	RATIO,
	RANGE,
	ATTACK,
	HOLD,
	RELEASE,
	LOOKAHEAD,
	SIDECHAIN,
	SC_HPF,
	SC_LPF,
	N_PARAMS
};

enum { METER_REDUCTION, METER_OPEN, N_METERS };

#define SWITCH_MS 20.0
#define SC_HPF_OFF 20.0f
#define SC_LPF_OFF 20000.0f
#define CREST_MS 12.5 /* half a period of 40 Hz */
#define FLOOR 1e-10f  /* -200 dB: what silence reads as */
#define NOTHING 1e-9  /* dB: less is no reduction */

typedef struct gate_node {
	double rate_hz;
	fb_lookahead ahead;
	bool fresh;                           ///< reset: take the next tick's values at once
	float attack_ms, hold_ms, release_ms; ///< that the following were made for
	double attack, release;               ///< shares of the way per frame
	int32_t hold_frames;
	fb_fade external;
	fb_key_filter hpf, lpf;
	fb_crest crest;
	bool open;
	int32_t held;                     ///< frames left before it may close
	double reduction;                 ///< dB, released but not yet attacked
	double gain;                      ///< what is applied
	_Alignas(FB_ALIGN) float rings[]; ///< two lookahead delays
} gate_node;

/** What decides on a tick. */
typedef struct gate_rule {
	float open_at, close_at; ///< amplitudes
	float threshold_db, slope, range_db;
} gate_rule;

static size_t instance_size(double rate_hz, const float *values)
{
	fb_lookahead ahead = fb_lookahead_of(rate_hz, values[LOOKAHEAD]);
	return sizeof(gate_node) + fb_lookahead_bytes(&ahead);
}

static void set_times(gate_node *self, const float *values)
{
	if (values[ATTACK] == self->attack_ms && values[HOLD] == self->hold_ms &&
		values[RELEASE] == self->release_ms) {
		return;
	}
	self->attack_ms = values[ATTACK];
	self->hold_ms = values[HOLD];
	self->release_ms = values[RELEASE];
	self->attack = fb_time_share((double)self->attack_ms * 1e-3 * self->rate_hz);
	self->release = fb_time_share((double)self->release_ms * 1e-3 * self->rate_hz);
	/* the detector's window holds by itself; the rest of the hold is counted */
	double hold = (double)self->hold_ms * 1e-3 * self->rate_hz;
	fb_crest_set(&self->crest, fmin(hold, CREST_MS * 1e-3 * self->rate_hz));
	self->hold_frames = (int32_t)fmax(hold - fb_crest_frames(&self->crest), 0.0);
}

static gate_rule rule_of(const float *values)
{
	float slope = values[RATIO] - 1.0f;
	return (gate_rule){fb_db_to_gain(values[THRESHOLD]),
		fb_db_to_gain(values[THRESHOLD] - values[HYSTERESIS]), values[THRESHOLD], slope,
		values[RANGE]};
}

/** Reduction in dB that the curve asks for at an amplitude, closed. */
static float expand(const gate_rule *rule, float level)
{
	float under = rule->threshold_db - fb_gain_to_db(level + FLOOR);
	float reduction = under * rule->slope;
	reduction = reduction < 0.0f ? 0.0f : reduction;
	return reduction > rule->range_db ? rule->range_db : reduction;
}

/** At rest, closed, with these values in force. */
static void start(gate_node *self, const float *values)
{
	memset(self->rings, 0, fb_lookahead_bytes(&self->ahead));
	self->crest = (fb_crest){0};
	self->attack_ms = -1.0f;
	set_times(self, values);
	fb_fade_set(&self->external, values[SIDECHAIN] > 0.5f);
	fb_key_filter_start(&self->hpf, self->rate_hz, true, SC_HPF_OFF, values[SC_HPF]);
	fb_key_filter_start(&self->lpf, self->rate_hz, false, SC_LPF_OFF, values[SC_LPF]);
	self->open = false;
	self->held = 0;
	gate_rule rule = rule_of(values);
	self->reduction = (double)expand(&rule, 0.0f);
	self->gain = (double)fb_db_to_gain((float)-self->reduction);
	self->fresh = false;
}

static bool prepare(void *instance, double rate_hz, const float *values)
{
	gate_node *self = instance;
	self->rate_hz = rate_hz;
	self->ahead = fb_lookahead_of(rate_hz, values[LOOKAHEAD]);
	fb_fade_init(&self->external, rate_hz, SWITCH_MS);
	start(self, values);
	return true;
}

static void reset(void *instance) FB_RT
{
	gate_node *self = instance;
	self->fresh = true;
}

static uint32_t latency(const void *instance)
{
	const gate_node *self = instance;
	return self->ahead.delay;
}

/** Open or closed, frame by frame: the level again where it is closed and the curve applies, so
   loud that it asks for nothing where it is open. */
static void decide(gate_node *self, const gate_rule *rule, float level[FB_TICK])
{
	bool open = self->open;
	int32_t held = self->held;
	for (int i = 0; i < FB_TICK; i++) {
		open = open || level[i] > rule->open_at;
		held = level[i] >= rule->close_at ? self->hold_frames : held - 1;
		open = open && held >= 0;
		level[i] = open ? FB_CLEAN_MAX : level[i];
	}
	self->open = open;
	self->held = held < 0 ? 0 : held;
}

/** The louder side's crest. */
static void detect(gate_node *self, const float key[2][FB_TICK], float level[FB_TICK])
{
	for (int i = 0; i < FB_TICK; i++) {
		float a = fabsf(key[0][i]), b = fabsf(key[1][i]);
		level[i] = a > b ? a : b;
	}
	fb_crest_tick(&self->crest, level);
}

/** From levels to gains, in place. Returns the most reduction in dB. */
static float shape(gate_node *self, const gate_rule *rule, float x[FB_TICK])
{
	for (int i = 0; i < FB_TICK; i++) {
		x[i] = expand(rule, x[i]);
	}
	fb_lazy_rise_tick(&self->reduction, self->release, x);
	float most = fb_largest(x, FB_TICK);
	for (int i = 0; i < FB_TICK; i++) {
		x[i] = fb_db_to_gain(-x[i]);
	}
	fb_lazy_rise_tick(&self->gain, self->attack, x);
	self->gain = self->gain > 1.0 - NOTHING ? 1.0 : self->gain;
	return most;
}

static void process(void *instance, const fb_tick *tick) FB_RT
{
	gate_node *self = instance;
	if (self->fresh) {
		start(self, tick->from);
	}
	set_times(self, tick->to);
	_Alignas(FB_ALIGN) float own[2][FB_TICK], key[2][FB_TICK], gain[FB_TICK];
	fb_clean_tick(tick->in[0], own[0]);
	fb_clean_tick(tick->in[1], own[1]);
	fb_key_choose(
		&self->external, tick, tick->to[SIDECHAIN] > 0.5f, (const float(*)[FB_TICK])own, key);
	fb_key_filter_tick(&self->hpf, tick->to[SC_HPF], key);
	fb_key_filter_tick(&self->lpf, tick->to[SC_LPF], key);
	detect(self, (const float(*)[FB_TICK])key, gain);

	gate_rule rule = rule_of(tick->to);
	bool wide_open = self->open && fb_smallest(gain, FB_TICK) >= rule.close_at;
	float reduction = 0.0f;
	if (wide_open) {
		self->held = self->hold_frames;
	} else {
		decide(self, &rule, gain);
	}
	bool untouched = wide_open && self->gain == 1.0 && self->reduction == 0.0;
	if (!untouched) {
		for (int i = 0; i < FB_TICK && wide_open; i++) {
			gain[i] = FB_CLEAN_MAX;
		}
		reduction = shape(self, &rule, gain);
	}
	fb_lookahead_pair(&self->ahead, self->rings, own[0], own[1], tick->out);
	for (int c = 0; c < 2 && !untouched; c++) {
		float *out = tick->out[c];
		for (int i = 0; i < FB_TICK; i++) {
			out[i] *= gain[i];
		}
	}
	tick->meter[METER_REDUCTION] = reduction;
	tick->meter[METER_OPEN] = self->open ? 1.0f : 0.0f;
}

static const fb_port_info inputs[] = {{"in", "In", "The signal", 2}, FB_SIDECHAIN_PORT};
static const fb_port_info outputs[] = {{"out", "Out", "The signal, gated", 2}};

static const fb_param_info params[N_PARAMS] = {
	[THRESHOLD] = {.symbol = "threshold",
		.label = "Threshold",
		.unit = "dB",
		.doc = "Peak level in dBFS above which the gate opens",
		.min = -80.0f,
		.max = 0.0f,
		.def = -45.0f,
		.smooth_ms = 20.0f},
	[HYSTERESIS] = {.symbol = "hysteresis",
		.label = "Hysteresis",
		.unit = "dB",
		.doc =
			"How far below the threshold an open gate lets the level fall before it closes: keeps "
			"decaying notes from chattering",
		.min = 0.0f,
		.max = 24.0f,
		.def = 4.0f,
		.smooth_ms = 20.0f},
	[RATIO] = {.symbol = "ratio",
		.label = "Ratio",
		.unit = ":1",
		.doc = "dB the output falls for each dB the input falls below the threshold. 2 is a gentle "
			   "expander, 100 a gate",
		.scale = FB_SCALE_LOG,
		.min = 1.0f,
		.max = 100.0f,
		.def = 10.0f,
		.smooth_ms = 30.0f},
	[RANGE] = {.symbol = "range",
		.label = "Range",
		.unit = "dB",
		.doc = "The most it turns down. 10 to 20 sounds natural on voices, 90 is silence",
		.min = 0.0f,
		.max = 90.0f,
		.def = 40.0f,
		.smooth_ms = 30.0f},
	[ATTACK] = {.symbol = "attack",
		.label = "Attack",
		.unit = "ms",
		.doc =
			"Time in which an opening comes to 63 % of its amplitude. Under 1 lets the front of a "
			"drum through; longer avoids ticks on bass",
		.scale = FB_SCALE_LOG,
		.min = 0.05f,
		.max = 100.0f,
		.def = 1.0f},
	[HOLD] = {.symbol = "hold",
		.label = "Hold",
		.unit = "ms",
		.doc = "Time it stays open after the level fell. Below 12 ms low notes may be cut between "
			   "their crests",
		.scale = FB_SCALE_LOG,
		.min = 2.0f,
		.max = 2000.0f,
		.def = 50.0f},
	[RELEASE] = {.symbol = "release",
		.label = "Release",
		.unit = "ms",
		.doc = "Time to 63 % of the way down, in dB, once it closes",
		.scale = FB_SCALE_LOG,
		.min = 5.0f,
		.max = 4000.0f,
		.def = 150.0f},
	[LOOKAHEAD] = {.symbol = "lookahead",
		.label = "Look-ahead",
		.unit = "ms",
		.doc =
			"Delays the signal, not the detector, so that it opens before the sound begins. Adds "
			"this much latency",
		.min = 0.0f,
		.max = 20.0f,
		.flags = FB_PARAM_REPREPARE},
	[SIDECHAIN] = FB_SIDECHAIN_PARAM,
	[SC_HPF] = {.symbol = "sc_hpf",
		.label = "Sidechain high-pass",
		.unit = "Hz",
		.doc = "Keeps lower sounds, such as the kick, from opening it; 12 dB per octave. 20 is off",
		.scale = FB_SCALE_LOG,
		.min = SC_HPF_OFF,
		.max = 8000.0f,
		.def = SC_HPF_OFF,
		.smooth_ms = 30.0f},
	[SC_LPF] = {.symbol = "sc_lpf",
		.label = "Sidechain low-pass",
		.unit = "Hz",
		.doc =
			"Keeps higher sounds, such as cymbals, from opening it; 12 dB per octave. 20000 is off",
		.scale = FB_SCALE_LOG,
		.min = 100.0f,
		.max = SC_LPF_OFF,
		.def = SC_LPF_OFF,
		.smooth_ms = 30.0f},
};

static const fb_meter_info meters[N_METERS] = {
	[METER_REDUCTION] = FB_REDUCTION_METER("The most that the signal was turned down", 90.0f),
	[METER_OPEN] = {.symbol = "open",
		.label = "Open",
		.unit = "",
		.doc = "1 while the gate is open or held open",
		.min = 0.0f,
		.max = 1.0f},
};

static const fb_node_desc desc = {
	FB_NODE_USUAL,
	.id = "gate",
	.label = "Gate",
	.doc = "Turns down what is quieter than the threshold: spill on drums, noise between words. A "
		   "downward expander with hysteresis and hold; both sides go together",
	.category = "dynamics",
	FB_NODE_HAS(meters),
	.latency = latency,
};

FB_NODE_ENTRY(desc)
