/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The second half of compiling: in what order the nodes run, and which buffer each signal is in.
	A buffer is used again as soon as its last reader has run. */
#include "compile_parts.h"

#include <stdlib.h>
#include <string.h>

enum {
	BUFFER_IN = 0,
	BUFFER_SILENCE = 2,
	BUFFERS_FIXED = 3,
	BUFFERS_MAX = BUFFERS_FIXED + ENDS + FB_SLOTS_MAX * FB_CHANNELS_MAX + FB_CHANNELS_MAX,
	END = FB_SLOTS_MAX, ///< stands for a step: the station's own end
};

/** Buffers are numbers until it is known how many there are. */
typedef struct layout {
	const draft *d;
	fb_plan *plan;
	uint32_t from[WIRES_MAX], to[WIRES_MAX]; ///< the steps each wire runs between
	uint32_t mix_src[WIRES_MAX], mix_dst[WIRES_MAX];
	uint32_t in[FB_SLOTS_MAX][FB_CHANNELS_MAX];   ///< buffers each step reads
	uint32_t out[FB_SLOTS_MAX][FB_CHANNELS_MAX];  ///< and writes
	uint32_t last[FB_SLOTS_MAX][FB_CHANNELS_MAX]; ///< step that reads an output last
	uint32_t end[ENDS];
	bool busy[BUFFERS_MAX];
} layout;

static uint32_t step_of(const draft *d, uint32_t serial)
{
	uint32_t i = 0;
	while (serial && d->node[i]->serial != serial) {
		i++;
	}
	return serial ? i : END;
}

/* --- order */

void fb_layout_sort(draft *d)
{
	uint64_t feeders[FB_SLOTS_MAX] = {0}, waiting = 0;
	fb_instance *sorted[FB_SLOTS_MAX];
	uint32_t placed = 0;
	for (uint32_t i = 0; i < d->n_wires; i++) {
		if (d->wire[i].from_serial && d->wire[i].to_serial) {
			feeders[step_of(d, d->wire[i].to_serial)] |= UINT64_C(1)
														 << step_of(d, d->wire[i].from_serial);
		}
	}
	for (uint32_t i = 0; i < d->n_nodes; i++) {
		waiting |= UINT64_C(1) << i;
	}
	while (waiting) {
		uint32_t i = 0;
		while (!(waiting >> i & 1) || (feeders[i] & waiting)) {
			i++;
		}
		waiting &= ~(UINT64_C(1) << i);
		sorted[placed++] = d->node[i];
	}
	memcpy(d->node, sorted, placed * sizeof *sorted);
}

/* --- buffers */

static uint32_t take_buffer(layout *l)
{
	uint32_t i = BUFFERS_FIXED;
	while (l->busy[i]) {
		i++;
	}
	l->busy[i] = true;
	if (i >= l->plan->n_buffers) {
		l->plan->n_buffers = i + 1;
	}
	return i;
}

static uint32_t source_buffer(const layout *l, uint32_t wire)
{
	uint32_t channel = l->d->wire[wire].from_channel;
	return l->from[wire] == END ? BUFFER_IN + channel : l->out[l->from[wire]][channel];
}

/** The buffer that feeds one input channel of a step; adds the mixes that fill it, unless the
	signal can be read where it is. */
static uint32_t feed(layout *l, uint32_t step, uint32_t channel, bool *own)
{
	const fb_wire *wires = l->d->wire, *only = NULL;
	uint32_t n = 0, source = BUFFER_SILENCE;
	*own = false;
	for (uint32_t i = 0; i < l->d->n_wires; i++) {
		if (l->to[i] == step && wires[i].to_channel == channel) {
			only = &wires[i];
			source = source_buffer(l, i);
			n++;
		}
	}
	if (!n || (n == 1 && !only->edge && only->start == 1.0f && only->end == 1.0f)) {
		return source;
	}
	uint32_t buffer = take_buffer(l);
	*own = true;
	for (uint32_t i = 0, done = 0; i < l->d->n_wires; i++) {
		if (l->to[i] == step && wires[i].to_channel == channel) {
			uint32_t m = l->plan->n_mixes++;
			l->plan->mix[m] = (fb_mix){.edge = wires[i].edge,
				.start = wires[i].start,
				.end = wires[i].end,
				.entry = wires[i].entry,
				.first = !done++};
			l->mix_src[m] = source_buffer(l, i);
			l->mix_dst[m] = buffer;
		}
	}
	return buffer;
}

static void release_read(layout *l, uint32_t step)
{
	for (uint32_t i = 0; i <= step; i++) {
		for (uint32_t c = 0; c < l->d->node[i]->n_out; c++) {
			if (l->last[i][c] == step) {
				l->busy[l->out[i][c]] = false;
			}
		}
	}
}

static void lay_step(layout *l, uint32_t index)
{
	fb_instance *node = l->d->node[index];
	fb_step *step = &l->plan->step[index];
	uint32_t own[FB_CHANNELS_MAX], n_own = 0, channel = 0;
	step->node = node;
	step->mix_first = l->plan->n_mixes;
	for (uint32_t port = 0; port < node->desc->n_inputs; port++) {
		for (uint32_t c = 0; c < node->desc->inputs[port].channels; c++, channel++) {
			bool is_own;
			uint32_t buffer = feed(l, index, channel, &is_own);
			l->in[index][channel] = buffer;
			step->connected |= buffer != BUFFER_SILENCE ? 1u << port : 0u;
			if (is_own) {
				own[n_own++] = buffer;
			}
		}
	}
	step->mix_count = l->plan->n_mixes - step->mix_first;
	for (uint32_t c = 0; c < node->n_out; c++) {
		l->out[index][c] = take_buffer(l);
	}
	for (uint32_t i = 0; i < n_own; i++) {
		l->busy[own[i]] = false;
	}
	release_read(l, index);
}

static void lay_all(layout *l)
{
	const draft *d = l->d;
	for (uint32_t i = 0; i < d->n_nodes; i++) {
		for (uint32_t c = 0; c < FB_CHANNELS_MAX; c++) {
			l->last[i][c] = i;
		}
	}
	for (uint32_t i = 0; i < d->n_wires; i++) {
		l->from[i] = step_of(d, d->wire[i].from_serial);
		l->to[i] = step_of(d, d->wire[i].to_serial);
		if (l->from[i] != END) {
			uint32_t *last = &l->last[l->from[i]][d->wire[i].from_channel];
			*last = l->to[i] > *last ? l->to[i] : *last;
		}
	}
	for (uint32_t i = 0; i < d->n_nodes; i++) {
		lay_step(l, i);
	}
	l->plan->mix_last = l->plan->n_mixes;
	for (uint32_t c = 0; c < ENDS; c++) {
		bool own;
		l->end[c] = feed(l, END, c, &own);
	}
}

/** From numbers to pointers. */
static void point(const layout *l)
{
	fb_plan *plan = l->plan;
	for (uint32_t i = 0; i < plan->n_mixes; i++) {
		plan->mix[i].src = plan->buffers + l->mix_src[i] * FB_TICK;
		plan->mix[i].dst = plan->buffers + l->mix_dst[i] * FB_TICK;
	}
	for (uint32_t i = 0; i < l->d->n_nodes; i++) {
		fb_step *step = &plan->step[i];
		for (uint32_t c = 0; c < step->node->n_in; c++) {
			step->in[c] = plan->buffers + l->in[i][c] * FB_TICK;
		}
		for (uint32_t c = 0; c < step->node->n_out; c++) {
			step->out[c] = plan->buffers + l->out[i][c] * FB_TICK;
		}
	}
	for (int c = 0; c < 2; c++) {
		plan->out[c] = plan->buffers + l->end[c] * FB_TICK;
		plan->dry[c] = plan->buffers + l->end[DRY + c] * FB_TICK;
	}
}

/* --- the whole */

static fb_plan *allocate(const draft *d, double rate_hz)
{
	fb_plan *plan = calloc(1, sizeof *plan);
	if (!plan) {
		return NULL;
	}
	plan->rate_hz = rate_hz;
	plan->latency = d->latency;
	plan->entry_ticks = d->entry_ticks;
	plan->fill_ticks = d->fill_ticks;
	plan->fade_ticks = d->fade_ticks;
	plan->n_buffers = BUFFERS_FIXED;
	plan->step = calloc(d->n_nodes + 1, sizeof *plan->step);
	plan->mix = calloc(d->n_wires + 1, sizeof *plan->mix);
	plan->wire = malloc((d->n_wires + 1) * sizeof *plan->wire);
	if (!plan->step || !plan->mix || !plan->wire) {
		fb_plan_destroy(plan);
		return NULL;
	}
	return plan;
}

/** From here on the plan's destruction lets go of them. */
static void hold_parts(fb_plan *plan, const draft *d)
{
	plan->n_steps = d->n_nodes;
	plan->n_wires = d->n_wires;
	memcpy(plan->wire, d->wire, d->n_wires * sizeof *plan->wire);
	for (uint32_t i = 0; i < d->n_nodes; i++) {
		d->node[i]->plans++;
	}
	for (uint32_t i = 0; i < d->n_wires; i++) {
		if (d->wire[i].edge) {
			d->wire[i].edge->plans++;
		}
	}
}

fb_plan *fb_layout_build(const draft *d, double rate_hz)
{
	fb_plan *plan = allocate(d, rate_hz);
	layout *l = calloc(1, sizeof *l);
	if (plan && l) {
		l->d = d;
		l->plan = plan;
		lay_all(l);
		size_t bytes = (size_t)plan->n_buffers * FB_TICK * sizeof(float);
		plan->buffers = aligned_alloc(FB_ALIGN, bytes);
		if (plan->buffers) {
			memset(plan->buffers, 0, bytes);
			point(l);
			hold_parts(plan, d);
			free(l);
			return plan;
		}
	}
	fb_plan_destroy(plan);
	free(l);
	return NULL;
}
