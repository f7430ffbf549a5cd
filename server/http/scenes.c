/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Routes of the scenes. Each does what a command below /scene does, and is audited there. */
#include "../scene.h"
#include "route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_LEN = 256, SCENE_MAX = 8 << 20 };

/** Into the audit, and answered. */
static void done(fb_request *request, const fb_asked *asked, const char *address, const char *text,
	fb_status status, const fb_error *error)
{
	fb_tree *tree = asked->server->tree;
	const fb_branch *leaf = fb_tree_find(tree, address);
	fb_value none = {.tag = 'N'}, what = {.tag = 's', .s = text};
	fb_tree_record(tree, leaf, &none, &what, &asked->origin, status ? error : NULL);
	fb_answer_done(request, asked, status, error);
}

/** {"stations"?: [1, 2]}, all keys known. */
static fb_status read_stations(const json_t *body, size_t others, fb_stations *out, fb_error *error)
{
	size_t i;
	const json_t *station, *list = json_object_get(body, "stations");
	*out = 0;
	if (!json_is_object(body) || json_object_size(body) != others + (list ? 1 : 0)) {
		return fb_fail(error, FB_INVALID, "body", "it has an unknown key");
	}
	if (list && (!json_is_array(list) || !json_array_size(list))) {
		return fb_fail(error, FB_WRONG_TYPE, "stations", "must be a list of numbers");
	}
	json_array_foreach(list, i, station)
	{
		json_int_t n = json_integer_value(station);
		if (n < 1 || n > FB_STATIONS_MAX) {
			return fb_fail(error, FB_NOT_FOUND, "stations", "a station is a number from 1 to %d",
				FB_STATIONS_MAX);
		}
		*out |= UINT64_C(1) << (n - 1);
	}
	return FB_OK;
}

static void get_scenes(fb_request *request, const fb_asked *asked)
{
	fb_http_answer_json(request, 200, fb_scenes_to_json(asked->server->scenes));
}

static void get_scene(fb_request *request, const fb_asked *asked)
{
	fb_error error;
	json_t *json = NULL;
	if (fb_scene_to_json(asked->server->scenes, asked->part[0], &json, &error)) {
		fb_http_answer_error(request, &error);
	} else {
		fb_http_answer_json(request, 200, json);
	}
}

static void put_scene(fb_request *request, const fb_asked *asked)
{
	fb_error error;
	json_t *body = fb_asked_body(request, asked);
	if (body) {
		done(request, asked, "/scene/save", asked->part[0],
			fb_scene_from_json(asked->server->scenes, asked->part[0], body, &error), &error);
		json_decref(body);
	}
}

static void delete_scene(fb_request *request, const fb_asked *asked)
{
	fb_error error;
	done(request, asked, "/scene/delete", asked->part[0],
		fb_scene_delete(asked->server->scenes, asked->part[0], &error), &error);
}

static void save_scene(fb_request *request, const fb_asked *asked)
{
	fb_error error;
	fb_stations stations;
	json_t *body = fb_asked_body(request, asked);
	if (body) {
		fb_status status = read_stations(body, 0, &stations, &error);
		if (!status) {
			status = fb_scene_save(asked->server->scenes, asked->part[0], stations, &error);
		}
		done(request, asked, "/scene/save", asked->part[0], status, &error);
		json_decref(body);
	}
}

static void load_scene(fb_request *request, const fb_asked *asked)
{
	fb_error error;
	fb_stations stations;
	char text[TEXT_LEN];
	json_t *body = fb_asked_body(request, asked);
	if (!body) {
		return;
	}
	const json_t *morph = json_object_get(body, "morph_s");
	double morph_s = morph ? json_number_value(morph) : -1.0;
	fb_status status = read_stations(body, morph ? 1 : 0, &stations, &error);
	if (!status && morph && (!json_is_number(morph) || morph_s < 0.0 || morph_s > FB_MORPH_MAX_S)) {
		status =
			fb_fail(&error, FB_INVALID, "morph_s", "must be a number from 0 to %g", FB_MORPH_MAX_S);
	}
	if (!status) {
		status = fb_scene_load(
			asked->server->scenes, asked->part[0], stations, morph_s, &asked->origin, &error);
	}
	snprintf(text, sizeof text, "%s", asked->part[0]);
	if (morph) {
		size_t len = strlen(text);
		snprintf(text + len, sizeof text - len, " %g", morph_s);
	}
	done(request, asked, "/scene/load", text, status, &error);
	json_decref(body);
}

static void rename_scene(fb_request *request, const fb_asked *asked)
{
	fb_error error;
	char text[TEXT_LEN];
	json_t *body = fb_asked_body(request, asked);
	if (!body) {
		return;
	}
	const char *to = json_string_value(json_object_get(body, "name"));
	fb_status status =
		to && json_object_size(body) == 1
			? fb_scene_rename(asked->server->scenes, asked->part[0], to, &error)
			: fb_fail(&error, FB_INVALID, "name", "the body must be {\"name\": the new one}");
	snprintf(text, sizeof text, "%s %s", asked->part[0], to ? to : "");
	done(request, asked, "/scene/rename", text, status, &error);
	json_decref(body);
}

static void put_safe(fb_request *request, const fb_asked *asked)
{
	fb_error error;
	json_t *body = fb_asked_body(request, asked);
	if (!body) {
		return;
	}
	fb_tree *tree = asked->server->tree;
	fb_branch *leaf = fb_tree_find(tree, "/scene/safe");
	fb_value before, after;
	fb_tree_get(tree, leaf, &before);
	char *was = strdup(before.s);
	before.s = was ? was : "";
	fb_status status =
		fb_scenes_set_safe(asked->server->scenes, json_object_get(body, "safe"), &error);
	fb_tree_get(tree, leaf, &after);
	fb_tree_record(tree, leaf, &before, &after, &asked->origin, status ? &error : NULL);
	free(was);
	fb_answer_done(request, asked, status, &error);
	json_decref(body);
}

#define SCENE_PARAM                                                                                \
	{                                                                                              \
		"scene", NULL, 0, 0, "The scene's name."                                                   \
	}
#define STATIONS_BODY                                                                              \
	"'stations': {'type': 'array', 'minItems': 1, 'items': {'type': 'integer', 'minimum': 1}}"

static const fb_route routes[] = {
	{FB_GET, "/api/scenes", get_scenes, "All scenes by name, and what recalls leave alone.",
		.answer = "Scenes"},
	{FB_GET, "/api/scenes/{scene}", get_scene, "A scene, whole: to be kept elsewhere.",
		{SCENE_PARAM}, .answer = "Scene", .refusals = "404"},
	{FB_PUT, "/api/scenes/{scene}", put_scene, "Store a scene as GET gives it.", {SCENE_PARAM},
		.body_max = SCENE_MAX, .body = "Scene", .answer = "Stored", .refusals = "404 406 409 503"},
	{FB_DELETE, "/api/scenes/{scene}", delete_scene, "Forget a scene.", {SCENE_PARAM},
		.answer = "Stored", .refusals = "404 503"},
	{FB_POST, "/api/scenes/{scene}/save", save_scene,
		"Save all stations, or some, as they are; a scene of that name is replaced.", {SCENE_PARAM},
		.body_max = FB_BODY_MAX,
		.body =
			"{'type': 'object', 'additionalProperties': false, 'properties': {" STATIONS_BODY "}}",
		.answer = "Stored", .refusals = "404 406 503"},
	{FB_POST, "/api/scenes/{scene}/load", load_scene,
		"Recall all stations of a scene, or some, over a time; all or nothing. Each has one step "
		"of undo for it.",
		{SCENE_PARAM}, .body_max = FB_BODY_MAX,
		.body = "{'type': 'object', 'additionalProperties': false, 'properties': {" STATIONS_BODY
				", 'morph_s': {'type': 'number', 'minimum': 0, 'maximum': 600}}}",
		.answer = "Stored", .refusals = "404 406 409 503"},
	{FB_POST, "/api/scenes/{scene}/rename", rename_scene, "Give a scene another name.",
		{SCENE_PARAM}, .body_max = FB_BODY_MAX,
		.body = "{'type': 'object', 'required': ['name'], 'additionalProperties': false,"
				" 'properties': {'name': {'type': 'string'}}}",
		.answer = "Stored", .refusals = "404 409 503"},
	{FB_PUT, "/api/scene-safe", put_safe,
		"Say what recalls leave alone: patterns of addresses below a station.",
		.body_max = FB_BODY_MAX,
		.body = "{'type': 'object', 'required': ['safe'], 'properties': {'safe': {'type': 'array',"
				" 'maxItems': 256, 'items': {'type': 'string'}}}}",
		.answer = "Stored", .refusals = "406 503"},
};

const fb_routes fb_scene_routes = {"scenes", routes, sizeof routes / sizeof *routes};
