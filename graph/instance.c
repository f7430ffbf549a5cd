/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "instance.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BYPASS_MS 10.0 /* long enough for no click, short enough to feel like a switch */

static void *alloc_touched(size_t bytes)
{
	if (bytes > SIZE_MAX / 2) {
		return NULL;
	}
	bytes = (bytes + FB_ALIGN - 1) / FB_ALIGN * FB_ALIGN;
	bytes = bytes ? bytes : FB_ALIGN;
	void *block = aligned_alloc(FB_ALIGN, bytes);
	if (block) {
		memset(block, 0, bytes); /* so that audio never faults a page in */
	}
	return block;
}

/** Room for the node itself. A node that touches what it needs gets pages of its own: the heap
	would give it some that others have left, which take memory already. */
static void *alloc_self(const fb_node_desc *desc, size_t bytes)
{
	if (!desc->provide) {
		return alloc_touched(bytes);
	}
	void *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return block == MAP_FAILED ? NULL : block;
}

static void free_self(fb_instance *in)
{
	if (in->self && in->desc->provide) {
		munmap(in->self, in->bytes);
	} else {
		free(in->self);
	}
	in->self = NULL;
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
	bool whole =
		in->prepared && in->from && in->to && in->glide && in->moving && in->meter && in->shown;
	for (uint32_t i = 0; whole && i < in->desc->n_meters; i++) {
		in->meter[i] = in->desc->meters[i].min;
		atomic_init(&in->shown[i], in->meter[i]);
	}
	return whole;
}

static fb_status prepare(fb_instance *in, const fb_stage *stage, fb_error *error)
{
	for (uint32_t i = 0; i < in->desc->n_params; i++) {
		float value = fb_param_fit(&in->desc->params[i], stage->values[i]);
		in->prepared[i] = in->from[i] = in->to[i] = in->glide[i].final = value;
	}
	in->bytes = in->desc->instance_size(in->rate_hz, in->to);
	in->self = alloc_self(in->desc, in->bytes);
	if (!in->self) {
		return fb_fail(error, FB_NO_MEMORY, stage->id, "out of memory");
	}
	if (!in->desc->prepare(in->self, in->rate_hz, in->to)) {
		free_self(in);
		return fb_fail(error, FB_INVALID, stage->id, "%s cannot work with these settings at %g Hz",
			in->desc->id, in->rate_hz);
	}
	fb_instance_provide(in, in->to);
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
	in->wet_step = fb_fade_step(BYPASS_MS, rate_hz);
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
	free_self(in);
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
		const fb_param_info *info = &in->desc->params[i];
		if ((info->flags & FB_PARAM_REPREPARE) &&
			in->prepared[i] != fb_param_fit(info, stage->values[i])) {
			return false;
		}
	}
	return true;
}

void fb_instance_provide(const fb_instance *in, const float *values)
{
	if (in->desc->provide) {
		in->desc->provide(in->self, values);
	}
}

void fb_instance_set(fb_instance *in, uint32_t param, float value, uint32_t ticks)
{
	const fb_param_info *info = &in->desc->params[param];
	if (info->flags & FB_PARAM_REPREPARE) {
		return;
	}
	uint32_t own = fb_glide_ticks(info, in->rate_hz);
	if (ticks == UINT32_MAX) {
		if (in->glide[param].final == fb_param_fit(info, value)) {
			return;
		}
		ticks = own;
	}
	fb_glide_aim(&in->glide[param], info, in->to[param], value, ticks, own);
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
	/* Magnitudes as whole numbers, for a sum of floats does not vectorise: one past the largest
	   finite one makes the difference negative. No comparison, whose masks would cost as much
	   again. */
	const uint32_t magnitude = 0x7fffffffu, largest = 0x7f7fffffu;
	uint32_t past = 0;
	for (int i = 0; i < FB_TICK; i++) {
		uint32_t bits;
		memcpy(&bits, &x[i], sizeof bits);
		past |= largest - (bits & magnitude);
	}
	return !(past >> 31);
}

void fb_tick_blend(float *out, const float *dry, float from, float to)
{
	float step = (to - from) / FB_TICK;
	for (int i = 0; i < FB_TICK; i++) {
		float wet = fb_fade_gain(from + step * (float)(i + 1));
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

/** What the main output's channel c gets while the node is bypassed, as a connection would give it:
	like from like, both from one, one as the mean of both. `mean` is room for that. */
static const float *dry_input(
	const fb_instance *in, const fb_tick *tick, uint32_t c, float mean[FB_TICK])
{
	static const float silence[FB_TICK];
	uint32_t ins = in->desc->n_inputs ? in->desc->inputs[0].channels : 0;
	if (!ins) {
		return silence;
	}
	if (ins > in->desc->outputs[0].channels) {
		for (int i = 0; i < FB_TICK; i++) {
			mean[i] = 0.5f * (tick->in[0][i] + tick->in[1][i]);
		}
		return mean;
	}
	return tick->in[c < ins ? c : 0];
}

static void blend_bypass(fb_instance *in, const fb_tick *tick)
{
	_Alignas(FB_ALIGN) float mean[FB_TICK], late[FB_TICK];
	float aim = in->refill ? 0.0f : in->wet_aim;
	float to =
		aim > in->wet ? fminf(in->wet + in->wet_step, aim) : fmaxf(in->wet - in->wet_step, aim);
	for (uint32_t c = 0; c < in->desc->outputs[0].channels; c++) {
		const float *dry = dry_input(in, tick, c, mean);
		if (in->latency) {
			fb_align_tick(&in->dry[c], dry, late); /* always, so that it is there when needed */
			dry = late;
		}
		if (in->wet == 0.0f && to == 0.0f) {
			memcpy(tick->out[c], dry, FB_TICK * sizeof *dry);
		} else if (in->wet != 1.0f || to != 1.0f) {
			fb_tick_blend(tick->out[c], dry, in->wet, to);
		}
	}
	in->wet = to;
	in->refill -= in->refill > 0;
}

/** After NaN or infinity: forget it all. The main output becomes the node's input at once, for
	silence would be a gap, and the node is heard again once its delays have filled. */
static void recover(fb_instance *in, const fb_tick *tick)
{
	in->desc->reset(in->self);
	for (uint32_t c = 0; c < in->n_out; c++) {
		memset(tick->out[c], 0, FB_TICK * sizeof(float));
	}
	in->wet = 0.0f;
	in->refill = in->latency / FB_TICK + 2;
	atomic_fetch_add_explicit(&in->faults, 1, memory_order_relaxed);
}

void fb_instance_clear(fb_instance *in)
{
	in->desc->reset(in->self);
	for (int c = 0; c < 2 && in->latency; c++) {
		fb_align_clear(&in->dry[c]);
	}
	in->refill = 0;
	for (uint32_t i = 0; i < in->desc->n_meters; i++) {
		in->meter[i] = in->desc->meters[i].min;
		atomic_store_explicit(&in->shown[i], in->meter[i], memory_order_relaxed);
	}
}

void fb_instance_arrive(fb_instance *in)
{
	for (uint32_t i = 0; i < in->n_moving; i++) {
		uint16_t p = in->moving[i];
		in->glide[p].ticks = 0;
		in->from[p] = in->to[p] = in->glide[p].final;
	}
	in->n_moving = 0;
	in->wet = in->wet_aim;
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
		recover(in, tick);
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
