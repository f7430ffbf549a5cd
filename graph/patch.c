/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "patch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The address tree puts these beside a station's nodes. */
static const char *const reserved_ids[] = {"in", "out", "metric", "score", "meter", "mode",
	"bypass", "mute", "name", "patch", "run", "proposal", "scene", "undo", "redo", "tap", "node",
	"mono", "goal", "load", "guard", "cpu"};

fb_patch *fb_patch_create(const char *name)
{
	fb_patch *patch = calloc(1, sizeof *patch);
	if (patch) {
		patch->about = json_pack("{s:s}", "name", name);
		patch->link[0] = (fb_link){FB_PATCH_IN, FB_PATCH_OUT, 0, 0, 1.0f};
		patch->n_links = 1;
	}
	if (patch && !patch->about) {
		free(patch);
		patch = NULL;
	}
	return patch;
}

void fb_patch_destroy(fb_patch *patch)
{
	if (!patch) {
		return;
	}
	for (uint32_t i = 0; i < patch->n_stages; i++) {
		free(patch->stage[i].values);
	}
	json_decref(patch->about);
	free(patch);
}

static float *copy_values(const fb_node_desc *type, const float *values)
{
	float *copy = malloc((type->n_params + 1) * sizeof *copy);
	for (uint32_t i = 0; copy && i < type->n_params; i++) {
		copy[i] = values ? values[i] : type->params[i].def;
	}
	return copy;
}

fb_patch *fb_patch_copy(const fb_patch *patch)
{
	fb_patch *copy = malloc(sizeof *copy);
	if (!copy) {
		return NULL;
	}
	*copy = *patch;
	copy->about = json_deep_copy(patch->about);
	bool whole = copy->about != NULL;
	for (uint32_t i = 0; i < copy->n_stages; i++) {
		copy->stage[i].values = copy_values(patch->stage[i].type, patch->stage[i].values);
		whole = whole && copy->stage[i].values;
	}
	if (!whole) {
		fb_patch_destroy(copy);
		return NULL;
	}
	return copy;
}

const char *fb_patch_name(const fb_patch *patch)
{
	const char *name = json_string_value(json_object_get(patch->about, "name"));
	return name ? name : "";
}

const json_t *fb_patch_goal(const fb_patch *patch)
{
	return json_object_get(patch->about, "goal");
}

int fb_patch_find(const fb_patch *patch, const char *id)
{
	for (uint32_t i = 0; i < patch->n_stages; i++) {
		if (!strcmp(patch->stage[i].id, id)) {
			return (int)i;
		}
	}
	return -1;
}

static fb_status check_id(const fb_patch *patch, const char *id, fb_error *error)
{
	if (!fb_is_symbol(id)) {
		return fb_fail(error, FB_INVALID, id,
			"a stage's id must be lower case letters, digits and _, at most 31, starting with a "
			"letter");
	}
	for (size_t i = 0; i < sizeof reserved_ids / sizeof *reserved_ids; i++) {
		if (!strcmp(id, reserved_ids[i])) {
			return fb_fail(error, FB_INVALID, id, "that id is foldback's own");
		}
	}
	if (fb_patch_find(patch, id) >= 0) {
		return fb_fail(error, FB_EXISTS, id, "there is a stage of that id already");
	}
	return FB_OK;
}

/** A new stage at the end of the array, not yet connected. */
static fb_status append_stage(
	fb_patch *patch, const fb_node_desc *type, const char *id, fb_error *error)
{
	fb_status status = check_id(patch, id, error);
	if (status) {
		return status;
	}
	if (patch->n_stages == FB_STAGES_MAX) {
		return fb_fail(error, FB_TOO_MANY, id, "a patch holds at most %d stages", FB_STAGES_MAX);
	}
	float *values = copy_values(type, NULL);
	if (!values) {
		return fb_fail(error, FB_NO_MEMORY, id, "out of memory");
	}
	fb_stage *stage = &patch->stage[patch->n_stages++];
	memset(stage, 0, sizeof *stage);
	snprintf(stage->id, sizeof stage->id, "%s", id);
	stage->type = type;
	stage->values = values;
	return FB_OK;
}

/** Connect; a second way between the same ends is added to the first, for two would not be told
	apart. */
static fb_status add_link(fb_patch *patch, fb_link link, const char *where, fb_error *error)
{
	link.weight = fminf(fmaxf(link.weight, -FB_WEIGHT_MAX), FB_WEIGHT_MAX);
	for (uint32_t i = 0; i < patch->n_links; i++) {
		fb_link *l = &patch->link[i];
		if (l->from == link.from && l->to == link.to && l->from_port == link.from_port &&
			l->to_port == link.to_port) {
			l->weight = fminf(fmaxf(l->weight + link.weight, -FB_WEIGHT_MAX), FB_WEIGHT_MAX);
			return FB_OK;
		}
	}
	if (patch->n_links == FB_LINKS_MAX) {
		return fb_fail(
			error, FB_TOO_MANY, where, "a patch holds at most %d connections", FB_LINKS_MAX);
	}
	patch->link[patch->n_links++] = link;
	return FB_OK;
}

/** Put stage `node` into every connection that ends at the main input of `before`, and connect it
	there. A source has no input to take them over: it joins them. */
static fb_status splice_in(fb_patch *patch, int node, int before, fb_error *error)
{
	bool takes_over = patch->stage[node].type->n_inputs > 0;
	for (uint32_t i = 0; i < patch->n_links && takes_over; i++) {
		fb_link *link = &patch->link[i];
		if (link->to == before && link->to_port == 0) {
			link->to = node;
		}
	}
	fb_link onward = {node, before, 0, 0, 1.0f};
	return add_link(patch, onward, patch->stage[node].id, error);
}

/** Take stage `node` out of the main path; what fed its main input feeds its main followers.
	Connections of its other ports stay if `keep_sides`, else they go. */
static fb_status splice_out(fb_patch *patch, int node, bool keep_sides, fb_error *error)
{
	fb_link old[FB_LINKS_MAX];
	uint32_t n_old = patch->n_links;
	memcpy(old, patch->link, sizeof old);
	patch->n_links = 0;
	for (uint32_t i = 0; i < n_old; i++) {
		const fb_link *l = &old[i];
		bool side = (l->to == node && l->to_port) || (l->from == node && l->from_port);
		if ((l->from != node && l->to != node) || (side && keep_sides)) {
			patch->link[patch->n_links++] = *l;
		}
	}
	fb_status status = FB_OK;
	for (uint32_t i = 0; i < n_old; i++) {
		for (uint32_t k = 0; k < n_old && !status; k++) {
			const fb_link *into = &old[i], *onward = &old[k];
			if (into->to == node && into->to_port == 0 && onward->from == node &&
				onward->from_port == 0) {
				fb_link through = {into->from, onward->to, into->from_port, onward->to_port,
					into->weight * onward->weight};
				status = add_link(patch, through, patch->stage[node].id, error);
			}
		}
	}
	return status;
}

/** The connections as they were, should an edit fail half way. */
typedef struct old_links {
	fb_link link[FB_LINKS_MAX];
	uint32_t n_links;
} old_links;

static void save_links(const fb_patch *patch, old_links *old)
{
	memcpy(old->link, patch->link, sizeof old->link);
	old->n_links = patch->n_links;
}

static void restore_links(fb_patch *patch, const old_links *old)
{
	memcpy(patch->link, old->link, sizeof old->link);
	patch->n_links = old->n_links;
}

static fb_status find_before(const fb_patch *patch, const char *before, int *index, fb_error *error)
{
	*index = before ? fb_patch_find(patch, before) : FB_PATCH_OUT;
	if (before && *index < 0) {
		return fb_fail(error, FB_NOT_FOUND, before, "the patch has no such stage");
	}
	if (before && !patch->stage[*index].type->n_inputs) {
		return fb_fail(error, FB_INVALID, before, "%s has no input", patch->stage[*index].type->id);
	}
	return FB_OK;
}

fb_status fb_patch_add(
	fb_patch *patch, const fb_node_desc *type, const char *id, const char *before, fb_error *error)
{
	int target;
	fb_status status = find_before(patch, before, &target, error);
	if (!status) {
		status = append_stage(patch, type, id, error);
	}
	if (!status) {
		status = splice_in(patch, (int)patch->n_stages - 1, target, error);
		if (status) {
			free(patch->stage[--patch->n_stages].values);
		}
	}
	return status;
}

fb_status fb_patch_remove(fb_patch *patch, const char *id, fb_error *error)
{
	int node = fb_patch_find(patch, id);
	old_links old;
	if (node < 0) {
		return fb_fail(error, FB_NOT_FOUND, id, "the patch has no such stage");
	}
	save_links(patch, &old);
	fb_status status = splice_out(patch, node, false, error);
	if (status) {
		restore_links(patch, &old);
		return status;
	}
	free(patch->stage[node].values);
	patch->n_stages--;
	memmove(&patch->stage[node], &patch->stage[node + 1],
		(patch->n_stages - (uint32_t)node) * sizeof patch->stage[0]);
	for (uint32_t i = 0; i < patch->n_links; i++) {
		patch->link[i].from -= patch->link[i].from > node;
		patch->link[i].to -= patch->link[i].to > node;
	}
	return FB_OK;
}

fb_status fb_patch_move(fb_patch *patch, const char *id, const char *before, fb_error *error)
{
	uint32_t order[FB_STAGES_MAX];
	old_links old;
	int node = fb_patch_find(patch, id), target;
	if (node < 0) {
		return fb_fail(error, FB_NOT_FOUND, id, "the patch has no such stage");
	}
	fb_status status = find_before(patch, before, &target, error);
	if (status || node == target) {
		return status;
	}
	save_links(patch, &old);
	status = splice_out(patch, node, true, error);
	if (!status) {
		status = splice_in(patch, node, target, error);
	}
	if (!status) {
		status = fb_patch_order(patch, order, error);
	}
	if (status) {
		restore_links(patch, &old);
	}
	return status;
}

/** Would a stage of that type have every port that is connected? */
static fb_status check_ports(
	const fb_patch *patch, int stage, const fb_node_desc *type, fb_error *error)
{
	const fb_node_desc *old = patch->stage[stage].type;
	for (uint32_t i = 0; i < patch->n_links; i++) {
		const fb_link *link = &patch->link[i];
		if (link->to == stage && link->to_port >= type->n_inputs) {
			return fb_fail(error, FB_INVALID, type->id,
				"it has no input for what is connected to \"%s\"",
				old->inputs[link->to_port].symbol);
		}
		if (link->from == stage && link->from_port >= type->n_outputs) {
			return fb_fail(error, FB_INVALID, type->id,
				"it has no output for what is connected to \"%s\"",
				old->outputs[link->from_port].symbol);
		}
	}
	return FB_OK;
}

fb_status fb_patch_replace(
	fb_patch *patch, const char *id, const fb_node_desc *type, fb_error *error)
{
	int stage = fb_patch_find(patch, id);
	if (stage < 0) {
		return fb_fail(error, FB_NOT_FOUND, id, "the patch has no such stage");
	}
	fb_status status = check_ports(patch, stage, type, error);
	if (status) {
		return status;
	}
	float *values = copy_values(type, NULL);
	if (!values) {
		return fb_fail(error, FB_NO_MEMORY, id, "out of memory");
	}
	free(patch->stage[stage].values);
	patch->stage[stage].values = values;
	patch->stage[stage].type = type;
	return FB_OK;
}

/** Put down `keep` of the ids on a path, the first and the last ones, and how many there are in
	between. Returns the length that takes. */
static size_t put_path(const fb_patch *patch, const uint32_t *path, uint32_t len, uint32_t keep,
	char *text, size_t size)
{
	size_t used = 0;
	for (uint32_t i = 0; i < len; i++) {
		bool left_out = i == (keep + 1) / 2 && keep < len;
		char *to = used < size ? text + used : NULL;
		size_t room = used < size ? size - used : 0;
		const char *arrow = i ? " > " : "";
		if (left_out) {
			used += (size_t)snprintf(to, room, "%s(%u more)", arrow, len - keep);
			i += len - keep - 1;
		} else {
			used += (size_t)snprintf(to, room, "%s%s", arrow, patch->stage[path[i]].id);
		}
	}
	return used;
}

/** Name the loop that `at` is part of: follow unplaced feeders until a stage comes again. */
static fb_status name_loop(const fb_patch *patch, const bool *placed, uint32_t at, fb_error *error)
{
	uint32_t path[FB_STAGES_MAX + 1], loop[FB_STAGES_MAX + 1], seen_at[FB_STAGES_MAX], len = 0;
	char text[sizeof error->text - 64]; /* who hands the error on may put a place before it */
	memset(seen_at, 0xff, sizeof seen_at);
	while (seen_at[at] == UINT32_MAX) {
		seen_at[at] = len;
		path[len++] = at;
		for (uint32_t i = 0; i < patch->n_links; i++) {
			const fb_link *link = &patch->link[i];
			if (link->to == (int)at && link->from >= 0 && !placed[link->from]) {
				at = (uint32_t)link->from;
				break;
			}
		}
	}
	path[len++] = at;
	uint32_t n = len - seen_at[at], keep = n;
	for (uint32_t i = 0; i < n; i++) {
		loop[i] = path[len - 1 - i];
	}
	while (put_path(patch, loop, n, keep, text, sizeof text) >= sizeof text) {
		keep--;
	}
	return fb_fail(error, FB_INVALID, "connections", "they form a loop: %s", text);
}

static bool ready(const fb_patch *patch, const bool *placed, uint32_t stage)
{
	for (uint32_t i = 0; i < patch->n_links; i++) {
		const fb_link *link = &patch->link[i];
		if (link->to == (int)stage && link->from >= 0 && !placed[link->from]) {
			return false;
		}
	}
	return true;
}

fb_status fb_patch_order(const fb_patch *patch, uint32_t *order, fb_error *error)
{
	bool placed[FB_STAGES_MAX] = {false};
	for (uint32_t n = 0; n < patch->n_stages;) {
		uint32_t before = n;
		for (uint32_t i = 0; i < patch->n_stages; i++) {
			if (!placed[i] && ready(patch, placed, i)) {
				placed[i] = true;
				order[n++] = i;
			}
		}
		if (n == before) {
			uint32_t stuck = 0;
			while (placed[stuck]) {
				stuck++;
			}
			return name_loop(patch, placed, stuck, error);
		}
	}
	return FB_OK;
}
