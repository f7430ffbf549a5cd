/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tree: structure, values, twins, what is refused, who is told. */
#include "desk.h"

/* --- a watcher that writes down what it hears */

static char heard[4096];

static void note(const char *what, const char *address, const char *more)
{
	size_t n = strlen(heard);
	snprintf(heard + n, sizeof heard - n, "%s %s%s%s\n", what, address, *more ? " " : "", more);
}

static void on_changed(void *ctx, fb_branch *leaf, const fb_origin *origin)
{
	(void)ctx;
	note("changed", fb_branch_address(leaf), origin ? origin->text : "");
	if (fb_branch_twin(leaf)) {
		assert_ptr_equal(fb_branch_twin(fb_branch_twin(leaf)), leaf);
		note("changed", fb_branch_address(fb_branch_twin(leaf)), origin ? origin->text : "");
	}
}

static void on_added(void *ctx, fb_branch *branch)
{
	(void)ctx;
	note("added", fb_branch_address(branch), "");
}

static void on_removing(void *ctx, fb_branch *branch)
{
	assert_ptr_equal(fb_tree_find(((desk *)ctx)->tree, fb_branch_address(branch)), branch);
	note("removing", fb_branch_address(branch), "");
}

static void on_audit(void *ctx, const fb_branch *leaf, const char *address, const fb_value *before,
	const fb_value *after, const fb_origin *origin, fb_outcome outcome, const fb_error *error)
{
	char text[1000], b[256], a[256];
	(void)ctx;
	assert_true(!leaf == !strcmp(address, "/no/where"));
	assert_true(!leaf || !strcmp(fb_branch_address(leaf), address));
	assert_true((outcome == FB_REFUSED) == (error != NULL));
	fb_value_text(before, b, sizeof b);
	fb_value_text(after, a, sizeof a);
	snprintf(text, sizeof text, "[%s] -> [%s] by %s: %s", b, a, origin->text,
		error ? error->text : "ok");
	note("audit", address, text);
}

static void on_begin(void *ctx)
{
	((desk *)ctx)->in_group++;
	((desk *)ctx)->groups++;
}

static void on_end(void *ctx)
{
	((desk *)ctx)->in_group--;
}

static fb_tree_watcher watcher = {.ctx = &board,
	.changed = on_changed,
	.added = on_added,
	.removing = on_removing,
	.audit = on_audit,
	.begin = on_begin,
	.end = on_end};
static const fb_origin me = {"test", &board};

static int make_tree(void **state)
{
	fb_tree *tree = desk_tree();
	board.grouped = true;
	assert_int_equal(fb_tree_watch(tree, &watcher), FB_OK);
	heard[0] = '\0';
	*state = tree;
	return 0;
}

static int drop_tree(void **state)
{
	fb_tree_destroy(*state);
	return 0;
}

static fb_status set(fb_tree *tree, const char *address, fb_value value, fb_set_result *result)
{
	fb_branch *leaf = fb_tree_find(tree, address);
	assert_non_null(leaf);
	return fb_tree_set(tree, leaf, &value, 1, FB_CLIP, &me, result, NULL);
}

static double get_f(fb_tree *tree, const char *address)
{
	fb_value value;
	fb_tree_get(tree, fb_tree_find(tree, address), &value);
	assert_int_equal(value.tag, 'f');
	return value.f;
}

static void test_structure(void **state)
{
	fb_tree *tree = *state;
	fb_branch *root = fb_tree_find(tree, "/");
	assert_ptr_equal(root, fb_tree_root(tree));
	fb_branch *station = fb_tree_find(tree, "/station/1");
	assert_string_equal(fb_branch_name(station), "1");
	assert_null(fb_branch_leaf(station));
	static const char *const order[] = {
		"gain", "eq", "chorus", "mode", "mute", "name", "meter", "do"};
	fb_branch *child = fb_branch_first(station);
	for (int i = 0; i < 8; i++, child = fb_branch_next(child)) {
		assert_string_equal(fb_branch_name(child), order[i]);
		assert_ptr_equal(fb_branch_parent(child), station);
	}
	assert_null(child);
	assert_null(fb_tree_find(tree, "/station/1/nothing"));
	assert_null(fb_tree_find(tree, ""));
	assert_null(fb_tree_find(tree, "/station/1/"));
	assert_int_equal(fb_tree_describe(tree, "/station/1", "Station 1", "The first"), FB_OK);
	assert_string_equal(fb_branch_label(station), "Station 1");
	assert_string_equal(fb_branch_label(fb_tree_find(tree, "/norm/station/1")), "Station 1");
	assert_string_equal(fb_branch_doc(station), "The first");
}

static void test_add_refusals(void **state)
{
	fb_tree *tree = *state;
	static const char *const bad[] = {"", "a", "/", "/a b", "/A", "/a//b", "/a/", "/a*", "/a#",
		"/{a}", "/a?", "/a,b", "/[a]", "/\xc3\xa4", "/norm", "/norm/x", "/a\n"};
	fb_leaf_spec spec = {
		.kind = FB_LEAF_FLOAT, .access = FB_READ_WRITE, .max = 1, .ops = &desk_ops, .ctx = &board};
	fb_error error;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (fb_tree_add(tree, bad[i], &spec, &error) != FB_INVALID) {
			fail_msg("\"%s\" was accepted", bad[i]);
		}
	}
	assert_int_equal(fb_tree_add(tree, "/station/1/gain/level", &spec, &error), FB_EXISTS);
	assert_string_equal(error.where, "/station/1/gain/level");
	spec.max = NAN;
	assert_int_equal(fb_tree_add(tree, "/x", &spec, &error), FB_INVALID);
	spec.max = 1;
	spec.scale = FB_SCALE_LOG;
	assert_int_equal(fb_tree_add(tree, "/x", &spec, &error), FB_INVALID);
	assert_null(fb_tree_find(tree, "/x"));
	assert_string_equal(heard, "");
	/* the whole length is usable, twin included; one more is not */
	char longest[300] = "/";
	memset(longest + 1, 'x', 249);
	spec.scale = FB_SCALE_LINEAR;
	assert_int_equal(fb_tree_add(tree, longest, &spec, &error), FB_OK);
	longest[250] = 'x';
	assert_int_equal(fb_tree_add(tree, longest, &spec, &error), FB_INVALID);
}

static void test_added_and_removing(void **state)
{
	fb_tree *tree = *state;
	add(tree, "/station/2/gain/level", (fb_leaf_spec){.kind = FB_LEAF_FLOAT, .min = 0, .max = 1});
	assert_string_equal(heard, "added /station/2\nadded /station/2/gain\n"
							   "added /station/2/gain/level\nadded /norm/station/2\n"
							   "added /norm/station/2/gain\nadded /norm/station/2/gain/level\n");
	heard[0] = '\0';
	/* the undescribed containers go with the last thing in them, on both sides */
	fb_tree_remove(tree, "/station/2/gain/level");
	assert_string_equal(heard,
		"removing /norm/station/2\nremoving /norm/station/2/gain\n"
		"removing /norm/station/2/gain/level\nremoving /station/2\nremoving /station/2/gain\n"
		"removing /station/2/gain/level\n");
	assert_null(fb_tree_find(tree, "/station/2"));
	assert_null(fb_tree_find(tree, "/norm/station/2"));
	assert_non_null(fb_tree_find(tree, "/norm/station/1/gain/level"));
	/* described ones stay */
	assert_int_equal(fb_tree_describe(tree, "/scene/list", "Scenes", ""), FB_OK);
	add(tree, "/scene/list/a", (fb_leaf_spec){.kind = FB_LEAF_BOOL, .index = MUTE});
	fb_tree_remove(tree, "/scene/list/a");
	assert_non_null(fb_tree_find(tree, "/scene/list"));
	/* twins go only with their leaf */
	fb_tree_remove(tree, "/norm/station/1");
	fb_tree_remove(tree, "/");
	fb_tree_remove(tree, "/nothing");
	assert_non_null(fb_tree_find(tree, "/norm/station/1/gain/level"));
	fb_tree_remove(tree, "/station/1");
	assert_null(fb_tree_find(tree, "/norm"));
	/* and come back */
	add(tree, "/station/1/gain/level", (fb_leaf_spec){.kind = FB_LEAF_FLOAT, .min = 0, .max = 1});
	assert_non_null(fb_tree_find(tree, "/norm/station/1/gain/level"));
}

static void test_many_addresses(void **state)
{
	fb_tree *tree = *state;
	char address[64];
	/* growth and removal with back-shift leave every other address findable */
	for (int i = 0; i < 5000; i++) {
		snprintf(address, sizeof address, "/many/n%d/v%d", i % 70, i);
		add(tree, address, (fb_leaf_spec){.kind = FB_LEAF_BOOL, .index = MUTE});
	}
	for (int i = 0; i < 5000; i += 3) {
		snprintf(address, sizeof address, "/many/n%d/v%d", i % 70, i);
		heard[0] = '\0';
		fb_tree_remove(tree, address);
	}
	for (int i = 0; i < 5000; i++) {
		snprintf(address, sizeof address, "/many/n%d/v%d", i % 70, i);
		fb_branch *branch = fb_tree_find(tree, address);
		assert_true((branch != NULL) == (i % 3 != 0));
		assert_true(!branch || strcmp(fb_branch_address(branch), address) == 0);
	}
}

/** One row: what is sent to an address, and what comes of it (FB_OK: the value as text). */
typedef struct row {
	const char *address;
	fb_value value;
	fb_status clip;
	const char *becomes;
	fb_status strict;
} row;

static void test_coercion(void **state)
{
	fb_tree *tree = *state;
	const char *level = "/station/1/gain/level", *voices = "/station/1/chorus/voices",
			   *mode = "/station/1/mode", *mute = "/station/1/mute", *name = "/station/1/name";
	const row rows[] = {
		{level, f(-20.5), FB_OK, "-20.5", FB_OK},
		{level, in(-3), FB_OK, "-3.0", FB_OK},
		{level, f(-61), FB_OK, "-60.0", FB_INVALID},
		{level, f(13), FB_OK, "12.0", FB_INVALID},
		{level, f((double)NAN), FB_INVALID, "", FB_INVALID},
		{level, f((double)INFINITY), FB_INVALID, "", FB_INVALID},
		{level, f((double)-INFINITY), FB_INVALID, "", FB_INVALID},
		{level, s("-3"), FB_WRONG_TYPE, "", FB_WRONG_TYPE},
		{level, tag('T'), FB_WRONG_TYPE, "", FB_WRONG_TYPE},
		{level, tag('b'), FB_WRONG_TYPE, "", FB_WRONG_TYPE},
		{level, tag('N'), FB_WRONG_TYPE, "", FB_WRONG_TYPE},
		{voices, in(3), FB_OK, "3", FB_OK},
		{voices, f(3.0), FB_OK, "3", FB_OK},
		{voices, f(3.6), FB_OK, "4", FB_INVALID},
		{voices, in(99), FB_OK, "8", FB_INVALID},
		{voices, in(INT64_MIN), FB_OK, "1", FB_INVALID},
		{voices, f(1e300), FB_OK, "8", FB_INVALID},
		{voices, tag('T'), FB_WRONG_TYPE, "", FB_WRONG_TYPE},
		{mode, s("bypass"), FB_OK, "2", FB_OK},
		{mode, in(1), FB_OK, "1", FB_OK},
		{mode, f(2.0), FB_OK, "2", FB_OK},
		{mode, in(3), FB_INVALID, "", FB_INVALID},
		{mode, in(-1), FB_INVALID, "", FB_INVALID},
		{mode, f(0.5), FB_INVALID, "", FB_INVALID},
		{mode, s("Bypass"), FB_INVALID, "", FB_INVALID},
		{mode, s("1"), FB_INVALID, "", FB_INVALID},
		{mode, tag('F'), FB_WRONG_TYPE, "", FB_WRONG_TYPE},
		{mute, tag('T'), FB_OK, "true", FB_OK},
		{mute, tag('F'), FB_OK, "false", FB_OK},
		{mute, in(1), FB_OK, "true", FB_OK},
		{mute, f(0.0), FB_OK, "false", FB_OK},
		{mute, f(0.5), FB_INVALID, "", FB_INVALID},
		{mute, in(2), FB_INVALID, "", FB_INVALID},
		{mute, s("true"), FB_WRONG_TYPE, "", FB_WRONG_TYPE},
		{name, s("Vocals \xc3\xa4"), FB_OK, "Vocals \xc3\xa4", FB_OK},
		{name, s("bad \xff"), FB_INVALID, "", FB_INVALID},
		{name, s("bad \x01"), FB_INVALID, "", FB_INVALID},
		{name, in(1), FB_WRONG_TYPE, "", FB_WRONG_TYPE},
		{"/station/1/meter/level", f(0), FB_FORBIDDEN, "", FB_FORBIDDEN},
		{"/station/1", f(0), FB_FORBIDDEN, "", FB_FORBIDDEN},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const row *r = &rows[i];
		const fb_branch *leaf = fb_tree_find(tree, r->address);
		fb_error error = {0};
		fb_value fit;
		char text[64];
		fb_status clip = fb_tree_check(tree, leaf, &r->value, 1, FB_CLIP, &fit, &error);
		if (clip == FB_OK) {
			fb_value_text(&fit, text, sizeof text);
		}
		if (clip != r->clip || (clip == FB_OK && strcmp(text, r->becomes) != 0)) {
			fail_msg("row %zu: %s: %d %s", i, r->address, clip, clip ? error.text : text);
		}
		if (clip != FB_OK) {
			assert_string_equal(error.where, r->address);
			assert_true(error.text[0]);
		}
		assert_int_equal(
			fb_tree_check(tree, leaf, &r->value, 1, FB_STRICT, &fit, &error), r->strict);
	}
	fb_value two[2] = {f(1), f(2)}, fit;
	const fb_branch *leaf = fb_tree_find(tree, level);
	assert_int_equal(fb_tree_check(tree, leaf, two, 2, FB_CLIP, &fit, NULL), FB_INVALID);
	assert_int_equal(fb_tree_check(tree, leaf, NULL, 0, FB_CLIP, &fit, NULL), FB_INVALID);
	char *big = malloc(10000);
	memset(big, 'x', 9999);
	big[9999] = '\0';
	fb_value text = s(big);
	assert_int_equal(
		fb_tree_check(tree, fb_tree_find(tree, name), &text, 1, FB_CLIP, &fit, NULL), FB_TOO_LARGE);
	free(big);
	assert_string_equal(heard, ""); /* checking changes nothing and tells nobody */
}

static void test_set_flow(void **state)
{
	fb_tree *tree = *state;
	fb_branch *leaf = fb_tree_find(tree, "/station/1/gain/level");
	fb_set_result result;
	assert_int_equal(set(tree, "/station/1/gain/level", f(-6), &result), FB_OK);
	assert_true(result.changed);
	assert_false(result.adjusted);
	assert_string_equal(heard, "audit /station/1/gain/level [0.0] -> [-6.0] by test: ok\n"
							   "changed /station/1/gain/level test\n"
							   "changed /norm/station/1/gain/level test\n");
	/* the same again is audited, but it is no change */
	heard[0] = '\0';
	assert_int_equal(set(tree, "/station/1/gain/level", f(-6), &result), FB_OK);
	assert_false(result.changed);
	assert_string_equal(heard, "audit /station/1/gain/level [-6.0] -> [-6.0] by test: ok\n");
	/* clipped */
	heard[0] = '\0';
	assert_int_equal(set(tree, "/station/1/gain/level", f(-99), &result), FB_OK);
	assert_true(result.changed && result.adjusted);
	assert_near(result.applied.f, -60.0, 0);
	/* refused by the rules */
	heard[0] = '\0';
	assert_int_equal(set(tree, "/station/1/gain/level", s("x"), &result), FB_WRONG_TYPE);
	assert_string_equal(heard,
		"audit /station/1/gain/level [-60.0] -> [x] by test: takes a number, "
		"not a value of type 's'\n");
	/* refused by the owner: nothing changed, and the place is named */
	heard[0] = '\0';
	fb_error error;
	fb_value loud = f(6);
	assert_int_equal(fb_tree_set(tree, leaf, &loud, 1, FB_CLIP, &me, NULL, &error), FB_UNAVAILABLE);
	assert_string_equal(error.where, "/station/1/gain/level");
	assert_string_equal(
		heard, "audit /station/1/gain/level [-60.0] -> [6.0] by test: too loud for now\n");
	heard[0] = '\0';
	assert_int_equal(fb_tree_refuse_unknown(tree, "/no/where", &me, &error), FB_NOT_FOUND);
	assert_string_equal(heard, "audit /no/where [] -> [] by test: there is no such address\n");
	/* text: the value before is kept though the owner overwrites it in place */
	heard[0] = '\0';
	assert_int_equal(set(tree, "/station/1/name", s("two"), &result), FB_OK);
	assert_true(result.changed);
	assert_string_equal(
		heard, "audit /station/1/name [one] -> [two] by test: ok\nchanged /station/1/name test\n");
	assert_int_equal(set(tree, "/station/1/mode", in(2), &result), FB_OK);
	assert_false(result.adjusted);
	assert_string_equal(result.applied.s, "bypass");
	assert_int_equal(set(tree, "/station/1/chorus/voices", f(2.4), &result), FB_OK);
	assert_true(result.adjusted);
}

static void test_twins(void **state)
{
	fb_tree *tree = *state;
	fb_set_result result;
	assert_null(fb_tree_find(tree, "/norm/station/1/chorus"));      /* not continuous */
	assert_null(fb_tree_find(tree, "/norm/station/1/meter/level")); /* not writable */
	assert_near(get_f(tree, "/norm/station/1/gain/level"), 60.0 / 72.0, 1e-12);
	/* log taper: 1 kHz is log(50)/log(1000) of the way */
	assert_near(get_f(tree, "/norm/station/1/eq/hz"), log(50.0) / log(1000.0), 1e-6);
	assert_int_equal(set(tree, "/norm/station/1/eq/hz", f(0.5), &result), FB_OK);
	assert_true(result.changed);
	assert_false(result.adjusted); /* rounding to float is no adjustment */
	assert_near(get_f(tree, "/station/1/eq/hz"), 20.0 * sqrt(1000.0), 1e-3); /* float at 632 */
	assert_non_null(strstr(heard, "audit /station/1/eq/hz [1000.0] -> [632.455"));
	assert_non_null(
		strstr(heard, "changed /norm/station/1/eq/hz test\nchanged /station/1/eq/hz test\n"));
	assert_int_equal(set(tree, "/norm/station/1/eq/hz", f(1.5), &result), FB_OK);
	assert_true(result.adjusted);
	assert_near(result.applied.f, 1.0, 0);
	assert_near(get_f(tree, "/station/1/eq/hz"), 20000.0, 0);
	/* by the owner */
	heard[0] = '\0';
	fb_tree_touch(tree, fb_tree_find(tree, "/station/1/eq/hz"), NULL);
	assert_string_equal(heard, "changed /station/1/eq/hz\nchanged /norm/station/1/eq/hz\n");
	board.silent = true;
	assert_false(fb_tree_valid(tree, fb_tree_find(tree, "/norm/station/1/eq/hz")));
	const fb_leaf_spec *spec = fb_branch_leaf(fb_tree_find(tree, "/norm/station/1/gain/level"));
	assert_near(spec->min, 0, 0);
	assert_near(spec->max, 1, 0);
	assert_string_equal(spec->label, "Level");
}

static void test_commands(void **state)
{
	fb_tree *tree = *state;
	fb_branch *leaf = fb_tree_find(tree, "/station/1/do");
	fb_set_result result;
	fb_error error;
	fb_value value;
	fb_value args[5] = {s("go"), in(2), f(3.0), in(1), f(0)};
	assert_int_equal(fb_tree_set(tree, leaf, args, 4, FB_CLIP, &me, &result, &error), FB_OK);
	assert_string_equal(board.said, "go 2.0 3 true");
	assert_int_equal(result.answer.count, 1);
	assert_int_equal(result.answer.values[0].i, 7);
	assert_string_equal(heard, "audit /station/1/do [] -> [go 2.0 3 true] by test: ok\n");
	assert_int_equal(fb_tree_set(tree, leaf, args, 1, FB_CLIP, &me, &result, &error), FB_OK);
	assert_int_equal(fb_tree_set(tree, leaf, args, 0, FB_CLIP, &me, &result, &error), FB_INVALID);
	assert_int_equal(fb_tree_set(tree, leaf, args, 5, FB_CLIP, &me, &result, &error), FB_INVALID);
	args[2] = f(3.5);
	assert_int_equal(fb_tree_set(tree, leaf, args, 3, FB_CLIP, &me, &result, &error), FB_INVALID);
	args[0] = in(1);
	assert_int_equal(
		fb_tree_set(tree, leaf, args, 1, FB_CLIP, &me, &result, &error), FB_WRONG_TYPE);
	assert_int_equal(board.commands, 2);
	fb_tree_get(tree, leaf, &value);
	assert_int_equal(value.tag, 'N');
	assert_null(fb_tree_find(tree, "/norm/station/1/do"));
}

static void test_a_command_may_remove_itself(void **state)
{
	fb_tree *tree = *state;
	fb_value remove = s("remove");
	fb_set_result result;
	assert_int_equal(fb_tree_set(tree, fb_tree_find(tree, "/station/1/do"), &remove, 1, FB_CLIP,
						 &me, &result, NULL),
		FB_OK);
	assert_int_equal(result.answer.count, 1);
	assert_null(fb_tree_find(tree, "/station"));
	assert_null(fb_tree_find(tree, "/norm"));
}

static void test_groups(void **state)
{
	fb_tree *tree = *state;
	board.groups = 0;
	fb_tree_begin(tree);
	fb_tree_begin(tree);
	assert_int_equal(set(tree, "/station/1/mute", tag('T'), NULL), FB_OK);
	fb_tree_end(tree);
	assert_int_equal(set(tree, "/station/1/gain/level", f(-1), NULL), FB_OK);
	assert_int_equal(board.in_group, 1);
	fb_tree_end(tree);
	assert_int_equal(board.in_group, 0);
	assert_int_equal(board.groups, 1);
}

static void test_numbers_as_text(void **state)
{
	(void)state;
	static const struct {
		double value;
		const char *text;
	} rows[] = {{0, "0.0"}, {1, "1.0"}, {-0.5, "-0.5"}, {0.1, "0.1"}, {(double)0.1f, "0.1"},
		{-20, "-20.0"}, {20000, "20000.0"}, {1e-7, "1e-07"}, {0.000001, "0.000001"},
		{1e30, "1e+30"}, {123456.789, "123456.79"}, {1.0 / 3.0, "0.33333333"},
		{999999.94, "999999.94"}, {-0.001, "-0.001"}, {16777216, "16777216.0"}, {-120, "-120.0"}};
	char text[FB_NUMBER_TEXT];
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(fb_float_text(rows[i].value, text), strlen(rows[i].text));
		assert_string_equal(text, rows[i].text);
	}
	/* every float comes back as itself; seed fixed, so the same floats each time */
	uint64_t seed = 88172645463325252u;
	for (int i = 0; i < 200000; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		uint32_t bits = (uint32_t)seed;
		float x, y;
		memcpy(&x, &bits, sizeof x);
		if (isfinite(x)) {
			fb_float_text((double)x, text);
			y = strtof(text, NULL);
			if (memcmp(&x, &y, sizeof x) != 0) {
				fail_msg("%.9g became %s", (double)x, text);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_structure, make_tree, drop_tree),
		cmocka_unit_test_setup_teardown(test_add_refusals, make_tree, drop_tree),
		cmocka_unit_test_setup_teardown(test_added_and_removing, make_tree, drop_tree),
		cmocka_unit_test_setup_teardown(test_many_addresses, make_tree, drop_tree),
		cmocka_unit_test_setup_teardown(test_coercion, make_tree, drop_tree),
		cmocka_unit_test_setup_teardown(test_set_flow, make_tree, drop_tree),
		cmocka_unit_test_setup_teardown(test_twins, make_tree, drop_tree),
		cmocka_unit_test_setup_teardown(test_commands, make_tree, drop_tree),
		cmocka_unit_test_setup_teardown(test_a_command_may_remove_itself, make_tree, drop_tree),
		cmocka_unit_test_setup_teardown(test_groups, make_tree, drop_tree),
		cmocka_unit_test(test_numbers_as_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
