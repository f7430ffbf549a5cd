/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What a layout may hold and what it subscribes to. */
#include "layout_parts.h"

#include <stdio.h>
#include <string.h>

enum { ADDRESS_LEN = 256 };

/* --- room */

uint32_t fb_layout_cost(const json_t *control)
{
	/* caption and control, then what tells the value: figures, or a name on each choice */
	if (fb_layout_is(control, "menu")) {
		return 2 + (uint32_t)json_array_size(json_object_get(control, "choices"));
	}
	bool plain = fb_layout_is(control, "switch") || fb_layout_is(control, "button") ||
				 fb_layout_is(control, "readout");
	return plain ? 2 : 3;
}

static void add_cost(void *ctx, json_t *control)
{
	*(uint32_t *)ctx += fb_layout_cost(control);
}

uint32_t fb_layout_page_cost(const json_t *page)
{
	uint32_t cost = 0;
	size_t i;
	json_t *each;
	fb_layout_each(page, add_cost, &cost);
	json_array_foreach(json_object_get(page, "pages"), i, each)
	{
		cost += 2;
	}
	return cost + 2 + (uint32_t)json_array_size(json_object_get(page, "strips"));
}

/** What matters least on these pages, of the fullest the last, goes; and so does a page that has
	nothing any more. False if there is none left. */
static bool drop_one(json_t *pages)
{
	size_t i, at, best_page = 0, best_at = 0, best_size = 0;
	json_int_t best = 0;
	json_t *page, *control;
	json_array_foreach(pages, i, page)
	{
		json_t *controls = json_object_get(page, "controls");
		size_t size = json_array_size(controls);
		json_array_foreach(controls, at, control)
		{
			json_int_t rank = json_integer_value(json_object_get(control, "rank"));
			if (rank > best || (rank == best && size >= best_size)) {
				best = rank;
				best_page = i;
				best_at = at;
				best_size = size;
			}
		}
	}
	json_t *from = json_object_get(json_array_get(pages, best_page), "controls");
	if (!best_size) {
		return false;
	}
	json_array_remove(from, best_at);
	json_object_del(json_array_get(pages, best_page), "group"); /* they stand in line no more */
	if (best_size == 1) {
		json_array_remove(pages, best_page);
	}
	return true;
}

uint32_t fb_layout_make_room(json_t *pages, uint32_t elements_max)
{
	uint32_t cost = 0, dropped = 0;
	size_t i;
	json_t *page;
	json_array_foreach(pages, i, page)
	{
		cost += fb_layout_page_cost(page);
	}
	while (cost > elements_max) {
		json_t *largest = NULL;
		uint32_t most = 0;
		json_array_foreach(pages, i, page)
		{
			bool has = json_array_size(json_object_get(page, "pages")) > 0;
			uint32_t own = has ? fb_layout_page_cost(page) : 0;
			largest = own > most ? page : largest;
			most = own > most ? own : most;
		}
		if (!largest || !drop_one(json_object_get(largest, "pages"))) {
			break;
		}
		dropped++;
		cost -= most - fb_layout_page_cost(largest);
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

static void note_control(void *stems, json_t *control)
{
	if (!fb_layout_is(control, "button")) {
		note_address(stems, fb_layout_text(control, "address"));
	}
	if (json_object_get(control, "twin")) {
		note_address(stems, fb_layout_text(control, "twin"));
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
		fb_layout_each(page, note_control, stems);
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
