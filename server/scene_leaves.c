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

static void safe_get(void *ctx, uint32_t index, fb_value *value)
{
	(void)index;
	*value = (fb_value){.tag = 's', .s = ((fb_scenes *)ctx)->safe_text};
}

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
	if (!status && index == 0) {
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

static void text_get(void *ctx, uint32_t index, fb_value *value)
{
	const fb_scenes *scenes = ctx;
	const char *names = scenes->names ? scenes->names : "";
	*value = (fb_value){.tag = 's', .s = index ? scenes->current : names};
}

static void progress_get(void *ctx, uint32_t index, fb_value *value)
{
	(void)index;
	*value = (fb_value){.tag = 'f', .f = fb_scenes_progress(ctx)};
}

static void morph_get(void *ctx, uint32_t index, fb_value *value)
{
	(void)index;
	*value = (fb_value){.tag = 'f', .f = ((fb_scenes *)ctx)->morph_s};
}

static fb_status morph_set(
	void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error)
{
	(void)index, (void)origin, (void)error;
	((fb_scenes *)ctx)->morph_s = value->f;
	return FB_OK;
}

/* --- the list */

static const fb_leaf_ops call_ops = {.call = scene_call}, safe_call_ops = {.call = safe_call},
						 safe_ops = {.get = safe_get, .set = safe_set},
						 text_ops = {.get = text_get}, progress_ops = {.get = progress_get},
						 morph_ops = {.get = morph_get, .set = morph_set};

static const struct {
	const char *address;
	fb_leaf_spec spec;
} leaves[] = {
	{"/scene/list", {.kind = FB_LEAF_TEXT,
						.access = FB_READ,
						.label = "Scenes",
						.doc = "The names of all scenes, a line each.",
						.ops = &text_ops}},
	{"/scene/current", {.kind = FB_LEAF_TEXT,
						   .access = FB_READ,
						   .label = "Current scene",
						   .doc = "The scene that was recalled or saved last.",
						   .ops = &text_ops,
						   .index = 1}},
	{"/scene/progress", {.kind = FB_LEAF_FLOAT,
							.access = FB_READ,
							.label = "Progress",
							.unit = "%",
							.doc = "How far the morph of the newest recall has come.",
							.max = 100,
							.meter = true,
							.ops = &progress_ops}},
	{"/scene/morph", {.kind = FB_LEAF_FLOAT,
						 .access = FB_READ_WRITE,
						 .label = "Morph time",
						 .unit = "s",
						 .doc = "How long a recall takes that does not say.",
						 .max = FB_MORPH_MAX_S,
						 .ops = &morph_ops}},
	{"/scene/save", {.kind = FB_LEAF_COMMAND,
						.access = FB_WRITE,
						.label = "Save",
						.doc = "NAME [STATION...]: save all stations, or these.",
						.args = "s?iiiiiiiiiiiiiii",
						.ops = &call_ops,
						.index = SAVE}},
	{"/scene/load",
		{.kind = FB_LEAF_COMMAND,
			.access = FB_WRITE,
			.label = "Recall",
			.doc = "NAME [SECONDS [STATION...]]: morph to a scene, or to these stations of it.",
			.args = "s?fiiiiiiiiiiiiii",
			.ops = &call_ops,
			.index = LOAD}},
	{"/scene/delete", {.kind = FB_LEAF_COMMAND,
						  .access = FB_WRITE,
						  .label = "Delete",
						  .doc = "NAME: forget a scene.",
						  .args = "s",
						  .ops = &call_ops,
						  .index = DELETE}},
	{"/scene/rename", {.kind = FB_LEAF_COMMAND,
						  .access = FB_WRITE,
						  .label = "Rename",
						  .doc = "NAME NEW: give a scene another name.",
						  .args = "ss",
						  .ops = &call_ops,
						  .index = RENAME}},
	{"/scene/safe", {.kind = FB_LEAF_TEXT,
						.access = FB_READ_WRITE,
						.label = "Safe",
						.doc = "What no recall changes: patterns of addresses, a line each.",
						.ops = &safe_ops}},
	{"/scene/safe/add", {.kind = FB_LEAF_COMMAND,
							.access = FB_WRITE,
							.label = "Make safe",
							.doc = "PATTERN: */gain/*, 3/comp.threshold, 3, */mute.",
							.args = "s",
							.ops = &safe_call_ops,
							.index = 0}},
	{"/scene/safe/remove", {.kind = FB_LEAF_COMMAND,
							   .access = FB_WRITE,
							   .label = "Make unsafe",
							   .doc = "PATTERN: take a pattern off the list.",
							   .args = "s",
							   .ops = &safe_call_ops,
							   .index = 1}},
};

fb_status fb_scenes_add_leaves(fb_scenes *scenes, fb_error *error)
{
	fb_status status = FB_OK;
	for (size_t i = 0; i < sizeof leaves / sizeof *leaves && !status; i++) {
		fb_leaf_spec spec = leaves[i].spec;
		spec.unit = spec.unit ? spec.unit : "";
		spec.ctx = scenes;
		status = fb_tree_add(scenes->server->tree, leaves[i].address, &spec, error);
	}
	return status;
}
