/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OSCQuery answers, read back with jansson, against the rules of the proposal and of its clients.
 */
#include "desk.h"

#include "../../../osc/json.h"
#include "../../../osc/oscquery.h"

#include <jansson.h>

#include <time.h>

static const fb_oscquery_host plain = {.name = "desk", .osc_port = 7770};
static const fb_oscquery_host full = {
	.name = "desk", .osc_ip = "192.168.0.7", .osc_port = 7770, .websocket = true};

static int make(void **state)
{
	fb_tree *tree = desk_tree();
	assert_int_equal(fb_tree_describe(tree, "/station/1", "Station 1", "The first"), FB_OK);
	*state = tree;
	return 0;
}

static int drop(void **state)
{
	fb_tree_destroy(*state);
	return 0;
}

static json_t *get(
	fb_tree *tree, const fb_oscquery_host *host, const char *path, const char *query, int code)
{
	char *text;
	size_t length;
	int is = fb_oscquery_get(tree, host, path, query, &text, &length);
	if (is != code) {
		fail_msg("%s?%s is %d, wanted %d: %s", path, query ? query : "", is, code, text);
	}
	if (!text) {
		assert_int_equal(is, 204);
		return NULL;
	}
	json_error_t error;
	assert_int_equal(strlen(text), length);
	json_t *json = json_loads(text, 0, &error);
	if (!json) {
		fail_msg("%s?%s: %s in %s", path, query ? query : "", error.text, text);
	}
	free(text);
	return json;
}

/** The whole answer, with keys in their order. */
static void is(fb_tree *tree, const char *path, const char *query, const char *wanted)
{
	json_t *json = get(tree, &plain, path, query, 200);
	char *text = json_dumps(json, JSON_REAL_PRECISION(7));
	assert_string_equal(text, wanted);
	free(text);
	json_decref(json);
}

static void test_nodes(void **state)
{
	fb_tree *tree = *state;
	board.level = -20;
	is(tree, "/station/1/gain/level", NULL,
		"{\"FULL_PATH\": \"/station/1/gain/level\", \"DESCRIPTION\": \"Level\", \"ACCESS\": 3, "
		"\"TYPE\": \"f\", \"VALUE\": [-20.0], \"RANGE\": [{\"MIN\": -60.0, \"MAX\": 12.0}], "
		"\"CLIPMODE\": [\"both\"], \"UNIT\": [\"gain.db\"], \"EXTENDED_TYPE\": [\"level\"], "
		"\"LABEL\": \"Level\", \"DEFAULT_VALUE\": [0.0], \"STEP_SIZE\": [0.5], \"SCALE\": "
		"[\"linear\"]}");
	is(tree, "/station/1/eq/hz", "SCALE", "{\"SCALE\": [\"log\"]}");
	is(tree, "/station/1/chorus/voices", NULL,
		"{\"FULL_PATH\": \"/station/1/chorus/voices\", \"DESCRIPTION\": \"voices\", \"ACCESS\": 3, "
		"\"TYPE\": \"i\", \"VALUE\": [1], \"RANGE\": [{\"MIN\": 1, \"MAX\": 8}], "
		"\"CLIPMODE\": [\"both\"], \"EXTENDED_TYPE\": [\"number\"], \"DEFAULT_VALUE\": [1], "
		"\"STEP_SIZE\": [1]}");
	is(tree, "/station/1/mode", NULL,
		"{\"FULL_PATH\": \"/station/1/mode\", \"DESCRIPTION\": \"mode\", \"ACCESS\": 3, "
		"\"TYPE\": \"s\", \"VALUE\": [\"auto\"], "
		"\"RANGE\": [{\"VALS\": [\"auto\", \"manual\", \"bypass\"]}], "
		"\"EXTENDED_TYPE\": [\"choice\"], "
		"\"OVERLOADS\": [{\"TYPE\": \"i\", \"RANGE\": [{\"MIN\": 0, \"MAX\": 2}]}], "
		"\"DEFAULT_VALUE\": [\"auto\"]}");
	is(tree, "/station/1/mute", NULL,
		"{\"FULL_PATH\": \"/station/1/mute\", \"DESCRIPTION\": \"mute\", \"ACCESS\": 3, "
		"\"TYPE\": \"T\", \"VALUE\": [false], "
		"\"EXTENDED_TYPE\": [\"switch\"], "
		"\"OVERLOADS\": [{\"TYPE\": \"i\", \"RANGE\": [{\"MIN\": 0, \"MAX\": 1}]}], "
		"\"DEFAULT_VALUE\": [false]}");
	is(tree, "/station/1/do", NULL,
		"{\"FULL_PATH\": \"/station/1/do\", \"DESCRIPTION\": \"do\", \"ACCESS\": 2, \"TYPE\": "
		"\"s\", "
		"\"TAGS\": [\"command\"], \"OVERLOADS\": [{\"TYPE\": \"sfiT\"}]}");
	is(tree, "/norm/station/1/gain/level", NULL,
		"{\"FULL_PATH\": \"/norm/station/1/gain/level\", \"DESCRIPTION\": \"Level\", \"ACCESS\": "
		"3, "
		"\"TYPE\": \"f\", \"VALUE\": [0.5555556], \"RANGE\": [{\"MIN\": 0.0, \"MAX\": 1.0}], "
		"\"CLIPMODE\": [\"both\"], \"EXTENDED_TYPE\": [\"position\"], \"TAGS\": [\"norm\"], "
		"\"LABEL\": \"Level\", \"DEFAULT_VALUE\": [0.8333333], \"STEP_SIZE\": [0.01], \"SCALE\": "
		"[\"linear\"]}");
	board.silent = true;
	is(tree, "/station/1/meter/level/", NULL,
		"{\"FULL_PATH\": \"/station/1/meter/level\", \"DESCRIPTION\": \"level\", \"ACCESS\": 1, "
		"\"TYPE\": \"f\", \"VALUE\": [-20.0], \"RANGE\": [{\"MIN\": -120.0, \"MAX\": 0.0}], "
		"\"UNIT\": [\"dBFS\"], \"EXTENDED_TYPE\": [\"level\"], \"TAGS\": [\"meter\"], \"VALID\": "
		"false}");
	add(tree, "/go", (fb_leaf_spec){.kind = FB_LEAF_COMMAND});
	is(tree, "/go", "TYPE", "{\"TYPE\": \"N\"}");
	add(tree, "/late",
		(fb_leaf_spec){.kind = FB_LEAF_INT, .unit = "ms", .max = 5, .index = VOICES});
	is(tree, "/late", "UNIT", "{}"); /* a named unit would make it a float to libossia */
}

static void test_attributes(void **state)
{
	fb_tree *tree = *state;
	is(tree, "/station/1/gain/level", "VALUE", "{\"VALUE\": [0.0]}");
	is(tree, "/station/1", "FULL_PATH", "{\"FULL_PATH\": \"/station/1\"}");
	is(tree, "/station/1", "TYPE", "{}");
	is(tree, "/station/1", "ACCESS", "{\"ACCESS\": 0}");
	is(tree, "/station/1", "DESCRIPTION", "{\"DESCRIPTION\": \"Station 1\"}");
	is(tree, "/station/1", "DOC", "{\"DOC\": \"The first\"}");
	is(tree, "/", "DESCRIPTION", "{\"DESCRIPTION\": \"desk\"}");
	is(tree, "/station/1/mode", "UNIT", "{}");
	json_decref(get(tree, &plain, "/station/1/gain", "CONTENTS", 200));
	assert_null(get(tree, &plain, "/station/1/do", "VALUE", 204));
	assert_null(get(tree, &plain, "/station/1", "VALUE", 204));
	assert_null(get(tree, &plain, "/station/1/do", "CRITICAL", 204));
	json_decref(get(tree, &full, "/station/1/do", "CRITICAL", 200));
	static const char *const bad[][2] = {{"/station/1", "NONSENSE"}, {"/", "HTML"},
		{"/station/1", "value"}, {"/station/1", "VALUE&TYPE"}, {"/station/1", "\"\\\xff"}};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		json_t *json = get(tree, &plain, bad[i][0], bad[i][1], 400);
		assert_int_equal(
			json_integer_value(json_object_get(json_object_get(json, "error"), "code")), 400);
		json_decref(json);
	}
	json_t *json = get(tree, &plain, "/nothing", "VALUE", 404);
	json_t *error = json_object_get(json, "error");
	assert_string_equal(json_string_value(json_object_get(error, "address")), "/nothing");
	json_decref(json);
	json_decref(get(tree, &plain, "", NULL, 404));
	json_decref(get(tree, &plain, "relative", NULL, 404));
}

static void test_host_info(void **state)
{
	fb_tree *tree = *state;
	is(tree, "/no/such/place", "HOST_INFO",
		"{\"NAME\": \"desk\", \"EXTENSIONS\": {\"DESCRIPTION\": true, \"ACCESS\": true, "
		"\"VALUE\": true, \"RANGE\": true, \"CLIPMODE\": true, \"UNIT\": true, \"EXTENDED_TYPE\": "
		"true, "
		"\"TAGS\": true, "
		"\"OVERLOADS\": true, \"LABEL\": true, \"DOC\": true, \"DEFAULT_VALUE\": true, "
		"\"STEP_SIZE\": true, \"SCALE\": true, \"VALID\": true}, \"OSC_PORT\": 7770, "
		"\"OSC_TRANSPORT\": \"UDP\"}");
	json_t *json = get(tree, &full, "/", "HOST_INFO", 200);
	json_t *extensions = json_object_get(json, "EXTENSIONS");
	assert_true(json_is_true(json_object_get(extensions, "LISTEN")));
	assert_true(json_is_true(json_object_get(extensions, "PATH_CHANGED")));
	assert_true(json_is_true(json_object_get(extensions, "CRITICAL")));
	assert_null(json_object_get(extensions, "PATH_RENAMED"));
	assert_string_equal(json_string_value(json_object_get(json, "OSC_IP")), "192.168.0.7");
	assert_null(json_object_get(json, "FULL_PATH")); /* libossia tells replies apart by it */
	json_decref(json);
	/* what is claimed is served: every attribute listed is accepted as a query */
	json_t *value;
	const char *key;
	json = get(tree, &plain, "/", "HOST_INFO", 200);
	json_object_foreach(json_object_get(json, "EXTENSIONS"), key, value)
	{
		char *text;
		size_t length;
		assert_int_not_equal(fb_oscquery_get(tree, &plain, "/", key, &text, &length), 400);
		free(text);
	}
	json_decref(json);
}

/** The rules of doc/osc.md for one node and all below it. */
static size_t check_node(json_t *node, const char *path)
{
	json_t *contents = json_object_get(node, "CONTENTS"), *child;
	const char *type = json_string_value(json_object_get(node, "TYPE"));
	assert_string_equal(json_string_value(json_object_get(node, "FULL_PATH")), path);
	assert_true(json_string_length(json_object_get(node, "DESCRIPTION")) > 0);
	assert_true(json_is_integer(json_object_get(node, "ACCESS")));
	static const char *const arrays[] = {
		"VALUE", "RANGE", "CLIPMODE", "UNIT", "DEFAULT_VALUE", "SCALE"};
	for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
		json_t *array = json_object_get(node, arrays[i]);
		if (array) {
			assert_true(type && json_array_size(array) == strlen(type));
		}
	}
	json_t *value = json_array_get(json_object_get(node, "VALUE"), 0);
	json_t *range = json_array_get(json_object_get(node, "RANGE"), 0);
	json_t *min = json_object_get(range, "MIN");
	if (type && strcmp(type, "f") == 0) {
		assert_true(json_is_real(value) && json_is_real(min));
		assert_true(json_is_real(json_object_get(range, "MAX")));
	} else if (type && strcmp(type, "i") == 0) {
		assert_true(json_is_integer(value) && json_is_integer(min));
	}
	size_t n = 1;
	const char *name, *other;
	char below[300];
	json_t *names = json_object();
	json_object_foreach(contents, name, child)
	{
		snprintf(below, sizeof below, "%s/%s", strcmp(path, "/") == 0 ? "" : path, name);
		n += check_node(child, below);
		other = json_string_value(json_object_get(child, "DESCRIPTION"));
		if (json_object_get(names, other)) {
			fail_msg("two children of %s are described as \"%s\"", path, other);
		}
		json_object_set_new(names, other, json_true());
	}
	json_decref(names);
	return n;
}

static void test_the_rules_hold_everywhere(void **state)
{
	fb_tree *tree = *state;
	/* labels that collide, with each other and with a name */
	static const char *const addresses[] = {"/twice/a", "/twice/b", "/twice/c", "/twice/level"};
	static const char *const labels[] = {"Level", "Level", "level", ""};
	for (int i = 0; i < 4; i++) {
		add(tree, addresses[i],
			(fb_leaf_spec){.kind = FB_LEAF_FLOAT, .label = labels[i], .min = -60, .max = 12});
	}
	json_t *json = get(tree, &full, "/", NULL, 200);
	assert_true(check_node(json, "/") > 20);
	json_decref(json);
	is(tree, "/twice/b", "DESCRIPTION", "{\"DESCRIPTION\": \"Level (b)\"}");
	is(tree, "/twice/level", "DESCRIPTION", "{\"DESCRIPTION\": \"level (level)\"}");
}

static void test_text_is_escaped(void **state)
{
	fb_tree *tree = *state;
	static const char *const texts[][2] = {{"a\"b\\c", "a\"b\\c"}, {"tab\tline\n", "tab\tline\n"},
		{"\x01\x7f", "\x01\x7f"},
		{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x8e\xb5", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x8e\xb5"},
		{"bad \xff\xc3 end", "bad \xef\xbf\xbd\xef\xbf\xbd end"},
		{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd"}};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		snprintf(board.name, sizeof board.name, "%s", texts[i][0]);
		json_t *json = get(tree, &plain, "/station/1/name", "VALUE", 200);
		assert_string_equal(
			json_string_value(json_array_get(json_object_get(json, "VALUE"), 0)), texts[i][1]);
		json_decref(json);
	}
}

static void test_speed(void **state)
{
	fb_tree *tree = *state;
	char *text;
	size_t length;
	struct timespec t;
	/* 2,000 parameters with their twins, with values that need all digits */
	add_cells(tree, "cell", 2000,
		(fb_leaf_spec){.access = FB_READ_WRITE, .label = "", .unit = "dB", .doc = "Some words"});
	for (int i = 0; i < 2000; i++) {
		cells[i] = (double)(float)(-60.0 * i / 2000.0);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	double start = (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
	assert_int_equal(fb_oscquery_get(tree, &full, "/", NULL, &text, &length), 200);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	double took = (double)t.tv_sec + (double)t.tv_nsec * 1e-9 - start;
	print_message("GET / of 4,000 leaves: %.1f ms, %zu bytes\n", took * 1e3, length);
	free(text);
	assert_true(took < 0.25); /* some 5 ms; the limit is for sanitizers on a slow machine */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nodes, make, drop),
		cmocka_unit_test_setup_teardown(test_attributes, make, drop),
		cmocka_unit_test_setup_teardown(test_host_info, make, drop),
		cmocka_unit_test_setup_teardown(test_the_rules_hold_everywhere, make, drop),
		cmocka_unit_test_setup_teardown(test_text_is_escaped, make, drop),
		cmocka_unit_test_setup_teardown(test_speed, make, drop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
