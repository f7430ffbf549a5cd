/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESS_LEN = 256 };

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

uint32_t fb_layout_cost(const json_t *control)
{
	/* the control, its caption, its value in figures */
	bool plain = fb_layout_is(control, "switch") || fb_layout_is(control, "button") ||
				 fb_layout_is(control, "readout");
	return plain ? 2 : 3;
}

/* --- one control */

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

/** NULL for what no surface can show: a command with arguments, a row of numbers. */
static json_t *control_of(const json_t *node)
{
	const char *kind = kind_of(node), *address = fb_layout_text(node, "FULL_PATH");
	const char *label = fb_layout_text(node, "LABEL"), *type = fb_layout_text(node, "TYPE");
	const json_t *range = first_of(node, "RANGE");
	char twin[ADDRESS_LEN];
	if (!kind || (type[0] == 'f' && type[1])) {
		return NULL;
	}
	json_t *control = json_pack("{s:s, s:s, s:s, s:s, s:s}", "kind", kind, "address", address,
		"label", *label ? label : strrchr(address, '/') + 1, "unit", unit_of(node), "doc",
		fb_layout_text(node, "DOC"));
	if (json_object_get(range, "MIN")) {
		json_object_set(control, "min", json_object_get(range, "MIN"));
		json_object_set(control, "max", json_object_get(range, "MAX"));
		json_object_set_new(control, "down", json_boolean(ends_with(address, "/meter/reduction")));
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

/* --- pages */

static json_t *page_new(const char *title)
{
	return json_pack("{s:s, s:[], s:[]}", "title", title, "controls", "pages");
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
		put(page, control_of(leaf));
	}
}

/** A place with a bypass is a node. */
static bool is_node(const json_t *place)
{
	return child(place, "bypass") && json_object_get(place, "CONTENTS");
}

/** All of a node: its meters first, for they are looked at, then its bypass and parameters. */
static json_t *node_page(const char *id, const json_t *node)
{
	const char *name;
	json_t *leaf, *page = page_new(id);
	json_object_foreach(json_object_get(child(node, "meter"), "CONTENTS"), name, leaf)
	{
		put(page, control_of(leaf));
	}
	put_leaf(page, node, "bypass");
	json_object_foreach(json_object_get(node, "CONTENTS"), name, leaf)
	{
		if (json_object_get(leaf, "TYPE") && strcmp(name, "bypass") != 0) {
			put(page, control_of(leaf));
		}
	}
	return page;
}

static json_t *metrics_page(const json_t *station)
{
	const char *name;
	json_t *leaf, *page = page_new("metrics");
	json_object_foreach(json_object_get(child(station, "metric"), "CONTENTS"), name, leaf)
	{
		json_t *control = control_of(leaf);
		json_object_set_new(control, "kind", json_string("readout"));
		json_object_del(control, "twin");
		put(page, control);
	}
	return page;
}

/** What is in sight on every page of a station. */
static const char *const strip[] = {"name", "mute", "mode", "metric/lufs_momentary",
	"metric/true_peak", "metric/lufs_short_term", "score/quality", "undo", "proposal/state",
	"proposal/accept", "proposal/reject"};

static json_t *station_page(const json_t *station, const char *number)
{
	const char *id;
	json_t *place, *page = page_new(number);
	for (size_t i = 0; i < sizeof strip / sizeof *strip; i++) {
		put_leaf(page, station, strip[i]);
	}
	json_object_foreach(json_object_get(station, "CONTENTS"), id, place)
	{
		if (is_node(place)) {
			json_array_append_new(json_object_get(page, "pages"), node_page(id, place));
		}
	}
	json_array_append_new(json_object_get(page, "pages"), metrics_page(station));
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

static void put_titled(json_t *page, const json_t *leaf, const char *what, const char *number)
{
	char label[64];
	json_t *control = leaf ? control_of(leaf) : NULL;
	if (control) {
		snprintf(label, sizeof label, "%s %s", what, number);
		json_object_set_new(control, "label", json_string(label));
		put(page, control);
	}
}

/** Commands without arguments, switches and menus of a place, such as /scene. */
static void put_place(json_t *page, const json_t *place)
{
	const char *name;
	json_t *leaf;
	json_object_foreach(json_object_get(place, "CONTENTS"), name, leaf)
	{
		const char *kind = json_object_get(leaf, "TYPE") ? kind_of(leaf) : NULL;
		if (kind && strcmp(kind, "meter") != 0) {
			put(page, control_of(leaf));
		}
	}
}

static json_t *master_page(const json_t *tree)
{
	const char *number;
	json_t *station, *page = page_new("master");
	put(page,
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "kind", "button", "address", "/station/*/mute",
			"label", "MUTE ALL", "unit", "", "doc", "Mute every station.", "value", 1));
	put_place(page, child(tree, "scene"));
	put_leaf(page, tree, "server/dsp_load");
	put_leaf(page, tree, "server/xruns");
	json_object_foreach(json_object_get(child(tree, "station"), "CONTENTS"), number, station)
	{
		put_titled(page, child(station, "mute"), "Mute", number);
		put_titled(page, level_of(station), "Level", number);
		put_titled(page, below(station, "metric/lufs_momentary"), "Loudness", number);
	}
	return page;
}

/* --- room */

static uint32_t cost_of(const json_t *page)
{
	size_t i;
	uint32_t cost = 2; /* the page and its tab */
	json_t *each;
	json_array_foreach(json_object_get(page, "controls"), i, each)
	{
		cost += fb_layout_cost(each);
	}
	json_array_foreach(json_object_get(page, "pages"), i, each)
	{
		cost += cost_of(each);
	}
	return cost;
}

/** The longest page among these loses its last control. False if there is none left. */
static bool drop_one(json_t *pages)
{
	size_t i, most = 0;
	json_t *page, *longest = NULL;
	json_array_foreach(pages, i, page)
	{
		size_t n = json_array_size(json_object_get(page, "controls"));
		if (n > most) {
			most = n;
			longest = json_object_get(page, "controls");
		}
	}
	return longest && json_array_remove(longest, most - 1) == 0;
}

/** Make the stations' pages fit, one control at a time from whichever station has most. */
static uint32_t make_room(json_t *pages, uint32_t elements_max)
{
	uint32_t cost = 0, dropped = 0;
	size_t i;
	json_t *page;
	json_array_foreach(pages, i, page)
	{
		cost += cost_of(page);
	}
	while (cost > elements_max) {
		json_t *largest = NULL;
		uint32_t most = 0;
		json_array_foreach(pages, i, page)
		{
			uint32_t own = json_array_size(json_object_get(page, "pages")) ? cost_of(page) : 0;
			largest = own > most ? page : largest;
			most = own > most ? own : most;
		}
		if (!largest || !drop_one(json_object_get(largest, "pages"))) {
			break;
		}
		dropped++;
		cost -= most - cost_of(largest);
	}
	return dropped;
}

/* --- subscriptions */

enum {
	PATTERN_MAX = 390,    /* characters; the server takes 400 */
	PATTERNS_MAX = 60,    /* the server takes 64; beyond, all that stations have */
	WORDS_A_PATTERN = 16, /* matching costs the server more than that many are worth */
};

/** "/station/STAR/metric/" of "/station/3/metric/rms": what such controls of all stations share. */
static size_t stem_of(const char *address, char stem[ADDRESS_LEN])
{
	const char *slash = strrchr(address, '/');
	size_t n = (size_t)(slash + 1 - address);
	snprintf(stem, ADDRESS_LEN, "%.*s", (int)n, address);
	char *number = strstr(stem, "/station/");
	if (number) {
		char rest[ADDRESS_LEN];
		number += strlen("/station/");
		snprintf(rest, sizeof rest, "%s", number + strcspn(number, "/"));
		snprintf(number, ADDRESS_LEN - (size_t)(number - stem), "*%s", rest);
	}
	return n;
}

/** Add an address to {"stem": {"leaf": true}}. */
static void note_address(json_t *stems, const char *address)
{
	char stem[ADDRESS_LEN];
	const char *leaf = address + stem_of(address, stem);
	if (!json_object_get(stems, stem)) {
		json_object_set_new(stems, stem, json_object());
	}
	json_object_set_new(json_object_get(stems, stem), leaf, json_true());
}

static void note_page(json_t *stems, const json_t *page)
{
	size_t i;
	json_t *each;
	json_array_foreach(json_object_get(page, "controls"), i, each)
	{
		if (!fb_layout_is(each, "button")) {
			note_address(stems, fb_layout_text(each, "address"));
		}
		if (json_object_get(each, "twin")) {
			note_address(stems, fb_layout_text(each, "twin"));
		}
	}
	json_array_foreach(json_object_get(page, "pages"), i, each)
	{
		note_page(stems, each);
	}
}

/** STEM{a,b,c}, as many as it takes. */
static void stem_patterns(json_t *patterns, const char *stem, const json_t *leaves)
{
	char pattern[PATTERN_MAX + ADDRESS_LEN];
	const char *leaf;
	json_t *yes;
	size_t n = 0, words = 0;
	json_object_foreach((json_t *)(uintptr_t)leaves, leaf, yes)
	{
		if (n && (n + strlen(leaf) + 2 > PATTERN_MAX || words == WORDS_A_PATTERN)) {
			snprintf(pattern + n, sizeof pattern - n, "}");
			json_array_append_new(patterns, json_string(pattern));
			n = words = 0;
		}
		words++;
		n += (size_t)snprintf(
			pattern + n, sizeof pattern - n, "%s%s%s", n ? "" : stem, n ? "," : "{", leaf);
	}
	if (n) {
		snprintf(pattern + n, sizeof pattern - n, "}");
		json_array_append_new(patterns, json_string(pattern));
	}
}

json_t *fb_layout_patterns(const json_t *pages)
{
	json_t *patterns = json_array(), *stems = json_object(), *leaves, *page;
	const char *stem;
	size_t i;
	json_array_foreach(pages, i, page)
	{
		note_page(stems, page);
	}
	json_object_foreach(stems, stem, leaves)
	{
		stem_patterns(patterns, stem, leaves);
	}
	json_decref(stems);
	if (json_array_size(patterns) > PATTERNS_MAX) {
		json_array_clear(patterns);
		json_array_append_new(patterns, json_string("/station"));
		json_array_append_new(patterns, json_string("/norm/station"));
	}
	return patterns;
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

/** A number for each control: one leaf may be on two pages. */
static void count_controls(json_t *page, json_int_t *count)
{
	size_t i;
	json_t *each;
	json_array_foreach(json_object_get(page, "controls"), i, each)
	{
		json_object_set_new(each, "number", json_integer(++*count));
	}
	json_array_foreach(json_object_get(page, "pages"), i, each)
	{
		count_controls(each, count);
	}
}

fb_status fb_layout_plan(
	const json_t *tree, const fb_layout_wish *wish, fb_layout *out, fb_error *error)
{
	const char *number;
	json_t *station, *pages = json_array(), *master = master_page(tree);
	bool found[WORDS_MAX] = {false};
	json_object_foreach(json_object_get(child(tree, "station"), "CONTENTS"), number, station)
	{
		if (!wish->station || wish->station == atol(number)) {
			json_array_append_new(pages,
				wish->controls ? named_page(station, number, wish->controls, found, WORDS_MAX)
							   : station_page(station, number));
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
	uint32_t taken = wish->station ? 0 : cost_of(master);
	out->left_out = make_room(pages, wish->elements_max - taken);
	if (!wish->station) { /* of one station its own page is all there is */
		json_array_insert(pages, 0, master);
	}
	json_decref(master);
	json_int_t count = 0;
	size_t i;
	json_array_foreach(pages, i, station)
	{
		count_controls(station, &count);
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

fb_layout_box fb_layout_cell(const fb_layout_box *box, size_t n, size_t i, double shape)
{
	size_t columns = 1;
	double best = INFINITY;
	for (size_t c = 1; c <= n; c++) {
		double w = box->w / (double)c, h = box->h / ceil((double)n / (double)c);
		double off = fabs(log(w / h / shape));
		if (off < best) {
			best = off;
			columns = c;
		}
	}
	size_t rows = (n + columns - 1) / columns;
	double w = box->w / (double)columns, h = box->h / (double)rows;
	return (fb_layout_box){
		box->x + w * (double)(i % columns), box->y + h * (double)(i / columns), w, h};
}
