/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The collection of scenes: kept in memory as text, by name, and in the store. */
#include "scene_parts.h"

#include "../osc/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define READ_S 5.0 /* what is stored has to come within this */

/* --- finding */

fb_status fb_scene_name_check(const char *name, fb_error *error)
{
	size_t len = strlen(name);
	if (!len || len >= FB_SCENE_NAME_LEN || strchr(name, '/') || strpbrk(name, "\t\r\n") ||
		!fb_text_is_clean(name)) {
		return fb_fail(error, FB_INVALID, len ? name : "name",
			"a scene's name is of 1 to %d bytes, without a slash", FB_SCENE_NAME_LEN - 1);
	}
	return FB_OK;
}

static uint32_t place_of(const fb_scenes *scenes, const char *name)
{
	uint32_t i = 0;
	while (i < scenes->n && strcmp(scenes->scene[i].name, name) < 0) {
		i++;
	}
	return i;
}

fb_scene *fb_scene_find(const fb_scenes *scenes, const char *name, fb_error *error)
{
	uint32_t i = place_of(scenes, name);
	if (i < scenes->n && !strcmp(scenes->scene[i].name, name)) {
		return &scenes->scene[i];
	}
	fb_fail(error, FB_NOT_FOUND, name, "there is no such scene");
	return NULL;
}

void fb_scene_touch(fb_scenes *scenes, const char *address)
{
	static const fb_origin origin = {"engine", NULL};
	fb_leaf_touch(scenes->server->tree, address, &origin);
}

static void set_current(fb_scenes *scenes, const char *name)
{
	snprintf(scenes->current, sizeof scenes->current, "%s", name);
	fb_scene_touch(scenes, "/scene/current");
}

/** The names changed. */
static void tell_names(fb_scenes *scenes)
{
	size_t len = 0, room = (size_t)scenes->n * (FB_SCENE_NAME_LEN + 1) + 1;
	char *names = calloc(1, room);
	for (uint32_t i = 0; names && i < scenes->n; i++) {
		len +=
			(size_t)snprintf(names + len, room - len, "%s%s", i ? "\n" : "", scenes->scene[i].name);
	}
	if (names) {
		free(scenes->names);
		scenes->names = names;
		fb_scene_touch(scenes, "/scene/list");
	}
}

/* --- changing the collection */

/** Put a scene in its place, or over the one of its name; takes the text. */
static fb_status keep(fb_scenes *scenes, const char *name, int64_t time_us, fb_stations stations,
	char *text, fb_error *error)
{
	uint32_t i = place_of(scenes, name);
	bool there = i < scenes->n && !strcmp(scenes->scene[i].name, name);
	if (!there && scenes->n == scenes->room) {
		fb_scene *more = realloc(scenes->scene, (scenes->room * 2 + 8) * sizeof *scenes->scene);
		if (!more) {
			free(text);
			return fb_fail(error, FB_NO_MEMORY, name, "out of memory");
		}
		scenes->scene = more;
		scenes->room = scenes->room * 2 + 8;
	}
	fb_scene *at = &scenes->scene[i];
	if (there) {
		free(at->text);
	} else {
		memmove(at + 1, at, (scenes->n - i) * sizeof *at);
		scenes->n++;
	}
	*at = (fb_scene){.time_us = time_us, .stations = stations, .text = text};
	snprintf(at->name, sizeof at->name, "%s", name);
	return FB_OK;
}

static void drop(fb_scenes *scenes, fb_scene *scene)
{
	size_t i = (size_t)(scene - scenes->scene);
	free(scene->text);
	scenes->n--;
	memmove(scene, scene + 1, (scenes->n - i) * sizeof *scene);
}

static fb_status refusal(const fb_scenes *scenes, fb_error *error)
{
	*error = *fb_store_refusal(scenes->server->store);
	return error->status;
}

/** May there be one of this name? Asked before anything is stored. */
static fb_status check_name(const fb_scenes *scenes, const char *name, fb_error *error)
{
	fb_error none;
	fb_status status = fb_scene_name_check(name, error);
	if (!status && scenes->n >= FB_SCENES_MAX && !fb_scene_find(scenes, name, &none)) {
		status = fb_fail(error, FB_TOO_MANY, name, "there are %d scenes already", FB_SCENES_MAX);
	}
	return status;
}

/** Into the store, and then into the collection. */
static fb_status store(
	fb_scenes *scenes, const char *name, const json_t *stations, fb_stations which, fb_error *error)
{
	char *text = json_dumps(stations, JSON_COMPACT);
	json_t *document = json_pack("{s:i, s:O}", "version", 1, "stations", stations);
	fb_status status =
		text && document ? FB_OK : fb_fail(error, FB_NO_MEMORY, name, "out of memory");
	if (!status && fb_store_put(scenes->server->store, "scene", name, document)) {
		status = refusal(scenes, error);
	}
	json_decref(document);
	if (status) {
		free(text);
		return status;
	}
	status = keep(scenes, name, fb_unix_us(), which, text, error);
	tell_names(scenes);
	return status;
}

fb_status fb_scene_save(fb_scenes *scenes, const char *name, fb_stations stations, fb_error *error)
{
	const fb_server *server = scenes->server;
	fb_stations all = UINT64_MAX >> (64 - server->n_channels);
	fb_status status = check_name(scenes, name, error);
	if (!status && stations & ~all) {
		status = fb_fail(error, FB_NOT_FOUND, name, "there are %u stations", server->n_channels);
	}
	json_t *kept = status ? NULL : json_object();
	stations = stations ? stations : all;
	for (uint32_t i = 0; i < server->n_channels && kept; i++) {
		char key[8];
		snprintf(key, sizeof key, "%u", i + 1);
		if (stations >> i & 1 &&
			json_object_set_new(kept, key, fb_scene_take(scenes, &scenes->server->channel[i]))) {
			json_decref(kept);
			kept = NULL;
		}
	}
	if (!kept) {
		return status ? status : fb_fail(error, FB_NO_MEMORY, name, "out of memory");
	}
	status = store(scenes, name, kept, stations, error);
	json_decref(kept);
	if (!status) {
		set_current(scenes, name);
	}
	return status;
}

fb_status fb_scene_delete(fb_scenes *scenes, const char *name, fb_error *error)
{
	fb_scene *scene = fb_scene_find(scenes, name, error);
	if (!scene) {
		return FB_NOT_FOUND;
	}
	if (fb_store_delete(scenes->server->store, "scene", name)) {
		return refusal(scenes, error);
	}
	bool current = !strcmp(scenes->current, scene->name);
	drop(scenes, scene);
	tell_names(scenes);
	if (current) {
		set_current(scenes, "");
	}
	return FB_OK;
}

fb_status fb_scene_rename(fb_scenes *scenes, const char *name, const char *to, fb_error *error)
{
	fb_error none;
	json_t *json;
	fb_status status = fb_scene_name_check(to, error);
	if (!status && fb_scene_find(scenes, to, &none)) {
		status = fb_fail(error, FB_EXISTS, to, "there is a scene of that name already");
	}
	if (!status) {
		status = fb_scene_to_json(scenes, name, &json, error);
	}
	if (status) {
		return status;
	}
	bool current = !strcmp(scenes->current, name);
	fb_scene *old = fb_scene_find(scenes, name, error);
	status = store(scenes, to, json_object_get(json, "stations"), old->stations, error);
	json_decref(json);
	if (!status) {
		status = fb_scene_delete(scenes, name, error);
	}
	if (!status && current) {
		set_current(scenes, to);
	}
	return status;
}

/* --- as JSON */

static json_t *station_list(fb_stations stations)
{
	json_t *list = json_array();
	for (int i = 0; i < FB_STATIONS_MAX; i++) {
		if (stations >> i & 1) {
			json_array_append_new(list, json_integer(i + 1));
		}
	}
	return list;
}

fb_status fb_scene_to_json(const fb_scenes *scenes, const char *name, json_t **out, fb_error *error)
{
	const fb_scene *scene = fb_scene_find(scenes, name, error);
	if (!scene) {
		return FB_NOT_FOUND;
	}
	*out = json_pack("{s:s, s:I, s:o}", "name", scene->name, "time_us", (json_int_t)scene->time_us,
		"stations", json_loads(scene->text, 0, NULL));
	return *out ? FB_OK : fb_fail(error, FB_NO_MEMORY, name, "out of memory");
}

/** Can the patches be read? */
static fb_status check_patches(
	const fb_scenes *scenes, const char *name, const json_t *stations, fb_error *error)
{
	const char *key;
	json_t *station;
	json_object_foreach((json_t *)(uintptr_t)stations, key, station)
	{
		char where[128];
		fb_patch *patch = NULL;
		char *text = json_dumps(json_object_get(station, "patch"), JSON_COMPACT);
		snprintf(where, sizeof where, "%s, station %s", name, key);
		fb_status status =
			text ? fb_patch_parse(text, strlen(text), where, scenes->server->nodes, &patch, error)
				 : fb_fail(error, FB_NO_MEMORY, where, "out of memory");
		free(text);
		fb_patch_destroy(patch);
		if (status) {
			return status;
		}
	}
	return FB_OK;
}

fb_status fb_scene_from_json(
	fb_scenes *scenes, const char *name, const json_t *json, fb_error *error)
{
	const json_t *stations = json_object_get(json, "stations");
	fb_stations which;
	fb_status status = check_name(scenes, name, error);
	if (!status) {
		status = fb_scene_stations(stations, name, &which, error);
	}
	if (!status) {
		status = check_patches(scenes, name, stations, error);
	}
	return status ? status : store(scenes, name, stations, which, error);
}

json_t *fb_scenes_to_json(const fb_scenes *scenes)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < scenes->n; i++) {
		const fb_scene *scene = &scenes->scene[i];
		json_array_append_new(
			list, json_pack("{s:s, s:I, s:o}", "name", scene->name, "time_us",
					  (json_int_t)scene->time_us, "stations", station_list(scene->stations)));
	}
	return json_pack("{s:o, s:s, s:f, s:O}", "scenes", list, "current", scenes->current, "morph_s",
		scenes->morph_s, "safe", scenes->safe);
}

/* --- start and end */

static void take_row(fb_scenes *scenes, const json_t *row)
{
	fb_error error;
	fb_stations which;
	const char *name = json_string_value(json_object_get(row, "id"));
	const json_t *stations = json_object_get(json_object_get(row, "document"), "stations");
	fb_status status = name ? fb_scene_name_check(name, &error) : FB_INVALID;
	if (!status) {
		status = fb_scene_stations(stations, name, &which, &error);
	}
	char *text = status ? NULL : json_dumps(stations, JSON_COMPACT);
	if (text) {
		status = keep(
			scenes, name, json_integer_value(json_object_get(row, "time_us")), which, text, &error);
	}
	if (status && name) {
		fb_log_error("a scene is left out", &error);
	}
}

static void scenes_read(void *ctx, const json_t *rows, const fb_error *error)
{
	fb_scenes *scenes = ctx;
	for (size_t i = 0; i < json_array_size(rows); i++) {
		take_row(scenes, json_array_get(rows, i));
	}
	if (error) {
		fb_log_error("the scenes cannot be read", error);
	}
	scenes->read = true;
}

static void safe_read(void *ctx, const json_t *rows, const fb_error *error)
{
	fb_error why;
	if (!error && fb_safe_take(ctx, json_object_get(rows, "document"), &why)) {
		fb_log_error("the safe list is left out", &why);
	}
}

/** What is stored, before anybody can ask for it. */
static fb_status read_stored(fb_scenes *scenes, fb_error *error)
{
	static const struct timespec pause = {0, 200000};
	fb_store *from = scenes->server->store;
	double until = fb_now_s() + READ_S;
	if (fb_store_find(from, "setting", "scene_safe", safe_read, scenes) ||
		fb_store_list(from, "scene", FB_SCENES_MAX, scenes_read, scenes)) {
		return refusal(scenes, error);
	}
	while (!scenes->read && fb_now_s() < until) {
		fb_store_poll(from);
		nanosleep(&pause, NULL);
	}
	return scenes->read ? FB_OK
						: fb_fail(error, FB_IO, scenes->server->options.database,
							  "the scenes have not been read in %g s", READ_S);
}

fb_status fb_scenes_create(fb_server *server, fb_scenes **out, fb_error *error)
{
	fb_scenes *scenes = calloc(1, sizeof *scenes);
	if (!scenes) {
		return fb_fail(error, FB_NO_MEMORY, "scenes", "out of memory");
	}
	scenes->server = server;
	*out = scenes; /* what is under way at the store may come back to it */
	/* who arms a station is not a scene */
	json_t *safe = json_pack("[s]", "/station/*/proposal");
	fb_status status = fb_safe_take(scenes, safe, error);
	json_decref(safe);
	if (!status) {
		status = read_stored(scenes, error);
	}
	tell_names(scenes);
	return status ? status : fb_scenes_add_leaves(scenes, error);
}

void fb_scenes_destroy(fb_scenes *scenes)
{
	if (!scenes) {
		return;
	}
	for (uint32_t i = 0; i < scenes->n; i++) {
		free(scenes->scene[i].text);
	}
	for (uint32_t i = 0; i < FB_STATIONS_MAX; i++) {
		fb_middle_destroy(scenes->middle[i]);
	}
	json_decref(scenes->safe);
	free(scenes->safe_text);
	free(scenes->names);
	free(scenes->scene);
	free(scenes);
}
