/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OSC 1.0 patterns: what matches, what is refused, and that no pattern is slow. */
#include "testing.h"

#include "../../../osc/pattern.h"

#include <time.h>

static bool matches(const char *pattern, const char *address)
{
	long budget = FB_PATTERN_BUDGET;
	assert_int_equal(fb_pattern_check(pattern, NULL), FB_OK);
	return fb_pattern_match(pattern, address, &budget);
}

static void test_matching(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *address;
		bool match;
	} rows[] = {
		{"/a/b", "/a/b", true},
		{"/a/b", "/a/bc", false},
		{"/a", "/a/b", false},
		{"/a/b", "/a", false},
		{"/*", "/abc", true},
		{"/*", "/a/b", false}, /* a wildcard stays within its part */
		{"/*/b", "/a/b", true},
		{"/a*", "/a", true},
		{"/a*c", "/abbbc", true},
		{"/a*c", "/abbbcd", false},
		{"/*a*", "/xxaxx", true},
		{"/**", "/x", true},
		{"/a?c", "/abc", true},
		{"/a?c", "/ac", false},
		{"/[a-c]x", "/bx", true},
		{"/[a-c]x", "/dx", false},
		{"/[c-a]x", "/bx", true}, /* a range either way round */
		{"/[!a-c]x", "/dx", true},
		{"/[!a-c]x", "/bx", false},
		{"/[abc]", "/c", true},
		{"/[a-]", "/-", true}, /* a - at the end is itself */
		{"/[-a]", "/-", true},
		{"/[a!]", "/!", true}, /* a ! not at the start too */
		{"/{one,two}", "/two", true},
		{"/{one,two}", "/on", false},
		{"/{a,ab}c", "/abc", true}, /* the shorter word must not win by coming first */
		{"/{a,ab}*{c,bc}", "/abc", true},
		{"/{,x}y", "/y", true},
		{"/{,x}y", "/xy", true},
		{"/station/[1-4]/*/th*", "/station/3/comp/threshold", true},
		{"/station/[1-4]/*/th*", "/station/5/comp/threshold", false},
		{"/station/{1,12}/mute", "/station/12/mute", true},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (matches(rows[i].pattern, rows[i].address) != rows[i].match) {
			fail_msg(
				"%s %s %s", rows[i].pattern, rows[i].match ? "misses" : "matches", rows[i].address);
		}
	}
}

static void test_malformed(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "a", "/[", "/]", "/{", "/}", "/[]", "/[!]", "/{a", "/[a",
		"/[a/b]", "/{a/b}", "/{a*}", "/{[a]}", "/a//b", "//a"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		fb_error error = {0};
		if (fb_pattern_check(bad[i], &error) != FB_INVALID) {
			fail_msg("\"%s\" was accepted", bad[i]);
		}
		assert_string_equal(error.where, bad[i]);
	}
	char longest[FB_PATTERN_MAX + 2];
	memset(longest, '*', sizeof longest);
	longest[0] = '/';
	longest[FB_PATTERN_MAX] = '\0';
	assert_int_equal(fb_pattern_check(longest, NULL), FB_OK);
	longest[FB_PATTERN_MAX] = '*';
	longest[FB_PATTERN_MAX + 1] = '\0';
	assert_int_equal(fb_pattern_check(longest, NULL), FB_TOO_MANY);
}

/* --- over a tree */

static void get(void *ctx, uint32_t index, fb_value *value)
{
	(void)ctx;
	*value = (fb_value){.tag = 'i', .i = index};
}

static const fb_leaf_ops ops = {.get = get};

static fb_tree *big_tree(int stations, int nodes, int params)
{
	fb_tree *tree = fb_tree_create();
	char address[128];
	for (int i = 0; i < stations * nodes * params; i++) {
		fb_leaf_spec spec = {.kind = FB_LEAF_INT, .access = FB_READ, .max = 1, .ops = &ops};
		snprintf(address, sizeof address, "/station/%d/node%d/aaaaaaaaaaaaaaaaaaaaaaaa%d",
			i / (nodes * params) + 1, i / params % nodes, i % params);
		assert_int_equal(fb_tree_add(tree, address, &spec, NULL), FB_OK);
	}
	return tree;
}

typedef struct count {
	int n, stop_at;
	char last[256];
} count;

static bool counting(void *ctx, fb_branch *branch)
{
	count *c = ctx;
	snprintf(c->last, sizeof c->last, "%s", fb_branch_address(branch));
	return ++c->n != c->stop_at;
}

static int found(fb_tree *tree, const char *pattern)
{
	count c = {0};
	fb_status status = fb_tree_match(tree, pattern, counting, &c, NULL);
	assert_int_equal(status, c.n ? FB_OK : FB_NOT_FOUND);
	return c.n;
}

static void test_over_a_tree(void **state)
{
	(void)state;
	fb_tree *tree = big_tree(16, 10, 5);
	assert_int_equal(found(tree, "/station/3/node2/aaaaaaaaaaaaaaaaaaaaaaaa1"), 1);
	assert_int_equal(found(tree, "/station/3/node2/*"), 5);
	assert_int_equal(found(tree, "/station/*/node[0-4]/*"), 16 * 5 * 5);
	assert_int_equal(found(tree, "/*/*/*/*"), 800);
	assert_int_equal(found(tree, "/station/1?/node2/aaaaaaaaaaaaaaaaaaaaaaaa{1,2}"), 7 * 2);
	assert_int_equal(found(tree, "/station/*"), 0); /* containers are no leaves */
	assert_int_equal(found(tree, "/station/3"), 0);
	assert_int_equal(found(tree, "/"), 0);
	assert_int_equal(found(tree, "/nothing/*"), 0);
	assert_int_equal(found(tree, "/*/"), 0);
	count c = {.stop_at = 3};
	assert_int_equal(fb_tree_match(tree, "/station/*/*/*", counting, &c, NULL), FB_OK);
	assert_int_equal(c.n, 3);
	c = (count){0};
	assert_int_equal(fb_tree_match_places(tree, "/station/[12]", counting, &c, NULL), FB_OK);
	assert_int_equal(c.n, 2);
	assert_string_equal(c.last, "/station/2");
	assert_int_equal(fb_tree_match_places(tree, "/", counting, &c, NULL), FB_OK);
	assert_string_equal(c.last, "/");
	fb_error error;
	assert_int_equal(fb_tree_match(tree, "/[", counting, &c, &error), FB_INVALID);
	assert_int_equal(fb_tree_match(tree, "/none", counting, &c, &error), FB_NOT_FOUND);
	fb_tree_destroy(tree);
}

static bool remove_station(void *ctx, fb_branch *branch)
{
	(void)branch;
	fb_tree_remove(ctx, "/station/2");
	fb_tree_remove(ctx, "/station/3/node1");
	return true;
}

static void test_removal_under_way(void **state)
{
	(void)state;
	fb_tree *tree = big_tree(4, 3, 3);
	assert_int_equal(fb_tree_match(tree, "/station/*/*/*", remove_station, tree, NULL), FB_OK);
	assert_null(fb_tree_find(tree, "/station/2"));
	assert_int_equal(found(tree, "/station/*/*/*"), 3 * 9 - 3);
	fb_tree_destroy(tree);
}

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/** Patterns that make backtracking matchers hang. The limit is generous for a slow machine under
	sanitizers; without the bound these would take longer than anybody waits. */
static void test_nasty_patterns(void **state)
{
	(void)state;
	static const char *const nasty[] = {
		"/*/*/*/*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
		"/*/*/*/*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*z",
		"/*/*/*/{a,aa,aaa}{a,aa,aaa}{a,aa,aaa}{a,aa,aaa}{a,aa,aaa}{a,aa,aaa}{a,aa,aaa}{a,aa}b",
		"/*/*/*/*[!b]*[!b]*[!b]*[!b]*[!b]*[!b]*[!b]*[!b]*[!b]*[!b]*[!b]*[!b]*[!b]*[!b]*!",
		"/***************/***************/***************/***************b",
	};
	fb_tree *tree = big_tree(64, 12, 10);
	for (size_t i = 0; i < sizeof nasty / sizeof nasty[0]; i++) {
		count c = {0};
		double start = seconds();
		fb_status status = fb_tree_match(tree, nasty[i], counting, &c, NULL);
		double took = seconds() - start;
		assert_true(status == FB_NOT_FOUND || status == FB_TOO_MANY);
		assert_int_equal(c.n, 0);
		if (took > 0.5) {
			fail_msg("%s took %.3f s", nasty[i], took);
		}
	}
	/* the budget is real: the longest such pattern over the biggest tree runs out of it */
	char longest[FB_PATTERN_MAX + 1] = "/*/*/*/";
	for (size_t i = 7; i + 2 < sizeof longest; i += 2) {
		memcpy(longest + i, "*a", 3);
	}
	count c = {0};
	fb_error error;
	assert_int_equal(fb_tree_match(tree, longest, counting, &c, &error), FB_TOO_MANY);
	long budget = 10;
	assert_false(fb_pattern_match("/aaaaaaaaaaaaa", "/aaaaaaaaaaaaa", &budget));
	assert_true(budget < 0);
	fb_tree_destroy(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matching),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_over_a_tree),
		cmocka_unit_test(test_removal_under_way),
		cmocka_unit_test(test_nasty_patterns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
