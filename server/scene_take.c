/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A station as a scene holds it: its patch, and the leaves of its own that can be written. What
   those are is the tree's business: a leaf that is added to stations is in scenes from then on. */
#include "scene_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Meters that clients write are no setting, and the patch is held as such. */
static bool is_setting(const fb_branch *branch, const char *key)
{
	const fb_leaf_spec *leaf = fb_branch_leaf(branch);
	return leaf && leaf->access == FB_READ_WRITE && leaf->kind != FB_LEAF_COMMAND && !leaf->meter &&
		   strcmp(key, "patch");
}

/** All settings below a branch, but those of nodes; `prefix` is the length of "/station/N/". */
static void take_leaves(
	const fb_channel *channel, const fb_branch *branch, size_t prefix, json_t *leaves)
{
	const fb_patch *patch = fb_station_patch(channel->station);
	for (fb_branch *at = fb_branch_first(branch); at; at = fb_branch_next(at)) {
		const char *key = fb_branch_address(at) + prefix;
		if (fb_patch_find(patch, key) >= 0) {
			continue;
		}
		if (is_setting(at, key)) {
			json_object_set_new(leaves, key, fb_leaf_to_json(channel->server->tree, at));
		}
		take_leaves(channel, at, prefix, leaves);
	}
}

json_t *fb_scene_take(const fb_scenes *scenes, fb_channel *channel)
{
	char address[32];
	const fb_middle *middle = scenes->middle[channel->index];
	fb_patch *patch = fb_patch_copy(fb_station_patch(channel->station));
	json_t *leaves = json_object();
	size_t prefix =
		(size_t)snprintf(address, sizeof address, "/station/%u", channel->index + 1) + 1;
	take_leaves(channel, fb_tree_find(channel->server->tree, address), prefix, leaves);
	if (middle && patch) { /* amid a morph: where it goes */
		const char *key;
		json_t *change;
		(void)fb_station_turn_in(channel->station, patch);
		json_object_foreach(middle->leaves, key, change)
		{
			json_object_set(leaves, key, json_array_get(change, 1));
		}
	}
	json_t *json = patch ? fb_patch_to_json(patch) : NULL;
	fb_patch_destroy(patch);
	return json_pack("{s:o, s:o}", "patch", json, "leaves", leaves); /* NULL if one of them is */
}

fb_status fb_scene_stations(
	const json_t *stations, const char *where, fb_stations *out, fb_error *error)
{
	*out = 0;
	if (!json_is_object(stations) || !json_object_size(stations)) {
		return fb_fail(
			error, FB_WRONG_TYPE, where, "\"stations\" must be an object with a station");
	}
	for (void *it = json_object_iter((json_t *)(uintptr_t)stations); it;
		 it = json_object_iter_next((json_t *)(uintptr_t)stations, it)) {
		const char *key = json_object_iter_key(it);
		const json_t *station = json_object_iter_value(it);
		char *end;
		unsigned long n = strtoul(key, &end, 10);
		if (*end || n < 1 || n > FB_STATIONS_MAX || key[0] == '0') {
			return fb_fail(error, FB_INVALID, where, "\"%.32s\" is no station", key);
		}
		if (!json_is_object(json_object_get(station, "patch")) ||
			!json_is_object(json_object_get(station, "leaves")) || json_object_size(station) != 2) {
			return fb_fail(error, FB_INVALID, where,
				"station %lu must have \"patch\" and \"leaves\", both objects", n);
		}
		*out |= UINT64_C(1) << (n - 1);
	}
	return FB_OK;
}
