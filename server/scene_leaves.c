/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The leaves below /scene. */
#include "scene_parts.h"

#include <stdlib.h>
#include <string.h>

/* --- commands */

/** Numbers of stations, from argument `at` on. */
static fb_status read_stations(
	const fb_value *argv, uint32_t argc, uint32_t at, fb_stations *out, fb_error *error)
{
	*out = 0;
	for (; at < argc; at++) {
		if (argv[at].i < 1 || argv[at].i > FB_STATIONS_MAX) {
			return fb_fail(error, FB_NOT_FOUND, "stations", "a station is a number from 1 to %d",
				FB_STATIONS_MAX);
		}
		*out |= UINT64_C(1) << (argv[at].i - 1);
	}
	return FB_OK;
}

enum { SAVE, LOAD, DELETE, RENAME };

static fb_status scene_call(void *ctx, uint32_t index, const fb_value *argv, uint32_t argc,
	const fb_origin *origin, fb_answer *answer, fb_error *error)
{
	(void)answer;
	fb_scenes *scenes = ctx;
	fb_stations stations;
	fb_status status = FB_OK;
	switch (index) {
	case SAVE:
		status = read_stations(argv, argc, 1, &stations, error);
		return status ? status : fb_scene_save(scenes, argv[0].s, stations, error);
	case LOAD:
		status = read_stations(argv, argc, 2, &stations, error);
		return status ? status
					  : fb_scene_load(scenes, argv[0].s, stations, argc > 1 ? argv[1].f : -1.0,
							origin, error);
	case DELETE:
		return fb_scene_delete(scenes, argv[0].s, error);
	default:
		return fb_scene_rename(scenes, argv[0].s, argv[1].s, error);
	}
}

/* --- the safe list */

FB_GETTER(fb_scenes, safe_get, fb_text_value(self->safe_text))

/** A list of patterns, a line each. */
static fb_status safe_set(
	void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error)
{
	(void)index, (void)origin;
	json_t *patterns = json_array();
	for (const char *at = value->s; *at;) {
		size_t len = strcspn(at, "\r\n");
		if (len) {
			json_array_append_new(patterns, json_stringn(at, len));
		}
		at += len + (at[len] != '\0');
	}
	fb_status status = fb_scenes_set_safe(ctx, patterns, error);
	json_decref(patterns);
	return status;
}

enum { ADD, REMOVE };

static fb_status safe_call(void *ctx, uint32_t index, const fb_value *argv, uint32_t argc,
	const fb_origin *origin, fb_answer *answer, fb_error *error)
{
	(void)argc, (void)origin, (void)answer;
	fb_scenes *scenes = ctx;
	char pattern[FB_SAFE_LEN];
	fb_status status = fb_safe_pattern(argv[0].s, pattern, error);
	json_t *patterns = status ? NULL : json_copy(scenes->safe);
	size_t i = 0;
	while (i < json_array_size(patterns) &&
		   strcmp(json_string_value(json_array_get(patterns, i)), pattern)) {
		i++;
	}
	if (!status && index == ADD) {
		json_array_append_new(patterns, json_string(pattern));
	} else if (!status && json_array_remove(patterns, i)) {
		status = fb_fail(error, FB_NOT_FOUND, pattern, "is not in the safe list");
	}
	if (!status) {
		status = fb_scenes_set_safe(scenes, patterns, error);
	}
	json_decref(patterns);
	return status;
}

/* --- what there is to read */

FB_GETTER(fb_scenes, list_get, fb_text_value(self->names ? self->names : ""))
FB_GETTER(fb_scenes, current_get, fb_text_value(self->current))
FB_GETTER(fb_scenes, progress_get, fb_float_value(fb_scenes_progress(self)))
FB_GETTER(fb_scenes, morph_get, fb_float_value(self->morph_s))
FB_SETTER(fb_scenes, morph_set, self->morph_s = value->f)

/* --- the list */

static const fb_leaf_row leaves[] = {
	FB_ROW("/scene/list", .kind = FB_LEAF_TEXT, .label = "Scenes",
		.doc = "The names of all scenes, a line each.", .ops = FB_OPS(.get = list_get)),
	FB_ROW("/scene/current", .kind = FB_LEAF_TEXT, .label = "Current scene",
		.doc = "The scene that was recalled or saved last.", .ops = FB_OPS(.get = current_get)),
	FB_ROW("/scene/progress", .kind = FB_LEAF_FLOAT, .label = "Progress", .unit = "%",
		.doc = "How far the morph of the newest recall has come.", .max = 100, .meter = true,
		.ops = FB_OPS(.get = progress_get)),
	FB_ROW("/scene/morph", .kind = FB_LEAF_FLOAT, .label = "Morph time", .unit = "s",
		.doc = "How long a recall takes that does not say.", .max = FB_MORPH_MAX_S,
		.ops = FB_OPS(.get = morph_get, .set = morph_set)),
	FB_ROW("/scene/save", .kind = FB_LEAF_COMMAND, .label = "Save",
		.doc = "NAME [STATION...]: save all stations, or these.", .args = "s?iiiiiiiiiiiiiii",
		.ops = FB_OPS(.call = scene_call), .index = SAVE),
	FB_ROW("/scene/load", .kind = FB_LEAF_COMMAND, .label = "Recall",
		.doc = "NAME [SECONDS [STATION...]]: morph to a scene, or to these stations of it.",
		.args = "s?fiiiiiiiiiiiiii", .ops = FB_OPS(.call = scene_call), .index = LOAD),
	FB_ROW("/scene/delete", .kind = FB_LEAF_COMMAND, .label = "Delete",
		.doc = "NAME: forget a scene.", .args = "s", .ops = FB_OPS(.call = scene_call),
		.index = DELETE),
	FB_ROW("/scene/rename", .kind = FB_LEAF_COMMAND, .label = "Rename",
		.doc = "NAME NEW: give a scene another name.", .args = "ss",
		.ops = FB_OPS(.call = scene_call), .index = RENAME),
	FB_ROW("/scene/safe", .kind = FB_LEAF_TEXT, .label = "Safe",
		.doc = "What no recall changes: patterns of addresses, a line each.",
		.ops = FB_OPS(.get = safe_get, .set = safe_set)),
	FB_ROW("/scene/safe/add", .kind = FB_LEAF_COMMAND, .label = "Make safe",
		.doc = "PATTERN: */gain/*, 3/comp.threshold, 3, */mute.", .args = "s",
		.ops = FB_OPS(.call = safe_call), .index = ADD),
	FB_ROW("/scene/safe/remove", .kind = FB_LEAF_COMMAND, .label = "Make unsafe",
		.doc = "PATTERN: take a pattern off the list.", .args = "s",
		.ops = FB_OPS(.call = safe_call), .index = REMOVE),
};

fb_status fb_scenes_add_leaves(fb_scenes *scenes, fb_error *error)
{
	return fb_leaves_add(scenes->server->tree, "", FB_ROWS(leaves), scenes, error);
}
