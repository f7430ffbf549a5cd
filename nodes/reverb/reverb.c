/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Reverb of plate character: dense at once, the same from all sides, with a decay that is what its
	setting says. Pre-delay, low cut and four diffusing all-passes a side lead into the tank. */
#include "../dsp/blend.h"
#include "../dsp/clean.h"
#include "../dsp/lanes.h"
#include "../dsp/onepole.h"
#include "../dsp/wide.h"
#include "tank.h"

enum { PREDELAY, DECAY, SIZE, DAMPING, DIFFUSION, LOW_CUT, WIDTH, MIX, N_PARAMS };

#define MAX_PREDELAY_MS 250.0
#define PREDELAY_FADE_MS 40.0
/* The longest line at a size of 100 %. */
#define LONGEST_MS 64.0
#define MAX_SIZE 200.0
#define STAGES 4

static const double stage_ms[2][STAGES] = {{4.77, 3.60, 12.73, 9.31}, {4.31, 3.93, 11.87, 10.19}};
/* Of the all-passes at a diffusion of 100 %. */
static const float stage_gain[STAGES] = {0.75f, 0.75f, 0.625f, 0.625f};

typedef struct reverb_node {
	double rate_hz;
	bool fresh; ///< the next tick starts at rest on its parameters
	fb_tap predelay;
	float low_cut, cut_coef, cut_state[2]; ///< what the coefficient was made from
	fb_blend mix;
	uint32_t stage_frames[2][STAGES];
	fb_delay_line before[2], stage[2][STAGES];
	fb_tank tank;
	_Alignas(FB_ALIGN) float room[]; ///< of the lines
} reverb_node;

static uint32_t frames_of(double ms, double rate_hz)
{
	return (uint32_t)(ms * 1e-3 * rate_hz + 0.5);
}

static uint32_t longest_line(double rate_hz)
{
	return frames_of(LONGEST_MS * MAX_SIZE * 0.01, rate_hz);
}

static uint32_t predelay_ring(double rate_hz)
{
	return fb_delay_line_frames(frames_of(MAX_PREDELAY_MS, rate_hz) + FB_TICK);
}

/** An all-pass runs a whole tick at a time, so it is no shorter than one. */
static uint32_t stage_length(int c, int k, double rate_hz)
{
	uint32_t frames = frames_of(stage_ms[c][k], rate_hz);
	return frames < FB_TICK ? FB_TICK : frames;
}

static size_t instance_size(double rate_hz, const float *params)
{
	(void)params;
	size_t floats = 2 * fb_delay_line_room(predelay_ring(rate_hz));
	for (int c = 0; c < 2; c++) {
		for (int k = 0; k < STAGES; k++) {
			uint32_t frames = stage_length(c, k, rate_hz);
			floats += fb_delay_line_room(fb_delay_line_frames(frames + FB_TICK));
		}
	}
	return sizeof(reverb_node) + (floats + fb_tank_room(longest_line(rate_hz))) * sizeof(float);
}

static bool prepare(void *instance, double rate_hz, const float *params)
{
	(void)params;
	reverb_node *self = instance;
	self->rate_hz = rate_hz;
	self->fresh = true;
	float *room = self->room;
	for (int c = 0; c < 2; c++) {
		room = fb_delay_line_init(&self->before[c], predelay_ring(rate_hz), room);
		for (int k = 0; k < STAGES; k++) {
			uint32_t frames = self->stage_frames[c][k] = stage_length(c, k, rate_hz);
			room = fb_delay_line_init(
				&self->stage[c][k], fb_delay_line_frames(frames + FB_TICK), room);
		}
	}
	fb_tank_init(&self->tank, rate_hz, longest_line(rate_hz), room);
	return true;
}

static void reset(void *instance) FB_RT
{
	reverb_node *self = instance;
	for (int c = 0; c < 2; c++) {
		fb_delay_line_reset(&self->before[c]);
		for (int k = 0; k < STAGES; k++) {
			fb_delay_line_reset(&self->stage[c][k]);
		}
	}
	self->fresh = true;
}

static uint32_t tank_length(const reverb_node *self, const float *values)
{
	return frames_of(LONGEST_MS * 0.01 * (double)values[SIZE], self->rate_hz);
}

static uint32_t predelay_frames(const reverb_node *self, const float *values)
{
	return frames_of((double)values[PREDELAY], self->rate_hz);
}

static void settle(reverb_node *self, const float *values)
{
	fb_tap_init(&self->predelay, self->rate_hz, PREDELAY_FADE_MS, predelay_frames(self, values));
	self->low_cut = values[LOW_CUT];
	self->cut_coef = fb_onepole_coef((double)self->low_cut, self->rate_hz);
	self->cut_state[0] = self->cut_state[1] = 0.0f;
	fb_blend_set(&self->mix, values[MIX]);
	fb_tank_reset(&self->tank, tank_length(self, values));
	self->fresh = false;
}

/** Through the pre-delay, a fade between two of them included. */
static void delayed(reverb_node *self, float dry[2][FB_TICK], float x[2][FB_TICK])
{
	fb_tap *tap = &self->predelay;
	float weight[FB_TICK];
	if (fb_tap_fading(tap)) {
		fb_tap_weights(tap, weight);
	}
	for (int c = 0; c < 2; c++) {
		fb_delay_line *line = &self->before[c];
		fb_delay_line_write(line, 0, dry[c], FB_TICK);
		const float *a = fb_delay_line_read(line, 0, tap->now);
		memcpy(x[c], a, FB_TICK * sizeof(float));
		if (fb_tap_fading(tap)) {
			const float *b = fb_delay_line_read(line, 0, tap->next);
			for (int i = 0; i < FB_TICK; i++) {
				x[c][i] += weight[i] * (b[i] - a[i]);
			}
		}
		fb_delay_line_advance(line);
		fb_delay_line_fetch(line, tap->now);
	}
	fb_tap_advance(tap);
}

/** Four frames of one side, in place. keep: what a frame's state leaves in the next one's, powers:
	in each of the next four's; last: the state after the last frame, in all lanes. */
static inline __attribute__((always_inline)) void cut4(
	float coef, float keep, fb_lanes powers, fb_lanes *last, float x[FB_LANES])
{
	const fb_lanes none = {0};
	fb_lanes in = fb_lanes_load(x), s = 2.0f * coef * in;
	s += keep * __builtin_shufflevector(none, s, 0, 4, 5, 6);
	s += keep * keep * __builtin_shufflevector(none, s, 0, 1, 4, 5);
	s += powers * *last;
	fb_lanes was = __builtin_shufflevector(*last, s, 3, 4, 5, 6);
	fb_lanes_store(x, in - (coef * in + (1.0f - coef) * was));
	*last = fb_lanes_last(s);
}

/** Both sides in one loop: neither waits for the other. */
static inline __attribute__((always_inline)) void cut_steady(
	float coef, float state[2], float x[2][FB_TICK])
{
	float keep = 1.0f - 2.0f * coef, keep2 = keep * keep;
	const fb_lanes powers = {keep, keep2, keep2 * keep, keep2 * keep2};
	fb_lanes left = fb_lanes_all(state[0]), right = fb_lanes_all(state[1]);
	for (int i = 0; i < FB_TICK; i += FB_LANES) {
		cut4(coef, keep, powers, &left, x[0] + i);
		cut4(coef, keep, powers, &right, x[1] + i);
	}
	state[0] = left[0];
	state[1] = right[0];
}

static inline void cut_low(reverb_node *self, float corner_hz, float x[2][FB_TICK])
{
	if (corner_hz == self->low_cut) {
		cut_steady(self->cut_coef, self->cut_state, x);
		return;
	}
	float to = fb_onepole_coef((double)corner_hz, self->rate_hz);
	fb_ramp coef = fb_ramp_of(self->cut_coef, to);
	for (int c = 0; c < 2; c++) {
		for (uint32_t i = 0; i < FB_TICK; i++) {
			x[c][i] -= fb_onepole_low(&self->cut_state[c], fb_ramp_at(&coef, i), x[c][i]);
		}
	}
	self->cut_coef = to;
	self->low_cut = corner_hz;
}

/** One tick of an all-pass: x in place, into: what enters its line. */
static inline void all_pass(
	fb_ramp gain, const float *restrict late, float *restrict x, float *restrict into)
{
	for (uint32_t i = 0; i < FB_TICK; i++) {
		float g = fb_ramp_at(&gain, i);
		into[i] = x[i] + g * late[i];
		x[i] = late[i] - g * into[i];
	}
}

/** Schroeder's all-passes in series. */
FB_WIDE static void diffuse(reverb_node *self, const fb_tick *tick, float x[2][FB_TICK])
{
	float into[FB_TICK];
	for (int k = 0; k < STAGES; k++) {
		float full = stage_gain[k] * 0.01f;
		fb_ramp gain = fb_ramp_of(full * tick->from[DIFFUSION], full * tick->to[DIFFUSION]);
		for (int c = 0; c < 2; c++) {
			fb_delay_line *line = &self->stage[c][k];
			const float *late = fb_delay_line_read(line, 0, self->stage_frames[c][k]);
			all_pass(gain, late, x[c], into);
			fb_delay_line_write(line, 0, into, FB_TICK);
			fb_delay_line_advance(line);
			fb_delay_line_fetch(line, self->stage_frames[c][k]);
		}
	}
}

/** Mid and side to left and right, the side scaled. */
static void widen(
	const fb_tick *tick, const float mid[FB_TICK], const float side[FB_TICK], float wet[2][FB_TICK])
{
	fb_ramp width = fb_ramp_of(tick->from[WIDTH] * 0.01f, tick->to[WIDTH] * 0.01f);
	for (uint32_t i = 0; i < FB_TICK; i++) {
		float s = side[i] * fb_ramp_at(&width, i);
		wet[0][i] = mid[i] + s;
		wet[1][i] = mid[i] - s;
	}
}

FB_WIDE_ALL static void process(void *instance, const fb_tick *tick) FB_RT
{
	reverb_node *self = instance;
	if (self->fresh) {
		settle(self, tick->from);
	}
	float dry[2][FB_TICK], x[2][FB_TICK], mid[FB_TICK], side[FB_TICK];
	fb_clean_tick(tick->in[0], dry[0]);
	fb_clean_tick(tick->in[1], dry[1]);
	fb_tap_aim(&self->predelay, predelay_frames(self, tick->to));
	delayed(self, dry, x);
	cut_low(self, tick->to[LOW_CUT], x);
	diffuse(self, tick, x);
	fb_tank_aim(
		&self->tank, tick->to[DECAY], tick->to[DAMPING] * 0.01f, tank_length(self, tick->to));
	fb_tank_tick(&self->tank, x, mid, side);
	widen(tick, mid, side, x);
	fb_blend mix = self->mix;
	if (tick->to[MIX] != mix.percent) {
		fb_blend_set(&mix, tick->to[MIX]);
	}
	fb_blend_tick(&self->mix, &mix, dry[0], x[0], tick->out[0]);
	fb_blend_tick(&self->mix, &mix, dry[1], x[1], tick->out[1]);
	self->mix = mix;
}

static const fb_port_info inputs[] = {{"in", "In", "The signal", 2}};
static const fb_port_info outputs[] = {{"out", "Out", "The signal and its reverberation", 2}};

static const fb_param_info params[N_PARAMS] = {
	[PREDELAY] = {.symbol = "predelay",
		.label = "Pre-delay",
		.unit = "ms",
		.doc = "How long the reverberation waits, so that the sound itself stays in front",
		.max = (float)MAX_PREDELAY_MS,
		.def = 20.0f},
	[DECAY] = {.symbol = "decay",
		.label = "Decay",
		.unit = "s",
		.doc = "Time in which the low and middle frequencies fall by 60 dB (RT60). The level of "
			   "steady sound stays as this is moved",
		.scale = FB_SCALE_LOG,
		.min = 0.2f,
		.max = 20.0f,
		.def = 1.8f,
		.smooth_ms = 300.0f},
	[SIZE] = {.symbol = "size",
		.label = "Size",
		.unit = "%",
		.doc = "Lengths of the delays within, and nothing else: small is dense at once and tight, "
			   "large is wide and takes its time to fill. At 100 the longest is 64 ms",
		.scale = FB_SCALE_LOG,
		.min = 25.0f,
		.max = (float)MAX_SIZE,
		.def = 100.0f},
	[DAMPING] = {.symbol = "damping",
		.label = "Damping",
		.unit = "%",
		.doc =
			"How much shorter the treble decays: at 8 kHz in decay * (1 - damping), exactly. The "
			"speed of decay in dB/s rises with about the square of frequency towards it",
		.max = 90.0f,
		.def = 40.0f,
		.smooth_ms = 100.0f},
	[DIFFUSION] = {.symbol = "diffusion",
		.label = "Diffusion",
		.unit = "%",
		.doc = "How far a click is smeared before it enters: high for drums, lower for a clear "
			   "voice",
		.max = 100.0f,
		.def = 80.0f,
		.smooth_ms = 100.0f},
	[LOW_CUT] = {.symbol = "low_cut",
		.label = "Low cut",
		.unit = "Hz",
		.doc = "Takes 6 dB/oct off below here before the reverberation, against mud",
		.scale = FB_SCALE_LOG,
		.min = 20.0f,
		.max = 1000.0f,
		.def = 120.0f,
		.smooth_ms = 100.0f},
	[WIDTH] = {.symbol = "width",
		.label = "Width",
		.unit = "%",
		.doc = "Of the reverberation: 0 is mono, at 100 left and right have nothing in common",
		.max = 100.0f,
		.def = 100.0f,
		.smooth_ms = 200.0f},
	[MIX] = {.symbol = "mix",
		.label = "Mix",
		.unit = "%",
		.doc = "Reverberation against dry signal at equal power: 0 is dry to the bit, 100 is "
			   "reverberation alone (for a send)",
		.max = 100.0f,
		.def = 20.0f,
		.smooth_ms = 400.0f},
};

static const fb_node_desc desc = {
	FB_NODE_USUAL,
	.id = "reverb",
	.label = "Reverb",
	.doc =
		"Plate reverberation in stereo, of sixteen delays that feed each other without loss but "
		"for what the decay asks. Its time is that of the setting, at any size. Set mix to 100 on "
		"a send",
	.category = "space",
};

FB_NODE_ENTRY(desc)
