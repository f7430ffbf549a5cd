/* SPDX-License-Identifier: GPL-3.0-or-later */
/** foldback ls: what there is in the tree, as OSCQuery tells it. */
#include "wire.h"

#include <stdlib.h>
#include <string.h>

enum { CELL = 256 };

static bool recursive;

/* --- what a node of the answer says */

static const char *text_of(const json_t *node, const char *key)
{
	const char *text = json_string_value(json_object_get(node, key));
	return text ? text : "";
}

/** The first element of an attribute that is a list of one. */
static const json_t *first_of(const json_t *node, const char *key)
{
	return json_array_get(json_object_get(node, key), 0);
}

static const char *unit_of(const json_t *node)
{
	const char *unit = json_string_value(first_of(node, "UNIT"));
	return unit ? fb_unit_text(unit) : "";
}

static bool is_command(const json_t *node)
{
	const char *tag = json_string_value(first_of(node, "TAGS"));
	return tag && !strcmp(tag, "command");
}

static bool is_leaf(const json_t *node)
{
	return json_object_get(node, "TYPE") != NULL;
}

static const char *name_of(const json_t *node)
{
	const char *path = text_of(node, "FULL_PATH"), *slash = strrchr(path, '/');
	return slash && slash[1] ? slash + 1 : path;
}

static void scalar_text(const json_t *value, char cell[CELL])
{
	char number[32];
	if (json_is_string(value)) {
		snprintf(cell, CELL, "%s", json_string_value(value));
	} else if (json_is_boolean(value)) {
		snprintf(cell, CELL, "%s", json_is_true(value) ? "true" : "false");
	} else if (json_is_number(value)) {
		snprintf(cell, CELL, "%s", fb_number_text(json_number_value(value), number));
	} else {
		cell[0] = '\0';
	}
}

/** "-20 dB"; "-" where there is a value but it means nothing. */
static void value_text(const json_t *node, char cell[CELL])
{
	const char *unit = unit_of(node);
	if (json_is_false(json_object_get(node, "VALID"))) {
		snprintf(cell, CELL, "-");
		return;
	}
	scalar_text(first_of(node, "VALUE"), cell);
	if (*cell && *unit) {
		size_t len = strlen(cell);
		snprintf(cell + len, CELL - len, "%s%s", strchr(":%", *unit) ? "" : " ", unit);
	}
}

static void range_text(const json_t *node, char cell[CELL])
{
	const json_t *range = first_of(node, "RANGE"), *choices = json_object_get(range, "VALS");
	const json_t *lo = json_object_get(range, "MIN"), *hi = json_object_get(range, "MAX");
	cell[0] = '\0';
	if (choices) {
		size_t i, len = 0;
		json_t *choice;
		json_array_foreach(choices, i, choice)
		{
			const char *text = json_string_value(choice);
			if (text && len < CELL - 1) {
				len += (size_t)snprintf(cell + len, CELL - len, "%s%s", i ? ", " : "", text);
			}
		}
	} else if (lo && hi) {
		char low[32], high[32];
		snprintf(cell, CELL, "%s to %s", fb_number_text(json_number_value(lo), low),
			fb_number_text(json_number_value(hi), high));
	}
}

/* --- for people */

static void print_leaf(const json_t *node, const char *shown, int width)
{
	char value[CELL], range[CELL];
	const json_int_t access = json_integer_value(json_object_get(node, "ACCESS"));
	value_text(node, value);
	range_text(node, range);
	if (is_command(node)) {
		const char *type = text_of(node, "TYPE");
		snprintf(value, sizeof value, "command%s%s", strcmp(type, "N") ? " " : "",
			strcmp(type, "N") ? type : "");
	}
	if (access == FB_READ) {
		snprintf(range, sizeof range, "read only");
	}
	if (*range) {
		printf("%-*s  %-16s  %s\n", width, shown, value, range);
	} else {
		printf("%-*s  %s\n", width, shown, value);
	}
}

static void print_place(const json_t *node, const char *shown, int width)
{
	char with_slash[CELL];
	const char *label = text_of(node, "LABEL");
	snprintf(with_slash, sizeof with_slash, "%s/", shown);
	if (*label) {
		printf("%-*s  %s\n", width, with_slash, label);
	} else {
		puts(with_slash);
	}
}

static int widest(const json_t *contents)
{
	int width = 0;
	const char *name;
	json_t *child;
	json_object_foreach((json_t *)(uintptr_t)contents, name, child)
	{
		int len = (int)strlen(name) + (json_object_get(child, "CONTENTS") ? 1 : 0);
		width = len > width ? len : width;
	}
	return width;
}

static void print_children(const json_t *node)
{
	const json_t *contents = json_object_get(node, "CONTENTS");
	int width = widest(contents);
	const char *name;
	json_t *child;
	json_object_foreach((json_t *)(uintptr_t)contents, name, child)
	{
		if (json_object_get(child, "CONTENTS")) {
			print_place(child, name, width);
		} else {
			print_leaf(child, name, width);
		}
	}
}

static void print_all(const json_t *node)
{
	const char *name;
	json_t *child;
	if (is_leaf(node)) {
		print_leaf(node, text_of(node, "FULL_PATH"), 44);
	}
	json_object_foreach(json_object_get(node, "CONTENTS"), name, child)
	{
		print_all(child);
	}
}

/** One leaf, with all there is to tell. */
static void print_detail(const json_t *node)
{
	char cell[CELL];
	print_leaf(node, text_of(node, "FULL_PATH"), 0);
	printf("  %s\n", text_of(node, "LABEL"));
	fb_print_wrapped(text_of(node, "DOC"), 2);
	scalar_text(first_of(node, "DEFAULT_VALUE"), cell);
	if (*cell) {
		printf("  default %s%s%s\n", cell, *unit_of(node) ? " " : "", unit_of(node));
	}
	if (json_object_get(node, "SCALE")) {
		printf("  fader %s\n", json_string_value(first_of(node, "SCALE")));
	}
}

/* --- for machines */

static void set_copy(json_t *to, const char *key, const json_t *value)
{
	if (value) {
		json_object_set(to, key, (json_t *)(uintptr_t)value);
	}
}

static json_t *row_json(const json_t *node)
{
	static const char *const access[] = {"none", "read", "write", "both"};
	const json_t *range = first_of(node, "RANGE"), *valid = json_object_get(node, "VALID");
	json_t *row = json_pack("{s:s, s:s, s:b}", "address", text_of(node, "FULL_PATH"), "name",
		name_of(node), "children", json_object_get(node, "CONTENTS") != NULL);
	if (is_leaf(node)) {
		json_int_t how = json_integer_value(json_object_get(node, "ACCESS"));
		json_object_set_new(row, "access", json_string(access[how & 3]));
		json_object_set_new(row, "type", json_string(text_of(node, "TYPE")));
		json_object_set_new(row, "command", json_boolean(is_command(node)));
		json_object_set_new(row, "unit", json_string(unit_of(node)));
		json_object_set_new(row, "valid", json_boolean(!json_is_false(valid)));
	}
	set_copy(row, "value", first_of(node, "VALUE"));
	set_copy(row, "min", json_object_get(range, "MIN"));
	set_copy(row, "max", json_object_get(range, "MAX"));
	set_copy(row, "choices", json_object_get(range, "VALS"));
	set_copy(row, "default", first_of(node, "DEFAULT_VALUE"));
	set_copy(row, "scale", first_of(node, "SCALE"));
	set_copy(row, "label", json_object_get(node, "LABEL"));
	set_copy(row, "doc", json_object_get(node, "DOC"));
	return row;
}

static void add_rows(json_t *rows, const json_t *node, bool itself)
{
	const char *name;
	json_t *child;
	if (itself) {
		json_array_append_new(rows, row_json(node));
	}
	json_object_foreach(json_object_get(node, "CONTENTS"), name, child)
	{
		if (recursive) {
			add_rows(rows, child, true);
		} else {
			json_array_append_new(rows, row_json(child));
		}
	}
}

/* --- */

static int run(const fb_ctl *ctl, int count, char **words)
{
	const char *address = count ? words[0] : "/";
	if (address[0] != '/') {
		return fb_say_usage(&fb_cmd_ls, "\"%s\" is no address: it has to begin with /", address);
	}
	char *path = fb_fetch_escape(address, "/");
	json_t *node = path ? fb_wire_read(ctl, path) : NULL;
	free(path);
	if (!node) {
		return FB_EXIT_FAILED;
	}
	int code = FB_EXIT_OK;
	bool alone = !json_object_get(node, "CONTENTS");
	if (ctl->json) {
		json_t *rows = json_array();
		add_rows(rows, node, recursive || alone);
		code = fb_print_json(rows);
	} else if (recursive) {
		print_all(node);
	} else if (alone && is_leaf(node)) {
		print_detail(node);
	} else {
		print_children(node);
	}
	json_decref(node);
	return code;
}

static const fb_arg args[] = {
	{"recursive", NULL, "all leaves below, with their whole addresses", FB_ARG_FLAG, 'r',
		&recursive, 0, 0},
	{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0},
};

const fb_command fb_cmd_ls = {"ls", "[ADDRESS]", "what is below an address, with values and ranges",
	"Of a single leaf it tells all: what it is for, its default, its fader's law.", 0, 1, true,
	args, run};
