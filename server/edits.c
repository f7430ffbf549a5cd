/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Edits of a running station: one table says what can be done to its nodes and connections. OSC
	has each edit as a command below /station/N/node/, HTTP a list of them as one step, all or
	nothing. */
#include "server.h"

#include "../graph/params.h"
#include "../osc/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_LEN = 128, ARGS_MAX = 3, EDITS_MAX = 256, SUMMARY_LEN = 256 };

/* --- the edits */

typedef fb_status edit_fn(
	fb_channel *channel, fb_patch *patch, const fb_value *argv, uint32_t argc, fb_error *error);

static fb_status find_type(
	const fb_channel *channel, const char *id, const fb_node_desc **type, fb_error *error)
{
	*type = fb_nodes_find(channel->server->nodes, id);
	return *type ? FB_OK : fb_fail(error, FB_NOT_FOUND, id, "there is no such node type");
}

static fb_status edit_add(
	fb_channel *channel, fb_patch *patch, const fb_value *argv, uint32_t argc, fb_error *error)
{
	const fb_node_desc *type;
	fb_status status = find_type(channel, argv[0].s, &type, error);
	return status ? status
				  : fb_patch_add(patch, type, argv[1].s, argc > 2 ? argv[2].s : NULL, error);
}

static fb_status edit_remove(
	fb_channel *channel, fb_patch *patch, const fb_value *argv, uint32_t argc, fb_error *error)
{
	(void)channel, (void)argc;
	return fb_patch_remove(patch, argv[0].s, error);
}

static fb_status edit_move(
	fb_channel *channel, fb_patch *patch, const fb_value *argv, uint32_t argc, fb_error *error)
{
	(void)channel;
	return fb_patch_move(patch, argv[0].s, argc > 1 ? argv[1].s : NULL, error);
}

static fb_status edit_replace(
	fb_channel *channel, fb_patch *patch, const fb_value *argv, uint32_t argc, fb_error *error)
{
	(void)argc;
	const fb_node_desc *type;
	fb_status status = find_type(channel, argv[1].s, &type, error);
	return status ? status : fb_patch_replace(patch, argv[0].s, type, error);
}

static fb_status edit_connect(
	fb_channel *channel, fb_patch *patch, const fb_value *argv, uint32_t argc, fb_error *error)
{
	(void)channel;
	return fb_patch_connect(patch, argv[0].s, argv[1].s, argc > 2 ? argv[2].f : 1.0, error);
}

static fb_status edit_disconnect(
	fb_channel *channel, fb_patch *patch, const fb_value *argv, uint32_t argc, fb_error *error)
{
	(void)channel, (void)argc;
	return fb_patch_disconnect(patch, argv[0].s, argv[1].s, error);
}

static fb_status edit_weight(
	fb_channel *channel, fb_patch *patch, const fb_value *argv, uint32_t argc, fb_error *error)
{
	(void)channel, (void)argc;
	return fb_patch_weigh(patch, argv[0].s, argv[1].s, argv[2].f, error);
}

static const struct {
	const char *name, *label, *args, *doc;
	const char *keys[ARGS_MAX]; ///< what JSON calls the arguments
	edit_fn *edit;
} edits[] = {
	{"add", "Add node", "ss?s",
		"TYPE ID [BEFORE]: insert a node in front of another, or at the end.",
		{"type", "id", "before"}, edit_add},
	{"remove", "Remove node", "s", "ID: take a node out; its neighbours are joined.", {"id"},
		edit_remove},
	{"move", "Move node", "s?s", "ID [BEFORE]: put a node in front of another, or at the end.",
		{"id", "before"}, edit_move},
	{"replace", "Replace node", "ss",
		"ID TYPE: put a node of another type in its place, at default values.", {"id", "type"},
		edit_replace},
	{"connect", "Connect", "ss?f",
		"FROM TO [WEIGHT]: in and out are the station's own; comp:sidechain names a port.",
		{"from", "to", "weight"}, edit_connect},
	{"disconnect", "Disconnect", "ss", "FROM TO: take a connection away.", {"from", "to"},
		edit_disconnect},
	{"weight", "Weight", "ssf", "FROM TO WEIGHT: how much of it a connection carries, -4 to 4.",
		{"from", "to", "weight"}, edit_weight},
};

enum { EDITS = sizeof edits / sizeof *edits };

/* --- over OSC */

static fb_status edit_call(void *ctx, uint32_t index, const fb_value *argv, uint32_t argc,
	const fb_origin *origin, fb_answer *answer, fb_error *error)
{
	(void)answer;
	fb_channel *channel = ctx;
	fb_patch *edited = fb_patch_copy(fb_station_patch(channel->station));
	if (!edited) {
		return fb_fail(error, FB_NO_MEMORY, "node", "out of memory");
	}
	fb_status status = edits[index].edit(channel, edited, argv, argc, error);
	if (!status) {
		status = fb_channel_load(channel, edited, -1.0, origin, error);
	}
	if (status) {
		fb_patch_destroy(edited);
	}
	return status;
}

FB_GETTER(fb_channel, fade_get, fb_float_value(fb_station_fade(self->station)))
FB_SETTER(fb_channel, fade_set, fb_station_set_fade(self->station, value->f))

fb_status fb_channel_add_edits(fb_channel *channel, fb_error *error)
{
	static const fb_leaf_ops call = {.call = edit_call};
	static const fb_leaf_ops fade = {.get = fade_get, .set = fade_set};
	static const fb_leaf_row fade_row =
		FB_ROW("node/fade", .kind = FB_LEAF_FLOAT, .label = "Fade of edits", .unit = "ms",
			.doc = "How long the crossfade takes when nodes or connections change.",
			.max = FB_FADE_MAX_MS, .def = FB_FADE_MS, .ops = &fade);
	fb_status status = FB_OK;
	for (uint32_t i = 0; i < EDITS && !status; i++) {
		char leaf[32];
		const fb_leaf_row row = FB_ROW(leaf, .kind = FB_LEAF_COMMAND, .label = edits[i].label,
			.doc = edits[i].doc, .args = edits[i].args, .ops = &call, .index = i);
		snprintf(leaf, sizeof leaf, "node/%s", edits[i].name);
		status = fb_channel_add_leaves(channel, &row, 1, error);
	}
	return status ? status : fb_channel_add_leaves(channel, &fade_row, 1, error);
}

/* --- over HTTP */

/** The edit that `"op"` names: EDITS if there is none. */
static uint32_t find_edit(const json_t *json)
{
	const char *name = json_string_value(json_object_get(json, "op"));
	uint32_t i = 0;
	while (i < EDITS && (!name || strcmp(edits[i].name, name))) {
		i++;
	}
	return i;
}

/** An edit's arguments out of an object; where: the key that is at fault. */
static fb_status read_arguments(
	const json_t *json, uint32_t edit, fb_value *argv, uint32_t *argc, fb_error *error)
{
	const char *tag = edits[edit].args;
	bool optional = false;
	size_t known = 1; /* op */
	*argc = 0;
	for (uint32_t i = 0; *tag; tag++) {
		if (*tag == '?') {
			optional = true;
			continue;
		}
		const char *key = edits[edit].keys[i++];
		const json_t *value = json_object_get(json, key);
		if (!value && optional) {
			break;
		}
		if (*tag == 's' ? !json_is_string(value) : !json_is_number(value)) {
			return fb_fail(error, FB_WRONG_TYPE, key, "must be %s",
				*tag == 's' ? "the name of a node, a type or a port" : "a number");
		}
		argv[(*argc)++] = *tag == 's' ? (fb_value){.tag = 's', .s = json_string_value(value)}
									  : (fb_value){.tag = 'f', .f = json_number_value(value)};
		known++;
	}
	known += json_object_get(json, "parameters") ? 1 : 0;
	return json_object_size(json) == known
			   ? FB_OK
			   : fb_fail(error, FB_INVALID, edits[edit].name, "it has an unknown key");
}

/** "parameters" beside an edit: {"param": value} of the node that is added or put in place; of
	"set", {"node.param": value}. */
static fb_status set_parameters(
	fb_patch *patch, const char *id, const json_t *parameters, fb_error *error)
{
	if (!id || !json_is_object(parameters)) {
		return fb_params_apply(patch, parameters, error);
	}
	json_t *keyed = json_object();
	for (void *it = json_object_iter((json_t *)(uintptr_t)parameters); it && keyed;
		 it = json_object_iter_next((json_t *)(uintptr_t)parameters, it)) {
		char key[KEY_LEN];
		snprintf(key, sizeof key, "%s.%s", id, json_object_iter_key(it));
		json_object_set(keyed, key, json_object_iter_value(it));
	}
	fb_status status = fb_params_apply(patch, keyed, error);
	json_decref(keyed);
	return status;
}

static fb_status apply_one(
	fb_channel *channel, fb_patch *patch, const json_t *json, fb_error *error)
{
	static const char *const names =
		"add, remove, move, replace, connect, disconnect, weight or set";
	const json_t *parameters = json_object_get(json, "parameters");
	const char *op = json_string_value(json_object_get(json, "op"));
	fb_value argv[ARGS_MAX];
	uint32_t argc, edit = find_edit(json);
	if (op && !strcmp(op, "set")) {
		return json_object_size(json) == 2
				   ? set_parameters(patch, NULL, parameters, error)
				   : fb_fail(error, FB_INVALID, "set", "it takes \"parameters\" alone");
	}
	if (edit == EDITS) {
		return fb_fail(error, FB_INVALID, "op", "must be %s", names);
	}
	fb_status status = read_arguments(json, edit, argv, &argc, error);
	if (!status && parameters && edits[edit].edit != edit_add && edits[edit].edit != edit_replace) {
		status = fb_fail(error, FB_INVALID, "parameters", "only what is new takes them");
	}
	if (!status) {
		status = edits[edit].edit(channel, patch, argv, argc, error);
	}
	if (!status && parameters) {
		const char *id = json_string_value(json_object_get(json, "id"));
		status = set_parameters(patch, id, parameters, error);
	}
	return status;
}

static void record(
	fb_channel *channel, const char *leaf, const fb_value *after, const fb_origin *origin)
{
	fb_value none = {.tag = 'N'};
	const fb_branch *branch = fb_channel_find(channel, leaf);
	if (branch) {
		fb_tree_record(channel->server->tree, branch, &none, after, origin, NULL);
	}
}

/** What "set" has set. */
static void record_values(fb_channel *channel, const json_t *parameters, const fb_origin *origin)
{
	for (void *it = json_object_iter((json_t *)(uintptr_t)parameters); it;
		 it = json_object_iter_next((json_t *)(uintptr_t)parameters, it)) {
		char leaf[KEY_LEN], *text = json_dumps(json_object_iter_value(it), JSON_ENCODE_ANY);
		snprintf(leaf, sizeof leaf, "%s", json_object_iter_key(it));
		leaf[strcspn(leaf, ".")] = '/';
		record(channel, leaf, &(fb_value){.tag = 's', .s = text ? text : ""}, origin);
		free(text);
	}
}

/** The rows of a list that has been applied. */
static void record_all(fb_channel *channel, const json_t *list, const fb_origin *origin)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *json = json_array_get(list, i);
		char leaf[32], text[SUMMARY_LEN];
		fb_value argv[ARGS_MAX];
		uint32_t argc, edit = find_edit(json);
		if (edit == EDITS) {
			record_values(channel, json_object_get(json, "parameters"), origin);
		} else if (!read_arguments(json, edit, argv, &argc, NULL)) {
			snprintf(leaf, sizeof leaf, "node/%s", edits[edit].name);
			fb_values_text(argv, argc, text, sizeof text);
			record(channel, leaf, &(fb_value){.tag = 's', .s = text}, origin);
		}
	}
}

/** The list, edit by edit, to a copy of the patch. */
static fb_status apply_all(fb_channel *channel, const json_t *list, fb_patch **out, fb_error *error)
{
	size_t n = json_array_size(list);
	if (!json_is_array(list) || !n || n > EDITS_MAX) {
		return fb_fail(error, FB_INVALID, "edits", "needs a list of 1 to %d edits", EDITS_MAX);
	}
	fb_patch *edited = fb_patch_copy(fb_station_patch(channel->station));
	if (!edited) {
		return fb_fail(error, FB_NO_MEMORY, "edits", "out of memory");
	}
	for (size_t i = 0; i < n; i++) {
		fb_error inner;
		char where[32];
		fb_status status = apply_one(channel, edited, json_array_get(list, i), &inner);
		if (status) {
			fb_patch_destroy(edited);
			snprintf(where, sizeof where, "edits[%zu]", i);
			return fb_fail(error, status, where, "%s: %s", inner.where, inner.text);
		}
	}
	*out = edited;
	return FB_OK;
}

fb_status fb_channel_edit(
	fb_channel *channel, const json_t *list, const fb_origin *origin, fb_error *error)
{
	fb_patch *edited = NULL;
	fb_status status = apply_all(channel, list, &edited, error);
	if (!status) {
		status = fb_channel_load(channel, edited, -1.0, origin, error);
		if (status) {
			fb_patch_destroy(edited);
		}
	}
	if (status) {
		fb_channel_refuse(channel, "edits", origin, error);
	} else {
		record_all(channel, list, origin);
	}
	return status;
}
