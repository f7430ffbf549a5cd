/* SPDX-License-Identifier: GPL-3.0-or-later */
/** True-peak limiter with look-ahead.

	From the driven signal's true peaks follows the reduction each frame needs. It is held over the
	look-ahead (sliding maximum), let go with the release, and smoothed by two boxcars in a row as
   long as the hold: a mean of gains that all suffice suffices, so the ceiling holds and the gain
   has no corner. */
#include "../dsp/boxcar.h"
#include "../dsp/clean.h"
#include "../dsp/crest.h"
#include "../dsp/fade.h"
#include "../dsp/fastmath.h"
#include "../dsp/largest.h"
#include "../dsp/lookahead.h"
#include "../dsp/metadata.h"
#include "../dsp/slidemax.h"
#include "../dsp/truepeak.h"
#include "../dsp/wide.h"

enum { CEILING, DRIVE, LOOKAHEAD, RELEASE, ADAPTIVE, N_PARAMS };
enum { METER_REDUCTION, N_METERS };

#define SWITCH_MS 50.0
#define SLOW_RISE_MS 400.0 /* reduction that lasts as long is a change of level, not a peak */
#define SLOW_FALL 8.0      /* and is let go this much slower */
#define NOTHING 1e-5f      /* of a factor of two, 6e-5 dB: the gain comes back to exactly 1 */
#define CREST_MS 12.5      /* half a period of 40 Hz: a bass note is a level, not peaks */

/* A meter reads a peak from samples on both sides of it. The gain is down this long before and
   after, so that they all have it. */
enum { GUARD_FRAMES = 6, DELAY_MIN = 16 };

typedef struct sizes {
	fb_lookahead ahead;
	uint32_t hold, box[2];
} sizes;

typedef struct limiter_node {
	double rate_hz;
	sizes size;
	bool fresh;          ///< reset: take the next tick's values at once
	uint64_t rest_ticks; ///< ticks since anything was to be limited
	uint64_t rest_after; ///< ticks after which nothing of it is left in hold and boxcars
	float release_ms, share, slow_fall;
	float slow_rise, gain, ceiling_db; ///< gain and ceiling: where the last tick ended
	float loudest;                     ///< sample of the last tick, driven
	fb_fade adaptive;
	float reduction, slow; ///< in factors of two: log2 of the gain, negated
	fb_crest crest;        ///< what the slow part of the release hears
	fb_slidemax hold;
	fb_boxcar box[2];
	float past[2][FB_TRUEPEAK_PAST];
	_Alignas(FB_ALIGN) double memory[]; ///< box, box, hold, two delays
} limiter_node;

static sizes sizes_of(double rate_hz, const float *values)
{
	uint32_t delay = (uint32_t)lround((double)values[LOOKAHEAD] * 1e-3 * rate_hz);
	delay = delay > DELAY_MIN ? delay : DELAY_MIN;
	/* the peak is known FB_TRUEPEAK_DELAY frames late; the boxcars take the rest of the delay */
	uint32_t smooth = delay - FB_TRUEPEAK_DELAY - GUARD_FRAMES + 1;
	uint32_t first = (smooth + 1) / 2;
	return (sizes){
		fb_lookahead_make(delay), smooth + 2 * GUARD_FRAMES + 1, {first, smooth + 1 - first}};
}

static size_t box_doubles(const sizes *size)
{
	return fb_boxcar_room(size->box[0]) + fb_boxcar_room(size->box[1]);
}

static double *box_memory(limiter_node *self, int i)
{
	return self->memory + (i ? fb_boxcar_room(self->size.box[0]) : 0);
}

static float *hold_memory(limiter_node *self)
{
	return (float *)(self->memory + box_doubles(&self->size));
}

static float *delay_memory(limiter_node *self)
{
	return hold_memory(self) + fb_slidemax_room(self->size.hold);
}

static size_t float_bytes(const sizes *size)
{
	return fb_slidemax_room(size->hold) * sizeof(float) + fb_lookahead_bytes(&size->ahead);
}

static size_t instance_size(double rate_hz, const float *values)
{
	sizes size = sizes_of(rate_hz, values);
	return sizeof(limiter_node) + box_doubles(&size) * sizeof(double) + float_bytes(&size);
}

static float share_of(double ms, double rate_hz)
{
	return (float)-expm1(-1000.0 / (ms * rate_hz));
}

static void set_release(limiter_node *self, float release_ms)
{
	if (release_ms == self->release_ms) {
		return;
	}
	self->release_ms = release_ms;
	self->share = share_of((double)release_ms, self->rate_hz);
	self->slow_fall = share_of((double)release_ms * SLOW_FALL, self->rate_hz);
}

/** At rest, with these values in force. */
static void start(limiter_node *self, const float *values)
{
	self->release_ms = -1.0f;
	set_release(self, values[RELEASE]);
	fb_fade_set(&self->adaptive, values[ADAPTIVE] > 0.5f);
	self->reduction = self->slow = self->loudest = 0.0f;
	self->gain = fb_db_to_gain(values[DRIVE]);
	self->ceiling_db = values[CEILING];
	self->rest_ticks = self->rest_after;
	fb_slidemax_init(&self->hold, self->size.hold, hold_memory(self));
	self->crest = (fb_crest){0};
	fb_crest_set(&self->crest, CREST_MS * 1e-3 * self->rate_hz);
	for (int i = 0; i < 2; i++) {
		fb_boxcar_fill(&self->box[i], box_memory(self, i), self->size.box[i], 1.0);
	}
	memset(hold_memory(self), 0, float_bytes(&self->size));
	memset(self->past, 0, sizeof self->past);
	self->fresh = false;
}

static bool prepare(void *instance, double rate_hz, const float *values)
{
	limiter_node *self = instance;
	self->rate_hz = rate_hz;
	self->size = sizes_of(rate_hz, values);
	self->rest_after =
		(self->size.hold + self->size.box[0] + self->size.box[1] + FB_TICK) / FB_TICK + 1;
	self->slow_rise = share_of(SLOW_RISE_MS, rate_hz);
	fb_fade_init(&self->adaptive, rate_hz, SWITCH_MS);
	start(self, values);
	return true;
}

static void reset(void *instance) FB_RT
{
	limiter_node *self = instance;
	self->fresh = true;
}

static uint32_t latency(const void *instance)
{
	const limiter_node *self = instance;
	return self->size.ahead.delay;
}

/** One channel's tick, cleaned and driven, behind its own past. Returns its largest magnitude. */
static float drive(
	const float *in, float gain, float gain_to, float *past, float x[FB_TRUEPEAK_PAST + FB_TICK])
{
	_Alignas(FB_ALIGN) float magnitude[FB_TICK];
	float step = (gain_to - gain) / FB_TICK;
	memcpy(x, past, FB_TRUEPEAK_PAST * sizeof *x);
	for (int i = 0; i < FB_TICK; i++) {
		float driven = fb_clean(in[i]) * (gain + step * (float)(i + 1));
		x[FB_TRUEPEAK_PAST + i] = driven;
		magnitude[i] = fabsf(driven);
	}
	memcpy(past, x + FB_TICK, FB_TRUEPEAK_PAST * sizeof *x);
	return fb_largest(magnitude, FB_TICK);
}

/** Reduction that each frame of the tick needs; false if none does. */
static bool need(const float x[2][FB_TRUEPEAK_PAST + FB_TICK], float ceiling_db, float ceiling_to,
	float out[FB_TICK])
{
	float peak[2][FB_TICK], step = (ceiling_to - ceiling_db) / FB_TICK;
	fb_truepeak_tick(x[0], peak[0]);
	fb_truepeak_tick(x[1], peak[1]);
	for (int i = 0; i < FB_TICK; i++) {
		float p = peak[0][i] > peak[1][i] ? peak[0][i] : peak[1][i];
		float over = fb_log2(p + 1e-30f) - (ceiling_db + step * (float)(i + 1)) * FB_LOG2_PER_DB;
		out[i] = over > 0.0f ? over : 0.0f;
	}
	return fb_largest(out, FB_TICK) > 0.0f;
}

static float larger(float a, float b)
{
	return a > b ? a : b;
}

/** What the reduction falls back to frame by frame instead of to nothing: the slow part of the
	release. It moves so little that eight frames share a value. */
static void lay_floor(
	limiter_node *self, const float needed[FB_TICK], float weight, float out[FB_TICK])
{
	enum { SHARED = 8 };
	float crest[FB_TICK], slow = self->slow;
	memcpy(crest, needed, sizeof crest);
	fb_crest_tick(&self->crest, crest);
	for (int i = 0; i < FB_TICK; i += SHARED) {
		float way = crest[i] - slow;
		slow += way * SHARED * (way > 0.0f ? self->slow_rise : self->slow_fall);
		for (int k = 0; k < SHARED; k++) {
			out[i + k] = slow * weight;
		}
	}
	self->slow = slow < NOTHING || weight == 0.0f ? 0.0f : slow;
}

/** In each lane the one before, in the first nothing; and the one two before. */
static fb_lanes one_back(fb_lanes v)
{
	const fb_lanes none = {0.0f};
	return __builtin_shufflevector(none, v, 0, 4, 5, 6);
}

static fb_lanes two_back(fb_lanes v)
{
	const fb_lanes none = {0.0f};
	return __builtin_shufflevector(none, v, 0, 1, 4, 5);
}

/** Release, in place: the larger of what is held and of what is left of the frame before on its way
	to the floor. A maximum of rising lines of one is one of two, and of four: four frames are
	worked out as if nothing had been before them, and only then wait for it. */
static void let_go(limiter_node *self, const float floor[FB_TICK], float x[FB_TICK])
{
	float share = self->share, keep = 1.0f - share, keep2 = keep * keep;
	const fb_lanes powers = {keep, keep2, keep2 * keep, keep2 * keep2};
	fb_lanes last = fb_lanes_all(self->reduction);
	for (int i = 0; i < FB_TICK; i += FB_LANES) {
		fb_lanes most = fb_lanes_load(x + i);
		fb_lanes rise = share * fb_lanes_max(most, fb_lanes_load(floor + i));
		most = fb_lanes_max(most, keep * one_back(most) + rise);
		rise += keep * one_back(rise);
		most = fb_lanes_max(most, keep2 * two_back(most) + rise);
		rise += keep2 * two_back(rise);
		most = fb_lanes_max(most, powers * last + rise);
		fb_lanes_store(x + i, most);
		last = fb_lanes_last(most);
	}
	self->reduction = last[0] < NOTHING ? 0.0f : last[0];
}

/** From reductions to gains without corners, in place. */
static void smooth(limiter_node *self, float x[FB_TICK])
{
	double gain[FB_TICK];
	for (int i = 0; i < FB_TICK; i++) {
		x[i] = fb_exp2(-x[i]);
	}
	for (int i = 0; i < FB_TICK; i++) {
		gain[i] = (double)x[i];
	}
	for (int i = 0; i < 2; i++) {
		fb_boxcar_tick(&self->box[i], box_memory(self, i), gain);
	}
	for (int i = 0; i < FB_TICK; i++) {
		x[i] = (float)gain[i];
	}
}

FB_WIDE_ALL static void process(void *instance, const fb_tick *tick) FB_RT
{
	limiter_node *self = instance;
	if (self->fresh) {
		start(self, tick->from);
	}
	set_release(self, tick->to[RELEASE]);
	float unused, adaptive = fb_fade_tick(&self->adaptive, tick->to[ADAPTIVE] > 0.5f, &unused);
	float gain = self->gain, ceiling_db = self->ceiling_db, loudest = self->loudest;
	self->gain = fb_db_to_gain(tick->to[DRIVE]);
	self->ceiling_db = tick->to[CEILING];
	_Alignas(FB_ALIGN) float x[2][FB_TRUEPEAK_PAST + FB_TICK], gains[FB_TICK], floor[FB_TICK];
	self->loudest = larger(drive(tick->in[0], gain, self->gain, self->past[0], x[0]),
		drive(tick->in[1], gain, self->gain, self->past[1], x[1]));

	float lowest = fb_db_to_gain(fminf(ceiling_db, self->ceiling_db));
	bool near = larger(loudest, self->loudest) * FB_TRUEPEAK_MOST > lowest;
	bool over = near && need((const float(*)[FB_TRUEPEAK_PAST + FB_TICK]) x, ceiling_db,
							self->ceiling_db, gains);
	self->rest_ticks = over || self->reduction + self->slow > 0.0f ? 0 : self->rest_ticks + 1;
	bool rest = self->rest_ticks > self->rest_after;
	tick->meter[METER_REDUCTION] = 0.0f;
	if (!rest) {
		if (!over) {
			memset(gains, 0, sizeof gains);
		}
		lay_floor(self, gains, adaptive, floor);
		fb_slidemax_tick(&self->hold, gains);
		let_go(self, floor, gains);
		tick->meter[METER_REDUCTION] = fb_largest(gains, FB_TICK) * FB_DB_PER_LOG2;
		smooth(self, gains);
	}
	fb_lookahead_pair(&self->size.ahead, delay_memory(self), x[0] + FB_TRUEPEAK_PAST,
		x[1] + FB_TRUEPEAK_PAST, tick->out);
	for (int c = 0; c < 2 && !rest; c++) {
		float *out = tick->out[c];
		for (int i = 0; i < FB_TICK; i++) {
			out[i] *= gains[i];
		}
	}
}

static const fb_port_info inputs[] = {{"in", "In", "The signal", 2}};
static const fb_port_info outputs[] = {{"out", "Out", "The signal, limited", 2}};

static const fb_param_info params[N_PARAMS] = {
	[CEILING] = {.symbol = "ceiling",
		.label = "Ceiling",
		.unit = "dB",
		.doc =
			"True peak that the output does not exceed, dBTP. -1 is safe for broadcast and lossy "
			"coding",
		.min = -24.0f,
		.max = 0.0f,
		.def = -1.0f,
		.smooth_ms = 20.0f},
	[DRIVE] = {.symbol = "drive",
		.label = "Drive",
		.unit = "dB",
		.doc = "Gain before the limiter: how much louder it gets",
		.min = 0.0f,
		.max = 24.0f,
		.smooth_ms = 30.0f},
	[LOOKAHEAD] = {.symbol = "lookahead",
		.label = "Look-ahead",
		.unit = "ms",
		.doc =
			"Time the gain has to go down before a peak. Longer is cleaner in the bass; it is the "
			"latency",
		.scale = FB_SCALE_LOG,
		.min = 0.5f,
		.max = 10.0f,
		.def = 2.0f,
		.flags = FB_PARAM_REPREPARE},
	[RELEASE] = {.symbol = "release",
		.label = "Release",
		.unit = "ms",
		.doc = "Time to 63 % of the way back, in dB, after a peak",
		.scale = FB_SCALE_LOG,
		.min = 5.0f,
		.max = 1000.0f,
		.def = 60.0f},
	[ADAPTIVE] = {.symbol = "adaptive",
		.label = "Adaptive release",
		.unit = "",
		.doc = "Peaks are let go with the release; what stays turned down for 0.4 s and more comes "
			   "back 8 times slower, so that loud passages do not pump",
		.kind = FB_BOOL,
		.max = 1.0f,
		.def = 1.0f},
};

static const fb_meter_info meters[N_METERS] = {
	[METER_REDUCTION] = FB_REDUCTION_METER("The most that the signal was turned down", 60.0f),
};

static const fb_node_desc desc = {
	FB_NODE_USUAL,
	.id = "limiter",
	.label = "Limiter",
	.doc = "The last stage of a chain: a ceiling in true peak that holds. Both sides go down "
		   "together. Source: peak detection after ITU-R BS.1770-4 Annex 2, sliding maximum and "
		   "boxcars",
	.category = "dynamics",
	FB_NODE_HAS(meters),
	.latency = latency,
};

FB_NODE_ENTRY(desc)
