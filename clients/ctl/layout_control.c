/* SPDX-License-Identifier: GPL-3.0-or-later */
/** One leaf of the tree as a control: what fits it, and how much it matters. */
#include "layout_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *fb_layout_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

double fb_layout_number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

bool fb_layout_is(const json_t *control, const char *kind)
{
	return strcmp(fb_layout_text(control, "kind"), kind) == 0;
}

/* --- one control */

enum { ADDRESS_LEN = 256 };

#define LEVEL_DB 60.0
#define REDUCTION_DB 24.0

static const json_t *first_of(const json_t *node, const char *key)
{
	return json_array_get(json_object_get(node, key), 0);
}

static bool has_tag(const json_t *node, const char *tag)
{
	const char *have = json_string_value(first_of(node, "TAGS"));
	return have && strcmp(have, tag) == 0;
}

/** "dB" of "gain.db": what stands behind a figure. */
static const char *unit_of(const json_t *node)
{
	static const char *const names[][2] = {{"gain.db", "dB"}, {"time.hz", "Hz"}, {"time.ms", "ms"},
		{"time.second", "s"}, {"time.bpm", "bpm"}};
	const char *unit = json_string_value(first_of(node, "UNIT"));
	for (size_t i = 0; unit && i < sizeof names / sizeof *names; i++) {
		if (strcmp(unit, names[i][0]) == 0) {
			return names[i][1];
		}
	}
	return unit ? unit : "";
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);
	return n >= m && strcmp(text + n - m, end) == 0;
}

static const char *read_only_kind(const json_t *node)
{
	bool bar = has_tag(node, "meter") && strcmp(fb_layout_text(node, "TYPE"), "f") == 0 &&
			   json_object_get(node, "RANGE");
	return bar ? "meter" : "readout";
}

static const char *kind_of(const json_t *node)
{
	const char *type = fb_layout_text(node, "TYPE");
	json_int_t access = json_integer_value(json_object_get(node, "ACCESS"));
	if (access == 1) {
		return read_only_kind(node);
	}
	if (has_tag(node, "command")) {
		return strcmp(type, "N") == 0 ? "button" : NULL; /* no keyboard, so no arguments */
	}
	if (strcmp(type, "T") == 0) {
		return "switch";
	}
	if (strcmp(type, "i") == 0) {
		return "number";
	}
	if (strcmp(type, "f") == 0) { /* levels are ridden, the rest is turned */
		return strcmp(unit_of(node), "dB") == 0 ? "fader" : "knob";
	}
	return json_object_get(first_of(node, "RANGE"), "VALS") ? "menu" : "readout";
}

/** Of a level the part that is looked at: 60 dB of a signal, 24 dB of a reduction. */
static void meter_range(json_t *control, const char *unit, bool down)
{
	double min = fb_layout_number(control, "min"), max = fb_layout_number(control, "max");
	bool level = strncmp(unit, "dB", 2) == 0 || strcmp(unit, "LUFS") == 0;
	if (level && down) {
		json_object_set_new(control, "max", json_real(max < REDUCTION_DB ? max : REDUCTION_DB));
	} else if (level && min < -LEVEL_DB && max > -LEVEL_DB) {
		json_object_set_new(control, "min", json_real(-LEVEL_DB));
	}
}

static bool is_moved(const json_t *value, const json_t *first)
{
	if (json_is_number(value) && json_is_number(first)) {
		return fabs(json_number_value(value) - json_number_value(first)) > 1e-6;
	}
	return value && first && !json_equal(value, first);
}

/** What is ridden before what is set once, and what this patch uses before what it leaves as it
	comes. */
static int rank_of(const json_t *node, const char *kind)
{
	if (strcmp(kind, "meter") == 0 || strcmp(kind, "readout") == 0) {
		return FB_RANK_METER;
	}
	if (strcmp(kind, "switch") == 0 && ends_with(fb_layout_text(node, "FULL_PATH"), "/bypass")) {
		return FB_RANK_BYPASS;
	}
	bool level = strcmp(kind, "fader") == 0;
	if (is_moved(first_of(node, "VALUE"), first_of(node, "DEFAULT_VALUE"))) {
		return level ? FB_RANK_MAIN : FB_RANK_USED;
	}
	return level ? FB_RANK_LEVEL : FB_RANK_REST;
}

/** What silences or throws away, what takes out of the way, what lets something be heard. */
static const char *tone_of(const char *address)
{
	static const char *const tones[][2] = {{"/mute", "danger"}, {"/panic", "danger"},
		{"/proposal/reject", "danger"}, {"/bypass", "caution"}, {"/proposal/accept", "good"}};
	for (size_t i = 0; i < sizeof tones / sizeof *tones; i++) {
		if (ends_with(address, tones[i][0])) {
			return tones[i][1];
		}
	}
	return "";
}

json_t *fb_layout_control(const json_t *node)
{
	const char *kind = kind_of(node), *address = fb_layout_text(node, "FULL_PATH");
	const char *label = fb_layout_text(node, "LABEL"), *type = fb_layout_text(node, "TYPE");
	const json_t *range = first_of(node, "RANGE");
	char twin[ADDRESS_LEN];
	if (!kind || (type[0] == 'f' && type[1])) {
		return NULL;
	}
	json_t *control = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "kind", kind, "address",
		address, "label", *label ? label : strrchr(address, '/') + 1, "unit", unit_of(node), "doc",
		fb_layout_text(node, "DOC"), "tone", tone_of(address), "rank", rank_of(node, kind));
	if (json_object_get(range, "MIN")) {
		json_object_set(control, "min", json_object_get(range, "MIN"));
		json_object_set(control, "max", json_object_get(range, "MAX"));
		bool down = ends_with(address, "reduction");
		json_object_set_new(control, "down", json_boolean(down));
		if (strcmp(kind, "meter") == 0) {
			meter_range(control, unit_of(node), down);
		}
	}
	if (json_object_get(range, "VALS")) {
		json_object_set(control, "choices", json_object_get(range, "VALS"));
	}
	if (strcmp(kind, "fader") == 0 || strcmp(kind, "knob") == 0) {
		const char *scale = json_string_value(first_of(node, "SCALE"));
		snprintf(twin, sizeof twin, "/norm%s", address);
		json_object_set_new(control, "twin", json_string(twin));
		json_object_set_new(control, "log", json_boolean(scale && strcmp(scale, "log") == 0));
	}
	return control;
}
