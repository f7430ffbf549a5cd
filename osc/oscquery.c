/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "oscquery.h"

#include "json.h"
#include "tree_private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/** What an attribute's writer sees. */
typedef struct node {
	fb_tree *tree;
	const fb_oscquery_host *host;
	const fb_branch *branch;
	const fb_leaf_spec *leaf; ///< NULL for a pure container
} node;

static node node_of(fb_tree *tree, const fb_oscquery_host *host, const fb_branch *branch)
{
	return (node){tree, host, branch, fb_branch_leaf(branch)};
}

static bool is_kind(const node *n, fb_leaf_kind kind)
{
	return n->leaf && n->leaf->kind == kind;
}

static bool is_number(const node *n)
{
	return is_kind(n, FB_LEAF_FLOAT) || is_kind(n, FB_LEAF_INT);
}

static bool is_writable_number(const node *n)
{
	return is_number(n) && (n->leaf->access & FB_WRITE);
}

/** Is it the 0..1 mirror of a parameter? */
static bool is_twin(const node *n)
{
	return n->leaf && strncmp(fb_branch_address(n->branch), "/norm/", 6) == 0;
}

/* --- the attributes: each writes its value, or nothing where the node has none */

static bool has_any(const node *n)
{
	(void)n;
	return true;
}

static bool has_leaf(const node *n)
{
	return n->leaf != NULL;
}

static bool has_value(const node *n)
{
	return n->leaf && (n->leaf->access & FB_READ);
}

static void full_path(fb_json *json, const node *n)
{
	fb_json_string(json, fb_branch_address(n->branch));
}

static const char *short_name(const fb_branch *branch)
{
	const char *label = fb_branch_label(branch);
	return *label ? label : fb_branch_name(branch);
}

/** Clients show it as the name, and one finds siblings by it: so no two may have the same. */
static void description(fb_json *json, const node *n)
{
	const fb_branch *parent = fb_branch_parent(n->branch);
	const char *text = short_name(n->branch), *label = fb_branch_label(n->branch);
	bool taken = false;
	fb_branch *before = parent ? fb_branch_first(parent) : NULL;
	for (; before && before != n->branch && !taken; before = fb_branch_next(before)) {
		/* two without a label have their names, which differ */
		taken = (*label || *fb_branch_label(before)) && strcmp(short_name(before), text) == 0;
	}
	char distinct[256];
	if (!parent) {
		text = n->host->name; /* the root has no name of its own */
	} else if (taken) {
		snprintf(distinct, sizeof distinct, "%.100s (%.100s)", text, fb_branch_name(n->branch));
		text = distinct;
	}
	fb_json_string(json, text);
}

static void access_of(fb_json *json, const node *n)
{
	fb_json_int(json, n->leaf ? n->leaf->access : 0);
}

/** A command's arguments with or without those that are optional. */
static void command_type(char *out, size_t size, const char *args, bool optional)
{
	size_t used = 0;
	for (; *args && used + 1 < size && (optional || *args != '?'); args++) {
		if (*args != '?') {
			out[used++] = *args;
		}
	}
	out[used] = '\0';
	if (!used) {
		snprintf(out, size, "N");
	}
}

/** "fff", as many as there are now. */
static void row_type(fb_json *json, const node *n)
{
	char tags[1024];
	fb_value row;
	fb_tree_get(n->tree, n->branch, &row);
	size_t count = row.count < sizeof tags ? row.count : sizeof tags - 1;
	memset(tags, 'f', count);
	tags[count] = '\0';
	fb_json_string(json, tags);
}

static void type(fb_json *json, const node *n)
{
	static const char *const types[] = {[FB_LEAF_FLOAT] = "f",
		[FB_LEAF_INT] = "i",
		[FB_LEAF_BOOL] = "T",
		[FB_LEAF_CHOICE] = "s",
		[FB_LEAF_TEXT] = "s"};
	if (is_kind(n, FB_LEAF_COMMAND)) {
		char args[32];
		command_type(args, sizeof args, n->leaf->args, false);
		fb_json_string(json, args);
	} else if (is_kind(n, FB_LEAF_FLOATS)) {
		row_type(json, n);
	} else {
		fb_json_string(json, types[n->leaf->kind]);
	}
}

static void value(fb_json *json, const node *n)
{
	fb_value v;
	fb_tree_get(n->tree, n->branch, &v);
	fb_json_open(json, '[');
	fb_json_value(json, &v);
	fb_json_close(json, ']');
}

/** [{"MIN": .., "MAX": ..}] for whole numbers. */
static void whole_range(fb_json *json, int64_t min, int64_t max)
{
	fb_json_open(json, '[');
	fb_json_open(json, '{');
	fb_json_key(json, "MIN");
	fb_json_int(json, min);
	fb_json_key(json, "MAX");
	fb_json_int(json, max);
	fb_json_close(json, '}');
	fb_json_close(json, ']');
}

/** Never an empty one, and never shorter than TYPE: clients index it. */
static bool has_range(const node *n)
{
	return is_number(n) || is_kind(n, FB_LEAF_CHOICE);
}

static void range(fb_json *json, const node *n)
{
	if (is_kind(n, FB_LEAF_INT)) {
		whole_range(json, (int64_t)n->leaf->min, (int64_t)n->leaf->max);
		return;
	}
	fb_json_open(json, '[');
	fb_json_open(json, '{');
	if (is_kind(n, FB_LEAF_CHOICE)) {
		fb_json_key(json, "VALS");
		fb_json_open(json, '[');
		for (uint32_t i = 0; i < n->leaf->n_choices; i++) {
			fb_json_string(json, n->leaf->choices[i]);
		}
		fb_json_close(json, ']');
	} else {
		fb_json_key(json, "MIN");
		fb_json_float(json, n->leaf->min);
		fb_json_key(json, "MAX");
		fb_json_float(json, n->leaf->max);
	}
	fb_json_close(json, '}');
	fb_json_close(json, ']');
}

static void one_string(fb_json *json, const char *text)
{
	fb_json_open(json, '[');
	fb_json_string(json, text);
	fb_json_close(json, ']');
}

static void clipmode(fb_json *json, const node *n)
{
	(void)n;
	one_string(json, "both");
}

/** The proposal's name of a unit, the unit itself if it has none for it. A named unit overrides
	TYPE in libossia, so whole numbers go without. */
static const char *unit_name(const node *n)
{
	static const char *const names[][2] = {{"dB", "gain.db"}, {"Hz", "time.hz"}, {"ms", "time.ms"},
		{"s", "time.second"}, {"bpm", "time.bpm"}};
	if (!n->leaf) {
		return "";
	}
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(n->leaf->unit, names[i][0]) == 0) {
			return is_kind(n, FB_LEAF_FLOAT) ? names[i][1] : "";
		}
	}
	return n->leaf->unit;
}

/** What a value means, in one word: by its unit, else by its kind. */
static const char *meaning(const node *n)
{
	static const char *const units[][2] = {{"dB", "level"}, {"dBFS", "level"}, {"dBTP", "level"},
		{"LUFS", "loudness"}, {"LU", "loudness"}, {"Hz", "frequency"}, {"s", "time"},
		{"ms", "time"}, {"samples", "time"}, {"frames", "time"}, {"bpm", "tempo"},
		{"%", "percentage"}};
	static const char *const kinds[] = {[FB_LEAF_INT] = "number",
		[FB_LEAF_BOOL] = "switch",
		[FB_LEAF_CHOICE] = "choice",
		[FB_LEAF_TEXT] = "text"};
	if (!n->leaf) {
		return "";
	}
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(n->leaf->unit, units[i][0]) == 0) {
			return units[i][1];
		}
	}
	size_t kind = n->leaf->kind;
	const char *plain = kind < sizeof kinds / sizeof kinds[0] ? kinds[kind] : NULL;
	return is_twin(n) ? "position" : plain ? plain : "";
}

static bool has_meaning(const node *n)
{
	return *meaning(n) != '\0';
}

static void extended_type(fb_json *json, const node *n)
{
	one_string(json, meaning(n));
}

static bool has_unit(const node *n)
{
	return *unit_name(n) != '\0';
}

static void unit(fb_json *json, const node *n)
{
	one_string(json, unit_name(n));
}

static const char *tag_name(const node *n)
{
	return n->leaf && n->leaf->meter     ? "meter"
		   : is_kind(n, FB_LEAF_COMMAND) ? "command"
		   : is_twin(n)                  ? "norm"
										 : "";
}

static bool has_tags(const node *n)
{
	return *tag_name(n) != '\0';
}

static void tags(fb_json *json, const node *n)
{
	one_string(json, tag_name(n));
}

/** Other types a set may have: the index of a choice, 0 and 1, a command's optional arguments. */
static bool has_overloads(const node *n)
{
	bool optional = is_kind(n, FB_LEAF_COMMAND) && strchr(n->leaf->args, '?');
	bool other = is_kind(n, FB_LEAF_CHOICE) || is_kind(n, FB_LEAF_BOOL);
	return optional || (other && (n->leaf->access & FB_WRITE));
}

static void overloads(fb_json *json, const node *n)
{
	char args[32] = "i";
	if (is_kind(n, FB_LEAF_COMMAND)) {
		command_type(args, sizeof args, n->leaf->args, true);
	}
	fb_json_open(json, '[');
	fb_json_open(json, '{');
	fb_json_key(json, "TYPE");
	fb_json_string(json, args);
	if (!is_kind(n, FB_LEAF_COMMAND)) {
		fb_json_key(json, "RANGE");
		whole_range(json, 0, is_kind(n, FB_LEAF_CHOICE) ? (int64_t)n->leaf->n_choices - 1 : 1);
	}
	fb_json_close(json, '}');
	fb_json_close(json, ']');
}

/** A command must arrive: not by UDP where there is better. */
static bool has_critical(const node *n)
{
	return n->host->websocket && is_kind(n, FB_LEAF_COMMAND);
}

static void critical(fb_json *json, const node *n)
{
	(void)n;
	fb_json_bool(json, true);
}

static bool has_label(const node *n)
{
	return *fb_branch_label(n->branch) != '\0';
}

static void label_of(fb_json *json, const node *n)
{
	fb_json_string(json, fb_branch_label(n->branch));
}

static bool has_doc(const node *n)
{
	return *fb_branch_doc(n->branch) != '\0';
}

static void doc_of(fb_json *json, const node *n)
{
	fb_json_string(json, fb_branch_doc(n->branch));
}

static bool has_default(const node *n)
{
	return is_writable_number(n) || (n->leaf && (n->leaf->access & FB_WRITE) &&
										(is_kind(n, FB_LEAF_BOOL) || is_kind(n, FB_LEAF_CHOICE)));
}

static void default_value(fb_json *json, const node *n)
{
	fb_json_open(json, '[');
	if (is_kind(n, FB_LEAF_INT)) {
		fb_json_int(json, (int64_t)n->leaf->def);
	} else if (is_kind(n, FB_LEAF_BOOL)) {
		fb_json_bool(json, n->leaf->def != 0.0);
	} else if (is_kind(n, FB_LEAF_CHOICE)) {
		fb_json_string(json, n->leaf->choices[(uint32_t)n->leaf->def]);
	} else {
		fb_json_float(json, n->leaf->def);
	}
	fb_json_close(json, ']');
}

/** One notch of an encoder: of a float the 1, 2 or 5 times a power of ten that makes at least 100
	of its range. A logarithmic one has no step that suits all of it. */
static bool has_step(const node *n)
{
	return is_writable_number(n) && (is_kind(n, FB_LEAF_INT) || (n->leaf->scale != FB_SCALE_LOG &&
																	n->leaf->max > n->leaf->min));
}

static void step_size(fb_json *json, const node *n)
{
	fb_json_open(json, '[');
	if (is_kind(n, FB_LEAF_INT)) {
		fb_json_int(json, 1);
	} else {
		double most = (n->leaf->max - n->leaf->min) / 100.0, ten = pow(10.0, floor(log10(most)));
		double times = most / ten;
		fb_json_float(json, ten * (times >= 5.0 ? 5.0 : times >= 2.0 ? 2.0 : 1.0));
	}
	fb_json_close(json, ']');
}

static bool has_scale(const node *n)
{
	return is_kind(n, FB_LEAF_FLOAT) && (n->leaf->access & FB_WRITE);
}

static void scale(fb_json *json, const node *n)
{
	one_string(json, n->leaf->scale == FB_SCALE_LOG ? "log" : "linear");
}

static bool has_invalid(const node *n)
{
	return has_value(n) && !fb_tree_valid(n->tree, n->branch);
}

static void invalid(fb_json *json, const node *n)
{
	(void)n;
	fb_json_bool(json, false);
}

static bool has_children(const node *n)
{
	return fb_branch_first(n->branch) != NULL;
}

static void whole(fb_json *json, const node *n);

static void contents(fb_json *json, const node *n)
{
	fb_json_open(json, '{');
	for (fb_branch *child = fb_branch_first(n->branch); child; child = fb_branch_next(child)) {
		node c = node_of(n->tree, n->host, child);
		fb_json_key(json, fb_branch_name(child));
		whole(json, &c);
	}
	fb_json_close(json, '}');
}

static const struct attribute {
	const char *name;
	bool (*has)(const node *n);
	void (*write)(fb_json *json, const node *n);
	bool optional; ///< an extension that HOST_INFO lists
} attributes[] = {
	{"FULL_PATH", has_any, full_path, false},
	{"DESCRIPTION", has_any, description, true},
	{"ACCESS", has_any, access_of, true},
	{"TYPE", has_leaf, type, false},
	{"VALUE", has_value, value, true},
	{"RANGE", has_range, range, true},
	{"CLIPMODE", is_writable_number, clipmode, true},
	{"UNIT", has_unit, unit, true},
	{"EXTENDED_TYPE", has_meaning, extended_type, true},
	{"TAGS", has_tags, tags, true},
	{"OVERLOADS", has_overloads, overloads, true},
	{"CRITICAL", has_critical, critical, true},
	{"LABEL", has_label, label_of, true},
	{"DOC", has_doc, doc_of, true},
	{"DEFAULT_VALUE", has_default, default_value, true},
	{"STEP_SIZE", has_step, step_size, true},
	{"SCALE", has_scale, scale, true},
	{"VALID", has_invalid, invalid, true},
	{"CONTENTS", has_children, contents, false},
};
enum { N_ATTRIBUTES = sizeof attributes / sizeof attributes[0] };

static bool is_offered(const struct attribute *a, const fb_oscquery_host *host)
{
	return a->has != has_critical || host->websocket;
}

static void write_node(fb_json *json, const node *n, bool deep)
{
	fb_json_open(json, '{');
	for (size_t i = 0; i < N_ATTRIBUTES; i++) {
		if (attributes[i].has(n) && (deep || attributes[i].write != contents)) {
			fb_json_key(json, attributes[i].name);
			attributes[i].write(json, n);
		}
	}
	fb_json_close(json, '}');
}

static void whole(fb_json *json, const node *n)
{
	write_node(json, n, true);
}

/* --- the answers */

static void host_info(fb_json *json, const fb_oscquery_host *host)
{
	static const char *const websocket[] = {"LISTEN", "PATH_ADDED", "PATH_REMOVED", "PATH_CHANGED"};
	fb_json_open(json, '{');
	fb_json_key(json, "NAME");
	fb_json_string(json, host->name);
	fb_json_key(json, "EXTENSIONS");
	fb_json_open(json, '{');
	for (size_t i = 0; i < N_ATTRIBUTES; i++) {
		if (attributes[i].optional && is_offered(&attributes[i], host)) {
			fb_json_key(json, attributes[i].name);
			fb_json_bool(json, true);
		}
	}
	for (size_t i = 0; host->websocket && i < sizeof websocket / sizeof websocket[0]; i++) {
		fb_json_key(json, websocket[i]);
		fb_json_bool(json, true);
	}
	fb_json_close(json, '}');
	if (host->osc_ip) {
		fb_json_key(json, "OSC_IP");
		fb_json_string(json, host->osc_ip);
	}
	fb_json_key(json, "OSC_PORT");
	fb_json_int(json, host->osc_port);
	fb_json_key(json, "OSC_TRANSPORT");
	fb_json_string(json, "UDP");
	fb_json_close(json, '}');
}

static int fail(fb_json *json, int code, const char *path, const char *text, const char *detail)
{
	char message[200];
	snprintf(message, sizeof message, "%s%.100s", text, detail);
	fb_json_open(json, '{');
	fb_json_key(json, "error");
	fb_json_open(json, '{');
	fb_json_key(json, "code");
	fb_json_int(json, code);
	fb_json_key(json, "message");
	fb_json_string(json, message);
	fb_json_key(json, "address");
	fb_json_string(json, path);
	fb_json_close(json, '}');
	fb_json_close(json, '}');
	return code;
}

/** One attribute by name: known words that are not offered are no mistake of the asker's. */
static int one_attribute(fb_json *json, const node *n, const char *path, const char *query)
{
	for (size_t i = 0; i < N_ATTRIBUTES; i++) {
		const struct attribute *a = &attributes[i];
		if (strcmp(query, a->name) != 0) {
			continue;
		}
		bool has = a->has(n);
		if (!is_offered(a, n->host) || (a->write == value && !has)) {
			return 204;
		}
		fb_json_open(json, '{');
		if (has) {
			fb_json_key(json, a->name);
			a->write(json, n);
		}
		fb_json_close(json, '}');
		return 200;
	}
	return fail(json, 400, path, "no such attribute: ", query);
}

static int answer(
	fb_json *json, fb_tree *tree, const fb_oscquery_host *host, const char *path, const char *query)
{
	if (strcmp(query, "HOST_INFO") == 0) {
		host_info(json, host);
		return 200;
	}
	size_t length = strlen(path);
	bool slash = length > 1 && path[length - 1] == '/';
	const fb_branch *branch = fb_tree_find_n(tree, path, slash ? length - 1 : length);
	if (!branch) {
		return fail(json, 404, path, "there is no such address", "");
	}
	node n = node_of(tree, host, branch);
	if (*query) {
		return one_attribute(json, &n, path, query);
	}
	whole(json, &n);
	return 200;
}

int fb_oscquery_get(fb_tree *tree, const fb_oscquery_host *host, const char *path,
	const char *query, char **json, size_t *length)
{
	fb_json out = {0};
	int code = answer(&out, tree, host, path, query ? query : "");
	*json = NULL;
	*length = 0;
	if (code == 204) {
		return code;
	}
	*json = fb_json_finish(&out, length);
	return *json ? code : 500;
}

char *fb_oscquery_node(fb_tree *tree, const fb_oscquery_host *host, const fb_branch *branch)
{
	fb_json out = {0};
	size_t length;
	node n = node_of(tree, host, branch);
	write_node(&out, &n, false);
	return fb_json_finish(&out, &length);
}
