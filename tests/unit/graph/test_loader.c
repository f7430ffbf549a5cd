/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding node types: what is taken, what is skipped and why, and that metadata is checked to the
   last field, since nobody asks again. */
#include "testing.h"

#include "stand.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static char warnings[4096];

static void warn(const fb_error *why)
{
	size_t at = strlen(warnings);
	const char *file = strrchr(why->where, '/');
	snprintf(
		warnings + at, sizeof warnings - at, "%s: %s\n", file ? file + 1 : why->where, why->text);
}

static fb_status open_nodes(const char *path, fb_nodes **nodes, fb_error *error)
{
	warnings[0] = '\0';
	*nodes = NULL;
	return fb_nodes_open(path, warn, nodes, error);
}

static void expect_warning(const char *text)
{
	if (!strstr(warnings, text)) {
		fail_msg("\"%s\" is not among:\n%s", text, warnings);
	}
}

static void test_finds_types(void **state)
{
	(void)state;
	fb_nodes *nodes;
	fb_error error;
	assert_int_equal(open_nodes(FB_BUILD "/nodes:" FB_BUILD "/tests/nodes", &nodes, &error), FB_OK);
	assert_string_equal(warnings, "");
	assert_non_null(fb_nodes_find(nodes, "gain"));
	assert_non_null(fb_nodes_find(nodes, "t_key"));
	assert_null(fb_nodes_find(nodes, "t_kez"));
	for (size_t i = 1; i < fb_nodes_count(nodes); i++) {
		assert_true(strcmp(fb_nodes_at(nodes, i - 1)->id, fb_nodes_at(nodes, i)->id) < 0);
	}
	for (size_t i = 0; i < fb_nodes_count(nodes); i++) {
		if (!strcmp(fb_nodes_at(nodes, i)->id, "t_key")) {
			assert_string_equal(fb_nodes_file(nodes, i), FB_BUILD "/tests/nodes/ports.so");
		}
	}
	const fb_node_desc *key = fb_nodes_find(nodes, "t_key");
	assert_int_equal(fb_node_input(key, "key"), 1);
	assert_int_equal(fb_node_input(key, "main"), 0);
	assert_int_equal(fb_node_input(key, "side"), -1);
	assert_int_equal(fb_node_output(fb_nodes_find(nodes, "t_split"), "side"), 1);
	assert_int_equal(fb_node_output(key, "key"), -1);
	assert_int_equal(fb_node_meter(key, "level"), 1);
	assert_int_equal(fb_node_meter(key, "gain"), -1);
	assert_int_equal(fb_node_param(fb_nodes_find(nodes, "t_value"), "steps"), 2);
	assert_int_equal(fb_node_param(key, "steps"), -1);
	assert_int_equal(fb_port_channels(key->inputs, key->n_inputs), 3);
	fb_nodes_close(nodes);
	fb_nodes_close(NULL);
}

/* Every unusable file of a folder is skipped, each with its reason; the good type beside the bad
   one is taken. */
static void test_bad_files_are_skipped(void **state)
{
	(void)state;
	char folder[] = "/tmp/fb_test_nodes_XXXXXX", text[PATH_MAX], broken[PATH_MAX];
	fb_nodes *nodes;
	fb_error error;
	assert_non_null(mkdtemp(folder));
	snprintf(text, sizeof text, "%s/text.so", folder);
	snprintf(broken, sizeof broken, "%s/README", folder);
	FILE *stream = fopen(text, "w");
	fputs("this is no shared object\n", stream);
	fclose(stream);
	stream = fopen(broken, "w"); /* not named *.so: no warning */
	fclose(stream);
	char path[2 * PATH_MAX];
	snprintf(path, sizeof path, "%s:%s", folder, FB_BUILD "/tests/badnodes");
	assert_int_equal(open_nodes(path, &nodes, &error), FB_OK);
	expect_warning("text.so: cannot be loaded: ");
	expect_warning("no_entry.so: is no node: it does not export fb_node_entry\n");
	expect_warning("empty.so: is no node: it holds no type\n");
	expect_warning("abi.so: built for node ABI 2, this foldback has 1\n");
	expect_warning("size.so: its fb_node_desc has ");
	expect_warning("half.so: a node type has a bad id\n");
	assert_null(strstr(warnings, "README"));
	assert_int_equal(fb_nodes_count(nodes), 2); /* b_good of half.so, t_mono of twin.so */
	assert_non_null(fb_nodes_find(nodes, "b_good"));
	fb_nodes_close(nodes);
	/* nobody has to listen */
	assert_int_equal(fb_nodes_open(FB_BUILD "/tests/badnodes", NULL, &nodes, &error), FB_OK);
	fb_nodes_close(nodes);
	unlink(text);
	unlink(broken);
	rmdir(folder);
}

static void test_folders(void **state)
{
	(void)state;
	fb_nodes *nodes;
	fb_error error;
	char empty[] = "/tmp/fb_test_nodes_XXXXXX";
	assert_int_equal(
		open_nodes(FB_BUILD "/tests/nodes:/nowhere/nodes", &nodes, &error), FB_NOT_FOUND);
	assert_string_equal(error.where, "/nowhere/nodes");
	assert_string_equal(error.text, "no such node folder");
	assert_null(nodes);
	assert_int_equal(open_nodes("/etc/passwd", &nodes, &error), FB_IO);
	assert_string_equal(error.text, "cannot be read: Not a directory");
	assert_non_null(mkdtemp(empty));
	assert_int_equal(open_nodes(empty, &nodes, &error), FB_NOT_FOUND);
	assert_string_equal(error.where, empty);
	assert_string_equal(error.text, "no usable node found");
	rmdir(empty);
}

static void test_first_folder_wins(void **state)
{
	(void)state;
	fb_nodes *nodes;
	fb_error error;
	assert_int_equal(
		open_nodes(FB_BUILD "/tests/nodes:" FB_BUILD "/tests/badnodes", &nodes, &error), FB_OK);
	assert_int_equal(fb_nodes_find(nodes, "t_mono")->inputs[0].channels, 1);
	fb_nodes_close(nodes);
	assert_int_equal(
		open_nodes(FB_BUILD "/tests/badnodes:" FB_BUILD "/tests/nodes", &nodes, &error), FB_OK);
	assert_int_equal(fb_nodes_find(nodes, "t_mono")->inputs[0].channels, 2);
	fb_nodes_close(nodes);
}

static void test_environment(void **state)
{
	(void)state;
	fb_nodes *nodes;
	fb_error error;
	setenv("FOLDBACK_NODE_PATH", FB_BUILD "/tests/nodes", 1);
	assert_int_equal(open_nodes(NULL, &nodes, &error), FB_OK);
	assert_non_null(fb_nodes_find(nodes, "t_mono"));
	assert_null(fb_nodes_find(nodes, "gain"));
	fb_nodes_close(nodes);
	assert_int_equal(open_nodes(FB_BUILD "/nodes", &nodes, &error), FB_OK); /* is asked first */
	assert_null(fb_nodes_find(nodes, "t_mono"));
	fb_nodes_close(nodes);
	setenv("FOLDBACK_NODE_PATH", "/nowhere", 1);
	assert_int_equal(open_nodes(NULL, &nodes, &error), FB_NOT_FOUND);
	assert_string_equal(error.where, "/nowhere");
	unsetenv("FOLDBACK_NODE_PATH");
}

/* --- metadata: a sound type, spoilt one field at a time */

static const char *const names[] = {"one", "two", NULL};
static const char *const gap[] = {"one", NULL, "three"};

typedef struct parts {
	fb_node_desc desc;
	fb_param_info params[3]; ///< a float, a bool, a choice
	fb_port_info in[2], out[1];
	fb_meter_info meters[2];
} parts;

static parts sound_parts(void)
{
	const fb_node_desc *model = fb_nodes_find(stand_nodes(), "gain");
	parts p = {
		.desc = *model,
		.params = {{.symbol = "level", .label = "L", .unit = "dB", .doc = "d", .min = -1, .max = 1},
			{.symbol = "on", .label = "L", .unit = "", .doc = "d", .kind = FB_BOOL, .max = 1},
			{.symbol = "mode",
				.label = "L",
				.unit = "",
				.doc = "d",
				.kind = FB_CHOICE,
				.max = 1,
				.choices = names}},
		.in = {{.symbol = "main", .label = "L", .doc = "d", .channels = 2},
			{.symbol = "key", .label = "L", .doc = "d", .channels = 1}},
		.out = {{.symbol = "main", .label = "L", .doc = "d", .channels = 2}},
		.meters = {{.symbol = "a", .label = "L", .unit = "dB", .doc = "d", .max = 1},
			{.symbol = "b", .label = "L", .unit = "dB", .doc = "d", .max = 1}},
	};
	p.desc.id = "x";
	p.desc.n_params = 3;
	p.desc.n_inputs = 2;
	p.desc.n_outputs = 1;
	p.desc.n_meters = 2;
	return p;
}

static void check_parts(parts *p, const char *text)
{
	fb_error error = {0};
	p->desc.params = p->desc.params ? p->params : NULL;
	p->desc.meters = p->desc.meters ? p->meters : NULL;
	p->desc.inputs = p->desc.inputs ? p->in : NULL;
	p->desc.outputs = p->desc.outputs ? p->out : NULL;
	fb_status status = fb_node_check(&p->desc, "x.so", &error);
	if (status != (text ? FB_INVALID : FB_OK) || (text && strcmp(error.text, text) != 0)) {
		fail_msg("gave %d \"%s\", wanted \"%s\"", status, error.text, text ? text : "");
	}
	if (text) {
		assert_string_equal(error.where, "x.so");
	}
}

#define SPOILT(spoil, text)                                                                        \
	do {                                                                                           \
		parts p = sound_parts();                                                                   \
		p.desc.params = p.params;                                                                  \
		p.desc.meters = p.meters;                                                                  \
		p.desc.inputs = p.in;                                                                      \
		p.desc.outputs = p.out;                                                                    \
		spoil;                                                                                     \
		check_parts(&p, text);                                                                     \
	} while (0)

static void test_metadata_of_types(void **state)
{
	(void)state;
	SPOILT((void)0, NULL);
	SPOILT(p.desc.id = NULL, "a node type has a bad id");
	SPOILT(p.desc.id = "2x", "a node type has a bad id");
	SPOILT(p.desc.label = NULL, "x: label, doc or category is missing");
	SPOILT(p.desc.doc = NULL, "x: label, doc or category is missing");
	SPOILT(p.desc.category = NULL, "x: label, doc or category is missing");
	SPOILT(p.desc.instance_size = NULL, "x: instance_size, prepare, process or reset is missing");
	SPOILT(p.desc.prepare = NULL, "x: instance_size, prepare, process or reset is missing");
	SPOILT(p.desc.process = NULL, "x: instance_size, prepare, process or reset is missing");
	SPOILT(p.desc.reset = NULL, "x: instance_size, prepare, process or reset is missing");
	SPOILT(p.desc.n_outputs = 0, "x: has no output");
	SPOILT(p.desc.n_inputs = 9, "x: too many ports, parameters or meters");
	SPOILT(p.desc.n_params = 1025, "x: too many ports, parameters or meters");
	SPOILT(p.desc.params = NULL, "x: parameters are counted but missing");
	SPOILT(p.desc.meters = NULL, "x: meters are counted but missing");
	SPOILT(p.desc.inputs = NULL, "x: ports are counted but missing");
	SPOILT(p.desc.outputs = NULL, "x: ports are counted but missing");
	SPOILT(p.in[1].symbol = "Key", "x: port 1: bad symbol, label or doc");
	SPOILT(p.in[1].label = NULL, "x: port 1: bad symbol, label or doc");
	SPOILT(p.out[0].doc = NULL, "x: port 0: bad symbol, label or doc");
	SPOILT(p.in[0].channels = 3, "x:main: needs 1 or 2 channels");
	SPOILT(p.in[0].channels = 0, "x:main: needs 1 or 2 channels");
	SPOILT(p.in[1].symbol = "main", "x:main: twice");
}

static void test_metadata_of_values(void **state)
{
	(void)state;
	SPOILT(p.params[0].symbol = "Level", "x: parameter 0: bad symbol");
	SPOILT(p.params[0].symbol = NULL, "x: parameter 0: bad symbol");
	SPOILT(p.params[0].symbol = "bypass", "x.bypass: that name is foldback's own");
	SPOILT(p.params[0].symbol = "meter", "x.meter: that name is foldback's own");
	SPOILT(p.params[1].symbol = "level", "x.level: twice");
	SPOILT(p.params[0].unit = NULL, "x.level: label, unit or doc is missing");
	SPOILT(p.params[0].kind = (fb_param_kind)4, "x.level: unknown kind or scale");
	SPOILT(p.params[0].scale = (fb_scale)2, "x.level: unknown kind or scale");
	SPOILT(p.params[0].max = -1, "x.level: needs min < max and a default between them");
	SPOILT(p.params[0].max = INFINITY, "x.level: needs min < max and a default between them");
	SPOILT(p.params[0].min = NAN, "x.level: needs min < max and a default between them");
	SPOILT(p.params[0].def = NAN, "x.level: needs min < max and a default between them");
	SPOILT(p.params[0].def = 2, "x.level: needs min < max and a default between them");
	SPOILT(p.params[0].scale = FB_SCALE_LOG, "x.level: a log scale needs min > 0");
	SPOILT(p.params[0].smooth_ms = -1, "x.level: bad smooth_ms");
	SPOILT(p.params[0].smooth_ms = NAN, "x.level: bad smooth_ms");
	SPOILT((p.params[0].kind = FB_INT, p.params[0].min = -0.5f),
		"x.level: needs whole limits and default");
	SPOILT(p.params[2].max = 1.5f, "x.mode: needs whole limits and default");
	SPOILT(p.params[1].max = 2, "x.on: a bool runs 0..1");
	SPOILT(p.params[2].choices = NULL, "x.mode: a choice needs names and runs from 0");
	SPOILT(p.params[2].min = -1, "x.mode: a choice needs names and runs from 0");
	SPOILT(p.params[2].max = 3e9f, "x.mode: a choice needs names and runs from 0");
	SPOILT((p.params[2].max = 2, p.params[2].choices = gap), "x.mode: choice 1 has no name");
	SPOILT(p.meters[1].symbol = "", "x: meter 1: bad symbol, label, unit, doc or range");
	SPOILT(p.meters[1].max = 0, "x: meter 1: bad symbol, label, unit, doc or range");
	SPOILT(p.meters[1].max = INFINITY, "x: meter 1: bad symbol, label, unit, doc or range");
	SPOILT(p.meters[1].min = NAN, "x: meter 1: bad symbol, label, unit, doc or range");
	SPOILT(p.meters[1].symbol = "a", "x: meter a: twice");
}

static void test_symbols(void **state)
{
	(void)state;
	assert_true(fb_is_symbol("a"));
	assert_true(fb_is_symbol("low_cut_2"));
	assert_true(fb_is_symbol("a234567890123456789012345678901"));
	assert_false(fb_is_symbol("a2345678901234567890123456789012"));
	assert_false(fb_is_symbol(""));
	assert_false(fb_is_symbol(NULL));
	assert_false(fb_is_symbol("2a"));
	assert_false(fb_is_symbol("_a"));
	assert_false(fb_is_symbol("aB"));
	assert_false(fb_is_symbol("a b"));
	assert_false(fb_is_symbol("\xc3\xa4"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_types),
		cmocka_unit_test(test_bad_files_are_skipped),
		cmocka_unit_test(test_folders),
		cmocka_unit_test(test_first_folder_wins),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_metadata_of_types),
		cmocka_unit_test(test_metadata_of_values),
		cmocka_unit_test(test_symbols),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
