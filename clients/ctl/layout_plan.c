/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Which control is on which page. */
#include "layout_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESS_LEN = 256, SCENES_MAX = 24, NARROW = 700, FIRST_FEW = 3 };

/* --- pages */

static json_t *page_new(const char *title)
{
	return json_pack(
		"{s:s, s:[], s:[], s:[], s:[]}", "title", title, "controls", "buttons", "strips", "pages");
}

static void put(json_t *page, json_t *take)
{
	if (take) {
		json_array_append_new(json_object_get(page, "controls"), take);
	}
}

static const json_t *child(const json_t *node, const char *name)
{
	return json_object_get(json_object_get(node, "CONTENTS"), name);
}

/** The place at "comp/threshold" below a node. */
static const json_t *below(const json_t *node, const char *path)
{
	char name[ADDRESS_LEN];
	while (node && *path) {
		size_t n = strcspn(path, "/");
		snprintf(name, sizeof name, "%.*s", (int)n, path);
		node = child(node, name);
		path += n + (path[n] == '/');
	}
	return node;
}

static void put_leaf(json_t *page, const json_t *node, const char *path)
{
	const json_t *leaf = below(node, path);
	if (leaf && json_object_get(leaf, "TYPE")) {
		put(page, fb_layout_control(leaf));
	}
}

/** All controls of a page matter alike. */
static void rank_all(json_t *page, int rank)
{
	size_t i;
	json_t *control;
	json_array_foreach(json_object_get(page, "controls"), i, control)
	{
		json_object_set_new(control, "rank", json_integer(rank));
	}
}

/** A place with a bypass is a node. */
static bool is_node(const json_t *place)
{
	return child(place, "bypass") && json_object_get(place, "CONTENTS");
}

/** How many parameters each band of a node has, where it has bands: b1_gain is of the band b1. */
static size_t band_size(const json_t *node)
{
	const char *name, *first = NULL;
	json_t *leaf;
	size_t n = 0;
	json_object_foreach((json_t *)(uintptr_t)json_object_get(node, "CONTENTS"), name, leaf)
	{
		size_t len = strcspn(name, "_");
		if (!first) {
			first = name;
			if (!name[len] || !strpbrk(name, "123456789")) {
				return 0;
			}
		}
		n += strncmp(name, first, len + 1) == 0;
	}
	return n;
}

/** The first parameters of a node are what it is about, used or not; names of choices take much
	room. */
static void raise_first(json_t *controls)
{
	size_t i;
	json_t *control;
	json_array_foreach(controls, i, control)
	{
		if (i < FIRST_FEW && !fb_layout_is(control, "menu")) {
			json_object_set_new(control, "rank", json_integer(FB_RANK_MAIN));
		}
	}
}

/** All of a node: its meters first, for they are looked at, then its bypass and parameters; where
	they stand in bands, these first, so that they stand in line. */
static json_t *node_page(const char *id, const json_t *node)
{
	const char *name;
	json_t *leaf, *page = page_new(id), *top = page_new(id);
	json_t *controls = json_object_get(page, "controls"),
		   *others = json_object_get(top, "controls");
	size_t band = band_size(node);
	json_object_foreach(json_object_get(child(node, "meter"), "CONTENTS"), name, leaf)
	{
		put(top, fb_layout_control(leaf));
	}
	put_leaf(top, node, "bypass");
	json_object_foreach(json_object_get(node, "CONTENTS"), name, leaf)
	{
		if (json_object_get(leaf, "TYPE") && strcmp(name, "bypass") != 0) {
			put(page, fb_layout_control(leaf));
		}
	}
	if (band) {
		json_object_set_new(page, "group", json_integer((json_int_t)band));
		json_array_extend(controls, others);
	} else {
		raise_first(controls);
		json_array_extend(others, controls);
		json_object_set(page, "controls", others);
	}
	json_decref(top);
	return page;
}

static json_t *metrics_page(const json_t *station)
{
	const char *name;
	json_t *leaf, *page = page_new("metrics");
	json_object_foreach(json_object_get(child(station, "metric"), "CONTENTS"), name, leaf)
	{
		json_t *control = fb_layout_control(leaf);
		json_object_set_new(control, "kind", json_string("readout"));
		json_object_set_new(control, "rank", json_integer(FB_RANK_METRIC));
		json_object_del(control, "twin");
		put(page, control);
	}
	return page;
}

/** What is in sight on every page of a station. */
static const char *const strip[] = {"name", "mute", "mode", "metric/lufs_momentary",
	"metric/lufs_short_term", "metric/true_peak", "metric/gain_reduction", "score/quality", "undo",
	"redo", "run", "run/state", "proposal/state", "proposal/audition", "proposal/accept",
	"proposal/reject"};

static json_t *station_page(const json_t *station, const char *number, bool narrow)
{
	const char *id;
	json_t *place, *page = page_new(number), *pages = json_object_get(page, "pages");
	json_t *top = narrow ? page_new("main") : page;
	for (size_t i = 0; i < sizeof strip / sizeof *strip; i++) {
		put_leaf(top, station, strip[i]);
	}
	if (narrow) { /* there is no room for them above all pages */
		json_array_append_new(pages, top);
	}
	rank_all(top, FB_RANK_ALWAYS);
	json_object_foreach(json_object_get(station, "CONTENTS"), id, place)
	{
		if (is_node(place)) {
			json_array_append_new(pages, node_page(id, place));
		}
	}
	json_array_append_new(pages, metrics_page(station));
	return page;
}

/* --- what was asked for by name */

/** One word of --controls at one station: "mute", "comp", "comp.threshold". True if it is there. */
static bool put_named(json_t *page, const json_t *station, const char *word)
{
	char path[ADDRESS_LEN];
	snprintf(path, sizeof path, "%s", word);
	for (char *dot = path; (dot = strchr(dot, '.'));) {
		*dot = '/';
	}
	const json_t *place = below(station, path);
	if (place && is_node(place)) {
		json_t *node = node_page(word, place);
		json_array_extend(json_object_get(page, "controls"), json_object_get(node, "controls"));
		json_decref(node);
	} else {
		put_leaf(page, station, path);
	}
	return place != NULL;
}

/** A page of what --controls names. found[i]: the i-th word was somewhere. */
static json_t *named_page(
	const json_t *station, const char *number, const char *list, bool *found, size_t found_max)
{
	json_t *page = page_new(number);
	char word[ADDRESS_LEN];
	for (size_t i = 0; *list && i < found_max; i++) {
		size_t n = strcspn(list, ",");
		snprintf(word, sizeof word, "%.*s", (int)n, list);
		found[i] |= put_named(page, station, word);
		list += n + (list[n] == ',');
	}
	return page;
}

/* --- the master page */

/** The last gain of the chain that is a stage of its own: what a desk calls the channel's fader. */
static const json_t *level_of(const json_t *station)
{
	const char *id;
	json_t *place;
	const json_t *found = NULL;
	json_object_foreach(json_object_get(station, "CONTENTS"), id, place)
	{
		found = is_node(place) && child(place, "gain") && child(place, "balance")
					? child(place, "gain")
					: found;
	}
	return found;
}

static void put_titled(json_t *page, const json_t *leaf, const char *label)
{
	json_t *control = leaf ? fb_layout_control(leaf) : NULL;
	if (control) {
		json_object_set_new(control, "label", json_string(label));
		put(page, control);
	}
}

/** A station in a column: its number and name, mute, fader and loudness. */
static json_t *station_strip(const json_t *station, const char *number)
{
	json_t *column = page_new(number);
	put_titled(column, child(station, "name"), number);
	put_titled(column, child(station, "mute"), "Mute");
	put_titled(column, level_of(station), "Level");
	put_titled(column, below(station, "metric/lufs_momentary"), "LUFS");
	return column;
}

/** A button that sends an address with a value. */
static json_t *button_of(
	const char *address, const char *label, const char *tone, const char *doc, json_t *take)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:o}", "kind", "button", "address",
		address, "label", label, "unit", "", "tone", tone, "doc", doc, "rank", FB_RANK_ALWAYS,
		"value", take);
}

/** A button a scene; what comes to be a scene later is not among them. */
static void put_scenes(json_t *page, const json_t *tree)
{
	const char *names =
		json_string_value(json_array_get(json_object_get(below(tree, "scene/list"), "VALUE"), 0));
	char name[ADDRESS_LEN];
	for (size_t i = 0; names && *names && i < SCENES_MAX; i++) {
		size_t n = strcspn(names, "\n");
		snprintf(name, sizeof name, "%.*s", (int)n, names);
		json_array_append_new(json_object_get(page, "buttons"),
			button_of("/scene/load", name, "", "Recall this scene, morphing.", json_string(name)));
		names += n + (names[n] == '\n');
	}
}

static json_t *master_page(const json_t *tree, bool narrow)
{
	static const char *const all[] = {"scene/current", "scene/progress", "scene/morph",
		"server/dsp_load", "server/xruns", "server/heartbeat"};
	const char *number;
	json_t *station, *master = page_new("master"), *page = narrow ? page_new("main") : master;
	json_t *columns = narrow ? page_new("stations") : master;
	put_titled(page, below(tree, "server/panic"), "PANIC");
	put(page,
		button_of("/station/*/mute", "MUTE ALL", "danger", "Mute every station.", json_integer(1)));
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		put_leaf(page, tree, all[i]);
	}
	put_scenes(page, tree);
	json_object_foreach(json_object_get(child(tree, "station"), "CONTENTS"), number, station)
	{
		json_array_append_new(json_object_get(columns, "strips"), station_strip(station, number));
	}
	if (narrow) { /* there is no room for both on one page */
		json_array_append_new(json_object_get(master, "pages"), page);
		json_array_append_new(json_object_get(master, "pages"), columns);
	}
	return master;
}

/* --- all of it */

enum { WORDS_MAX = 64 };

static fb_status check_words(const char *list, const bool *found, fb_error *error)
{
	char word[ADDRESS_LEN];
	for (size_t i = 0; *list; i++) {
		size_t n = strcspn(list, ",");
		snprintf(word, sizeof word, "%.*s", (int)n, list);
		if (i == WORDS_MAX) {
			return fb_fail(error, FB_TOO_MANY, "--controls", "at most %d names", WORDS_MAX);
		}
		if (!found[i]) {
			return fb_fail(error, FB_NOT_FOUND, "--controls",
				"\"%s\" is at no station: it takes NODE, NODE.PARAMETER or a leaf such as mute",
				word);
		}
		list += n + (list[n] == ',');
	}
	return FB_OK;
}

void fb_layout_each(const json_t *page, fb_layout_each_fn *each, void *ctx)
{
	static const char *const controls[] = {"controls", "buttons"}, *const pages[] = {
																	   "strips", "pages"};
	size_t i;
	json_t *one;
	for (int k = 0; k < 2; k++) {
		json_array_foreach(json_object_get(page, controls[k]), i, one)
		{
			each(ctx, one);
		}
	}
	for (int k = 0; k < 2; k++) {
		json_array_foreach(json_object_get(page, pages[k]), i, one)
		{
			fb_layout_each(one, each, ctx);
		}
	}
}

/** A number for each control: one leaf may be on two pages. */
static void count_control(void *ctx, json_t *control)
{
	json_object_set_new(control, "number", json_integer(++*(json_int_t *)ctx));
}

fb_status fb_layout_plan(
	const json_t *tree, const fb_layout_wish *wish, fb_layout *out, fb_error *error)
{
	const char *number;
	json_t *station, *pages = json_array(), *master = master_page(tree, wish->width < NARROW);
	bool found[WORDS_MAX] = {false};
	json_object_foreach(json_object_get(child(tree, "station"), "CONTENTS"), number, station)
	{
		if (!wish->station || wish->station == atol(number)) {
			json_array_append_new(pages,
				wish->controls ? named_page(station, number, wish->controls, found, WORDS_MAX)
							   : station_page(station, number, wish->width < NARROW));
		}
	}
	fb_status status = FB_OK;
	if (!json_array_size(pages)) {
		status =
			fb_fail(error, FB_NOT_FOUND, "--station", "there is no station %ld", wish->station);
	} else if (wish->controls) {
		status = check_words(wish->controls, found, error);
	}
	if (status) {
		json_decref(pages);
		json_decref(master);
		return status;
	}
	uint32_t taken = wish->station ? 0 : fb_layout_page_cost(master);
	uint32_t room = taken < wish->elements_max ? wish->elements_max - taken : 0;
	out->left_out = fb_layout_make_room(pages, room);
	if (!wish->station) { /* of one station its own page is all there is */
		json_array_insert(pages, 0, master);
	}
	json_decref(master);
	json_int_t count = 0;
	size_t i;
	json_array_foreach(pages, i, station)
	{
		fb_layout_each(station, count_control, &count);
	}
	out->pages = pages;
	out->patterns = fb_layout_patterns(pages);
	return out->patterns ? FB_OK : fb_fail(error, FB_NO_MEMORY, "layout", "out of memory");
}

void fb_layout_finish(fb_layout *layout)
{
	json_decref(layout->pages);
	json_decref(layout->patterns);
}

size_t fb_layout_columns(const fb_layout_box *box, const json_t *page)
{
	const json_t *controls = json_object_get(page, "controls");
	size_t n = json_array_size(controls), group = (size_t)fb_layout_number(page, "group");
	size_t step = group > 1 ? group : 1, columns = step;
	/* a fader is tall, figures are wide */
	double best = INFINITY,
		   shape = fb_layout_is(json_array_get(controls, 0), "readout") ? 2.2 : 0.6;
	for (size_t c = step; c <= n; c += step) {
		double w = box->w / (double)c, h = box->h / ceil((double)n / (double)c);
		double off = fabs(log(w / h / shape));
		if (off < best) {
			best = off;
			columns = c;
		}
	}
	return columns;
}

fb_layout_box fb_layout_cell(const fb_layout_box *box, size_t n, size_t i, size_t columns)
{
	size_t rows = (n + columns - 1) / columns;
	double w = box->w / (double)columns, h = box->h / (double)rows;
	return (fb_layout_box){
		box->x + w * (double)(i % columns), box->y + h * (double)(i / columns), w, h};
}
