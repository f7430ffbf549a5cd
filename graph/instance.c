/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "instance.h"

#include <stdlib.h>
#include <string.h>

#define BYPASS_MS 10.0 /* long enough for no click, short enough to feel like a switch */

static void *alloc_touched(size_t bytes)
{
	bytes = (bytes + FB_ALIGN - 1) / FB_ALIGN * FB_ALIGN;
	void *block = aligned_alloc(FB_ALIGN, bytes ? bytes : FB_ALIGN);
	if (block) {
		memset(block, 0, bytes); /* so that audio never faults a page in */
	}
	return block;
}

static bool alloc_parts(fb_instance *in)
{
	size_t n = in->desc->n_params + 1, m = in->desc->n_meters + 1;
	in->prepared = calloc(n, sizeof *in->prepared);
	in->from = alloc_touched(n * sizeof *in->from);
	in->to = alloc_touched(n * sizeof *in->to);
	in->glide = alloc_touched(n * sizeof *in->glide);
	in->moving = alloc_touched(n * sizeof *in->moving);
	in->meter = alloc_touched(m * sizeof *in->meter);
	in->shown = alloc_touched(m * sizeof *in->shown);
	return in->prepared && in->from && in->to && in->glide && in->moving && in->meter && in->shown;
}

static fb_status prepare(fb_instance *in, const fb_stage *stage, fb_error *error)
{
	for (uint32_t i = 0; i < in->desc->n_params; i++) {
		float value = fb_param_fit(&in->desc->params[i], stage->values[i]);
		in->prepared[i] = in->from[i] = in->to[i] = in->glide[i].final = value;
	}
	in->self = alloc_touched(in->desc->instance_size(in->rate_hz, in->to));
	if (!in->self) {
		return fb_fail(error, FB_NO_MEMORY, stage->id, "out of memory");
	}
	if (!in->desc->prepare(in->self, in->rate_hz, in->to)) {
		free(in->self);
		in->self = NULL;
		return fb_fail(error, FB_INVALID, stage->id, "%s cannot work with these settings at %g Hz",
			in->desc->id, in->rate_hz);
	}
	in->latency = in->desc->latency ? in->desc->latency(in->self) : 0;
	for (int c = 0; c < 2; c++) {
		if (in->latency && !fb_align_init(&in->dry[c], in->latency)) {
			return fb_fail(error, FB_NO_MEMORY, stage->id, "out of memory");
		}
	}
	return FB_OK;
}

fb_status fb_instance_create(
	const fb_stage *stage, double rate_hz, fb_instance **out, fb_error *error)
{
	static uint32_t last_serial; /* control alone makes instances, but offline engines run beside */
	fb_instance *in = calloc(1, sizeof *in);
	if (!in) {
		return fb_fail(error, FB_NO_MEMORY, stage->id, "out of memory");
	}
	in->desc = stage->type;
	in->rate_hz = rate_hz;
	in->serial = __atomic_add_fetch(&last_serial, 1, __ATOMIC_RELAXED);
	memcpy(in->id, stage->id, sizeof in->id);
	in->n_in = fb_port_channels(in->desc->inputs, in->desc->n_inputs);
	in->n_out = fb_port_channels(in->desc->outputs, in->desc->n_outputs);
	in->wet_step = (float)(FB_TICK / (BYPASS_MS * 1e-3 * rate_hz));
	in->wet = in->wet_aim = stage->bypass ? 0.0f : 1.0f;
	fb_status status = alloc_parts(in) ? prepare(in, stage, error)
									   : fb_fail(error, FB_NO_MEMORY, stage->id, "out of memory");
	if (status) {
		fb_instance_destroy(in);
		return status;
	}
	*out = in;
	return FB_OK;
}

void fb_instance_destroy(fb_instance *in)
{
	if (!in) {
		return;
	}
	if (in->self && in->desc->finish) {
		in->desc->finish(in->self);
	}
	fb_align_finish(&in->dry[0]);
	fb_align_finish(&in->dry[1]);
	free(in->self);
	free(in->prepared);
	free(in->from);
	free(in->to);
	free(in->glide);
	free(in->moving);
	free(in->meter);
	free(in->shown);
	free(in);
}

bool fb_instance_serves(const fb_instance *in, const fb_stage *stage, double rate_hz)
{
	if (in->desc != stage->type || in->rate_hz != rate_hz || strcmp(in->id, stage->id)) {
		return false;
	}
	for (uint32_t i = 0; i < in->desc->n_params; i++) {
		bool fixed = in->desc->params[i].flags & FB_PARAM_REPREPARE;
		if (fixed && in->prepared[i] != stage->values[i]) {
			return false;
		}
	}
	return true;
}

void fb_instance_set(fb_instance *in, uint32_t param, float value, uint32_t ticks)
{
	const fb_param_info *info = &in->desc->params[param];
	if (ticks == UINT32_MAX) {
		ticks = fb_glide_ticks(info, in->rate_hz);
	}
	fb_glide_aim(&in->glide[param], info, in->to[param], value, ticks);
	for (uint32_t i = 0; i < in->n_moving; i++) {
		if (in->moving[i] == param) {
			return;
		}
	}
	in->moving[in->n_moving++] = (uint16_t)param;
}

void fb_instance_bypass(fb_instance *in, bool bypass)
{
	in->wet_aim = bypass ? 0.0f : 1.0f;
}

bool fb_tick_finite(const float *x)
{
	/* 0 * x is 0 for every finite x and NaN for the others; the sum vectorises */
	float sum = 0.0f;
	for (int i = 0; i < FB_TICK; i++) {
		sum += x[i] * 0.0f;
	}
	return sum == 0.0f;
}

void fb_tick_blend(float *out, const float *dry, float from, float to)
{
	float step = (to - from) / FB_TICK;
	for (int i = 0; i < FB_TICK; i++) {
		float wet = from + step * (float)(i + 1);
		out[i] = dry[i] + wet * (out[i] - dry[i]);
	}
}

static void glide_params(fb_instance *in)
{
	uint32_t still = 0;
	for (uint32_t i = 0; i < in->n_moving; i++) {
		uint16_t p = in->moving[i];
		if (fb_glide_tick(&in->glide[p], &in->desc->params[p], &in->from[p], &in->to[p])) {
			in->moving[still++] = p;
		}
	}
	in->n_moving = still;
}

/** Main output channel c is fed beside the node from main input channel c, or from the only one. */
static void blend_bypass(fb_instance *in, fb_tick *tick)
{
	static const float silence[FB_TICK];
	_Alignas(FB_ALIGN) float late[2][FB_TICK];
	uint32_t ins = in->desc->n_inputs ? in->desc->inputs[0].channels : 0;
	uint32_t outs = in->desc->outputs[0].channels;
	const float *dry[2] = {silence, silence};
	for (uint32_t c = 0; c < outs && ins; c++) {
		dry[c] = tick->in[c < ins ? c : 0];
		if (in->latency) {
			fb_align_tick(&in->dry[c], dry[c], late[c]);
			dry[c] = late[c];
		}
	}
	if (in->wet == 1.0f && in->wet_aim == 1.0f) {
		return;
	}
	float to = in->wet_aim > in->wet ? fminf(in->wet + in->wet_step, in->wet_aim)
									 : fmaxf(in->wet - in->wet_step, in->wet_aim);
	for (uint32_t c = 0; c < outs; c++) {
		if (in->wet == 0.0f && to == 0.0f) {
			memcpy(tick->out[c], dry[c], FB_TICK * sizeof(float));
		} else {
			fb_tick_blend(tick->out[c], dry[c], in->wet, to);
		}
	}
	in->wet = to;
}

bool fb_instance_tick(fb_instance *in, fb_tick *tick)
{
	bool finite = true;
	if (in->n_moving) {
		glide_params(in);
	}
	tick->from = in->from;
	tick->to = in->to;
	tick->meter = in->meter;
	in->desc->process(in->self, tick);
	for (uint32_t c = 0; c < in->n_out; c++) {
		finite = fb_tick_finite(tick->out[c]) && finite;
	}
	if (!finite) {
		in->desc->reset(in->self);
		for (uint32_t c = 0; c < in->n_out; c++) {
			memset(tick->out[c], 0, FB_TICK * sizeof(float));
		}
		atomic_fetch_add_explicit(&in->faults, 1, memory_order_relaxed);
	}
	if (in->latency || in->wet != 1.0f || in->wet_aim != 1.0f) {
		blend_bypass(in, tick);
	}
	for (uint32_t i = 0; i < in->desc->n_meters; i++) {
		float value = isfinite(in->meter[i]) ? in->meter[i] : in->desc->meters[i].min;
		atomic_store_explicit(&in->shown[i], value, memory_order_relaxed);
	}
	return finite;
}
