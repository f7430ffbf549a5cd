/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "walk.h"

#include "patterns.h"

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

/* --- the walk */

/** Why knobs are left out, and how many. */
typedef struct tally {
	int all, bypassed, not_allowed, not_named, frozen, fixed;
} tally;

typedef struct walk {
	fb_patterns only, freeze;
	fb_patterns allow; ///< the station's own limits
	bool all;          ///< no --only
	double max_step;
	tally left_out;
	fb_knobs *knobs; ///< NULL: only see what the patterns fit
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

/** May this knob be turned? Every list is asked, so that each pattern is seen to fit something. */
static bool may_turn(walk *w, fb_knob *knob, bool bypassed)
{
	bool named = fb_patterns_fit(&w->only, knob->node, knob->key) || w->all;
	bool frozen = fb_patterns_fit(&w->freeze, knob->node, knob->key);
	bool allowed = fb_patterns_fit(&w->allow, knob->node, knob->key);
	tally *left_out = &w->left_out;
	left_out->all++;
	if (!named) {
		left_out->not_named++;
	} else if (frozen) {
		left_out->frozen++;
	} else if (bypassed) {
		left_out->bypassed++;
	} else if (!allowed) {
		left_out->not_allowed++;
	} else {
		narrow(knob, w->max_step);
		left_out->fixed += knob->max <= knob->min;
		return knob->max > knob->min;
	}
	return false;
}

static fb_status take_leaf(
	walk *w, const char *node, const char *name, const json_t *leaf, bool bypassed)
{
	fb_knobs *knobs = w->knobs;
	fb_knob knob = {0};
	bool is_knob =
		strcmp(name, "bypass") && !json_object_get(leaf, "CONTENTS") && take_value(&knob, leaf);
	if (!take_texts(&knob, node, name, leaf)) {
		fb_knob_finish(&knob);
		return fb_fail(w->error, FB_NO_MEMORY, node, "out of memory");
	}
	bool turns = is_knob && may_turn(w, &knob, bypassed) && knobs;
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
	if (!bypass) {
		return FB_OK; /* no node */
	}
	bool bypassed = json_is_true(first(bypass, "VALUE")); /* somebody took it out of the path */
	json_object_foreach((json_t *)(uintptr_t)contents, name, leaf)
	{
		status = status ? status : take_leaf(w, node, name, leaf, bypassed);
	}
	return status;
}

static fb_status take_station(walk *w, const json_t *station)
{
	const char *node;
	json_t *place;
	fb_status status = FB_OK;
	const json_t *contents = json_object_get(station, "CONTENTS");
	if (!json_is_object(contents)) {
		return fb_fail(w->error, FB_IO, "", "the server's address tree has no CONTENTS there");
	}
	json_object_foreach((json_t *)(uintptr_t)contents, node, place)
	{
		status = status ? status : take_node(w, node, json_object_get(place, "CONTENTS"));
	}
	return status;
}

/** What the station's own limits are set to, NULL where it has none. */
static const json_t *proposal_leaf(const json_t *station, const char *name)
{
	const json_t *place = json_object_get(json_object_get(station, "CONTENTS"), "proposal");
	return first(json_object_get(json_object_get(place, "CONTENTS"), name), "VALUE");
}

static fb_status begin(walk *w, const fb_walk_limits *limits, const char *allow, fb_error *error)
{
	w->error = error;
	w->all = !limits->only;
	fb_status status = fb_patterns_read(&w->only, limits->only ? limits->only : "", error);
	status =
		status ? status : fb_patterns_read(&w->freeze, limits->freeze ? limits->freeze : "", error);
	return status ? status : fb_patterns_read(&w->allow, allow, error);
}

static void end(walk *w)
{
	fb_patterns_finish(&w->only);
	fb_patterns_finish(&w->freeze);
	fb_patterns_finish(&w->allow);
}

/** Why there is nothing to turn. */
static fb_status tell_nothing(const tally *left_out, const char *where, fb_error *error)
{
	const struct {
		int count;
		const char *why;
	} rows[] = {{left_out->not_named, "not named by --only"}, {left_out->frozen, "frozen"},
		{left_out->bypassed, "of bypassed nodes"},
		{left_out->not_allowed, "not allowed (proposal/allow)"},
		{left_out->fixed, "held by proposal/max_step"}};
	char list[200] = "";
	size_t len = 0;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rows[i].count) {
			len += (size_t)snprintf(list + len, sizeof list - len, "%s%d %s", len ? ", " : "",
				rows[i].count, rows[i].why);
		}
	}
	return len ? fb_fail(error, FB_EXISTS, where, "there are no parameters to turn: of %d, %s",
					 left_out->all, list)
			   : fb_fail(error, FB_EXISTS, where,
					 "there are no parameters to turn: its chain is empty");
}

fb_status fb_walk(
	const json_t *station, const fb_walk_limits *limits, fb_knobs *out, fb_error *error)
{
	fb_knobs knobs = {0};
	const json_t *allow = proposal_leaf(station, "allow"),
				 *max_step = proposal_leaf(station, "max_step");
	walk w = {.max_step = max_step ? json_number_value(max_step) : 1.0, .knobs = &knobs};
	fb_status status = begin(&w, limits, allow ? text_of(allow) : "*", error);
	status = status ? status : take_station(&w, station);
	end(&w);
	if (!status && !knobs.count) {
		status = tell_nothing(&w.left_out, text_of(json_object_get(station, "FULL_PATH")), error);
	}
	if (status) {
		fb_knobs_finish(&knobs);
		return status;
	}
	*out = knobs;
	return FB_OK;
}

static fb_status check_used(
	const char *option, const fb_patterns *patterns, size_t stations, fb_error *error)
{
	const char *unused = fb_patterns_unused(patterns);
	return unused ? fb_fail(error, FB_INVALID, option, "\"%s\" fits no parameter of the station%s",
						unused, stations > 1 ? "s" : "")
				  : FB_OK;
}

fb_status fb_walk_check(const json_t *stations, const fb_walk_limits *limits, fb_error *error)
{
	size_t at;
	json_t *station;
	walk w = {.max_step = 1.0};
	fb_status status = begin(&w, limits, "", error);
	if (!status && limits->only && !w.only.count) {
		status = fb_fail(error, FB_INVALID, "--only", "names nothing");
	}
	json_array_foreach((json_t *)(uintptr_t)stations, at, station)
	{
		status = status ? status : take_station(&w, station);
	}
	size_t count = json_array_size(stations);
	status = status ? status : check_used("--only", &w.only, count, error);
	status = status ? status : check_used("--freeze", &w.freeze, count, error);
	end(&w);
	return status;
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
