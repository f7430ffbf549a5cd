/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Patches from and to JSON. Every error names the file and the path in it. */
#include "patch.h"

#include "param_json.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_SIZE_MAX = 1 << 20, PLACE_LEN = 192 };

/** What the reading functions share. */
typedef struct reader {
	const char *name; ///< of the file
	const fb_nodes *nodes;
	fb_patch *patch;
	fb_error *error;
} reader;

FB_PRINTF(4, 5)
static fb_status refuse(const reader *r, fb_status status, const char *place, const char *fmt, ...)
{
	char where[PLACE_LEN], text[320];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	snprintf(where, sizeof where, "%s%s%s", r->name, *place ? ": " : "", place);
	return fb_fail(r->error, status, where, "%s", text);
}

/** Put the file's name before the place that a deeper function named. */
static fb_status pass_on(const reader *r, const fb_error *inner)
{
	return refuse(r, inner->status, inner->where, "%s", inner->text);
}

/** Only keys of the list, which ends with NULL. */
static fb_status only_keys(
	const reader *r, json_t *object, const char *place, const char *const *allowed)
{
	const char *key;
	json_t *value;
	json_object_foreach(object, key, value)
	{
		size_t i = 0;
		while (allowed[i] && strcmp(allowed[i], key)) {
			i++;
		}
		if (!allowed[i]) {
			return refuse(r, FB_INVALID, place, "unknown key \"%.64s\"", key);
		}
	}
	return FB_OK;
}

/* --- stages and connections */

static fb_status read_parameters(
	const reader *r, const char *place, fb_stage *stage, json_t *parameters)
{
	const char *key;
	json_t *value;
	if (!json_is_object(parameters)) {
		return refuse(r, FB_WRONG_TYPE, place, "needs an object of parameters");
	}
	json_object_foreach(parameters, key, value)
	{
		char at[PLACE_LEN];
		snprintf(at, sizeof at, "%s.%.64s", place, key);
		int i = fb_node_param(stage->type, key);
		if (i < 0) {
			return refuse(r, FB_NOT_FOUND, at, "%s has no such parameter", stage->type->id);
		}
		fb_error inner;
		if (fb_param_from_json(&stage->type->params[i], at, value, &stage->values[i], &inner)) {
			return refuse(r, inner.status, at, "%s", inner.text);
		}
	}
	return FB_OK;
}

static fb_status read_stage(const reader *r, size_t index, json_t *json)
{
	static const char *const keys[] = {"id", "type", "parameters", "bypass", NULL};
	char place[PLACE_LEN];
	fb_error inner;
	snprintf(place, sizeof place, "stages[%zu]", index);
	if (!json_is_object(json)) {
		return refuse(r, FB_WRONG_TYPE, place, "needs an object");
	}
	fb_status status = only_keys(r, json, place, keys);
	if (status) {
		return status;
	}
	const char *type = json_string_value(json_object_get(json, "type"));
	json_t *id = json_object_get(json, "id"), *bypass = json_object_get(json, "bypass");
	if (!type || (id && !json_is_string(id))) {
		return refuse(r, FB_INVALID, place, "\"type\" (and \"id\") must be strings");
	}
	if (bypass && !json_is_boolean(bypass)) {
		return refuse(r, FB_WRONG_TYPE, place, "\"bypass\" must be true or false");
	}
	const fb_node_desc *desc = fb_nodes_find(r->nodes, type);
	if (!desc) {
		return refuse(r, FB_NOT_FOUND, place, "there is no node type \"%.64s\"", type);
	}
	if (fb_patch_add(r->patch, desc, id ? json_string_value(id) : type, NULL, &inner)) {
		return refuse(r, inner.status, place, "%s: %s", inner.where, inner.text);
	}
	fb_stage *stage = &r->patch->stage[r->patch->n_stages - 1];
	stage->bypass = json_is_true(bypass);
	json_t *parameters = json_object_get(json, "parameters");
	snprintf(place, sizeof place, "stages[%zu].parameters", index);
	return parameters ? read_parameters(r, place, stage, parameters) : FB_OK;
}

static fb_status read_end(
	const reader *r, const char *place, const json_t *json, bool from, int *stage, uint32_t *port)
{
	const char *text = json_string_value(json);
	fb_error inner;
	if (!text) {
		return refuse(r, FB_INVALID, place, "\"%s\" must name a stage", from ? "from" : "to");
	}
	fb_status status = fb_patch_end(r->patch, text, from, stage, port, &inner);
	return status ? refuse(r, status, place, "%s", inner.text) : FB_OK;
}

static fb_status read_link(const reader *r, size_t index, json_t *json)
{
	static const char *const keys[] = {"from", "to", "weight", NULL};
	char place[PLACE_LEN];
	fb_link link = {.weight = 1.0f};
	snprintf(place, sizeof place, "connections[%zu]", index);
	if (!json_is_object(json)) {
		return refuse(r, FB_WRONG_TYPE, place, "needs an object");
	}
	if (r->patch->n_links == FB_LINKS_MAX) {
		return refuse(r, FB_TOO_MANY, place, "a patch holds at most %d connections", FB_LINKS_MAX);
	}
	fb_status status = only_keys(r, json, place, keys);
	if (!status) {
		status =
			read_end(r, place, json_object_get(json, "from"), true, &link.from, &link.from_port);
	}
	if (!status) {
		status = read_end(r, place, json_object_get(json, "to"), false, &link.to, &link.to_port);
	}
	const json_t *weight = json_object_get(json, "weight");
	if (!status && weight) {
		double w = json_number_value(weight);
		if (!json_is_number(weight) || fabs(w) > (double)FB_WEIGHT_MAX) {
			return refuse(r, FB_INVALID, place, "\"weight\" must be a number from %g to %g",
				-(double)FB_WEIGHT_MAX, (double)FB_WEIGHT_MAX);
		}
		link.weight = (float)w;
	}
	for (uint32_t i = 0; i < r->patch->n_links && !status; i++) {
		const fb_link *other = &r->patch->link[i];
		if (other->from == link.from && other->to == link.to &&
			other->from_port == link.from_port && other->to_port == link.to_port) {
			return refuse(r, FB_EXISTS, place, "these two are connected already");
		}
	}
	if (!status) {
		r->patch->link[r->patch->n_links++] = link;
	}
	return status;
}

static fb_status read_list(const reader *r, const char *key, json_t *list,
	fb_status (*read_one)(const reader *, size_t, json_t *))
{
	fb_status status = FB_OK;
	size_t i;
	json_t *item;
	if (list && !json_is_array(list)) {
		return refuse(r, FB_WRONG_TYPE, key, "needs a list");
	}
	json_array_foreach(list, i, item)
	{
		if ((status = read_one(r, i, item))) {
			break;
		}
	}
	return status;
}

/* --- the whole */

/** What may stand beside stages and connections: texts, then objects, then a list of words. */
static fb_status check_about(const reader *r, json_t *root)
{
	static const char *const keys[] = {"name", "role", "description", "version", "goal", "metadata",
		"tags", "stages", "connections", NULL};
	enum { GOAL = 4, TAGS = 6 };
	fb_status status = only_keys(r, root, "", keys);
	for (size_t i = 0; i < TAGS && !status; i++) {
		const json_t *value = json_object_get(root, keys[i]);
		if (value && i < GOAL && !json_is_string(value)) {
			status = refuse(r, FB_WRONG_TYPE, keys[i], "needs text");
		} else if (value && i >= GOAL && !json_is_object(value)) {
			status = refuse(r, FB_WRONG_TYPE, keys[i], "needs an object");
		}
	}
	const char *role = json_string_value(json_object_get(root, "role"));
	if (!status && role && strcmp(role, "station") && strcmp(role, "sound")) {
		status = refuse(r, FB_INVALID, "role", "must be \"station\" or \"sound\"");
	}
	const json_t *tags = json_object_get(root, "tags");
	bool words = !tags || json_is_array(tags);
	for (size_t i = 0; words && i < json_array_size(tags); i++) {
		words = json_is_string(json_array_get(tags, i));
	}
	if (!status && !words) {
		status = refuse(r, FB_WRONG_TYPE, "tags", "needs a list of words");
	}
	return status;
}

static fb_status read_about(const reader *r, json_t *root)
{
	fb_status status = check_about(r, root);
	if (status) {
		return status;
	}
	json_t *about = json_copy(root);
	if (!about) {
		return refuse(r, FB_NO_MEMORY, "", "out of memory");
	}
	json_object_del(about, "stages");
	json_object_del(about, "connections");
	json_decref(r->patch->about);
	r->patch->about = about;
	return FB_OK;
}

static fb_status read_patch(const reader *r, json_t *root)
{
	uint32_t order[FB_STAGES_MAX];
	fb_error inner;
	if (!json_is_object(root)) {
		return refuse(r, FB_INVALID, "", "a patch is a JSON object");
	}
	fb_status status = read_about(r, root);
	if (!status) {
		status = read_list(r, "stages", json_object_get(root, "stages"), read_stage);
	}
	json_t *connections = json_object_get(root, "connections");
	if (!status && connections) {
		r->patch->n_links = 0;
		status = read_list(r, "connections", connections, read_link);
	}
	if (!status && fb_patch_order(r->patch, order, &inner)) {
		status = pass_on(r, &inner);
	}
	return status;
}

fb_status fb_patch_parse(const char *text, size_t len, const char *name, const fb_nodes *nodes,
	fb_patch **out, fb_error *error)
{
	json_error_t why;
	reader r = {name, nodes, NULL, error};
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	if (!root && !*why.text) { /* a parser that ran out of memory has nothing to say */
		return fb_fail(error, FB_NO_MEMORY, name, "out of memory");
	}
	if (!root) {
		char place[PLACE_LEN];
		snprintf(place, sizeof place, "line %d, column %d", why.line, why.column);
		return refuse(&r, FB_INVALID, place, "%s", why.text);
	}
	r.patch = fb_patch_create(""); /* read_about() brings the name */
	fb_status status =
		r.patch ? read_patch(&r, root) : fb_fail(error, FB_NO_MEMORY, name, "out of memory");
	json_decref(root);
	if (status) {
		fb_patch_destroy(r.patch);
		return status;
	}
	*out = r.patch;
	return FB_OK;
}

fb_status fb_patch_read(const char *file, const fb_nodes *nodes, fb_patch **out, fb_error *error)
{
	FILE *stream = fopen(file, "rb");
	if (!stream) {
		return fb_fail(error, errno == ENOENT ? FB_NOT_FOUND : FB_IO, file, "%s", strerror(errno));
	}
	char *text = malloc(FILE_SIZE_MAX + 1);
	size_t len = text ? fread(text, 1, FILE_SIZE_MAX + 1, stream) : 0;
	fb_status status = FB_OK;
	if (!text) {
		status = fb_fail(error, FB_NO_MEMORY, file, "out of memory");
	} else if (ferror(stream)) {
		status = fb_fail(error, FB_IO, file, "cannot be read: %s", strerror(errno));
	} else if (len > FILE_SIZE_MAX) {
		status = fb_fail(error, FB_TOO_LARGE, file, "larger than %d bytes", FILE_SIZE_MAX);
	}
	fclose(stream);
	if (!status) {
		const char *slash = strrchr(file, '/');
		status = fb_patch_parse(text, len, slash ? slash + 1 : file, nodes, out, error);
	}
	free(text);
	return status;
}

/* --- writing */

static json_t *stage_to_json(const fb_stage *stage)
{
	json_t *parameters = json_object();
	bool whole = parameters != NULL;
	for (uint32_t i = 0; whole && i < stage->type->n_params; i++) {
		const fb_param_info *info = &stage->type->params[i];
		whole = !json_object_set_new(
			parameters, info->symbol, fb_param_to_json(info, stage->values[i]));
	}
	if (!whole) {
		json_decref(parameters);
		return NULL;
	}
	json_t *json = json_pack(
		"{s:s, s:s, s:o}", "id", stage->id, "type", stage->type->id, "parameters", parameters);
	if (json && stage->bypass && json_object_set_new(json, "bypass", json_true())) {
		json_decref(json);
		return NULL;
	}
	return json;
}

static json_t *end_to_json(const fb_patch *patch, int stage, uint32_t port, bool from)
{
	if (stage < 0) {
		return json_string(from ? "in" : "out");
	}
	const fb_stage *s = &patch->stage[stage];
	const fb_port_info *ports = from ? s->type->outputs : s->type->inputs;
	return port ? json_sprintf("%s:%s", s->id, ports[port].symbol) : json_string(s->id);
}

static json_t *link_to_json(const fb_patch *patch, const fb_link *link)
{
	json_t *json = json_object();
	bool whole =
		!json_object_set_new(json, "from", end_to_json(patch, link->from, link->from_port, true)) &&
		!json_object_set_new(json, "to", end_to_json(patch, link->to, link->to_port, false)) &&
		(link->weight == 1.0f ||
			!json_object_set_new(json, "weight", fb_float_to_json(link->weight)));
	if (!whole) {
		json_decref(json);
		return NULL;
	}
	return json;
}

json_t *fb_patch_to_json(const fb_patch *patch)
{
	json_t *root = json_deep_copy(patch->about);
	json_t *stages = json_array(), *connections = json_array();
	bool whole = root && stages && connections;
	for (uint32_t i = 0; whole && i < patch->n_stages; i++) {
		whole = !json_array_append_new(stages, stage_to_json(&patch->stage[i]));
	}
	for (uint32_t i = 0; whole && i < patch->n_links; i++) {
		whole = !json_array_append_new(connections, link_to_json(patch, &patch->link[i]));
	}
	whole = whole && !json_object_set(root, "stages", stages) &&
			!json_object_set(root, "connections", connections);
	json_decref(stages);
	json_decref(connections);
	if (!whole) {
		json_decref(root);
		return NULL;
	}
	return root;
}
