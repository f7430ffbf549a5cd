/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OSCQuery's questions: PATH '\n' QUERY. Every answer is JSON with a status of OSCQuery's, and an
   address that is answered is one of the tree's. */
#include "fuzz.h"

#include "../../osc/oscquery.h"

#include <jansson.h>

#include <string.h>

static fb_tree *tree;

static void get(void *ctx, uint32_t index, fb_value *value)
{
	(void)ctx;
	*value = index == FB_LEAF_TEXT    ? (fb_value){.tag = 's', .s = "a \"text\""}
			 : index == FB_LEAF_FLOAT ? (fb_value){.tag = 'f', .f = 0.25}
									  : (fb_value){.tag = 'i', .i = 1};
}

/* asking changes nothing: these are never called */

static fb_status set(
	void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error)
{
	(void)ctx, (void)index, (void)value, (void)origin, (void)error;
	abort();
}

static fb_status call(void *ctx, uint32_t index, const fb_value *argv, uint32_t argc,
	const fb_origin *origin, fb_answer *answer, fb_error *error)
{
	(void)ctx, (void)index, (void)argv, (void)argc, (void)origin, (void)answer, (void)error;
	abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const fb_leaf_kind kinds[] = {
		FB_LEAF_FLOAT, FB_LEAF_INT, FB_LEAF_BOOL, FB_LEAF_CHOICE, FB_LEAF_TEXT, FB_LEAF_COMMAND};
	static const char *const choices[] = {"one", "two"};
	static const fb_leaf_ops ops = {.get = get, .set = set, .call = call};
	(void)argc, (void)argv;
	tree = fb_tree_create();
	must(tree);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		char address[16];
		snprintf(address, sizeof address, "/a/b%d", (int)i);
		fb_leaf_spec spec = {.kind = kinds[i],
			.access = kinds[i] == FB_LEAF_COMMAND ? FB_WRITE : FB_READ_WRITE,
			.label = "L",
			.unit = "dB",
			.doc = "D",
			.max = 3,
			.choices = choices,
			.n_choices = 2,
			.args = "s?i",
			.ops = &ops,
			.index = kinds[i]};
		fb_error error;
		if (fb_tree_add(tree, address, &spec, &error)) {
			fprintf(stderr, "%s: %s\n", error.where, error.text);
			abort();
		}
	}
	return 0;
}

static char *copy(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	must(text);
	if (size) {
		memcpy(text, data, size);
	}
	text[size] = '\0';
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const fb_oscquery_host host = {.name = "fuzz", .osc_port = 7770, .websocket = true};
	const uint8_t *cut = size ? memchr(data, '\n', size) : NULL;
	size_t n = cut ? (size_t)(cut - data) : size, length = 0;
	char *path = copy(data, n), *query = copy(cut ? cut + 1 : data, cut ? size - n - 1 : 0);
	char *text;
	int code = fb_oscquery_get(tree, &host, path, query, &text, &length);
	must(code == 200 || code == 204 || code == 400 || code == 404);
	must((code == 204) == !text);
	if (text) {
		json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
		must(json_is_object(json) && strlen(text) == length);
		must((code == 200) == !json_object_get(json, "error"));
		const char *full = json_string_value(json_object_get(json, "FULL_PATH"));
		must(!full || fb_tree_find(tree, full));
		json_decref(json);
	}
	free(text);
	free(path);
	free(query);
	return 0;
}
