/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Patch files over foldback's own nodes: refused with a place and a reason, or read, ordered,
   written and read again as the same. */
#include "fuzz.h"

#include "../../graph/patch.h"

#include <string.h>

static fb_nodes *nodes;

static void warn(const fb_error *why)
{
	fprintf(stderr, "%s: %s\n", why->where, why->text);
	abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	fb_error error = {0};
	const char *folder = getenv("FB_NODES");
	(void)argc, (void)argv;
	if (fb_nodes_open(folder ? folder : FB_BUILD "/nodes", warn, &nodes, &error)) {
		warn(&error);
	}
	return 0;
}

static char *text_of(const fb_patch *patch)
{
	json_t *json = fb_patch_to_json(patch);
	must(json);
	char *text = json_dumps(json, JSON_SORT_KEYS | JSON_COMPACT);
	json_decref(json);
	must(text);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fb_patch *patch = NULL, *again = NULL;
	fb_error error = {0};
	if (fb_patch_parse((const char *)data, size, "fuzz", nodes, &patch, &error)) {
		must(!patch && error.status && error.where[0] && error.text[0]);
		return 0;
	}
	uint32_t order[FB_STAGES_MAX];
	must(fb_patch_order(patch, order, &error) == FB_OK); /* a loop is refused on reading */
	char *text = text_of(patch);
	if (fb_patch_parse(text, strlen(text), "again", nodes, &again, &error)) {
		fprintf(stderr, "%s: %s: %s\n", text, error.where, error.text);
		abort();
	}
	char *second = text_of(again);
	must(strcmp(text, second) == 0);
	free(text);
	free(second);
	fb_patch_destroy(patch);
	fb_patch_destroy(again);
	return 0;
}
