/* SPDX-License-Identifier: GPL-3.0-or-later */
/** One living node: the instance's memory, its parameters as the host smooths them, its bypass and
	its meters. Plans share it, so it survives an edit that keeps the stage.

	Control makes it, counts its plans and frees it; between the first plan that holds it and the
	last, all but the fields of control belong to audio. */
#ifndef FB_INSTANCE_H
#define FB_INSTANCE_H

#include "align.h"
#include "glide.h"
#include "load.h"
#include "patch.h"

enum { FB_CHANNELS_MAX = 16 };

typedef struct fb_instance {
	/* control's */
	uint32_t plans; ///< that hold it
	char id[FB_ID_LEN];
	float *prepared; ///< [n_params] values it was prepared with: which FB_PARAM_REPREPARE hold

	/* constant */
	const fb_node_desc *desc;
	uint32_t serial; ///< unique in the process: an event for a node that is gone finds nobody
	size_t bytes;    ///< of `self`
	uint32_t latency;
	uint32_t n_in, n_out; ///< channels
	double rate_hz;

	/* audio's */
	void *self;
	float *from, *to; ///< [n_params]
	fb_glide *glide;  ///< [n_params]
	uint16_t *moving; ///< [n_params] indices that glide
	uint32_t n_moving;
	float *meter;                 ///< [n_meters]
	float wet, wet_aim, wet_step; ///< 1: the node is heard, 0: bypassed
	uint32_t refill;              ///< ticks it stays bypassed after a fault, until it has history
	fb_align dry[2];              ///< the main path beside a node with latency

	/* written by audio, read by anyone */
	_Atomic float *shown;    ///< [n_meters]
	_Atomic uint32_t faults; ///< ticks in which it yielded NaN or infinity and was reset
	fb_load load;            ///< of a tick
} fb_instance;

/** thread: control
	errors: FB_NO_MEMORY; FB_INVALID if the node refuses its parameters at this rate */
FB_MUST_CHECK fb_status fb_instance_create(
	const fb_stage *stage, double rate_hz, fb_instance **out, fb_error *error);
void fb_instance_destroy(fb_instance *instance); ///< thread: control, in no plan; NULL is allowed

/** Could this living instance serve that stage: same id, type, rate and prepared values? thread:
 * control */
bool fb_instance_serves(const fb_instance *instance, const fb_stage *stage, double rate_hz);

/** Before a change is sent to audio: have the memory that the node needs with these values, so that
	audio never faults a page in. values: [n_params], all of them. thread: control */
void fb_instance_provide(const fb_instance *instance, const float *values);

/** Aim a parameter; ticks UINT32_MAX: the parameter's own smoothing, unless it has or heads for
	that value already. What it was prepared with (FB_PARAM_REPREPARE) stays. thread: audio */
void fb_instance_set(fb_instance *instance, uint32_t param, float value, uint32_t ticks) FB_RT;
void fb_instance_bypass(fb_instance *instance, bool bypass) FB_RT; ///< thread: audio

/** One tick: smooth, process, guard, bypass, publish meters. Returns false if the node yielded NaN
	or infinity: it has been reset, and is bypassed until it has found its feet. thread: audio */
bool fb_instance_tick(fb_instance *instance, fb_tick *tick) FB_RT;

/** Forget all history, as freshly made: while nobody hears it. thread: audio */
void fb_instance_clear(fb_instance *instance) FB_RT;

/** All that is on its way arrives: while nobody hears it. thread: audio */
void fb_instance_arrive(fb_instance *instance) FB_RT;

/** Are all values finite? thread: any; rt: yes */
bool fb_tick_finite(const float *x) FB_RT;

/** The gain at position 0..1 of every fade: flat at both ends, so that no corner is heard where a
	straight line would have one. rt: yes */
static inline float fb_fade_gain(float position)
{
	return position * position * (3.0f - 2.0f * position);
}

/** Position a fade of at most `ms` moves by in a tick: in whole ticks, or it would have a corner. A
	little more than that, lest the sum fall short of the end and take a tick more. */
static inline float fb_fade_step(double ms, double rate_hz)
{
	return (float)((1.0 + 1e-6) / fmax(floor(ms * 1e-3 * rate_hz / FB_TICK), 1.0));
}

/** Crossfade over one tick: out = wet * out + (1 - wet) * dry, at positions from..to of a fade.
	rt: yes */
void fb_tick_blend(float *out, const float *dry, float from, float to) FB_RT;

#endif
