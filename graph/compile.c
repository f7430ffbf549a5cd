/* SPDX-License-Identifier: GPL-3.0-or-later */
/** From a patch to a plan: which instances serve it, which wires run between them, how late each
	must be, in what order and in which buffers. */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

enum {
	WIRES_MAX = 2 * (2 * FB_LINKS_MAX + 2),
	DRY = 2, ///< first dry channel of the station's end
	ENDS = 4,
	BUFFER_IN = 0,
	BUFFER_SILENCE = 2,
	BUFFERS_FIXED = 3,
	BUFFERS_MAX = BUFFERS_FIXED + ENDS + FB_SLOTS_MAX * FB_CHANNELS_MAX + FB_CHANNELS_MAX,
};

/** Nodes and wires of one plan to be. */
typedef struct draft {
	fb_instance *node[FB_SLOTS_MAX]; ///< in the order they run, once sorted
	uint32_t n_nodes;
	fb_wire wire[WIRES_MAX];
	uint32_t n_wires;
	uint32_t latency;
} draft;

/* --- instances */

static bool holds(const draft *d, const fb_instance *node)
{
	for (uint32_t i = 0; i < d->n_nodes; i++) {
		if (d->node[i] == node) {
			return true;
		}
	}
	return false;
}

/** An instance for each stage: the living one where it serves and `keep` allows, else a new one. */
static fb_status gather(draft *d, const fb_patch *patch, double rate_hz, const fb_plan *live,
	bool keep, fb_error *error)
{
	for (uint32_t i = 0; i < patch->n_stages; i++) {
		const fb_stage *stage = &patch->stage[i];
		fb_instance *node = live && keep ? fb_plan_find(live, stage->id) : NULL;
		if (!node || !fb_instance_serves(node, stage, rate_hz)) {
			fb_status status = fb_instance_create(stage, rate_hz, &node, error);
			if (status) {
				return status;
			}
		}
		d->node[d->n_nodes++] = node;
	}
	return FB_OK;
}

/** Free the instances that no plan holds: those made for a draft that failed. */
static void drop_unused(draft *d)
{
	for (uint32_t i = 0; i < d->n_nodes; i++) {
		if (!d->node[i]->plans) {
			fb_instance_destroy(d->node[i]);
		}
	}
	d->n_nodes = 0;
}

/* --- wires */

static uint32_t first_channel(const fb_port_info *ports, uint32_t port)
{
	return fb_port_channels(ports, port);
}

/** How late each stage's output is: its longest way in, and its own latency. */
static void measure_latency(
	const fb_patch *patch, const draft *d, const uint32_t *order, uint32_t *in_late, uint32_t *late)
{
	for (uint32_t k = 0; k < patch->n_stages; k++) {
		uint32_t stage = order[k];
		in_late[stage] = 0;
		for (uint32_t i = 0; i < patch->n_links; i++) {
			const fb_link *link = &patch->link[i];
			if (link->to == (int)stage && link->from >= 0 && late[link->from] > in_late[stage]) {
				in_late[stage] = late[link->from];
			}
		}
		late[stage] = in_late[stage] + d->node[stage]->latency;
	}
}

static void add_wire(draft *d, const fb_instance *from, uint32_t from_channel,
	const fb_instance *to, uint32_t to_channel, uint32_t delay, float weight)
{
	d->wire[d->n_wires++] = (fb_wire){from ? from->serial : 0, to ? to->serial : 0, from_channel,
		to_channel, delay, weight, weight, NULL};
}

/** A connection's channels: like to like, one to both, both to one as their mean. */
static void add_link(draft *d, const fb_link *link, uint32_t delay)
{
	const fb_instance *from = link->from >= 0 ? d->node[link->from] : NULL;
	const fb_instance *to = link->to >= 0 ? d->node[link->to] : NULL;
	uint32_t outs = from ? from->desc->outputs[link->from_port].channels : 2;
	uint32_t ins = to ? to->desc->inputs[link->to_port].channels : 2;
	uint32_t from_channel = from ? first_channel(from->desc->outputs, link->from_port) : 0;
	uint32_t to_channel = to ? first_channel(to->desc->inputs, link->to_port) : 0;
	float weight = outs > ins ? link->weight * 0.5f : link->weight;
	for (uint32_t c = 0; c < (outs > ins ? outs : ins); c++) {
		add_wire(d, from, from_channel + (c < outs ? c : 0), to, to_channel + (c < ins ? c : 0),
			delay, weight);
	}
}

static fb_status wire_up(draft *d, const fb_patch *patch, fb_error *error)
{
	uint32_t order[FB_STAGES_MAX], in_late[FB_STAGES_MAX], late[FB_STAGES_MAX];
	fb_status status = fb_patch_order(patch, order, error);
	if (status) {
		return status;
	}
	measure_latency(patch, d, order, in_late, late);
	for (uint32_t i = 0; i < patch->n_links; i++) {
		const fb_link *link = &patch->link[i];
		if (link->to == FB_PATCH_OUT && link->from >= 0 && late[link->from] > d->latency) {
			d->latency = late[link->from];
		}
	}
	for (uint32_t i = 0; i < patch->n_links; i++) {
		const fb_link *link = &patch->link[i];
		uint32_t wanted = link->to >= 0 ? in_late[link->to] : d->latency;
		add_link(d, link, wanted - (link->from >= 0 ? late[link->from] : 0));
	}
	add_wire(d, NULL, 0, NULL, DRY, d->latency, 1.0f);
	add_wire(d, NULL, 1, NULL, DRY + 1, d->latency, 1.0f);
	return FB_OK;
}

static bool same_wire(const fb_wire *a, const fb_wire *b)
{
	return a->from_serial == b->from_serial && a->to_serial == b->to_serial &&
		   a->from_channel == b->from_channel && a->to_channel == b->to_channel &&
		   a->delay == b->delay;
}

/** Delays for the wires that need one; a wire that `live` has too keeps its delay's content. */
static fb_status give_delays(draft *d, const fb_plan *live, fb_error *error)
{
	for (uint32_t i = 0; i < d->n_wires; i++) {
		fb_wire *wire = &d->wire[i];
		for (uint32_t k = 0; live && k < live->n_wires; k++) {
			if (same_wire(wire, &live->wire[k])) {
				wire->edge = live->wire[k].edge;
			}
		}
		if (wire->delay && !wire->edge) {
			wire->edge = calloc(1, sizeof *wire->edge);
			if (!wire->edge || !fb_align_init(&wire->edge->align, wire->delay)) {
				return fb_fail(error, FB_NO_MEMORY, "plan", "out of memory");
			}
		}
	}
	return FB_OK;
}

static void drop_delays(draft *d)
{
	for (uint32_t i = 0; i < d->n_wires; i++) {
		fb_edge *edge = d->wire[i].edge;
		if (edge && !edge->plans) {
			fb_align_finish(&edge->align);
			free(edge);
		}
	}
	d->n_wires = 0;
}

/* --- the union of before and after */

static bool has_serial(fb_instance *const *node, uint32_t n, uint32_t serial)
{
	for (uint32_t i = 0; i < n; i++) {
		if (node[i]->serial == serial) {
			return true;
		}
	}
	return false;
}

static bool live_has(const fb_plan *live, uint32_t serial)
{
	for (uint32_t i = 0; i < live->n_steps; i++) {
		if (live->step[i].node->serial == serial) {
			return true;
		}
	}
	return false;
}

/** Wires into what stays (nodes on both sides, the station's out) fade; wires into what comes or
	goes have their full weight, since its output fades already. */
static void unite(draft *u, const draft *after, const fb_plan *live)
{
	*u = *after;
	for (uint32_t i = 0; i < live->n_steps; i++) {
		if (!holds(after, live->step[i].node)) {
			u->node[u->n_nodes++] = live->step[i].node;
		}
	}
	for (uint32_t i = 0; i < u->n_wires; i++) {
		fb_wire *wire = &u->wire[i];
		bool to_stays = !wire->to_serial || live_has(live, wire->to_serial);
		wire->start = to_stays ? 0.0f : wire->end;
		for (uint32_t k = 0; k < live->n_wires; k++) {
			if (same_wire(wire, &live->wire[k])) {
				wire->start = live->wire[k].end;
			}
		}
	}
	for (uint32_t k = 0; k < live->n_wires; k++) {
		bool in_both = false;
		for (uint32_t i = 0; i < after->n_wires; i++) {
			in_both = in_both || same_wire(&after->wire[i], &live->wire[k]);
		}
		if (!in_both) {
			const fb_wire *old = &live->wire[k];
			bool to_stays =
				!old->to_serial || has_serial(after->node, after->n_nodes, old->to_serial);
			u->wire[u->n_wires] = *old;
			u->wire[u->n_wires].start = old->end;
			u->wire[u->n_wires++].end = to_stays ? 0.0f : old->end;
		}
	}
}

/** Is the graph the same, so that no fade is needed? */
static bool unchanged(const draft *u)
{
	for (uint32_t i = 0; i < u->n_wires; i++) {
		if (u->wire[i].start != u->wire[i].end) {
			return false;
		}
	}
	return true;
}

/* --- order */

static bool fed(const draft *d, uint32_t serial, uint32_t n_placed)
{
	for (uint32_t i = 0; i < d->n_wires; i++) {
		const fb_wire *wire = &d->wire[i];
		if (wire->to_serial == serial && wire->from_serial &&
			!has_serial(d->node, n_placed, wire->from_serial)) {
			return false;
		}
	}
	return true;
}

/** Put the nodes in an order in which each comes after its feeders. false if there is a loop. */
static bool sort_nodes(draft *d)
{
	for (uint32_t placed = 0; placed < d->n_nodes; placed++) {
		uint32_t i = placed;
		while (i < d->n_nodes && !fed(d, d->node[i]->serial, placed)) {
			i++;
		}
		if (i == d->n_nodes) {
			return false;
		}
		fb_instance *next = d->node[i];
		memmove(&d->node[placed + 1], &d->node[placed], (i - placed) * sizeof next);
		d->node[placed] = next;
	}
	return true;
}

/* --- buffers */

/** Where signals live while the plan is laid out. */
typedef struct layout {
	const draft *d;
	fb_plan *plan;
	uint32_t out_buffer[FB_SLOTS_MAX][FB_CHANNELS_MAX]; ///< of each node
	bool busy[BUFFERS_MAX];
} layout;

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

static uint32_t index_of(const draft *d, uint32_t serial)
{
	uint32_t i = 0;
	while (d->node[i]->serial != serial) {
		i++;
	}
	return i;
}

static uint32_t source_buffer(const layout *l, const fb_wire *wire)
{
	return wire->from_serial ? l->out_buffer[index_of(l->d, wire->from_serial)][wire->from_channel]
							 : BUFFER_IN + wire->from_channel;
}

/** The buffer that feeds one input channel; adds the mixes that fill it. Buffers are kept as
	offsets until their number is known: the pointers hold index + 1 meanwhile. */
static uint32_t feed(layout *l, uint32_t to_serial, uint32_t to_channel, bool *own)
{
	const draft *d = l->d;
	const fb_wire *only = NULL;
	uint32_t n = 0;
	*own = false;
	for (uint32_t i = 0; i < d->n_wires; i++) {
		const fb_wire *wire = &d->wire[i];
		if (wire->to_serial == to_serial && wire->to_channel == to_channel) {
			only = wire;
			n++;
		}
	}
	if (!n) {
		return BUFFER_SILENCE;
	}
	if (n == 1 && !only->edge && only->start == 1.0f && only->end == 1.0f) {
		return source_buffer(l, only);
	}
	uint32_t buffer = take_buffer(l);
	bool first = true;
	*own = true;
	for (uint32_t i = 0; i < d->n_wires; i++) {
		const fb_wire *wire = &d->wire[i];
		if (wire->to_serial == to_serial && wire->to_channel == to_channel) {
			l->plan->mix[l->plan->n_mixes++] =
				(fb_mix){(const float *)((uintptr_t)source_buffer(l, wire) + 1),
					(float *)((uintptr_t)buffer + 1), wire->edge, wire->start, wire->end, first};
			first = false;
		}
	}
	return buffer;
}

/** Is an output channel still wanted by a node after `step`, or by the station's end? */
static bool wanted_after(const draft *d, uint32_t serial, uint32_t channel, uint32_t step)
{
	for (uint32_t i = 0; i < d->n_wires; i++) {
		const fb_wire *wire = &d->wire[i];
		if (wire->from_serial == serial && wire->from_channel == channel &&
			(!wire->to_serial || index_of(d, wire->to_serial) > step)) {
			return true;
		}
	}
	return false;
}

static void release_done(layout *l, uint32_t step)
{
	for (uint32_t i = 0; i <= step; i++) {
		const fb_instance *node = l->d->node[i];
		for (uint32_t c = 0; c < node->n_out; c++) {
			/* a buffer freed before may be someone else's by now: owner 0 marks it as let go */
			if (l->out_buffer[i][c] && !wanted_after(l->d, node->serial, c, step)) {
				l->busy[l->out_buffer[i][c]] = false;
				l->out_buffer[i][c] = 0;
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
			uint32_t buffer = feed(l, node->serial, channel, &is_own);
			step->in[channel] = (const float *)((uintptr_t)buffer + 1);
			step->connected |= buffer != BUFFER_SILENCE ? 1u << port : 0u;
			if (is_own) {
				own[n_own++] = buffer;
			}
		}
	}
	step->mix_count = l->plan->n_mixes - step->mix_first;
	for (uint32_t c = 0; c < node->n_out; c++) {
		l->out_buffer[index][c] = take_buffer(l);
		step->out[c] = (float *)((uintptr_t)l->out_buffer[index][c] + 1);
	}
	for (uint32_t i = 0; i < n_own; i++) {
		l->busy[own[i]] = false;
	}
	release_done(l, index);
}

/** Turn "index + 1" into the pointer it stands for. */
static float *resolve(const fb_plan *plan, const float *coded)
{
	return plan->buffers + ((uintptr_t)coded - 1) * FB_TICK;
}

static void resolve_all(fb_plan *plan)
{
	for (uint32_t i = 0; i < plan->n_mixes; i++) {
		plan->mix[i].src = resolve(plan, plan->mix[i].src);
		plan->mix[i].dst = resolve(plan, plan->mix[i].dst);
	}
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		fb_step *step = &plan->step[i];
		for (uint32_t c = 0; c < step->node->n_in; c++) {
			step->in[c] = resolve(plan, step->in[c]);
		}
		for (uint32_t c = 0; c < step->node->n_out; c++) {
			step->out[c] = resolve(plan, step->out[c]);
		}
	}
	for (int c = 0; c < 2; c++) {
		plan->out[c] = resolve(plan, plan->out[c]);
		plan->dry[c] = resolve(plan, plan->dry[c]);
	}
}

static void lay_ends(layout *l)
{
	bool own;
	l->plan->mix_last = l->plan->n_mixes;
	for (uint32_t c = 0; c < 2; c++) {
		l->plan->out[c] = (const float *)((uintptr_t)feed(l, 0, c, &own) + 1);
	}
	for (uint32_t c = 0; c < 2; c++) {
		l->plan->dry[c] = (const float *)((uintptr_t)feed(l, 0, DRY + c, &own) + 1);
	}
}

static fb_plan *allocate(const draft *d, double rate_hz)
{
	fb_plan *plan = calloc(1, sizeof *plan);
	if (!plan) {
		return NULL;
	}
	plan->rate_hz = rate_hz;
	plan->latency = d->latency;
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

/** Lay a sorted draft out as a plan, which then holds its nodes and delays. */
static fb_plan *build(const draft *d, double rate_hz)
{
	fb_plan *plan = allocate(d, rate_hz);
	layout *l = calloc(1, sizeof *l);
	if (!plan || !l) {
		fb_plan_destroy(plan);
		free(l);
		return NULL;
	}
	l->d = d;
	l->plan = plan;
	for (uint32_t i = 0; i < d->n_nodes; i++) {
		lay_step(l, i);
	}
	lay_ends(l);
	free(l);
	size_t bytes = (size_t)plan->n_buffers * FB_TICK * sizeof(float);
	plan->buffers = aligned_alloc(FB_ALIGN, bytes);
	if (!plan->buffers) {
		fb_plan_destroy(plan);
		return NULL;
	}
	memset(plan->buffers, 0, bytes);
	plan->n_steps = d->n_nodes;
	resolve_all(plan);
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
	return plan;
}

/* --- the whole */

/** Nodes and wires of the patch. keep false: no instance or delay of `live` is used again. */
static fb_status make_draft(draft *d, const fb_patch *patch, double rate_hz, const fb_plan *live,
	bool keep, fb_error *error)
{
	memset(d, 0, sizeof *d);
	fb_status status = gather(d, patch, rate_hz, live, keep, error);
	if (!status) {
		status = wire_up(d, patch, error);
	}
	if (!status) {
		status = give_delays(d, live, error);
	}
	return status;
}

fb_status fb_plan_compile(const fb_patch *patch, double rate_hz, const fb_plan *live,
	double fade_ms, fb_plan **out, fb_error *error)
{
	draft *after = calloc(2, sizeof *after);
	fb_plan *final = NULL, *fading = NULL;
	if (!after) {
		return fb_fail(error, FB_NO_MEMORY, "plan", "out of memory");
	}
	draft *both = after + 1;
	fb_status status = make_draft(after, patch, rate_hz, live, true, error);
	if (!status && live) {
		unite(both, after, live);
		if (!sort_nodes(both)) {
			/* nodes that stay but change places can close a loop while both orders are heard:
			   then everything comes new and the whole station crossfades */
			drop_unused(after);
			drop_delays(after);
			status = make_draft(after, patch, rate_hz, live, false, error);
			if (!status) {
				unite(both, after, live);
				(void)sort_nodes(both); /* two disjoint graphs without loops */
			}
		}
	}
	if (!status) {
		(void)sort_nodes(after); /* wire_up has refused loops */
		final = build(after, rate_hz);
		fading = final && live && !unchanged(both) ? build(both, rate_hz) : NULL;
		if (!final || (live && !unchanged(both) && !fading)) {
			if (final) {
				fb_plan_destroy(final); /* and with it all that the draft holds */
				after->n_nodes = after->n_wires = 0;
			}
			status = fb_fail(error, FB_NO_MEMORY, "plan", "out of memory");
		}
	}
	if (status) {
		drop_unused(after);
		drop_delays(after);
	} else if (fading) {
		fading->fade_ticks = (uint32_t)ceil(fmax(fade_ms, 0.0) * 1e-3 * rate_hz / FB_TICK);
		fading->fade_ticks += !fading->fade_ticks;
		fading->next = final;
		*out = fading;
	} else {
		*out = final;
	}
	free(after);
	return status;
}
