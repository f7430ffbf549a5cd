/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Running a plan, and its life. How it comes to be is in compile.c. */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

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

static void run_mix(const fb_mix *mix, float part_from, float part_to)
{
	_Alignas(FB_ALIGN) float late[FB_TICK];
	const float *src = mix->src;
	if (mix->edge) {
		fb_align_tick(&mix->edge->align, src, late);
		src = late;
	}
	float from = mix->start + (mix->end - mix->start) * part_from;
	float step = (mix->start + (mix->end - mix->start) * part_to - from) / FB_TICK;
	float *dst = mix->dst;
	if (mix->first) {
		for (int i = 0; i < FB_TICK; i++) {
			dst[i] = src[i] * (from + step * (float)(i + 1));
		}
	} else {
		for (int i = 0; i < FB_TICK; i++) {
			dst[i] += src[i] * (from + step * (float)(i + 1));
		}
	}
}

static float node_reduction(const fb_instance *node)
{
	float sum = 0.0f;
	for (uint32_t i = 0; i < node->desc->n_meters; i++) {
		if (node->desc->meters[i].flags & FB_METER_REDUCTION) {
			sum += node->meter[i] * node->wet;
		}
	}
	return isfinite(sum) ? sum : 0.0f;
}

bool fb_plan_tick(fb_plan *plan, uint64_t frame, float tempo, float *reduction_db)
{
	float part_from = 1.0f, part_to = 1.0f, reduction = 0.0f;
	bool sound = true;
	if (plan->faded < plan->fade_ticks) {
		part_from = (float)plan->faded / (float)plan->fade_ticks;
		plan->faded++;
		part_to = (float)plan->faded / (float)plan->fade_ticks;
	}
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		fb_step *step = &plan->step[i];
		for (uint32_t m = 0; m < step->mix_count; m++) {
			run_mix(&plan->mix[step->mix_first + m], part_from, part_to);
		}
		fb_tick tick = {.frame = frame,
			.in = step->in,
			.out = step->out,
			.connected = step->connected,
			.tempo = tempo};
		sound = fb_instance_tick(step->node, &tick) && sound;
		reduction += node_reduction(step->node);
	}
	for (uint32_t m = plan->mix_last; m < plan->n_mixes; m++) {
		run_mix(&plan->mix[m], part_from, part_to);
	}
	*reduction_db = reduction;
	return sound;
}
