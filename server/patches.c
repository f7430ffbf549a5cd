/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The patch of a station as a whole: /station/N/patch names it, and loads another one by its name;
	a document comes over HTTP, or from its file again when the server is told to re-read it. */
#include "scene.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_LEN = 1024, NAME_LEN = 128 };

/* --- by name */

static bool name_is_good(const char *name)
{
	size_t len = strlen(name);
	return len && len < NAME_LEN && name[0] != '.' && !strchr(name, '/');
}

/** The first file NAME.json in the folders of the patch path. */
static fb_status find_file(
	const fb_server *server, const char *name, char file[PATH_LEN], fb_error *error)
{
	if (!name_is_good(name)) {
		return fb_fail(error, FB_INVALID, name, "that is no name of a patch");
	}
	const char *folder = server->options.patch_path;
	while (*folder) {
		size_t len = strcspn(folder, ":");
		snprintf(file, PATH_LEN, "%.*s/%s.json", (int)len, folder, name);
		if (!access(file, R_OK)) {
			return FB_OK;
		}
		folder += len + (folder[len] == ':');
	}
	return fb_fail(
		error, FB_NOT_FOUND, name, "there is no such patch in %.256s", server->options.patch_path);
}

FB_GETTER(fb_channel, patch_get, fb_text_value(fb_patch_name(fb_station_patch(self->station))))

static fb_status patch_set(
	void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error)
{
	(void)index;
	fb_channel *channel = ctx;
	char file[PATH_LEN];
	fb_patch *patch = NULL;
	fb_status status = find_file(channel->server, value->s, file, error);
	if (!status) {
		status = fb_patch_read(file, channel->server->nodes, &patch, error);
	}
	if (!status) {
		fb_scenes_settle(channel->server->scenes, channel->index);
		status = fb_channel_load(channel, patch, -1.0, origin, error);
		if (status) {
			fb_patch_destroy(patch);
		}
	}
	return status;
}

fb_status fb_channel_add_patch(fb_channel *channel, fb_error *error)
{
	static const fb_leaf_ops ops = {.get = patch_get, .set = patch_set};
	static const fb_leaf_row row = FB_ROW("patch", .kind = FB_LEAF_TEXT, .label = "Patch",
		.doc = "Name of the patch in force; a patch file's name (without .json) loads that one.",
		.ops = &ops);
	return fb_channel_add_leaves(channel, &row, 1, error);
}

/* --- as a document */

void fb_channel_refuse(
	fb_channel *channel, const char *what, const fb_origin *origin, const fb_error *error)
{
	fb_value before, asked = {.tag = 's', .s = what};
	fb_branch *leaf = fb_channel_find(channel, "patch");
	fb_tree_get(channel->server->tree, leaf, &before);
	fb_tree_record(channel->server->tree, leaf, &before, &asked, origin, error);
}

/** Into force, as one step; `take` is taken or destroyed. */
static fb_status load(fb_channel *channel, fb_patch *take, const fb_origin *origin, fb_error *error)
{
	char name[NAME_LEN];
	fb_value before = {.tag = 's', .s = name}, after;
	snprintf(name, sizeof name, "%s", fb_patch_name(fb_station_patch(channel->station)));
	fb_scenes_settle(channel->server->scenes, channel->index);
	fb_status status = fb_channel_load(channel, take, -1.0, origin, error);
	if (status) {
		fb_patch_destroy(take);
		return status;
	}
	fb_tree_get(channel->server->tree, fb_channel_find(channel, "patch"), &after);
	fb_tree_record(
		channel->server->tree, fb_channel_find(channel, "patch"), &before, &after, origin, NULL);
	return FB_OK;
}

fb_status fb_channel_put(
	fb_channel *channel, const char *text, size_t len, const fb_origin *origin, fb_error *error)
{
	fb_patch *patch = NULL;
	fb_status status = fb_patch_parse(text, len, "patch", channel->server->nodes, &patch, error);
	if (!status) {
		status = load(channel, patch, origin, error);
	}
	if (status) {
		fb_channel_refuse(channel, "patch", origin, error);
	}
	return status;
}

void fb_channel_reread(fb_channel *channel)
{
	static const fb_origin origin = {"SIGHUP", NULL};
	const char *file = channel->server->options.patch[channel->index];
	fb_error error;
	fb_patch *patch = NULL;
	if (!file) {
		return;
	}
	fb_status status = fb_patch_read(file, channel->server->nodes, &patch, &error);
	if (!status) {
		status = load(channel, patch, &origin, &error);
	}
	if (status) {
		fb_log_error("the patch stays as it was", &error);
		fb_channel_refuse(channel, file, &origin, &error);
	}
}
