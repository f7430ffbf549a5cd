/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The first half of compiling a patch: which instances serve it, which wires run between them and
	how late each must be, and the union of before and after. The second half is in layout.c. */
#include "compile_parts.h"

#include <stdlib.h>
#include <string.h>

#define ENTRY_MS 20.0 /* the input of a new node fades in; longer edits need no longer for that */

/* --- which living instances go on */

/** The graph of before and after as one, stage by stage: feeders[v] are the bits of what feeds v.
	A stage that is kept is one vertex, any other one before and one after. */
typedef struct joint {
	uint64_t feeders[FB_SLOTS_MAX];
	uint32_t n;
} joint;

static uint32_t vertex_of(const fb_plan *live, fb_instance *const *kept, uint32_t stage)
{
	uint32_t i = 0;
	while (kept[stage] && live->step[i].node != kept[stage]) {
		i++;
	}
	return kept[stage] ? i : live->n_steps + stage;
}

static uint32_t step_of(const fb_plan *plan, uint32_t serial)
{
	uint32_t i = 0;
	while (plan->step[i].node->serial != serial) {
		i++;
	}
	return i;
}

static void join(joint *j, const fb_patch *patch, const fb_plan *live, fb_instance *const *kept)
{
	memset(j, 0, sizeof *j);
	j->n = live->n_steps + patch->n_stages;
	for (uint32_t i = 0; i < live->n_wires; i++) {
		const fb_wire *wire = &live->wire[i];
		if (wire->from_serial && wire->to_serial) {
			j->feeders[step_of(live, wire->to_serial)] |= UINT64_C(1)
														  << step_of(live, wire->from_serial);
		}
	}
	for (uint32_t i = 0; i < patch->n_links; i++) {
		const fb_link *link = &patch->link[i];
		if (link->from >= 0 && link->to >= 0) {
			j->feeders[vertex_of(live, kept, (uint32_t)link->to)] |=
				UINT64_C(1) << vertex_of(live, kept, (uint32_t)link->from);
		}
	}
}

/** The vertices on loops, and between two loops: those left when what has no feeder or no follower
	is taken away until nothing more can be. */
static uint64_t loops(const joint *j)
{
	uint64_t left = j->n < 64 ? (UINT64_C(1) << j->n) - 1 : UINT64_MAX, before;
	do {
		uint64_t feeding = 0;
		before = left;
		for (uint32_t v = 0; v < j->n; v++) {
			feeding |= left >> v & 1 ? j->feeders[v] : 0;
		}
		for (uint32_t v = 0; v < j->n; v++) {
			if (!(j->feeders[v] & left) || !(feeding >> v & 1)) {
				left &= ~(UINT64_C(1) << v);
			}
		}
	} while (left != before);
	return left;
}

/** Nodes that stay but change places close a loop while both orders are heard, and one of each loop
	must come new. Of those that alone would do, the one with the least to forget: its memory is a
	fair measure of a tail. */
static uint32_t choose_new(
	const fb_patch *patch, const fb_plan *live, fb_instance **kept, uint64_t looped)
{
	uint32_t best = 0;
	bool best_does = false;
	size_t best_bytes = SIZE_MAX;
	for (uint32_t i = 0; i < patch->n_stages; i++) {
		fb_instance *node = kept[i];
		joint j;
		if (!node || !(looped >> vertex_of(live, kept, i) & 1)) {
			continue;
		}
		kept[i] = NULL;
		join(&j, patch, live, kept);
		kept[i] = node;
		bool does = !loops(&j);
		if ((does && !best_does) || (does == best_does && node->bytes < best_bytes)) {
			best = i;
			best_does = does;
			best_bytes = node->bytes;
		}
	}
	return best;
}

/** kept[i]: the living instance that serves stage i on, or NULL. The patch has no loop. */
static void choose_kept(
	const fb_patch *patch, double rate_hz, const fb_plan *live, fb_instance **kept)
{
	joint j;
	uint64_t looped;
	for (uint32_t i = 0; i < patch->n_stages; i++) {
		fb_instance *node = live ? fb_plan_find(live, patch->stage[i].id) : NULL;
		kept[i] = node && fb_instance_serves(node, &patch->stage[i], rate_hz) ? node : NULL;
	}
	while (live) {
		join(&j, patch, live, kept);
		if (!(looped = loops(&j))) {
			break;
		}
		kept[choose_new(patch, live, kept, looped)] = NULL;
	}
}

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

/** An instance for each stage: the one that is kept, or a new one. */
static fb_status gather(
	draft *d, const fb_patch *patch, double rate_hz, const fb_plan *live, fb_error *error)
{
	fb_instance *kept[FB_STAGES_MAX];
	choose_kept(patch, rate_hz, live, kept);
	for (uint32_t i = 0; i < patch->n_stages; i++) {
		fb_instance *node = kept[i];
		fb_status status =
			node ? FB_OK : fb_instance_create(&patch->stage[i], rate_hz, &node, error);
		if (status) {
			return status;
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
	d->wire[d->n_wires++] = (fb_wire){.from_serial = from ? from->serial : 0,
		.to_serial = to ? to->serial : 0,
		.from_channel = from_channel,
		.to_channel = to_channel,
		.delay = delay,
		.start = weight,
		.end = weight};
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

static void wire_up(draft *d, const fb_patch *patch, const uint32_t *order)
{
	uint32_t in_late[FB_STAGES_MAX], late[FB_STAGES_MAX];
	measure_latency(patch, d, order, in_late, late);
	for (uint32_t i = 0; i < patch->n_stages; i++) {
		d->longest = late[i] > d->longest ? late[i] : d->longest;
	}
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

/** A wire of `after`: at which weight it starts, and in which of the fades it comes. */
static void start_wire(fb_wire *wire, const fb_plan *live)
{
	bool to_stays = !wire->to_serial || live_has(live, wire->to_serial);
	bool from_stays = !wire->from_serial || live_has(live, wire->from_serial);
	wire->entry = !to_stays && from_stays;
	wire->start = to_stays || wire->entry ? 0.0f : wire->end;
	for (uint32_t k = 0; k < live->n_wires; k++) {
		if (same_wire(wire, &live->wire[k])) {
			wire->start = live->wire[k].end;
		}
	}
}

/** Wires into what stays (nodes on both sides, the station's out) crossfade. Wires into what goes
	have their full weight to the end, since its output fades. */
static void unite(draft *u, const draft *after, const fb_plan *live)
{
	*u = *after;
	for (uint32_t i = 0; i < live->n_steps; i++) {
		if (!holds(after, live->step[i].node)) {
			u->node[u->n_nodes++] = live->step[i].node;
		}
	}
	for (uint32_t i = 0; i < u->n_wires; i++) {
		start_wire(&u->wire[i], live);
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
			fb_wire *wire = &u->wire[u->n_wires++];
			*wire = *old;
			wire->start = old->end;
			wire->end = to_stays ? 0.0f : old->end;
			wire->entry = false;
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

/* --- the whole */

typedef struct work {
	draft after; ///< what the patch says
	draft both;  ///< and what is heard until then
} work;

static fb_status make_draft(
	draft *after, const fb_patch *patch, double rate_hz, const fb_plan *live, fb_error *error)
{
	uint32_t order[FB_STAGES_MAX];
	fb_status status = fb_patch_order(patch, order, error);
	if (!status) {
		status = gather(after, patch, rate_hz, live, error);
	}
	if (!status) {
		wire_up(after, patch, order);
		status = give_delays(after, live, error);
	}
	return status;
}

/** Does what is new in `after` have to run for a while before it may be heard? */
static bool has_new_node(const draft *after)
{
	for (uint32_t i = 0; i < after->n_nodes; i++) {
		if (!after->node[i]->plans) {
			return true;
		}
	}
	return false;
}

static bool has_new_delay(const draft *after)
{
	for (uint32_t i = 0; i < after->n_wires; i++) {
		if (after->wire[i].edge && !after->wire[i].edge->plans) {
			return true;
		}
	}
	return false;
}

static uint32_t to_ticks(double ms, double rate_hz)
{
	return (uint32_t)fmax(ceil(ms * 1e-3 * rate_hz / FB_TICK), 1.0);
}

/** When each phase of the edit begins; asked before any plan holds what is new. A crossfade to
	delays that are not full yet would bring in silence, and then the signal with a jump. */
static void set_times(draft *both, const draft *after, double rate_hz, double fade_ms)
{
	both->entry_ticks = has_new_node(after) ? to_ticks(fmin(fade_ms, ENTRY_MS), rate_hz) : 0;
	both->fill_ticks = both->entry_ticks;
	if (has_new_node(after) || has_new_delay(after)) {
		both->fill_ticks += (after->longest + FB_TICK - 1) / FB_TICK;
	}
	both->fade_ticks = to_ticks(fade_ms, rate_hz);
}

/** Both plans of an edit, or the one that does without a fade. */
static fb_plan *build_plans(work *w, double rate_hz, const fb_plan *live, double fade_ms)
{
	bool fades = false;
	if (live) {
		unite(&w->both, &w->after, live);
		set_times(&w->both, &w->after, rate_hz, fade_ms);
		fades = !unchanged(&w->both);
	}
	fb_layout_sort(&w->after);
	fb_plan *final = fb_layout_build(&w->after, rate_hz);
	if (!final || !fades) {
		return final;
	}
	fb_layout_sort(&w->both);
	fb_plan *fading = fb_layout_build(&w->both, rate_hz);
	if (!fading) {
		fb_plan_destroy(final);
		w->after.n_nodes = w->after.n_wires = 0; /* what was new went with it */
		return NULL;
	}
	fading->next = final;
	return fading;
}

fb_status fb_plan_compile(const fb_patch *patch, double rate_hz, const fb_plan *live,
	double fade_ms, fb_plan **out, fb_error *error)
{
	work *w = calloc(1, sizeof *w);
	if (!w) {
		return fb_fail(error, FB_NO_MEMORY, "plan", "out of memory");
	}
	fb_status status = make_draft(&w->after, patch, rate_hz, live, error);
	fb_plan *plan = status ? NULL : build_plans(w, rate_hz, live, fade_ms);
	if (plan) {
		*out = plan;
	} else {
		drop_unused(&w->after);
		drop_delays(&w->after);
		status = status ? status : fb_fail(error, FB_NO_MEMORY, "plan", "out of memory");
	}
	free(w);
	return status;
}
