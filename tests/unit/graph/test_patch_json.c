/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Patches from and to JSON: every refusal with its place and reason, and nothing lost on the way
   there and back. */
#include "testing.h"

#include "stand.h"

typedef struct refusal {
	const char *json; ///< ' stands for "
	fb_status status;
	const char *where, *text;
} refusal;

static void check(const refusal *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		fb_patch *patch = NULL;
		fb_error error = {0};
		fb_status status = stand_parse(rows[i].json, &patch, &error);
		if (status != rows[i].status || error.status != status || patch ||
			strcmp(error.where, rows[i].where) != 0 || strcmp(error.text, rows[i].text) != 0) {
			fail_msg("%s\n gave %d, \"%s\", \"%s\"\nwanted %d, \"%s\", \"%s\"", rows[i].json,
				status, error.where, error.text, rows[i].status, rows[i].where, rows[i].text);
		}
	}
}

#define CHECK(rows) check(rows, sizeof rows / sizeof *(rows))

static void test_whole(void **state)
{
	(void)state;
	static const refusal rows[] = {
		{"", FB_INVALID, "test.json: line 1, column 0", "'[' or '{' expected near end of file"},
		{"{'name': 'x'", FB_INVALID, "test.json: line 1, column 12",
			"'}' expected near end of file"},
		{"{'name': 'x', 'name': 'y'}", FB_INVALID, "test.json: line 1, column 20",
			"duplicate object key near '\"name\"'"},
		{"{'name': 1e999}", FB_INVALID, "test.json: line 1, column 14",
			"real number overflow near '1e999'"},
		{"[]", FB_INVALID, "test.json", "a patch is a JSON object"},
		{"{'stage': []}", FB_INVALID, "test.json", "unknown key \"stage\""},
		{"{'name': 1}", FB_WRONG_TYPE, "test.json: name", "needs text"},
		{"{'description': []}", FB_WRONG_TYPE, "test.json: description", "needs text"},
		{"{'version': 1.0}", FB_WRONG_TYPE, "test.json: version", "needs text"},
		{"{'role': 3}", FB_WRONG_TYPE, "test.json: role", "needs text"},
		{"{'role': 'bus'}", FB_INVALID, "test.json: role", "must be \"station\" or \"sound\""},
		{"{'goal': 1}", FB_WRONG_TYPE, "test.json: goal", "needs an object"},
		{"{'metadata': []}", FB_WRONG_TYPE, "test.json: metadata", "needs an object"},
		{"{'tags': 'live'}", FB_WRONG_TYPE, "test.json: tags", "needs a list of words"},
		{"{'tags': ['live', 3]}", FB_WRONG_TYPE, "test.json: tags", "needs a list of words"},
		{"{'stages': {}}", FB_WRONG_TYPE, "test.json: stages", "needs a list"},
		{"{'stages': null}", FB_WRONG_TYPE, "test.json: stages", "needs a list"},
		{"{'connections': null}", FB_WRONG_TYPE, "test.json: connections", "needs a list"},
	};
	CHECK(rows);
}

static void test_stages(void **state)
{
	(void)state;
	static const refusal rows[] = {
		{"{'stages': [1]}", FB_WRONG_TYPE, "test.json: stages[0]", "needs an object"},
		{"{'stages': [{'type': 'gain', 'kind': 1}]}", FB_INVALID, "test.json: stages[0]",
			"unknown key \"kind\""},
		{"{'stages': [{}]}", FB_INVALID, "test.json: stages[0]",
			"\"type\" (and \"id\") must be strings"},
		{"{'stages': [{'type': 'gain', 'id': 1}]}", FB_INVALID, "test.json: stages[0]",
			"\"type\" (and \"id\") must be strings"},
		{"{'stages': [{'type': 'gain', 'bypass': 1}]}", FB_WRONG_TYPE, "test.json: stages[0]",
			"\"bypass\" must be true or false"},
		{"{'stages': [{'type': 'gian'}]}", FB_NOT_FOUND, "test.json: stages[0]",
			"there is no node type \"gian\""},
		{"{'stages': [{'type': 'gain'}, {'type': 'gain'}]}", FB_EXISTS, "test.json: stages[1]",
			"gain: there is a stage of that id already"},
		{"{'stages': [{'type': 'gain', 'id': ''}]}", FB_INVALID, "test.json: stages[0]",
			": a stage's id must be lower case letters, digits and _, at most 31, starting with a "
			"letter"},
		{"{'stages': [{'type': 'gain', 'id': 'Gain'}]}", FB_INVALID, "test.json: stages[0]",
			"Gain: a stage's id must be lower case letters, digits and _, at most 31, starting "
			"with a letter"},
		{"{'stages': [{'type': 'gain', 'id': 'a23456789012345678901234567890bc'}]}", FB_INVALID,
			"test.json: stages[0]",
			"a23456789012345678901234567890bc: a stage's id must be lower case letters, digits "
			"and _, at most 31, starting with a letter"},
		{"{'stages': [{'type': 'gain', 'id': 'a/b'}]}", FB_INVALID, "test.json: stages[0]",
			"a/b: a stage's id must be lower case letters, digits and _, at most 31, starting "
			"with a letter"},
	};
	CHECK(rows);
}

static void test_reserved_ids(void **state)
{
	(void)state;
	/* design.md's list, and what the tree has put beside nodes since */
	static const char *const ids[] = {"in", "out", "metric", "score", "meter", "mode", "bypass",
		"mute", "name", "patch", "run", "proposal", "scene", "undo", "redo", "tap", "node", "mono",
		"goal", "load"};
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
		char json[128], text[128];
		snprintf(json, sizeof json, "{'stages': [{'type': 'gain', 'id': '%s'}]}", ids[i]);
		snprintf(text, sizeof text, "%s: that id is foldback's own", ids[i]);
		const refusal row = {json, FB_INVALID, "test.json: stages[0]", text};
		check(&row, 1);
	}
}

#define VALUE(type, param, value)                                                                  \
	"{'stages': [{'type': '" type "', 'parameters': {'" param "': " value "}}]}"

static void test_values(void **state)
{
	(void)state;
	static const refusal rows[] = {
		{"{'stages': [{'type': 'gain', 'parameters': 3}]}", FB_WRONG_TYPE,
			"test.json: stages[0].parameters", "needs an object of parameters"},
		{VALUE("gain", "gian", "0"), FB_NOT_FOUND, "test.json: stages[0].parameters.gian",
			"gain has no such parameter"},
		{VALUE("t_value", "level", "'loud'"), FB_WRONG_TYPE,
			"test.json: stages[0].parameters.level", "needs a number"},
		{VALUE("t_value", "level", "true"), FB_WRONG_TYPE, "test.json: stages[0].parameters.level",
			"needs a number"},
		{VALUE("t_value", "level", "24.01"), FB_INVALID, "test.json: stages[0].parameters.level",
			"24.01 is out of range -60 to 24 dB"},
		{VALUE("t_value", "level", "-1e300"), FB_INVALID, "test.json: stages[0].parameters.level",
			"-1e+300 is out of range -60 to 24 dB"},
		{VALUE("t_value", "level", "{'value': 1, 'units': 'dB'}"), FB_INVALID,
			"test.json: stages[0].parameters.level", "needs \"value\" and, if at all, \"unit\""},
		{VALUE("t_value", "level", "{'unit': 'dB'}"), FB_INVALID,
			"test.json: stages[0].parameters.level", "needs \"value\" and, if at all, \"unit\""},
		{VALUE("t_value", "level", "{'value': 1, 'unit': 'Hz'}"), FB_INVALID,
			"test.json: stages[0].parameters.level", "its unit is \"dB\""},
		{VALUE("t_value", "level", "{'value': 1, 'unit': 3}"), FB_INVALID,
			"test.json: stages[0].parameters.level", "its unit is \"dB\""},
		{VALUE("t_value", "level", "{'value': {'value': 1}}"), FB_WRONG_TYPE,
			"test.json: stages[0].parameters.level", "needs a number"},
		{VALUE("t_value", "rate", "{'value': 21, 'unit': 'kHz'}"), FB_INVALID,
			"test.json: stages[0].parameters.rate", "21000 is out of range 20 to 20000 Hz"},
		{VALUE("t_value", "steps", "1.5"), FB_INVALID, "test.json: stages[0].parameters.steps",
			"1.5 is no whole number"},
		{VALUE("t_value", "switch", "1"), FB_WRONG_TYPE, "test.json: stages[0].parameters.switch",
			"needs true or false"},
		{VALUE("t_fail", "mode", "0"), FB_WRONG_TYPE, "test.json: stages[0].parameters.mode",
			"needs the name of a choice, such as \"pass\""},
		{VALUE("t_fail", "mode", "'Nan'"), FB_INVALID, "test.json: stages[0].parameters.mode",
			"has no choice \"Nan\""},
	};
	CHECK(rows);
}

#define LINKS(links)                                                                               \
	"{'stages': [{'type': 'gain', 'id': 'a'}, {'type': 't_key', 'id': 'b'}, "                      \
	"{'type': 't_source', 'id': 's'}], 'connections': [" links "]}"

static void test_connections(void **state)
{
	(void)state;
	static const refusal rows[] = {
		{LINKS("'a'"), FB_WRONG_TYPE, "test.json: connections[0]", "needs an object"},
		{LINKS("{'from': 'in', 'to': 'a', 'gain': 1}"), FB_INVALID, "test.json: connections[0]",
			"unknown key \"gain\""},
		{LINKS("{'from': 'in'}"), FB_INVALID, "test.json: connections[0]",
			"\"to\" must name a stage"},
		{LINKS("{'to': 'a'}"), FB_INVALID, "test.json: connections[0]",
			"\"from\" must name a stage"},
		{LINKS("{'from': 'c', 'to': 'a'}"), FB_NOT_FOUND, "test.json: connections[0]",
			"there is no stage \"c\""},
		{LINKS("{'from': 'out', 'to': 'a'}"), FB_NOT_FOUND, "test.json: connections[0]",
			"there is no stage \"out\""},
		{LINKS("{'from': 'a', 'to': 'in'}"), FB_NOT_FOUND, "test.json: connections[0]",
			"there is no stage \"in\""},
		{LINKS("{'from': 'a:side', 'to': 'out'}"), FB_NOT_FOUND, "test.json: connections[0]",
			"gain has no output \"side\""},
		{LINKS("{'from': 'in', 'to': 'b:'}"), FB_NOT_FOUND, "test.json: connections[0]",
			"t_key has no input \"\""},
		{LINKS("{'from': 'in', 'to': 's'}"), FB_INVALID, "test.json: connections[0]",
			"t_source has no input"},
		{LINKS("{'from': 'in', 'to': 'a', 'weight': 4.5}"), FB_INVALID, "test.json: connections[0]",
			"\"weight\" must be a number from -4 to 4"},
		{LINKS("{'from': 'in', 'to': 'a', 'weight': '1'}"), FB_INVALID, "test.json: connections[0]",
			"\"weight\" must be a number from -4 to 4"},
		{LINKS("{'from': 'in', 'to': 'b:key'}, {'from': 'in', 'to': 'b:key', 'weight': 2}"),
			FB_EXISTS, "test.json: connections[1]", "these two are connected already"},
		{LINKS("{'from': 'a', 'to': 'a'}"), FB_INVALID, "test.json: connections",
			"they form a loop: a > a"},
		{LINKS("{'from': 'in', 'to': 'a'}, {'from': 'a', 'to': 'b'}, {'from': 'b', 'to': 'a'}, "
			   "{'from': 'b', 'to': 'out'}"),
			FB_INVALID, "test.json: connections", "they form a loop: a > b > a"},
		{LINKS("{'from': 'a', 'to': 'b:key'}, {'from': 'b', 'to': 'a'}, {'from': 's', 'to': 'b'}"),
			FB_INVALID, "test.json: connections", "they form a loop: a > b > a"},
	};
	CHECK(rows);
}

/* The loop is named even if the first stage that cannot be placed only hangs behind it. */
static void test_loop_behind(void **state)
{
	(void)state;
	static const refusal row = {
		"{'stages': [{'type': 'gain', 'id': 'last'}, {'type': 'gain', 'id': 'x'}, "
		"{'type': 'gain', 'id': 'y'}, {'type': 'gain', 'id': 'z'}], 'connections': ["
		"{'from': 'x', 'to': 'y'}, {'from': 'y', 'to': 'z'}, {'from': 'z', 'to': 'x'}, "
		"{'from': 'z', 'to': 'last'}]}",
		FB_INVALID, "test.json: connections", "they form a loop: z > x > y > z"};
	check(&row, 1);
}

static void test_limits(void **state)
{
	(void)state;
	char json[40000];
	size_t at = (size_t)snprintf(json, sizeof json, "{'stages': [");
	for (int i = 0; i < 33; i++) {
		at += (size_t)snprintf(
			json + at, sizeof json - at, "%s{'type': 'gain', 'id': 's%d'}", i ? "," : "", i);
	}
	snprintf(json + at, sizeof json - at, "]}");
	const refusal stages = {
		json, FB_TOO_MANY, "test.json: stages[32]", "s32: a patch holds at most 32 stages"};
	check(&stages, 1);

	at = (size_t)snprintf(json, sizeof json, "{'stages': [");
	for (int i = 0; i < 17; i++) {
		at += (size_t)snprintf(
			json + at, sizeof json - at, "%s{'type': 'gain', 'id': 's%d'}", i ? "," : "", i);
	}
	at += (size_t)snprintf(json + at, sizeof json - at, "], 'connections': [");
	for (int i = 0, n = 0; i < 17 && n < 129; i++) {
		for (int k = i + 1; k < 17 && n < 129; k++, n++) {
			at += (size_t)snprintf(
				json + at, sizeof json - at, "%s{'from': 's%d', 'to': 's%d'}", n ? "," : "", i, k);
		}
	}
	snprintf(json + at, sizeof json - at, "]}");
	const refusal links = {
		json, FB_TOO_MANY, "test.json: connections[128]", "a patch holds at most 128 connections"};
	check(&links, 1);
}

/* An error's text goes to terminals, logs and JSON answers, so whatever a file holds it is
   well-formed UTF-8 without control characters, even where it had to be cut. */
static void test_errors_are_printable(void **state)
{
	(void)state;
	char json[512] = "{'";
	for (int i = 0; i < 100; i++) {
		strcat(json, i % 2 ? "\xc3\xa4" : i % 4 ? "\\n" : "\\u001b");
	}
	strcat(json, "': 1}");
	fb_patch *patch;
	fb_error error;
	assert_int_equal(stand_parse(json, &patch, &error), FB_INVALID);
	json_t *text = json_string(error.text);
	assert_non_null(text);
	json_decref(text);
	for (const char *c = error.text; *c; c++) {
		assert_true((unsigned char)*c >= ' ');
	}
	assert_non_null(strstr(error.text, "\xc3\xa4?"));
}

static void test_files(void **state)
{
	(void)state;
	fb_patch *patch = NULL;
	fb_error error;
	char file[] = "/tmp/fb_test_patch_XXXXXX";
	assert_int_equal(fb_patch_read("/nowhere/x.json", stand_nodes(), &patch, &error), FB_NOT_FOUND);
	assert_string_equal(error.where, "/nowhere/x.json");
	assert_string_equal(error.text, "No such file or directory");
	assert_int_equal(fb_patch_read("/tmp", stand_nodes(), &patch, &error), FB_IO);
	assert_string_equal(error.text, "cannot be read: Is a directory");

	FILE *stream = fdopen(mkstemp(file), "wb");
	for (int i = 0; i < (1 << 20) + 1; i++) {
		fputc(' ', stream);
	}
	fclose(stream);
	assert_int_equal(fb_patch_read(file, stand_nodes(), &patch, &error), FB_TOO_LARGE);
	assert_string_equal(error.text, "larger than 1048576 bytes");

	stream = fopen(file, "wb");
	fputs("{\"stages\": [{\"type\": \"gian\"}]}", stream);
	fclose(stream);
	char where[64];
	snprintf(where, sizeof where, "%s: stages[0]", strrchr(file, '/') + 1);
	assert_int_equal(fb_patch_read(file, stand_nodes(), &patch, &error), FB_NOT_FOUND);
	assert_string_equal(error.where, where);
	assert_null(patch);
	remove(file);
}

/* A name that is no UTF-8 (a file's) is no reason to refuse the patch in it. */
static void test_odd_name(void **state)
{
	(void)state;
	fb_patch *patch;
	fb_error error = {0};
	assert_int_equal(fb_patch_parse("{}", 2, "caf\xe9.json", stand_nodes(), &patch, &error), FB_OK);
	assert_string_equal(fb_patch_name(patch), "");
	fb_patch_destroy(patch);
	assert_int_equal(
		fb_patch_parse("[]", 2, "caf\xe9.json", stand_nodes(), &patch, &error), FB_INVALID);
	assert_string_equal(error.where, "caf?.json");
}

static const char *const whole =
	"{'name': 'Wh\xc3\xb6le', 'role': 'station', 'description': 'd', 'tags': ['a', 'b'], "
	"'version': '1.0', 'metadata': {'author': 'x', 'quality_score': null}, 'goal': {'epsilon': "
	"0.002}, 'stages': ["
	"{'id': 'split', 'type': 't_split'}, {'id': 'src', 'type': 't_source'}, "
	"{'id': 'v', 'type': 't_value', 'bypass': true, 'parameters': {'level': {'value': -3.3, "
	"'unit': 'dB'}, 'rate': {'value': 0.1, 'unit': 'kHz'}, 'steps': 3, 'switch': true}}, "
	"{'id': 'key', 'type': 't_key'}, {'type': 't_fail', 'parameters': {'mode': 'huge'}}], "
	"'connections': [{'from': 'in', 'to': 'split'}, {'from': 'split:side', 'to': 'key:key', "
	"'weight': -0.1}, {'from': 'split', 'to': 'v'}, {'from': 'src', 'to': 'key', 'weight': 4}, "
	"{'from': 'v', 'to': 'key'}, {'from': 'key', 'to': 't_fail'}, {'from': 't_fail', 'to': "
	"'out'}]}";

static void test_round_trip(void **state)
{
	(void)state;
	fb_patch *patch = stand_patch(whole), *again;
	fb_error error;
	assert_string_equal(fb_patch_name(patch), "Wh\xc3\xb6le");
	assert_near(json_number_value(json_object_get(fb_patch_goal(patch), "epsilon")), 0.002, 0);
	assert_int_equal(patch->n_stages, 5);
	assert_int_equal(patch->n_links, 7);
	assert_true(patch->stage[2].bypass && !patch->stage[1].bypass);
	assert_true(patch->stage[2].values[0] == -3.3f && patch->stage[2].values[1] == 100.0f);
	assert_true(patch->stage[2].values[2] == 3.0f && patch->stage[2].values[3] == 1.0f);
	assert_true(patch->stage[4].values[0] == 3.0f);
	assert_true(patch->link[1].from_port == 1 && patch->link[1].to_port == 1);

	json_t *json = fb_patch_to_json(patch);
	char *text = json_dumps(json, JSON_REAL_PRECISION(9));
	assert_int_equal(
		fb_patch_parse(text, strlen(text), "again", stand_nodes(), &again, &error), FB_OK);
	json_t *twice = fb_patch_to_json(again);
	assert_true(json_equal(json, twice));
	assert_int_equal(again->n_links, patch->n_links);
	assert_memory_equal(again->link, patch->link, patch->n_links * sizeof patch->link[0]);
	for (uint32_t i = 0; i < patch->n_stages; i++) {
		assert_string_equal(again->stage[i].id, patch->stage[i].id);
		assert_ptr_equal(again->stage[i].type, patch->stage[i].type);
		assert_memory_equal(again->stage[i].values, patch->stage[i].values,
			patch->stage[i].type->n_params * sizeof(float));
	}
	/* a weight is written as a person would */
	assert_non_null(strstr(text, "\"weight\": -0.1}"));
	free(text);
	json_decref(json);
	json_decref(twice);
	fb_patch_destroy(patch);
	fb_patch_destroy(again);
}

/* Every float of a range comes back to the bit; seed fixed, so the same floats each time. */
static void test_values_round_trip(void **state)
{
	(void)state;
	fb_patch *patch = stand_patch("{'stages': [{'type': 't_value'}]}"), *again;
	fb_error error;
	uint64_t seed = 88172645463325252u;
	for (int i = 0; i < 2000; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		float level = (float)((double)(seed >> 11) * 0x1p-53 * 84.0 - 60.0);
		patch->stage[0].values[0] = level;
		json_t *json = fb_patch_to_json(patch);
		char *text = json_dumps(json, JSON_REAL_PRECISION(17));
		assert_int_equal(
			fb_patch_parse(text, strlen(text), "x", stand_nodes(), &again, &error), FB_OK);
		assert_true(again->stage[0].values[0] == level);
		fb_patch_destroy(again);
		free(text);
		json_decref(json);
	}
	fb_patch_destroy(patch);
}

/* 1 ms is 0.001 s: the product is no whole number as a double, but it is as a float. */
static void test_units(void **state)
{
	(void)state;
	fb_patch *patch =
		stand_patch("{'stages': [{'type': 't_slow', 'parameters': {'ms': {'value': 0.035, 'unit': "
					"'s'}}}, {'type': 't_value', 'parameters': {'rate': {'value': 20, 'unit': "
					"'kHz'}, 'steps': {'value': 8.0}}}]}");
	assert_true(patch->stage[0].values[0] == 35.0f);
	assert_true(patch->stage[1].values[1] == 20000.0f);
	assert_true(patch->stage[1].values[2] == 8.0f);
	fb_patch_destroy(patch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_stages),
		cmocka_unit_test(test_reserved_ids),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_connections),
		cmocka_unit_test(test_loop_behind),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_errors_are_printable),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_odd_name),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_values_round_trip),
		cmocka_unit_test(test_units),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
