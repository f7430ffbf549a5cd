/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The safe list: what no recall changes. Patterns are those of OSC addresses, and may be written
   shorter: without the slash, without "station", with a dot before the parameter, and without a
   station for all of them. A pattern of a container covers what is below it. */
#include "scene_parts.h"

#include "../osc/pattern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Does a pattern begin with a station: "3", "*", "[1-4]", "{1,2}"? */
static bool names_station(const char *text)
{
	size_t len = strcspn(text, "/");
	return len && strspn(text, "0123456789*?[]{},-!") == len;
}

fb_status fb_safe_pattern(const char *text, char pattern[FB_SAFE_LEN], fb_error *error)
{
	const char *rest = text + (text[0] == '/');
	const char *before = "/station/*/";
	if (!strncmp(rest, "station/", 8)) {
		before = "/";
	} else if (names_station(rest)) {
		before = "/station/";
	}
	int len = snprintf(pattern, FB_SAFE_LEN, "%s%s", before, rest);
	if (!*rest || len >= FB_SAFE_LEN) {
		return fb_fail(error, FB_INVALID, text, "is no pattern of addresses below a station");
	}
	for (char *dot = pattern; (dot = strchr(dot, '.'));) {
		*dot = '/';
	}
	if (pattern[len - 1] == '/') {
		pattern[len - 1] = '\0';
	}
	return fb_pattern_check(pattern, error);
}

bool fb_scene_is_safe(const fb_scenes *scenes, const char *address)
{
	size_t i;
	const json_t *pattern;
	char part[256];
	json_array_foreach(scenes->safe, i, pattern)
	{
		long budget = FB_PATTERN_BUDGET;
		snprintf(part, sizeof part, "%s", address);
		for (char *slash; (slash = strrchr(part, '/')); *slash = '\0') {
			if (fb_pattern_match(json_string_value(pattern), part, &budget)) {
				return true;
			}
		}
	}
	return false;
}

static char *as_text(const json_t *patterns)
{
	size_t i, len = 0, room = 1;
	const json_t *pattern;
	json_array_foreach(patterns, i, pattern)
	{
		room += json_string_length(pattern) + 1;
	}
	char *text = calloc(1, room);
	json_array_foreach(patterns, i, pattern)
	{
		if (text) {
			len += (size_t)snprintf(
				text + len, room - len, "%s%s", i ? "\n" : "", json_string_value(pattern));
		}
	}
	return text;
}

static bool holds(const json_t *patterns, const char *pattern)
{
	size_t i;
	const json_t *other;
	json_array_foreach(patterns, i, other)
	{
		if (!strcmp(json_string_value(other), pattern)) {
			return true;
		}
	}
	return false;
}

fb_status fb_safe_take(fb_scenes *scenes, const json_t *patterns, fb_error *error)
{
	json_t *taken = json_array();
	fb_status status = FB_OK;
	if (!json_is_array(patterns) || json_array_size(patterns) > FB_SAFE_MAX) {
		status =
			fb_fail(error, FB_INVALID, "safe", "needs a list of at most %d patterns", FB_SAFE_MAX);
	}
	for (size_t i = 0; !status && i < json_array_size(patterns); i++) {
		const char *text = json_string_value(json_array_get(patterns, i));
		char pattern[FB_SAFE_LEN];
		status = text ? fb_safe_pattern(text, pattern, error)
					  : fb_fail(error, FB_WRONG_TYPE, "safe", "a pattern is a text");
		if (!status && !holds(taken, pattern)) {
			json_array_append_new(taken, json_string(pattern));
		}
	}
	char *text = status ? NULL : as_text(taken);
	if (!text) {
		json_decref(taken);
		return status ? status : fb_fail(error, FB_NO_MEMORY, "safe", "out of memory");
	}
	json_decref(scenes->safe);
	free(scenes->safe_text);
	scenes->safe = taken;
	scenes->safe_text = text;
	return FB_OK;
}

fb_status fb_scenes_set_safe(fb_scenes *scenes, const json_t *patterns, fb_error *error)
{
	fb_store *store = scenes->server->store;
	fb_status status = fb_safe_take(scenes, patterns, error);
	if (!status) {
		fb_scene_touch(scenes, "/scene/safe");
		status = fb_store_put(store, "setting", "scene_safe", scenes->safe);
		if (status) {
			*error = *fb_store_refusal(store);
		}
	}
	return status;
}
