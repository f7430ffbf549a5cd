/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pattern.h"

#include "tree_private.h"

#include <string.h>

static const char wild[] = "?*[]{}";

/** One part of a pattern or an address: what stands between two slashes. */
typedef struct part {
	const char *at;
	size_t length;
} part;

static part part_at(const char *text)
{
	return (part){text, strcspn(text, "/")};
}

static bool part_is_plain(part p)
{
	for (size_t i = 0; i < p.length; i++) {
		if (strchr(wild, p.at[i])) {
			return false;
		}
	}
	return true;
}

bool fb_pattern_is_plain(const char *pattern)
{
	return !strpbrk(pattern, wild);
}

/** Length of the element at `at`: one character, or a whole [..] or {..}. 0: malformed. */
static size_t element(const char *at, size_t left)
{
	char close = *at == '[' ? ']' : *at == '{' ? '}' : '\0';
	if (*at == ']' || *at == '}') {
		return 0;
	}
	if (!close) {
		return 1;
	}
	for (size_t i = 1; i < left; i++) {
		if (at[i] == close) {
			bool nothing = close == ']' && (i == 1 || (i == 2 && at[1] == '!'));
			return nothing ? 0 : i + 1;
		}
		if (strchr(wild, at[i])) {
			return 0;
		}
	}
	return 0;
}

fb_status fb_pattern_check(const char *pattern, fb_error *error)
{
	if (strlen(pattern) > FB_PATTERN_MAX) {
		return fb_fail(error, FB_TOO_MANY, pattern, "the pattern is too long");
	}
	if (pattern[0] != '/') {
		return fb_fail(error, FB_INVALID, pattern, "an address starts with /");
	}
	for (const char *at = pattern; *at;) {
		part p = part_at(at + 1);
		if (!p.length && at[1]) {
			return fb_fail(error, FB_INVALID, pattern, "a part of the address is empty");
		}
		for (size_t i = 0, n; i < p.length; i += n) {
			n = element(p.at + i, p.length - i);
			if (!n) {
				return fb_fail(error, FB_INVALID, pattern, "a bracket is empty or not closed");
			}
		}
		at = p.at + p.length;
	}
	return FB_OK;
}

/** Is c in the set between [ and ]? */
static bool in_set(const char *set, size_t length, char c)
{
	bool negated = set[0] == '!', found = false;
	for (size_t i = negated ? 1 : 0; i < length; i++) {
		if (i + 2 < length && set[i + 1] == '-') {
			char lo = set[i], hi = set[i + 2];
			found |= lo <= hi ? c >= lo && c <= hi : c >= hi && c <= lo;
			i += 2;
		} else {
			found |= set[i] == c;
		}
	}
	return found != negated;
}

/** reach[i]: the elements so far can match the first i characters of the name. */
typedef struct reach {
	bool at[FB_ADDRESS_MAX + 1];
} reach;

static void step_one(const char *e, size_t length, part name, const reach *from, reach *to)
{
	for (size_t i = 0; i < name.length; i++) {
		char c = name.at[i];
		to->at[i + 1] = from->at[i] && (*e == '?'      ? true
										   : *e == '[' ? in_set(e + 1, length - 2, c)
													   : *e == c);
	}
}

static void step_star(part name, const reach *from, reach *to)
{
	bool seen = false;
	for (size_t i = 0; i <= name.length; i++) {
		seen |= from->at[i];
		to->at[i] = seen;
	}
}

static void step_list(const char *e, size_t length, part name, const reach *from, reach *to)
{
	const char *end = e + length - 1;
	for (const char *one = e + 1; one <= end; one++) {
		size_t n = strcspn(one, ",}");
		for (size_t i = 0; i + n <= name.length; i++) {
			if (from->at[i] && memcmp(name.at + i, one, n) == 0) {
				to->at[i + n] = true;
			}
		}
		one += n;
	}
}

/** Comparisons that an element takes: a list is tried once a place for each of its words. */
static long cost_of(const char *e, size_t length, size_t name_length)
{
	size_t words = 1;
	for (size_t i = 0; *e == '{' && i < length; i++) {
		words += e[i] == ',';
	}
	return (long)((*e == '{' ? words : length) * (name_length + 1) + length);
}

/** All elements at once over the set of reachable positions: no backtracking, so no pattern is
	worse than its length times the name's. */
static bool match_part(part pattern, part name, long *budget)
{
	reach a, b, *from = &a, *to = &b;
	if (name.length > FB_ADDRESS_MAX) {
		return false;
	}
	memset(from->at, 0, name.length + 1);
	from->at[0] = true;
	for (size_t i = 0, n; i < pattern.length; i += n) {
		const char *e = pattern.at + i;
		n = element(e, pattern.length - i);
		*budget -= cost_of(e, n, name.length);
		if (*budget < 0) {
			return false;
		}
		memset(to->at, 0, name.length + 1);
		if (*e == '*') {
			step_star(name, from, to);
		} else if (*e == '{') {
			step_list(e, n, name, from, to);
		} else {
			step_one(e, n, name, from, to);
		}
		if (!memchr(to->at, 1, name.length + 1)) {
			return false;
		}
		reach *swap = from;
		from = to;
		to = swap;
	}
	return from->at[name.length];
}

bool fb_pattern_match(const char *pattern, const char *address, long *budget)
{
	while (*pattern == '/' && *address == '/') {
		part p = part_at(pattern + 1), name = part_at(address + 1);
		if (!match_part(p, name, budget)) {
			return false;
		}
		pattern = p.at + p.length;
		address = name.at + name.length;
	}
	return *pattern == '\0' && *address == '\0';
}

/* --- over the tree, level by level */

typedef struct walk {
	fb_tree *tree;
	fb_match_fn *found;
	void *ctx;
	long budget;
	bool places; ///< containers too
	bool any, stopped;
} walk;

static void hit(walk *w, fb_branch *branch)
{
	if (!branch->gone && (w->places || branch->leaf)) {
		w->any = true;
		w->stopped = !w->found(w->ctx, branch);
	}
}

/** Parts without wildcards are one lookup, however many: the address so far plus them. */
static fb_branch *descend(walk *w, const fb_branch *from, const char **pattern)
{
	char address[FB_ADDRESS_MAX + 1];
	size_t length = from->parent ? from->length : 0;
	memcpy(address, from->address, length);
	while (**pattern == '/') {
		part p = part_at(*pattern + 1);
		if (!part_is_plain(p)) {
			break;
		}
		if (length + 1 + p.length > FB_ADDRESS_MAX) {
			return NULL;
		}
		address[length++] = '/';
		memcpy(address + length, p.at, p.length);
		length += p.length;
		*pattern = p.at + p.length;
	}
	w->budget -= (long)length;
	return fb_tree_find_n(w->tree, address, length);
}

static void walk_from(walk *w, fb_branch *from, const char *pattern)
{
	if (*pattern == '/' && part_is_plain(part_at(pattern + 1))) {
		from = descend(w, from, &pattern);
	}
	if (!from || w->budget < 0) {
		return;
	}
	if (*pattern == '\0') {
		hit(w, from);
		return;
	}
	part p = part_at(pattern + 1);
	for (fb_branch *child = from->first; child; child = child->next) {
		part name = {child->name, child->length - (size_t)(child->name - child->address)};
		if (match_part(p, name, &w->budget)) {
			walk_from(w, child, p.at + p.length);
		}
		if (w->stopped || w->budget < 0) {
			return;
		}
	}
}

static fb_status match(walk *w, const char *pattern, fb_error *error)
{
	fb_tree *tree = w->tree;
	fb_status status = fb_pattern_check(pattern, error);
	if (status) {
		return status;
	}
	fb_tree_hold(tree);
	if (strcmp(pattern, "/") == 0) {
		hit(w, tree->root);
	} else {
		walk_from(w, tree->root, pattern);
	}
	fb_tree_release(tree);
	if (w->budget < 0 && !w->stopped) {
		return fb_fail(error, FB_TOO_MANY, pattern, "the pattern is too costly");
	}
	if (!w->any) {
		return fb_fail(error, FB_NOT_FOUND, pattern, "no address matches");
	}
	return FB_OK;
}

fb_status fb_tree_match(
	fb_tree *tree, const char *pattern, fb_match_fn *found, void *ctx, fb_error *error)
{
	walk w = {.tree = tree, .found = found, .ctx = ctx, .budget = FB_PATTERN_BUDGET};
	return match(&w, pattern, error);
}

fb_status fb_tree_match_places(
	fb_tree *tree, const char *pattern, fb_match_fn *found, void *ctx, fb_error *error)
{
	walk w = {
		.tree = tree, .found = found, .ctx = ctx, .budget = FB_PATTERN_BUDGET, .places = true};
	return match(&w, pattern, error);
}
