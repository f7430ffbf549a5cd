/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Compressor: feed-forward, log domain, decoupled attack and release. */
#include "../dsp/ballistics.h"
#include "../dsp/clean.h"
#include "../dsp/crest.h"
#include "../dsp/key.h"
#include "../dsp/knee.h"
#include "../dsp/largest.h"
#include "../dsp/lookahead.h"
#include "../dsp/metadata.h"
#include "../dsp/ramp.h"
#include "../dsp/wide.h"

enum {
	THRESHOLD,
	RATIO,
	KNEE,
	ATTACK,
	RELEASE,
	MAKEUP,
	AUTO_MAKEUP,
	DETECTOR,
	SIDECHAIN,
	SC_HPF,
	LINK,
	LOOKAHEAD,
	MIX,
	N_PARAMS
};

enum { METER_REDUCTION, N_METERS };

#define SWITCH_MS 30.0
#define SC_HPF_OFF 20.0f
#define HOLD_MS 12.5 /* half a period of 40 Hz */
#define RMS_MS 5.0   /* each of two averagers in a row */
#define FLOOR 1e-10f /* -200 dB: what silence reads as */

typedef struct comp_node {
	double rate_hz, rms_share;
	fb_lookahead ahead;
	bool fresh;                  ///< reset: take the next tick's values at once
	float attack_ms, release_ms; ///< that times were made for
	fb_times times;
	fb_key_filter hpf;
	fb_fade rms, external, automatic; ///< switches
	bool linked;                      ///< one channel stands for both, the louder
	fb_crest crest[2];                ///< while linked, [0] hears the louder side
	fb_stereo average[2];
	fb_ballistics reduction[2];       ///< while linked, [0] is both
	float makeup_db, mix;             ///< where the last tick ended
	_Alignas(FB_ALIGN) float rings[]; ///< two lookahead delays
} comp_node;

static size_t instance_size(double rate_hz, const float *values)
{
	fb_lookahead ahead = fb_lookahead_of(rate_hz, values[LOOKAHEAD]);
	return sizeof(comp_node) + fb_lookahead_bytes(&ahead);
}

/** Frames a time stands for, from ms. */
static double frames_of(const comp_node *self, double ms)
{
	return ms * 1e-3 * self->rate_hz;
}

static void set_times(comp_node *self, float attack_ms, float release_ms)
{
	if (attack_ms == self->attack_ms && release_ms == self->release_ms) {
		return;
	}
	self->attack_ms = attack_ms;
	self->release_ms = release_ms;
	double release = frames_of(self, (double)release_ms);
	double hold = fmin(frames_of(self, HOLD_MS), 0.1 * release);
	fb_crest_set(&self->crest[0], hold);
	fb_crest_set(&self->crest[1], hold);
	self->times = fb_times_make(
		frames_of(self, (double)attack_ms), release, fb_crest_frames(&self->crest[0]));
}

static fb_knee knee_of(const float *values)
{
	return fb_knee_make(values[THRESHOLD], values[RATIO], values[KNEE]);
}

/** Makeup in dB with these values; automatic, it gives back half of what a full-scale signal
	loses. */
static float makeup_of(const comp_node *self, const float *values)
{
	if (self->automatic.at == 0.0f) {
		return values[MAKEUP];
	}
	fb_knee knee = knee_of(values);
	return values[MAKEUP] + 0.5f * fb_ease(self->automatic.at) * fb_knee_reduction(&knee, 0.0f);
}

/** At rest, with these values in force. */
static void start(comp_node *self, const float *values)
{
	memset(self->rings, 0, fb_lookahead_bytes(&self->ahead));
	memset(self->crest, 0, sizeof self->crest);
	self->linked = true;
	memset(self->average, 0, sizeof self->average);
	memset(self->reduction, 0, sizeof self->reduction);
	fb_fade_set(&self->rms, values[DETECTOR] > 0.5f);
	fb_fade_set(&self->external, values[SIDECHAIN] > 0.5f);
	fb_fade_set(&self->automatic, values[AUTO_MAKEUP] > 0.5f);
	self->attack_ms = self->release_ms = -1.0f;
	set_times(self, values[ATTACK], values[RELEASE]);
	fb_key_filter_start(&self->hpf, self->rate_hz, true, SC_HPF_OFF, values[SC_HPF]);
	self->makeup_db = makeup_of(self, values);
	self->mix = values[MIX] * 0.01f;
	self->fresh = false;
}

static bool prepare(void *instance, double rate_hz, const float *values)
{
	comp_node *self = instance;
	self->rate_hz = rate_hz;
	self->ahead = fb_lookahead_of(rate_hz, values[LOOKAHEAD]);
	self->rms_share = fb_time_share(RMS_MS * 1e-3 * rate_hz);
	fb_fade_init(&self->rms, rate_hz, SWITCH_MS);
	fb_fade_init(&self->external, rate_hz, SWITCH_MS);
	fb_fade_init(&self->automatic, rate_hz, SWITCH_MS);
	start(self, values);
	return true;
}

static void reset(void *instance) FB_RT
{
	comp_node *self = instance;
	self->fresh = true;
}

static uint32_t latency(const void *instance)
{
	const comp_node *self = instance;
	return self->ahead.delay;
}

/** Mean square of both channels, smoothed twice. */
static void mean_square(comp_node *self, const float key[2][FB_TICK], float out[2][FB_TICK])
{
	const fb_stereo share = {self->rms_share, self->rms_share};
	fb_stereo first = self->average[0], second = self->average[1];
	for (int i = 0; i < FB_TICK; i++) {
		fb_stereo x = {(double)key[0][i], (double)key[1][i]};
		first += (x * x - first) * share;
		second += (first - second) * share;
		out[0][i] = (float)second[0];
		out[1][i] = (float)second[1];
	}
	self->average[0] = first;
	self->average[1] = second;
}

static void louder(const float *restrict a, float *restrict b)
{
	for (int i = 0; i < FB_TICK; i++) {
		b[i] = a[i] > b[i] ? a[i] : b[i];
	}
}

/** Levels of n channels as amplitudes; n = 1: of the louder one. */
static void detect(comp_node *self, const fb_tick *tick, int n, const float key[2][FB_TICK],
	float level[2][FB_TICK])
{
	float from, to = fb_fade_tick(&self->rms, tick->to[DETECTOR] > 0.5f, &from);
	float square[2][FB_TICK];
	if (from + to > 0.0f) {
		mean_square(self, key, square);
	} else {
		self->average[0] = self->average[1] = (fb_stereo){0.0, 0.0};
	}
	for (int c = 0; c < 2; c++) {
		for (int i = 0; i < FB_TICK; i++) {
			level[c][i] = fabsf(key[c][i]);
		}
	}
	if (n == 1) {
		louder(level[1], level[0]);
		if (from + to > 0.0f) {
			louder(square[1], square[0]);
		}
	}
	for (int c = 0; c < n; c++) {
		fb_crest_tick(&self->crest[c], level[c]);
		for (int i = 0; i < FB_TICK && from + to > 0.0f; i++) {
			float at = from + (to - from) * (float)(i + 1) / FB_TICK;
			level[c][i] += (sqrtf(square[c][i]) - level[c][i]) * at;
		}
	}
}

/** Each side's level in dB, moved towards the louder one's by the link. */
static void link_levels(float from, float to, float level[2][FB_TICK])
{
	for (int i = 0; i < FB_TICK; i++) {
		float link = from + (to - from) * (float)(i + 1) / FB_TICK;
		float a = level[0][i], b = level[1][i], most = a > b ? a : b;
		level[0][i] = a + (most - a) * link;
		level[1][i] = b + (most - b) * link;
	}
}

/** From levels to what the curve asks for, its threshold and slope gliding. */
static void ask(const fb_tick *tick, float level[FB_TICK])
{
	fb_knee knee = knee_of(tick->to), was = knee;
	if (memcmp(tick->from + THRESHOLD, tick->to + THRESHOLD, 3 * sizeof(float)) != 0) {
		was = knee_of(tick->from);
	}
	float shift = (was.threshold_db - knee.threshold_db) / FB_TICK;
	float slope = knee.slope, bend = (was.slope - slope) / FB_TICK;
	knee.slope = 1.0f;
	for (int i = 0; i < FB_TICK; i++) {
		float back = (float)(FB_TICK - 1 - i);
		level[i] = fb_knee_reduction(&knee, level[i] - shift * back) * (slope + bend * back);
	}
}

/** No level of the tick reaches the knee, and nothing is left of a reduction. */
static bool quiet(const comp_node *self, const fb_tick *tick, int n, const float level[2][FB_TICK])
{
	const float *from = tick->from, *to = tick->to;
	float knee_db = fminf(from[THRESHOLD], to[THRESHOLD]) - 0.5f * fmaxf(from[KNEE], to[KNEE]);
	float knee = fb_db_to_gain(knee_db);
	bool rest = true;
	for (int c = 0; c < n && rest; c++) {
		rest = fb_ballistics_rest(&self->reduction[c]) && fb_largest(level[c], FB_TICK) <= knee;
	}
	return rest;
}

/** From levels of n channels to their reductions in dB, in place; returns the most. */
static float reduce(comp_node *self, const fb_tick *tick, int n, float level[2][FB_TICK])
{
	if (quiet(self, tick, n, (const float(*)[FB_TICK])level)) {
		memset(level, 0, 2 * sizeof *level);
		return 0.0f;
	}
	for (int c = 0; c < n; c++) {
		for (int i = 0; i < FB_TICK; i++) {
			level[c][i] = fb_gain_to_db(level[c][i] + FLOOR);
		}
	}
	if (n == 2) {
		link_levels(tick->from[LINK] * 0.01f, tick->to[LINK] * 0.01f, level);
	}
	float most = 0.0f;
	for (int c = 0; c < n; c++) {
		ask(tick, level[c]);
		fb_ballistics_tick(&self->reduction[c], &self->times, level[c]);
		most = fmaxf(most, fb_largest(level[c], FB_TICK));
	}
	return most;
}

/** Gain of a tick from its reduction, makeup and mix; the unit of wet is the compressed signal. */
static void gain_of(
	float reduction[FB_TICK], float makeup, float makeup_to, float mix, float mix_to)
{
	float makeup_step = (makeup_to - makeup) / FB_TICK, mix_step = (mix_to - mix) / FB_TICK;
	for (int i = 0; i < FB_TICK; i++) {
		float k = (float)(i + 1);
		float wet = fb_db_to_gain(makeup + makeup_step * k - reduction[i]);
		reduction[i] = 1.0f + (mix + mix_step * k) * (wet - 1.0f);
	}
}

FB_WIDE_ALL static void process(void *instance, const fb_tick *tick) FB_RT
{
	comp_node *self = instance;
	if (self->fresh) {
		start(self, tick->from);
	}
	set_times(self, tick->to[ATTACK], tick->to[RELEASE]);
	_Alignas(FB_ALIGN) float own[2][FB_TICK], key[2][FB_TICK], gain[2][FB_TICK];
	fb_clean_tick(tick->in[0], own[0]);
	fb_clean_tick(tick->in[1], own[1]);
	fb_key_choose(
		&self->external, tick, tick->to[SIDECHAIN] > 0.5f, (const float(*)[FB_TICK])own, key);
	fb_key_filter_tick(&self->hpf, tick->to[SC_HPF], key);

	bool linked = tick->from[LINK] >= 100.0f && tick->to[LINK] >= 100.0f;
	if (self->linked && !linked) {
		self->crest[1] = self->crest[0];
		self->reduction[1] = self->reduction[0];
	}
	self->linked = linked;
	int n = linked ? 1 : 2;
	detect(self, tick, n, (const float(*)[FB_TICK])key, gain);
	float most = reduce(self, tick, n, gain);
	tick->meter[METER_REDUCTION] = most;

	float unused, makeup = self->makeup_db, mix = self->mix;
	fb_fade_tick(&self->automatic, tick->to[AUTO_MAKEUP] > 0.5f, &unused);
	self->makeup_db = makeup_of(self, tick->to);
	self->mix = tick->to[MIX] * 0.01f;
	bool untouched = most == 0.0f && makeup == 0.0f && self->makeup_db == 0.0f;
	fb_lookahead_pair(&self->ahead, self->rings, own[0], own[1], tick->out);
	for (int c = 0; c < 2 && !untouched; c++) {
		const float *g = gain[linked ? 0 : c];
		float *out = tick->out[c];
		if (c < n) {
			gain_of(gain[c], makeup, self->makeup_db, mix, self->mix);
		}
		for (int i = 0; i < FB_TICK; i++) {
			out[i] *= g[i];
		}
	}
}

static const fb_port_info inputs[] = {{"in", "In", "The signal", 2}, FB_SIDECHAIN_PORT};
static const fb_port_info outputs[] = {{"out", "Out", "The signal, compressed", 2}};

static const char *const detectors[] = {"peak", "rms", NULL};

static const fb_param_info params[N_PARAMS] = {
	[THRESHOLD] = {.symbol = "threshold",
		.label = "Threshold",
		.unit = "dB",
		.doc =
			"Level above which the gain goes down: dBFS of the peak, or of the RMS value (a sine's "
			"is 3 dB below its peak)",
		.min = -60.0f,
		.max = 0.0f,
		.def = -20.0f,
		.smooth_ms = 30.0f},
	[RATIO] = {.symbol = "ratio",
		.label = "Ratio",
		.unit = ":1",
		.doc =
			"dB in for each dB out above the threshold. 2 evens out, 4 holds, 10 and more limits",
		.scale = FB_SCALE_LOG,
		.min = 1.0f,
		.max = 100.0f,
		.def = 3.0f,
		.smooth_ms = 30.0f},
	[KNEE] = {.symbol = "knee",
		.label = "Knee",
		.unit = "dB",
		.doc = "Width of the bend around the threshold. 0 is a corner; 6 to 12 hides the onset",
		.min = 0.0f,
		.max = 24.0f,
		.def = 6.0f,
		.smooth_ms = 50.0f},
	[ATTACK] = {.symbol = "attack",
		.label = "Attack",
		.unit = "ms",
		.doc = "Time to 63 % of the reduction, in dB, after a sudden rise. Longer lets transients "
			   "through. The RMS detector adds some 5 ms",
		.scale = FB_SCALE_LOG,
		.min = 0.05f,
		.max = 250.0f,
		.def = 10.0f},
	[RELEASE] = {.symbol = "release",
		.label = "Release",
		.unit = "ms",
		.doc = "Time to 63 % of the way back, in dB, after a sudden fall. Short is dense and can "
			   "distort bass, long is smooth and can pump. The RMS detector "
			   "itself falls by no more than 0.9 dB per ms",
		.scale = FB_SCALE_LOG,
		.min = 5.0f,
		.max = 3000.0f,
		.def = 150.0f},
	[MAKEUP] = {.symbol = "makeup",
		.label = "Makeup",
		.unit = "dB",
		.doc = "Gain after the compression",
		.min = -12.0f,
		.max = 30.0f,
		.smooth_ms = 30.0f},
	[AUTO_MAKEUP] = {.symbol = "auto_makeup",
		.label = "Automatic makeup",
		.unit = "",
		.doc =
			"Adds to the makeup half of what a full-scale signal loses with this threshold, ratio "
			"and knee",
		.kind = FB_BOOL,
		.max = 1.0f},
	[DETECTOR] = {.symbol = "detector",
		.label = "Detector",
		.unit = "",
		.doc = "peak follows the crests and catches everything; rms follows the power over 10 ms, "
			   "nearer to loudness and gentler on transients",
		.kind = FB_CHOICE,
		.max = 1.0f,
		.choices = detectors},
	[SIDECHAIN] = FB_SIDECHAIN_PARAM,
	[SC_HPF] = {.symbol = "sc_hpf",
		.label = "Sidechain high-pass",
		.unit = "Hz",
		.doc = "Takes the bass from what the detector hears, 12 dB per octave, so that it does not "
			   "pump the rest. 20 is off",
		.scale = FB_SCALE_LOG,
		.min = SC_HPF_OFF,
		.max = 2000.0f,
		.def = SC_HPF_OFF,
		.smooth_ms = 30.0f},
	[LINK] = {.symbol = "link",
		.label = "Stereo link",
		.unit = "%",
		.doc = "100 turns both sides down alike by the louder one, which keeps the image; 0 is two "
			   "compressors",
		.min = 0.0f,
		.max = 100.0f,
		.def = 100.0f,
		.smooth_ms = 30.0f},
	[LOOKAHEAD] = {.symbol = "lookahead",
		.label = "Look-ahead",
		.unit = "ms",
		.doc =
			"Delays the signal, not the detector, so that a slow attack still meets the transient. "
			"Adds this much latency",
		.min = 0.0f,
		.max = 20.0f,
		.flags = FB_PARAM_REPREPARE},
	[MIX] = {.symbol = "mix",
		.label = "Mix",
		.unit = "%",
		.doc = "Share of the compressed signal, makeup included; below 100 is parallel compression",
		.min = 0.0f,
		.max = 100.0f,
		.def = 100.0f,
		.smooth_ms = 20.0f},
};

static const fb_meter_info meters[N_METERS] = {
	[METER_REDUCTION] = FB_REDUCTION_METER(
		"The most that either side was turned down, before makeup and mix", 60.0f),
};

static const fb_node_desc desc = {
	FB_NODE_USUAL,
	.id = "comp",
	.label = "Compressor",
	.doc = "Evens out levels: voices, instruments, buses. Feed-forward in the log domain with soft "
		   "knee; the detector holds crests, so that steady tones stay undistorted. Source: "
		   "Giannoulis, Massberg, Reiss, JAES 60 (2012)",
	.category = "dynamics",
	FB_NODE_HAS(meters),
	.latency = latency,
};

FB_NODE_ENTRY(desc)
