/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Running a plan, and its life. How it comes to be is in compile.c. */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

enum { TIMED_EVERY = 7 };
#define NODE_STEP 0.01f /* of the mean of a node's times: it is that of the last half second */

fb_instance *fb_plan_find(const fb_plan *plan, const char *id)
{
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		if (!strcmp(plan->step[i].node->id, id)) {
			return plan->step[i].node;
		}
	}
	return NULL;
}

void fb_plan_destroy(fb_plan *plan)
{
	if (!plan) {
		return;
	}
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		if (!--plan->step[i].node->plans) {
			fb_instance_destroy(plan->step[i].node);
		}
	}
	for (uint32_t i = 0; i < plan->n_wires; i++) {
		fb_edge *edge = plan->wire[i].edge;
		if (edge && !--edge->plans) {
			fb_align_finish(&edge->align);
			free(edge);
		}
	}
	free(plan->step);
	free(plan->mix);
	free(plan->wire);
	free(plan->buffers);
	free(plan);
}

/** The two fades of an edit at each frame of a tick, 0..1. */
typedef struct curves {
	float entry[FB_TICK], fade[FB_TICK];
} curves;

/** A fade of `ticks` at the tick that is `done` ticks past its start. */
static void draw_curve(float curve[FB_TICK], uint32_t done, uint32_t ticks)
{
	float at = 1.0f, step = 0.0f;
	if (done < ticks) {
		at = (float)done / (float)ticks;
		step = 1.0f / (float)(ticks * FB_TICK);
	}
	for (int i = 0; i < FB_TICK; i++) {
		curve[i] = fb_fade_gain(fminf(at + step * (float)(i + 1), 1.0f));
	}
}

static void draw_curves(fb_plan *plan, curves *c)
{
	draw_curve(c->entry, plan->done, plan->entry_ticks);
	if (plan->done < plan->fill_ticks) {
		memset(c->fade, 0, sizeof c->fade);
	} else {
		draw_curve(c->fade, plan->done - plan->fill_ticks, plan->fade_ticks);
	}
	plan->done += !fb_plan_faded(plan);
}

/** c: NULL outside of edits. */
static void run_mix(const fb_mix *mix, const curves *c)
{
	_Alignas(FB_ALIGN) float weighted[FB_TICK];
	const float *src = mix->src;
	if (!c && mix->first && mix->end == 1.0f) { /* nearly all of them: a copy */
		if (mix->edge) {
			fb_align_tick(&mix->edge->align, src, mix->dst);
		} else {
			memcpy(mix->dst, src, sizeof weighted);
		}
		return;
	}
	if (mix->edge) {
		fb_align_tick(&mix->edge->align, src, weighted);
		src = weighted;
	}
	if (c && mix->start != mix->end) {
		const float *curve = mix->entry ? c->entry : c->fade;
		float change = mix->end - mix->start;
		for (int i = 0; i < FB_TICK; i++) {
			weighted[i] = src[i] * (mix->start + change * curve[i]);
		}
	} else {
		for (int i = 0; i < FB_TICK; i++) {
			weighted[i] = src[i] * mix->end;
		}
	}
	if (mix->first) {
		memcpy(mix->dst, weighted, sizeof weighted);
	} else {
		for (int i = 0; i < FB_TICK; i++) {
			mix->dst[i] += weighted[i];
		}
	}
}

static float node_reduction(const fb_instance *node)
{
	float sum = 0.0f;
	for (uint32_t i = 0; i < node->desc->n_meters; i++) {
		if (node->desc->meters[i].flags & FB_METER_REDUCTION) {
			sum += node->meter[i] * fb_fade_gain(node->wet);
		}
	}
	return isfinite(sum) ? sum : 0.0f;
}

/** Of a tick, with its time. */
static bool run_timed(fb_instance *node, fb_tick *tick, uint32_t era)
{
	uint64_t began = fb_clock_now();
	bool sound = fb_instance_tick(node, tick);
	fb_load_add(&node->load, (float)(fb_clock_now() - began), NODE_STEP, era);
	return sound;
}

bool fb_plan_tick(fb_plan *plan, uint64_t frame, float tempo, uint32_t era, float *reduction_db)
{
	bool timed = frame / FB_TICK % TIMED_EVERY == 0;
	curves fading, *c = NULL;
	float reduction = 0.0f;
	bool sound = true;
	if (plan->next) {
		c = &fading;
		draw_curves(plan, c);
	}
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		fb_step *step = &plan->step[i];
		for (uint32_t m = 0; m < step->mix_count; m++) {
			run_mix(&plan->mix[step->mix_first + m], c);
		}
		fb_tick tick = {.frame = frame,
			.in = step->in,
			.out = step->out,
			.connected = step->connected,
			.tempo = tempo};
		bool well = timed ? run_timed(step->node, &tick, era) : fb_instance_tick(step->node, &tick);
		if (!well) {
			sound = false;
			plan->faulty = step->node->serial;
		}
		reduction += node_reduction(step->node);
	}
	for (uint32_t m = plan->mix_last; m < plan->n_mixes; m++) {
		run_mix(&plan->mix[m], c);
	}
	*reduction_db = reduction;
	return sound;
}

void fb_plan_clear(fb_plan *plan, uint32_t at)
{
	if (at < plan->n_steps) {
		fb_instance_clear(plan->step[at].node);
		return;
	}
	for (uint32_t i = 0; i < plan->n_mixes; i++) {
		if (plan->mix[i].edge) {
			fb_align_clear(&plan->mix[i].edge->align);
		}
	}
}
