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
#include "../dsp/lookahead.h"
#include "../dsp/slidemax.h"
#include "../dsp/truepeak.h"

enum { CEILING, DRIVE, LOOKAHEAD, RELEASE, ADAPTIVE, N_PARAMS };
enum { METER_REDUCTION, N_METERS };

#define SWITCH_MS 50.0
#define SLOW_RISE_MS 400.0 /* reduction that lasts as long is a change of level, not a peak */
#define SLOW_FALL 8.0      /* and is let go this much slower */
#define CREST_MS 12.5      /* half a period of 40 Hz: a bass note is a level, not peaks */

/* A meter reads a peak from samples on both sides of it. The gain is down this long before and
   after, so that they all have it. */
enum { GUARD_FRAMES = 6, DELAY_MIN = 16 };

typedef struct sizes {
	uint32_t delay, hold, box[2];
} sizes;

typedef struct limiter_node {
	double rate_hz;
	sizes size;
	bool fresh; ///< reset: take the next tick's values at once
	uint64_t ticks;
	uint64_t rest_ticks; ///< ticks since anything was to be limited
	uint64_t rest_after; ///< ticks after which nothing of it is left in hold and boxcars
	float release_ms, share, slow_fall;
	float slow_rise;
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
	return (sizes){delay, smooth + 2 * GUARD_FRAMES + 1, {first, smooth + 1 - first}};
}

static double *box_memory(limiter_node *self, int i)
{
	return self->memory + (i ? self->size.box[0] : 0);
}

static float *hold_memory(limiter_node *self)
{
	return (float *)(self->memory + self->size.box[0] + self->size.box[1]);
}

static float *delay_memory(limiter_node *self, int channel)
{
	return hold_memory(self) + self->size.hold +
		   (size_t)channel * fb_lookahead_samples(self->size.delay);
}

static size_t float_bytes(const sizes *size)
{
	return (size->hold + 2 * fb_lookahead_samples(size->delay)) * sizeof(float);
}

static size_t instance_size(double rate_hz, const float *values)
{
	sizes size = sizes_of(rate_hz, values);
	return sizeof(limiter_node) + (size.box[0] + size.box[1]) * sizeof(double) + float_bytes(&size);
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
	self->reduction = self->slow = 0.0f;
	self->ticks = 0;
	self->rest_ticks = self->rest_after;
	self->hold = (fb_slidemax){.n = self->size.hold};
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
	return self->size.delay;
}

/** One channel's tick, cleaned and driven, behind its own past. */
static float drive(
	const float *in, float gain, float gain_to, float *past, float x[FB_TRUEPEAK_PAST + FB_TICK])
{
	float most = 0.0f, step = (gain_to - gain) / FB_TICK;
	memcpy(x, past, FB_TRUEPEAK_PAST * sizeof *x);
	for (int i = 0; i < FB_TICK; i++) {
		x[FB_TRUEPEAK_PAST + i] = fb_clean(in[i]) * (gain + step * (float)(i + 1));
	}
	memcpy(past, x + FB_TICK, FB_TRUEPEAK_PAST * sizeof *x);
	for (int i = 0; i < FB_TRUEPEAK_PAST + FB_TICK; i++) {
		float magnitude = fabsf(x[i]);
		most = magnitude > most ? magnitude : most;
	}
	return most;
}

/** Reduction that each frame of the tick needs; false if none does. */
static bool need(const float x[2][FB_TRUEPEAK_PAST + FB_TICK], float ceiling_db, float step_db,
	float out[FB_TICK])
{
	float peak[2][FB_TICK], most = 0.0f;
	fb_truepeak_tick(x[0], peak[0]);
	fb_truepeak_tick(x[1], peak[1]);
	for (int i = 0; i < FB_TICK; i++) {
		float p = peak[0][i] > peak[1][i] ? peak[0][i] : peak[1][i];
		float over = fb_log2(p + 1e-30f) - (ceiling_db + step_db * (float)(i + 1)) * FB_LOG2_PER_DB;
		out[i] = over > 0.0f ? over : 0.0f;
		most = out[i] > most ? out[i] : most;
	}
	return most > 0.0f;
}

/** Hold and release, in place. */
static void let_go(limiter_node *self, float slow_from, float slow_to, float x[FB_TICK])
{
	float *memory = hold_memory(self), crest[FB_TICK];
	memcpy(crest, x, sizeof crest);
	fb_crest_tick(&self->crest, crest);
	float reduction = self->reduction, slow = self->slow;
	float step = (slow_to - slow_from) / FB_TICK;
	for (int i = 0; i < FB_TICK; i++) {
		float held = fb_slidemax_push(&self->hold, memory, x[i]);
		float way = crest[i] - slow;
		slow += way * (way > 0.0f ? self->slow_rise : self->slow_fall);
		float floor = slow * (slow_from + step * (float)(i + 1));
		floor = held > floor ? held : floor;
		float fallen = reduction + (floor - reduction) * self->share;
		reduction = held > fallen ? held : fallen;
		x[i] = reduction;
	}
	/* less than 1e-4 dB is nothing: the gain comes back to exactly 1 */
	self->reduction = reduction < 1e-5f ? 0.0f : reduction;
	self->slow = slow < 1e-5f || slow_to == 0.0f ? 0.0f : slow;
}

static void smooth(limiter_node *self, float x[FB_TICK])
{
	for (int i = 0; i < FB_TICK; i++) {
		x[i] = fb_exp2(-x[i]);
	}
	double *first = box_memory(self, 0), *second = box_memory(self, 1);
	for (int i = 0; i < FB_TICK; i++) {
		double mean = fb_boxcar_push(&self->box[0], first, (double)x[i]);
		x[i] = (float)fb_boxcar_push(&self->box[1], second, mean);
	}
}

static void process(void *instance, const fb_tick *tick) FB_RT
{
	limiter_node *self = instance;
	if (self->fresh) {
		start(self, tick->from);
	}
	set_release(self, tick->to[RELEASE]);
	float slow_from, slow_to = fb_fade_tick(&self->adaptive, tick->to[ADAPTIVE] > 0.5f, &slow_from);
	float gain = fb_db_to_gain(tick->from[DRIVE]), gain_to = fb_db_to_gain(tick->to[DRIVE]);
	float x[2][FB_TRUEPEAK_PAST + FB_TICK], needed[FB_TICK];
	float most = fmaxf(drive(tick->in[0], gain, gain_to, self->past[0], x[0]),
		drive(tick->in[1], gain, gain_to, self->past[1], x[1]));

	float ceiling_db = tick->from[CEILING],
		  ceiling_step = (tick->to[CEILING] - ceiling_db) / FB_TICK;
	float lowest = fb_db_to_gain(fminf(tick->from[CEILING], tick->to[CEILING]));
	bool over =
		most * FB_TRUEPEAK_MOST > lowest &&
		need((const float(*)[FB_TRUEPEAK_PAST + FB_TICK]) x, ceiling_db, ceiling_step, needed);
	self->rest_ticks = over || self->reduction + self->slow > 0.0f ? 0 : self->rest_ticks + 1;
	bool rest = self->rest_ticks > self->rest_after;
	if (!rest) {
		if (!over) {
			memset(needed, 0, sizeof needed);
		}
		let_go(self, slow_from, slow_to, needed);
		smooth(self, needed);
	}
	float least = 1.0f;
	for (int c = 0; c < 2; c++) {
		float *out = tick->out[c];
		fb_lookahead_tick(
			delay_memory(self, c), self->size.delay, self->ticks, x[c] + FB_TRUEPEAK_PAST, out);
		for (int i = 0; i < FB_TICK && !rest; i++) {
			out[i] *= needed[i];
			least = needed[i] < least ? needed[i] : least;
		}
	}
	tick->meter[METER_REDUCTION] = -fb_gain_to_db(least);
	self->ticks++;
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
		.smooth_ms = 20.0f},
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
	[METER_REDUCTION] = {.symbol = "reduction",
		.label = "Gain reduction",
		.unit = "dB",
		.doc = "The most that the signal was turned down",
		.min = 0.0f,
		.max = 60.0f,
		.flags = FB_METER_REDUCTION},
};

static const fb_node_desc desc = {
	.abi = FB_NODE_ABI,
	.size = sizeof(fb_node_desc),
	.id = "limiter",
	.label = "Limiter",
	.doc = "The last stage of a chain: a ceiling in true peak that holds. Both sides go down "
		   "together. "
		   "Source: peak detection after ITU-R BS.1770-4 Annex 2, sliding maximum and boxcars",
	.category = "dynamics",
	.inputs = inputs,
	.outputs = outputs,
	.params = params,
	.meters = meters,
	.n_inputs = 1,
	.n_outputs = 1,
	.n_params = N_PARAMS,
	.n_meters = N_METERS,
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
