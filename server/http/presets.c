/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Routes of the patches that can be loaded by name: the files in the folders of --patch-path. */
#include "route.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_LEN = 1024 };

/** The name without ".json"; false if it is no patch file's. */
static bool preset_name(const char *file, char name[FB_PART_LEN])
{
	size_t len = strlen(file);
	if (len < 6 || len - 5 >= FB_PART_LEN || file[0] == '.' || strcmp(file + len - 5, ".json")) {
		return false;
	}
	memcpy(name, file, len - 5);
	name[len - 5] = '\0';
	return true;
}

/** What a list tells of a patch; NULL if it is none. */
static json_t *about(const char *file, const char *name)
{
	static const char *const told[] = {"description", "role", "tags", "version"};
	json_t *patch = json_load_file(file, JSON_REJECT_DUPLICATES, NULL);
	json_t *row = json_is_array(json_object_get(patch, "stages"))
					  ? json_pack("{s:s, s:O?}", "id", name, "name", json_object_get(patch, "name"))
					  : NULL;
	for (size_t i = 0; i < sizeof told / sizeof *told && row; i++) {
		json_t *value = json_object_get(patch, told[i]);
		if (value) {
			json_object_set(row, told[i], value);
		}
	}
	json_decref(patch);
	return row;
}

/** Add the patches of one folder; of two with the same name the first counts, as in loading. */
static void add_folder(json_t *all, const char *folder)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		char file[FILE_LEN], name[FB_PART_LEN];
		snprintf(file, sizeof file, "%s/%s", folder, entries[i]->d_name);
		if (preset_name(entries[i]->d_name, name) && !json_object_get(all, name)) {
			json_t *row = about(file, name);
			if (row) {
				json_object_set_new(all, name, row);
			}
		}
		free(entries[i]);
	}
	if (n >= 0) {
		free(entries);
	}
}

static void get_presets(fb_request *request, const fb_asked *asked)
{
	json_t *all = json_object(), *list = json_array(), *row;
	const char *name;
	for (const char *at = asked->server->options.patch_path; *at;) {
		char folder[FILE_LEN];
		size_t len = strcspn(at, ":");
		snprintf(folder, sizeof folder, "%.*s", (int)(len < sizeof folder ? len : 0), at);
		add_folder(all, folder);
		at += len + (at[len] == ':');
	}
	json_object_foreach(all, name, row)
	{
		json_array_append(list, row);
	}
	json_decref(all);
	fb_http_answer_json(request, 200, list);
}

static const fb_route routes[] = {
	{FB_GET, "/api/presets", get_presets,
		"Patches that /station/N/patch loads by their id: the files of --patch-path.",
		.answer = "{'type': 'array', 'items': {'type': 'object', 'required': ['id', 'name'],"
				  " 'properties': {'id': {'type': 'string'}, 'name': {'type': ['string', 'null']},"
				  " 'description': {'type': 'string'}, 'role': {'type': 'string'},"
				  " 'tags': {'type': 'array'}, 'version': {'type': 'string'}}}}"},
};

const fb_routes fb_preset_routes = {"presets", routes, sizeof routes / sizeof *routes};
