/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Chorus: up to eight copies of each side, each with a delay of its own that swings slowly.

	Voice v stands at delay * (1 + frac(v g)) and swings by the sine of phase v g, g the golden
	ratio: however many voices there are, they are spread evenly over time and phase, no two come
	into line, and a voice that joins leaves the others where they are. A voice has no state but its
	gain, so it may join and leave in mid-swing. Two voices share no more than the bass, so their
	powers add, and n of them at 1/sqrt(n) are as loud as one. */
#include "../dsp/blend.h"
#include "../dsp/clean.h"
#include "../dsp/delay_line.h"
#include "../dsp/fade.h"
#include "../dsp/interp.h"
#include "../dsp/lanes.h"
#include "../dsp/wide.h"

enum { VOICES, RATE, DEPTH, DELAY, SPREAD, MIX, N_PARAMS };

#define MAX_VOICES 8
#define MAX_DELAY_MS 40.0
#define MAX_DEPTH_MS 10.0
#define SWITCH_MS 40.0
#define EASE_MS 60.0
#define GOLDEN 0.61803398874989485
/* Of a swing's period: at full spread the right side runs a quarter ahead of the left. */
#define SPREAD_TURN 0.25

/** cos and sin of an angle. */
typedef struct phasor {
	double c, s;
} phasor;

/** Where a voice stands in the order of the golden ratio, 0..1, and as an angle. */
typedef struct place {
	double at;
	phasor angle;
} place;

typedef struct chorus_node {
	double rate_hz;
	bool fresh;                ///< the next tick starts at rest on its parameters
	double phase;              ///< of the swing, in periods, 0..1
	float spread;              ///< that `ahead` was made from
	phasor ahead;              ///< of the right side
	double delay_ms, depth_ms; ///< where the last tick ended
	double ease;               ///< share of the way to them in a tick
	fb_blend mix;
	fb_fade voice[MAX_VOICES];
	float gain[MAX_VOICES]; ///< where the last tick ended
	int32_t voices;         ///< all are in or out as this says; -1: some are on their way
	fb_delay_line line[2];
	place place[MAX_VOICES];
	const fb_interp_row *table;
	_Alignas(FB_ALIGN) float room[]; ///< of the lines
} chorus_node;

static phasor turned(phasor a, phasor by)
{
	return (phasor){a.c * by.c - a.s * by.s, a.s * by.c + a.c * by.s};
}

static phasor phasor_of(double periods)
{
	return (phasor){cos(2.0 * M_PI * periods), sin(2.0 * M_PI * periods)};
}

static uint32_t ring_frames(double rate_hz)
{
	double longest = (2.0 * MAX_DELAY_MS + MAX_DEPTH_MS) * 1e-3 * rate_hz;
	return fb_delay_line_frames((uint32_t)ceil(longest) + FB_INTERP_TAPS);
}

static size_t instance_size(double rate_hz, const float *params)
{
	(void)params;
	return sizeof(chorus_node) + 2 * fb_delay_line_room(ring_frames(rate_hz)) * sizeof(float);
}

static bool prepare(void *instance, double rate_hz, const float *params)
{
	(void)params;
	chorus_node *self = instance;
	self->rate_hz = rate_hz;
	self->fresh = true;
	self->ease = 1.0 - exp(-FB_TICK / (rate_hz * EASE_MS * 1e-3));
	self->table = fb_interp_table();
	for (int v = 0; v < MAX_VOICES; v++) {
		double at = fmod(v * GOLDEN, 1.0);
		self->place[v] = (place){at, phasor_of(at)};
	}
	float *room = self->room;
	for (int c = 0; c < 2; c++) {
		room = fb_delay_line_init(&self->line[c], ring_frames(rate_hz), room);
	}
	return true;
}

static void reset(void *instance) FB_RT
{
	chorus_node *self = instance;
	for (int c = 0; c < 2; c++) {
		fb_delay_line_reset(&self->line[c]);
	}
	self->fresh = true;
}

/** Every voice's gain from how far it is in: their powers sum to 1. The S curve has no corner that
	would click on a low tone. The first voice is always in. */
static void gains(const chorus_node *self, float out[MAX_VOICES])
{
	float power = 0.0f;
	for (int v = 0; v < MAX_VOICES; v++) {
		out[v] = fb_ease(self->voice[v].at);
		power += out[v] * out[v];
	}
	float share = 1.0f / sqrtf(power);
	for (int v = 0; v < MAX_VOICES; v++) {
		out[v] *= share;
	}
}

/** Let voices join and leave; to: their gains at the end of the tick. */
static void call_voices(chorus_node *self, int32_t wanted, float to[MAX_VOICES])
{
	if (wanted == self->voices) {
		memcpy(to, self->gain, sizeof self->gain);
		return;
	}
	self->voices = wanted;
	for (int v = 0; v < MAX_VOICES; v++) {
		float unused, at = fb_fade_tick(&self->voice[v], v < wanted, &unused);
		self->voices = at == (v < wanted ? 1.0f : 0.0f) ? self->voices : -1;
	}
	gains(self, to);
}

static void settle(chorus_node *self, const float *values)
{
	for (int v = 0; v < MAX_VOICES; v++) {
		fb_fade_init(&self->voice[v], self->rate_hz, SWITCH_MS);
		fb_fade_set(&self->voice[v], v < (int)values[VOICES]);
	}
	gains(self, self->gain);
	self->voices = (int32_t)values[VOICES];
	self->phase = 0.0;
	self->delay_ms = (double)values[DELAY];
	self->depth_ms = (double)values[DEPTH];
	self->spread = values[SPREAD];
	self->ahead = phasor_of((double)self->spread * 0.01 * SPREAD_TURN);
	fb_blend_set(&self->mix, values[MIX]);
	self->fresh = false;
}

/** A delay in frames over one tick: base + swing * sine, all moving. */
typedef struct sweep {
	double base, base_step;   ///< frame i has base + base_step * (i + 1)
	double swing, swing_step; ///< likewise
} sweep;

/** delay, depth: in ms, at the start and at the end of the tick. */
static sweep sweep_of(
	double rate_hz, const double delay[2], const double depth[2], const place *voice)
{
	double stretch = (1.0 + voice->at) * rate_hz * 1e-3, half = 0.5 * rate_hz * 1e-3;
	double swing = half * depth[0], swing_to = half * depth[1];
	double base = stretch * delay[0] + swing, base_to = stretch * delay[1] + swing_to;
	return (sweep){base, (base_to - base) / FB_TICK, swing, (swing_to - swing) / FB_TICK};
}

/** On towards a value without a corner, which would bend the pitch at once. Returns where from. */
static double ease_towards(double *at, double aim, double share)
{
	double from = *at;
	*at += share * (aim - from);
	return from;
}

/** The sines that turn any start angle on through the tick. */
typedef struct swings {
	double c[FB_TICK], s[FB_TICK];
} swings;

/** step: angle from frame to frame, below 0.01 (10 Hz at 8 kHz). Taylor's series to the sixth
	power of at most 0.26 ends below 1e-8. */
static inline __attribute__((always_inline)) void swings_of(swings *w, double step)
{
	for (int i = 0; i < FB_TICK; i++) {
		double a = step * (double)(i + 1), a2 = a * a;
		w->c[i] = 1.0 - a2 * (1.0 / 2.0 - a2 * (1.0 / 24.0 - a2 * (1.0 / 720.0)));
		w->s[i] = a * (1.0 - a2 * (1.0 / 6.0 - a2 * (1.0 / 120.0)));
	}
}

/** Whole and broken part of a delay, as what reads the line wants them: where the samples start in
	the ring, the row of the table, and the place between that and the next. */
typedef struct reads {
	uint32_t place[FB_TICK];
	int32_t row[FB_TICK];
	float part[FB_TICK];
} reads;

/** from, to: the angle on the last frame before the tick, as the tick starts and as it ends, less
	the turn of the swing itself. */
static inline __attribute__((always_inline)) void reads_of(
	reads *r, const fb_delay_line *line, const sweep *d, phasor from, phasor to, const swings *w)
{
	double delay[FB_TICK];
	const phasor step = {(to.c - from.c) / FB_TICK, (to.s - from.s) / FB_TICK};
	for (int i = 0; i < FB_TICK; i++) {
		double k = (double)(i + 1);
		double sine = (from.s + step.s * k) * w->c[i] + (from.c + step.c * k) * w->s[i];
		delay[i] = d->base + d->base_step * k + (d->swing + d->swing_step * k) * sine;
	}
	const fb_delay_line now = *line;
	for (int i = 0; i < FB_TICK; i++) {
		/* the sample `delay` ago lies 1 - frac(delay) after the one a whole frame further back */
		int32_t whole = (int32_t)delay[i];
		double phase = (1.0 - (delay[i] - (double)whole)) * FB_INTERP_PHASES;
		int32_t row = (int32_t)phase;
		row = row < FB_INTERP_PHASES ? row : FB_INTERP_PHASES - 1;
		r->place[i] =
			fb_delay_line_place(&now, (uint32_t)i, (uint32_t)(whole + 1 + FB_INTERP_BEFORE));
		r->row[i] = row;
		r->part[i] = (float)(phase - (double)row);
	}
}

/** One voice of one side: put into sum if it is the first, else added to it; eight partial sums a
	frame. */
static inline __attribute__((always_inline)) void sing(bool first, const fb_interp_row *table,
	const fb_delay_line *line, const reads *r, fb_ramp gain, fb_v8 sum[FB_TICK])
{
	const float *ring = line->ring;
	for (uint32_t i = 0; i < FB_TICK; i++) {
		const fb_interp_row *row = table + r->row[i];
		fb_v8 tap = FB_LOAD8(row->tap) + r->part[i] * FB_LOAD8(row->step);
		fb_v8 heard = tap * FB_LOAD8(ring + r->place[i]) * fb_ramp_at(&gain, i);
		sum[i] = first ? heard : sum[i] + heard;
	}
}

/** Four frames' partial sums to one figure each. */
static inline __attribute__((always_inline)) fb_lanes folded(const fb_v8 sum[4])
{
	fb_lanes half[4];
	for (int i = 0; i < 4; i++) {
		half[i] = __builtin_shufflevector(sum[i], sum[i], 0, 1, 2, 3) +
				  __builtin_shufflevector(sum[i], sum[i], 4, 5, 6, 7);
	}
	fb_lanes a = __builtin_shufflevector(half[0], half[1], 0, 4, 1, 5) +
				 __builtin_shufflevector(half[0], half[1], 2, 6, 3, 7);
	fb_lanes b = __builtin_shufflevector(half[2], half[3], 0, 4, 1, 5) +
				 __builtin_shufflevector(half[2], half[3], 2, 6, 3, 7);
	return __builtin_shufflevector(a, b, 0, 1, 4, 5) + __builtin_shufflevector(a, b, 2, 3, 6, 7);
}

/** All voices of both sides; to: their gains at the end of the tick. */
FB_WIDE static void choir(
	chorus_node *self, const fb_tick *tick, const float to[MAX_VOICES], float wet[2][FB_TICK])
{
	double hz = 0.5 * ((double)tick->from[RATE] + (double)tick->to[RATE]);
	double step = hz / self->rate_hz;
	phasor start = phasor_of(self->phase);
	double from = ease_towards(&self->delay_ms, (double)tick->to[DELAY], self->ease);
	const double delay[2] = {from, self->delay_ms};
	from = ease_towards(&self->depth_ms, (double)tick->to[DEPTH], self->ease);
	const double depth[2] = {from, self->depth_ms};
	swings turn;
	swings_of(&turn, 2.0 * M_PI * step);
	const phasor ahead[2] = {{1.0, 0.0}, self->ahead};
	if (tick->to[SPREAD] != self->spread) {
		self->spread = tick->to[SPREAD];
		self->ahead = phasor_of((double)self->spread * 0.01 * SPREAD_TURN);
	}
	const phasor ahead_to[2] = {{1.0, 0.0}, self->ahead};
	fb_v8 sum[2][FB_TICK];
	for (int v = 0; v < MAX_VOICES; v++) {
		if (self->gain[v] == 0.0f && to[v] == 0.0f) {
			continue;
		}
		sweep d = sweep_of(self->rate_hz, delay, depth, &self->place[v]);
		phasor angle = turned(start, self->place[v].angle);
		for (int c = 0; c < 2; c++) {
			const fb_delay_line *line = &self->line[c];
			reads r;
			reads_of(&r, line, &d, turned(angle, ahead[c]), turned(angle, ahead_to[c]), &turn);
			fb_ramp gain = fb_ramp_of(self->gain[v], to[v]);
			if (v == 0) {
				sing(true, self->table, line, &r, gain, sum[c]);
			} else {
				sing(false, self->table, line, &r, gain, sum[c]);
			}
			__builtin_prefetch(line->ring + r.place[FB_TICK - 1] + 16);
			__builtin_prefetch(line->ring + r.place[FB_TICK - 1] + 32);
		}
	}
	for (int c = 0; c < 2; c++) {
		for (int i = 0; i < FB_TICK; i += 4) {
			fb_lanes_store(&wet[c][i], folded(&sum[c][i]));
		}
	}
	self->phase += step * FB_TICK;
	self->phase -= self->phase >= 1.0 ? 1.0 : 0.0;
}

static void process(void *instance, const fb_tick *tick) FB_RT
{
	chorus_node *self = instance;
	if (self->fresh) {
		settle(self, tick->from);
	}
	_Alignas(FB_ALIGN) float in[2][FB_TICK], wet[2][FB_TICK], to[MAX_VOICES];
	for (int c = 0; c < 2; c++) {
		fb_clean_tick(tick->in[c], in[c]);
		fb_delay_line_write(&self->line[c], 0, in[c], FB_TICK);
	}
	call_voices(self, (int32_t)tick->to[VOICES], to);
	choir(self, tick, to, wet);
	fb_blend mix = self->mix;
	if (tick->to[MIX] != mix.percent) {
		fb_blend_set(&mix, tick->to[MIX]);
	}
	for (int c = 0; c < 2; c++) {
		fb_blend_tick(&self->mix, &mix, in[c], wet[c], tick->out[c]);
		fb_delay_line_advance(&self->line[c]);
		__builtin_prefetch(self->line[c].ring + self->line[c].at, 1);
		__builtin_prefetch(self->line[c].ring + self->line[c].at + 16, 1);
	}
	self->mix = mix;
	memcpy(self->gain, to, sizeof to);
}

static const fb_port_info inputs[] = {{"in", "In", "The signal", 2}};
static const fb_port_info outputs[] = {{"out", "Out", "The signal and its voices", 2}};

static const fb_param_info params[N_PARAMS] = {
	[VOICES] = {.symbol = "voices",
		.label = "Voices",
		.unit = "",
		.doc = "Copies on each side. More make it denser, not louder",
		.kind = FB_INT,
		.min = 1.0f,
		.max = MAX_VOICES,
		.def = 3.0f},
	[RATE] = {.symbol = "rate",
		.label = "Rate",
		.unit = "Hz",
		.doc = "How often each voice swings to and fro",
		.scale = FB_SCALE_LOG,
		.min = 0.02f,
		.max = 10.0f,
		.def = 0.6f,
		.smooth_ms = 50.0f},
	[DEPTH] = {.symbol = "depth",
		.label = "Depth",
		.unit = "ms",
		.doc = "How much later than its delay a voice comes at the far end of its swing. The pitch "
			   "moves by 5.4 cents for each ms of depth and Hz of rate, either way",
		.max = (float)MAX_DEPTH_MS,
		.def = 2.5f,
		.smooth_ms = 400.0f},
	[DELAY] = {.symbol = "delay",
		.label = "Delay",
		.unit = "ms",
		.doc = "How late the first voice is at least. The others stand between this and twice this",
		.scale = FB_SCALE_LOG,
		.min = 1.0f,
		.max = (float)MAX_DELAY_MS,
		.def = 10.0f,
		.smooth_ms = 400.0f},
	[SPREAD] = {.symbol = "spread",
		.label = "Spread",
		.unit = "%",
		.doc =
			"How far the right side swings ahead of the left: 0 keeps a mono signal mono, 100 is "
			"a quarter of a period",
		.max = 100.0f,
		.def = 100.0f,
		.smooth_ms = 400.0f},
	[MIX] = {.symbol = "mix",
		.label = "Mix",
		.unit = "%",
		.doc =
			"Voices against dry signal at equal power: 0 is dry to the bit, 50 the thickest, 100 "
			"voices alone (for a send, or vibrato with one voice)",
		.max = 100.0f,
		.def = 35.0f,
		.smooth_ms = 250.0f},
};

static const fb_node_desc desc = {
	FB_NODE_USUAL,
	.id = "chorus",
	.label = "Chorus",
	.doc =
		"Doubles a voice, a guitar or keys with one to eight slightly detuned copies, in stereo. "
		"The dry signal keeps its place and has no latency; each side is made of itself only",
	.category = "modulation",
};

FB_NODE_ENTRY(desc)
