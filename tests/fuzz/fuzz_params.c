/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bodies of POST .../params over a patch of foldback's own nodes: all of it is taken, or it is
   refused with a reason and nothing of it is. */
#include "fuzz.h"

#include "../../graph/params.h"

#include <string.h>

static fb_patch *patch;

static void warn(const fb_error *why)
{
	fprintf(stderr, "%s: %s\n", why->where, why->text);
	abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char text[] =
		"{\"name\": \"fuzz\", \"stages\": [{\"id\": \"gain\", \"type\": \"gain\"},"
		" {\"id\": \"comp\", \"type\": \"comp\"}, {\"id\": \"eq\", \"type\": \"eq\"}]}";
	static fb_nodes *nodes;
	fb_error error = {0};
	const char *folder = getenv("FB_NODES");
	(void)argc, (void)argv;
	if (fb_nodes_open(folder ? folder : FB_BUILD "/nodes", warn, &nodes, &error) ||
		fb_patch_parse(text, strlen(text), "fuzz", nodes, &patch, &error)) {
		warn(&error);
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *body = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	if (!body) {
		return 0;
	}
	fb_error error = {0};
	json_t *before = fb_params_to_json(patch);
	fb_status status = fb_params_apply(patch, body, &error);
	json_t *after = fb_params_to_json(patch);
	must(before && after && json_object_size(before) == json_object_size(after));
	if (status) {
		must(error.status == status && error.text[0]);
		must(json_equal(before, after));
	} else {
		must(fb_params_apply(patch, after, &error) == FB_OK); /* all of it within its range */
	}
	json_decref(body);
	json_decref(before);
	json_decref(after);
	return 0;
}
