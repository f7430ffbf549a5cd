/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The connections of a patch, edited by the names of their ends. */
#include "patch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

fb_status fb_patch_end(
	const fb_patch *patch, const char *text, bool from, int *stage, uint32_t *port, fb_error *error)
{
	char id[FB_ID_LEN];
	*port = 0;
	if (!strcmp(text, from ? "in" : "out")) {
		*stage = from ? FB_PATCH_IN : FB_PATCH_OUT;
		return FB_OK;
	}
	size_t len = strcspn(text, ":");
	snprintf(id, sizeof id, "%.*s", (int)len, text);
	*stage = len < sizeof id ? fb_patch_find(patch, id) : -1;
	if (*stage < 0) {
		return fb_fail(error, FB_NOT_FOUND, text, "there is no stage \"%.64s\"", text);
	}
	const fb_node_desc *type = patch->stage[*stage].type;
	if (text[len] == ':') {
		const char *symbol = text + len + 1;
		int found = from ? fb_node_output(type, symbol) : fb_node_input(type, symbol);
		if (found < 0) {
			return fb_fail(error, FB_NOT_FOUND, text, "%s has no %s \"%.64s\"", type->id,
				from ? "output" : "input", symbol);
		}
		*port = (uint32_t)found;
	} else if (!from && !type->n_inputs) {
		return fb_fail(error, FB_INVALID, text, "%s has no input", type->id);
	}
	return FB_OK;
}

/** The connection between two named ends: its index, n_links if there is none. `link` gets the
	ends. */
static fb_status find_link(const fb_patch *patch, const char *from, const char *to, fb_link *link,
	uint32_t *index, fb_error *error)
{
	fb_status status = fb_patch_end(patch, from, true, &link->from, &link->from_port, error);
	if (!status) {
		status = fb_patch_end(patch, to, false, &link->to, &link->to_port, error);
	}
	for (*index = 0; !status && *index < patch->n_links; ++*index) {
		const fb_link *l = &patch->link[*index];
		if (l->from == link->from && l->to == link->to && l->from_port == link->from_port &&
			l->to_port == link->to_port) {
			break;
		}
	}
	return status;
}

static fb_status find_existing(
	const fb_patch *patch, const char *from, const char *to, uint32_t *index, fb_error *error)
{
	fb_link link;
	fb_status status = find_link(patch, from, to, &link, index, error);
	return status || *index < patch->n_links
			   ? status
			   : fb_fail(error, FB_NOT_FOUND, from, "it is not connected to %.64s", to);
}

static fb_status check_weight(double weight, fb_error *error)
{
	return fabs(weight) <= (double)FB_WEIGHT_MAX /* not so for NaN */
			   ? FB_OK
			   : fb_fail(error, FB_INVALID, "weight", "must be a number from %g to %g",
					 -(double)FB_WEIGHT_MAX, (double)FB_WEIGHT_MAX);
}

fb_status fb_patch_connect(
	fb_patch *patch, const char *from, const char *to, double weight, fb_error *error)
{
	uint32_t index, order[FB_STAGES_MAX];
	fb_link link = {.weight = (float)weight};
	fb_status status = find_link(patch, from, to, &link, &index, error);
	if (!status) {
		status = check_weight(weight, error);
	}
	if (!status && index < patch->n_links) {
		status = fb_fail(error, FB_EXISTS, from, "it is connected to %.64s already", to);
	}
	if (!status && index == FB_LINKS_MAX) {
		status =
			fb_fail(error, FB_TOO_MANY, from, "a patch holds at most %d connections", FB_LINKS_MAX);
	}
	if (!status) {
		patch->link[patch->n_links++] = link;
		status = fb_patch_order(patch, order, error);
		patch->n_links -= status ? 1 : 0;
	}
	return status;
}

fb_status fb_patch_disconnect(fb_patch *patch, const char *from, const char *to, fb_error *error)
{
	uint32_t index;
	fb_status status = find_existing(patch, from, to, &index, error);
	if (!status) {
		patch->n_links--;
		memmove(&patch->link[index], &patch->link[index + 1],
			(patch->n_links - index) * sizeof patch->link[0]);
	}
	return status;
}

fb_status fb_patch_weigh(
	fb_patch *patch, const char *from, const char *to, double weight, fb_error *error)
{
	uint32_t index;
	fb_status status = find_existing(patch, from, to, &index, error);
	if (!status) {
		status = check_weight(weight, error);
	}
	if (!status) {
		patch->link[index].weight = (float)weight;
	}
	return status;
}
