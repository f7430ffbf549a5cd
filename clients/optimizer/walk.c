/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "walk.h"

#include <fnmatch.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READ_WRITE = 3, KEY_LEN = 160 };

/** OSCQuery's names of units as people write them. */
static const char *const units[][2] = {{"gain.db", "dB"}, {"time.hz", "Hz"}, {"time.ms", "ms"},
	{"time.second", "s"}, {"time.bpm", "bpm"}};

static const json_t *first(const json_t *leaf, const char *attribute)
{
	return json_array_get(json_object_get(leaf, attribute), 0);
}

static const char *text_of(const json_t *json)
{
	const char *text = json_string_value(json);
	return text ? text : "";
}

static const char *unit_of(const json_t *leaf)
{
	const char *unit = text_of(first(leaf, "UNIT"));
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (!strcmp(unit, units[i][0])) {
			return units[i][1];
		}
	}
	return unit;
}

/* --- one knob */

static bool take_choices(fb_knob *knob, const json_t *vals, const json_t *value)
{
	size_t n = json_array_size(vals);
	knob->start = -1.0;
	knob->choices = calloc(n, sizeof *knob->choices);
	for (size_t i = 0; knob->choices && i < n; i++) {
		const char *name = text_of(json_array_get(vals, i));
		knob->choices[i] = strdup(name);
		knob->n_choices++;
		if (!strcmp(name, text_of(value))) {
			knob->start = (double)i;
		}
	}
	knob->kind = FB_KNOB_CHOICE;
	knob->max = (double)n - 1.0;
	return n > 1 && knob->start >= 0.0;
}

static bool take_number(fb_knob *knob, const json_t *leaf, const json_t *value)
{
	const json_t *range = first(leaf, "RANGE");
	const json_t *min = json_object_get(range, "MIN"), *max = json_object_get(range, "MAX");
	knob->min = json_number_value(min);
	knob->max = json_number_value(max);
	knob->start = json_number_value(value);
	knob->scale = !strcmp(text_of(first(leaf, "SCALE")), "log") ? FB_SCALE_LOG : FB_SCALE_LINEAR;
	return json_is_number(min) && json_is_number(max) && json_is_number(value) &&
		   knob->max > knob->min && (knob->scale != FB_SCALE_LOG || knob->min > 0.0);
}

/** Kind, range and value. false: nothing that can be turned. */
static bool take_value(fb_knob *knob, const json_t *leaf)
{
	const json_t *value = first(leaf, "VALUE");
	const char *type = text_of(json_object_get(leaf, "TYPE"));
	if (json_integer_value(json_object_get(leaf, "ACCESS")) != READ_WRITE || strlen(type) != 1) {
		return false;
	}
	switch (*type) {
	case 'f':
	case 'i':
		knob->kind = *type == 'f' ? FB_KNOB_FLOAT : FB_KNOB_INT;
		return take_number(knob, leaf, value);
	case 'T':
	case 'F':
		knob->kind = FB_KNOB_BOOL;
		knob->max = 1.0;
		knob->start = json_is_true(value) ? 1.0 : 0.0;
		return json_is_boolean(value);
	case 's':
		return take_choices(knob, json_object_get(first(leaf, "RANGE"), "VALS"), value);
	default:
		return false;
	}
}

static bool take_texts(fb_knob *knob, const char *node, const char *name, const json_t *leaf)
{
	char key[KEY_LEN];
	snprintf(key, sizeof key, "%s.%s", node, name);
	knob->address = strdup(text_of(json_object_get(leaf, "FULL_PATH")));
	knob->key = strdup(key);
	knob->node = strdup(node);
	knob->section = strndup(name, name[strcspn(name, "_")] ? strcspn(name, "_") : 0);
	knob->unit = strdup(unit_of(leaf));
	knob->label = strdup(text_of(json_object_get(leaf, "LABEL")));
	knob->doc = strdup(text_of(json_object_get(leaf, "DOC")));
	return knob->address && knob->key && knob->node && knob->section && knob->unit && knob->label &&
		   knob->doc;
}

/* --- limits */

/** Does any of the patterns fit? Those that do are ticked off in `used`, a bit each. */
static bool fits(const char *patterns, const fb_knob *knob, unsigned long *used)
{
	bool found = false;
	unsigned long bit = 1;
	char pattern[KEY_LEN];
	for (const char *at = patterns; *at; bit <<= 1) {
		size_t len = strcspn(at, ",");
		snprintf(pattern, sizeof pattern, "%.*s", (int)len, at);
		if (!fnmatch(pattern, strchr(pattern, '.') ? knob->key : knob->node, 0)) {
			found = true;
			*used |= bit;
		}
		at += len + (at[len] == ',');
	}
	return found;
}

static fb_status check_used(
	const char *option, const char *patterns, unsigned long used, fb_error *error)
{
	unsigned long bit = 1;
	for (const char *at = patterns ? patterns : ""; *at; bit <<= 1) {
		size_t len = strcspn(at, ",");
		if (!(used & bit)) {
			return fb_fail(error, FB_INVALID, option, "\"%.*s\" fits no parameter of the station",
				(int)len, at);
		}
		at += len + (at[len] == ',');
	}
	return FB_OK;
}

/* --- the walk */

typedef struct walk {
	const fb_walk_limits *limits;
	const char *allow; ///< the station's own limits
	double max_step;
	unsigned long only_used, freeze_used;
	fb_knobs *knobs;
	fb_error *error;
} walk;

/** No farther from the start than the station lets a proposal go. */
static void narrow(fb_knob *knob, double max_step)
{
	if (max_step >= 1.0 || fb_knob_is_switch(knob)) {
		return;
	}
	double start = fb_knob_to_travel(knob, knob->start);
	double low = fb_knob_from_travel(knob, fmax(start - max_step, 0.0)),
		   high = fb_knob_from_travel(knob, fmin(start + max_step, 1.0));
	bool whole = knob->kind == FB_KNOB_INT;
	knob->min = whole ? ceil(low) : low;
	knob->max = whole ? floor(high) : high;
}

static fb_status take_leaf(walk *w, const char *node, const char *name, const json_t *leaf)
{
	fb_knobs *knobs = w->knobs;
	fb_knob knob = {0};
	bool turns =
		strcmp(name, "bypass") && !json_object_get(leaf, "CONTENTS") && take_value(&knob, leaf);
	if (!take_texts(&knob, node, name, leaf)) {
		fb_knob_finish(&knob);
		return fb_fail(w->error, FB_NO_MEMORY, node, "out of memory");
	}
	unsigned long allowed = 0;
	turns = turns && fits(w->allow, &knob, &allowed);
	turns = turns && (!w->limits->only || fits(w->limits->only, &knob, &w->only_used));
	turns = turns && !(w->limits->freeze && fits(w->limits->freeze, &knob, &w->freeze_used));
	if (turns) {
		narrow(&knob, w->max_step);
		turns = knob.max > knob.min;
	}
	fb_knob *grown =
		turns ? realloc(knobs->knob, ((size_t)knobs->count + 1) * sizeof *grown) : NULL;
	if (!grown) {
		fb_knob_finish(&knob);
		return turns ? fb_fail(w->error, FB_NO_MEMORY, node, "out of memory") : FB_OK;
	}
	knobs->knob = grown;
	knobs->knob[knobs->count++] = knob;
	return FB_OK;
}

static fb_status take_node(walk *w, const char *node, const json_t *contents)
{
	const char *name;
	json_t *leaf;
	fb_status status = FB_OK;
	const json_t *bypass = json_object_get(contents, "bypass");
	if (!bypass || json_is_true(first(bypass, "VALUE"))) {
		return FB_OK; /* no node, or one that somebody took out of the path */
	}
	json_object_foreach((json_t *)(uintptr_t)contents, name, leaf)
	{
		status = status ? status : take_leaf(w, node, name, leaf);
	}
	return status;
}

/** What the station's own limits are set to, NULL where it has none. */
static const json_t *proposal_leaf(const json_t *station, const char *name)
{
	const json_t *place = json_object_get(json_object_get(station, "CONTENTS"), "proposal");
	return first(json_object_get(json_object_get(place, "CONTENTS"), name), "VALUE");
}

fb_status fb_walk(
	const json_t *station, const fb_walk_limits *limits, fb_knobs *out, fb_error *error)
{
	const char *node;
	json_t *place;
	fb_knobs knobs = {0};
	const json_t *allow = proposal_leaf(station, "allow"),
				 *max_step = proposal_leaf(station, "max_step");
	walk w = {.limits = limits,
		.allow = allow ? text_of(allow) : "*",
		.max_step = max_step ? json_number_value(max_step) : 1.0,
		.knobs = &knobs,
		.error = error};
	fb_status status = FB_OK;
	const json_t *contents = json_object_get(station, "CONTENTS");
	if (!json_is_object(contents)) {
		return fb_fail(error, FB_IO, "", "the server's address tree has no CONTENTS there");
	}
	json_object_foreach((json_t *)(uintptr_t)contents, node, place)
	{
		status = status ? status : take_node(&w, node, json_object_get(place, "CONTENTS"));
	}
	status = status ? status : check_used("--only", limits->only, w.only_used, error);
	status = status ? status : check_used("--freeze", limits->freeze, w.freeze_used, error);
	if (!status && !knobs.count) {
		status = fb_fail(error, FB_NOT_FOUND, text_of(json_object_get(station, "FULL_PATH")),
			"there are no parameters to turn: the station has no nodes, or they are bypassed, "
			"frozen or not allowed");
	}
	if (status) {
		fb_knobs_finish(&knobs);
		return status;
	}
	*out = knobs;
	return FB_OK;
}

/* --- metrics */

static const json_t *metric_leaf(const json_t *station, const char *id)
{
	const json_t *place = json_object_get(json_object_get(station, "CONTENTS"), "metric");
	return json_object_get(json_object_get(place, "CONTENTS"), id);
}

const char *fb_walk_metric_label(const json_t *station, const char *id)
{
	return text_of(json_object_get(metric_leaf(station, id), "LABEL"));
}

const char *fb_walk_metric_unit(const json_t *station, const char *id)
{
	return unit_of(metric_leaf(station, id));
}
