/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recalling a scene. All stations are made ready first, so that a scene that cannot be recalled
   changes nothing. Then, in one group: topology crossfades, continuous values start to glide (the
   host's own glides, exact at their end), names and numbers change. In the middle of the morph
   each station has its turn: choices, switches, bypasses, mode and mute. Audio makes it by itself,
   at a frame; control follows with the patch and the tree. */
#include "scene_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESS_LEN = 192, WHERE_LEN = 128 };

/** What happens to one station. */
typedef struct part {
	fb_channel *channel;     ///< NULL: nothing, it is safe as a whole
	fb_patch *start, *end;   ///< at once, and from the middle on; start NULL: the end at once
	json_t *leaves, *turned; ///< {leaf: value} at once; {leaf: [then, value]} in the middle
	uint32_t switches;       ///< of the station, that turned leaves move
} part;

typedef struct recall {
	fb_scenes *scenes;
	const char *name;
	double morph_s;
	const fb_origin *origin;
	part part[FB_STATIONS_MAX];
	uint32_t n;
} recall;

/* --- the turn in the middle */

void fb_middle_destroy(fb_middle *middle)
{
	if (middle) {
		json_decref(middle->leaves);
		free(middle);
	}
}

/** The same stage in another patch: id and type alike. */
static const fb_stage *twin(const fb_patch *patch, const fb_stage *stage)
{
	int i = fb_patch_find(patch, stage->id);
	return i >= 0 && patch->stage[i].type == stage->type ? &patch->stage[i] : NULL;
}

static void set_leaf(
	fb_channel *channel, const char *key, const json_t *json, const fb_origin *origin)
{
	fb_error error;
	fb_value value = fb_leaf_value(json);
	fb_branch *leaf = fb_channel_find(channel, key);
	/* checked when the recall began; what refuses it now is in the audit */
	if (leaf &&
		fb_tree_set(channel->server->tree, leaf, &value, 1, FB_STRICT, origin, NULL, &error)) {
		fb_log_error("of a scene", &error);
	}
}

/** switches: of the station that have turned. One that would move but has not was touched. */
static void turn_leaves(
	fb_channel *channel, const json_t *leaves, uint32_t switches, const fb_origin *origin)
{
	const char *key;
	json_t *change;
	json_object_foreach((json_t *)(uintptr_t)leaves, key, change)
	{
		fb_value fit, value = fb_leaf_value(json_array_get(change, 1));
		const fb_branch *leaf = fb_channel_find(channel, key);
		fb_tree *tree = channel->server->tree;
		if (!leaf || fb_tree_check(tree, leaf, &value, 1, FB_STRICT, &fit, NULL) ||
			fb_channel_switches(channel, leaf, &fit) & ~switches) {
			continue;
		}
		json_t *now = fb_leaf_to_json(tree, leaf);
		if (json_equal(now, json_array_get(change, 0))) {
			set_leaf(channel, key, json_array_get(change, 1), origin);
		}
		json_decref(now);
	}
}

void fb_scenes_settle(fb_scenes *scenes, uint32_t station)
{
	fb_middle *middle = scenes ? scenes->middle[station] : NULL;
	if (!middle) {
		return;
	}
	fb_error error;
	fb_channel *channel = &scenes->server->channel[station];
	fb_origin origin = {middle->origin, NULL};
	scenes->middle[station] = NULL;
	uint32_t switches = fb_station_turning(channel->station);
	fb_patch *patch = fb_patch_copy(fb_station_patch(channel->station));
	bool changed = patch && fb_station_turn_in(channel->station, patch);
	fb_tree_begin(scenes->server->tree);
	fb_station_end_turn(channel->station);
	if (changed && fb_channel_change(channel, patch, &origin, &error)) {
		fb_channel_refuse(channel, scenes->current, &origin, &error);
		changed = false;
	}
	turn_leaves(channel, middle->leaves, switches, &origin);
	fb_tree_end(scenes->server->tree);
	if (!changed) {
		fb_patch_destroy(patch);
	}
	fb_middle_destroy(middle);
}

/** Time since the newest recall began. It is the audio's; while there is none, the clock's. */
static double elapsed_s(const fb_scenes *scenes)
{
	const fb_server *server = scenes->server;
	double frames = (double)(fb_engine_frame(server->engine) - scenes->began_frame);
	double s = fmax(frames, 0.0) / fb_engine_rate(server->engine);
	return server->audio.driver.running ? s : fmax(fb_now_s() - scenes->began_s, s);
}

/** Is there a middle of the newest recall that control has not followed yet? */
static bool turn_waits(const fb_scenes *scenes)
{
	for (uint32_t i = 0; i < scenes->server->n_channels; i++) {
		if (scenes->middle[i] && scenes->middle[i]->recall == scenes->recalls) {
			return true;
		}
	}
	return false;
}

/** A recall is at its end when the tree has all of it, on a machine that stood still as well. */
double fb_scenes_progress(const fb_scenes *scenes)
{
	if (!scenes->morphing) {
		return 100.0;
	}
	return fmin(100.0 * elapsed_s(scenes) / scenes->length_s, turn_waits(scenes) ? 99.9 : 100.0);
}

/** Audio has taken up the recall, and with it we know at which frame. */
static void learn_begin(fb_scenes *scenes, const fb_station *station)
{
	uint64_t half = (uint64_t)(0.5 * scenes->length_s * fb_engine_rate(scenes->server->engine));
	uint64_t turn = fb_station_turn_frame(station);
	if (turn >= half) {
		scenes->began_frame = turn - half;
	}
}

/** The middle of one station, if it is due. */
static void look_at(fb_scenes *scenes, uint32_t index, double now_s)
{
	fb_server *server = scenes->server;
	const fb_middle *middle = scenes->middle[index];
	const fb_station *station = server->channel[index].station;
	if (middle && middle->recall == scenes->recalls) {
		learn_begin(scenes, station);
	}
	bool silent = middle && !server->audio.driver.running && now_s >= middle->due_s;
	if (silent || (middle && fb_station_turned(station))) {
		fb_scenes_settle(scenes, index);
	}
}

void fb_scenes_service(fb_scenes *scenes)
{
	double now = fb_now_s();
	for (uint32_t i = 0; i < scenes->server->n_channels; i++) {
		look_at(scenes, i, now); /* also of an earlier recall, of other stations */
	}
	if (!scenes->morphing) {
		return;
	}
	scenes->morphing = fb_scenes_progress(scenes) < 100.0;
	if (!scenes->morphing || now - scenes->told_s >= 0.05) {
		scenes->told_s = now;
		fb_scene_touch(scenes, "/scene/progress");
	}
}

/* --- making a station ready */

/** Values of `from` into the same stages of `to`: those that the safe list covers, or the rest. */
static void carry(const fb_scenes *scenes, const fb_channel *channel, const fb_patch *from,
	fb_patch *to, bool safe)
{
	for (uint32_t i = 0; i < to->n_stages; i++) {
		char address[ADDRESS_LEN];
		fb_stage *stage = &to->stage[i];
		const fb_stage *source = twin(from, stage);
		int len =
			snprintf(address, sizeof address, "/station/%u/%s/", channel->index + 1, stage->id);
		for (uint32_t p = 0; source && p < stage->type->n_params; p++) {
			snprintf(
				address + len, sizeof address - (size_t)len, "%s", stage->type->params[p].symbol);
			if (fb_scene_is_safe(scenes, address) == safe) {
				stage->values[p] = source->values[p];
			}
		}
		snprintf(address + len, sizeof address - (size_t)len, "bypass");
		if (source && fb_scene_is_safe(scenes, address) == safe) {
			stage->bypass = source->bypass;
		}
	}
}

/** The patch that the station is to end with. */
static fb_status read_patch(
	const recall *r, part *to, const json_t *json, const char *where, fb_error *error)
{
	char address[ADDRESS_LEN];
	const fb_patch *now = fb_station_patch(to->channel->station);
	char *text = json_dumps(json, JSON_COMPACT);
	fb_patch *patch = NULL;
	fb_status status =
		text ? fb_patch_parse(text, strlen(text), where, r->scenes->server->nodes, &patch, error)
			 : fb_fail(error, FB_NO_MEMORY, where, "out of memory");
	free(text);
	if (status) {
		return status;
	}
	snprintf(address, sizeof address, "/station/%u/patch", to->channel->index + 1);
	if (!fb_scene_is_safe(r->scenes, address)) {
		carry(r->scenes, to->channel, now, patch, true);
		to->end = patch;
		return FB_OK;
	}
	to->end = fb_patch_copy(now);
	if (to->end) {
		carry(r->scenes, to->channel, patch, to->end, false);
	}
	fb_patch_destroy(patch);
	return to->end ? FB_OK : fb_fail(error, FB_NO_MEMORY, where, "out of memory");
}

/** How it begins: as it ends, but for what turns in the middle. */
static fb_status make_start(part *to, const char *where, fb_error *error)
{
	const fb_patch *now = fb_station_patch(to->channel->station);
	to->start = fb_patch_copy(to->end);
	if (!to->start) {
		return fb_fail(error, FB_NO_MEMORY, where, "out of memory");
	}
	for (uint32_t i = 0; i < to->start->n_stages; i++) {
		fb_stage *stage = &to->start->stage[i];
		const fb_stage *source = twin(now, stage);
		for (uint32_t p = 0; source && p < stage->type->n_params; p++) {
			if (stage->type->params[p].kind != FB_FLOAT) {
				stage->values[p] = source->values[p];
			}
		}
		stage->bypass = source ? source->bypass : stage->bypass;
	}
	return FB_OK;
}

static fb_status read_leaf(
	const recall *r, part *to, const char *key, json_t *json, const char *where, fb_error *error)
{
	fb_tree *tree = r->scenes->server->tree;
	fb_value fit, value = fb_leaf_value(json);
	const fb_branch *leaf = fb_channel_find(to->channel, key);
	if (!leaf || !fb_branch_leaf(leaf)) {
		return fb_fail(error, FB_NOT_FOUND, where, "a station has no \"%.64s\"", key);
	}
	if (fb_scene_is_safe(r->scenes, fb_branch_address(leaf))) {
		return FB_OK;
	}
	fb_error inner;
	if (fb_tree_check(tree, leaf, &value, 1, FB_STRICT, &fit, &inner)) {
		return fb_fail(error, inner.status, where, "%.64s: %s", key, inner.text);
	}
	json_t *now = fb_leaf_to_json(tree, leaf);
	fb_leaf_kind kind = fb_branch_leaf(leaf)->kind;
	bool turns = r->morph_s > 0.0 && (kind == FB_LEAF_BOOL || kind == FB_LEAF_CHOICE);
	if (!json_equal(now, json) && turns) {
		json_object_set_new(to->turned, key, json_pack("[O, O]", now, json));
		to->switches |= fb_channel_switches(to->channel, leaf, &fit);
	} else if (!json_equal(now, json)) {
		json_object_set(to->leaves, key, json);
	}
	json_decref(now);
	return FB_OK;
}

static fb_status make_ready(
	const recall *r, part *to, const json_t *kept, const char *where, fb_error *error)
{
	const char *key;
	json_t *value;
	fb_status status = read_patch(r, to, json_object_get(kept, "patch"), where, error);
	if (!status) {
		status = fb_channel_check(to->channel, to->end, error);
	}
	if (!status && r->morph_s > 0.0) {
		status = make_start(to, where, error);
	}
	if (!status && to->start) {
		status = fb_channel_check(to->channel, to->start, error);
	}
	to->leaves = json_object();
	to->turned = json_object();
	json_object_foreach(json_object_get(kept, "leaves"), key, value)
	{
		if (!status) {
			status = read_leaf(r, to, key, value, where, error);
		}
	}
	return status;
}

static fb_status make_all_ready(
	recall *r, const json_t *kept, fb_stations stations, fb_error *error)
{
	fb_server *server = r->scenes->server;
	fb_status status = FB_OK;
	for (uint32_t i = 0; i < FB_STATIONS_MAX && !status; i++) {
		char key[8], address[32], where[WHERE_LEN];
		if (!(stations >> i & 1)) {
			continue;
		}
		snprintf(where, sizeof where, "%s, station %u", r->name, i + 1);
		if (i >= server->n_channels) {
			return fb_fail(error, FB_NOT_FOUND, where, "there are %u stations", server->n_channels);
		}
		snprintf(address, sizeof address, "/station/%u", i + 1);
		if (fb_scene_is_safe(r->scenes, address)) {
			continue;
		}
		part *to = &r->part[r->n++];
		to->channel = &server->channel[i];
		snprintf(key, sizeof key, "%u", i + 1);
		status = make_ready(r, to, json_object_get(kept, key), where, error);
	}
	return status;
}

/* --- and off */

/** What an earlier recall had left to turn is not to come any more. */
static void drop_middle(fb_scenes *scenes, fb_channel *channel)
{
	fb_middle_destroy(scenes->middle[channel->index]);
	scenes->middle[channel->index] = NULL;
	fb_station_end_turn(channel->station);
}

static fb_status plan_middle(recall *r, part *of, fb_error *error)
{
	fb_middle *middle = calloc(1, sizeof *middle);
	fb_status status = middle ? fb_station_turn(of->channel->station, of->end, of->switches,
									500.0 * r->morph_s, error)
							  : fb_fail(error, FB_NO_MEMORY, r->name, "out of memory");
	if (status) {
		free(middle);
		return status;
	}
	of->end = NULL;
	middle->due_s = fb_now_s() + 0.5 * r->morph_s;
	middle->recall = r->scenes->recalls;
	middle->leaves = json_incref(of->turned);
	snprintf(middle->origin, sizeof middle->origin, "%s", r->origin->text);
	r->scenes->middle[of->channel->index] = middle;
	return FB_OK;
}

static fb_status start_part(recall *r, part *of, fb_error *error)
{
	const char *key;
	json_t *value;
	fb_patch **first = of->start ? &of->start : &of->end;
	bool morphs = of->start;
	drop_middle(r->scenes, of->channel);
	fb_status status = fb_channel_load(of->channel, *first, r->morph_s, r->origin, error);
	if (!status) {
		*first = NULL;
		status = morphs ? plan_middle(r, of, error) : FB_OK;
	}
	if (status) {
		return status; /* after all checks: only for want of memory */
	}
	json_object_foreach(of->leaves, key, value)
	{
		set_leaf(of->channel, key, value, r->origin);
	}
	return FB_OK;
}

static fb_status start_all(recall *r, fb_error *error)
{
	fb_scenes *scenes = r->scenes;
	fb_status status = FB_OK;
	scenes->recalls++;
	fb_tree_begin(scenes->server->tree);
	for (uint32_t i = 0; i < r->n && !status; i++) {
		status = start_part(r, &r->part[i], error);
	}
	fb_tree_end(scenes->server->tree);
	scenes->began_s = fb_now_s();
	scenes->began_frame = fb_engine_frame(scenes->server->engine);
	scenes->length_s = r->morph_s;
	scenes->morphing = r->morph_s > 0.0;
	fb_scene_touch(scenes, "/scene/progress");
	return status;
}

static void finish(recall *r)
{
	for (uint32_t i = 0; i < r->n; i++) {
		fb_patch_destroy(r->part[i].start);
		fb_patch_destroy(r->part[i].end);
		json_decref(r->part[i].leaves);
		json_decref(r->part[i].turned);
	}
	free(r);
}

static fb_status recall_stations(
	recall *r, const fb_scene *scene, fb_stations stations, fb_error *error)
{
	if (stations & ~scene->stations) {
		return fb_fail(error, FB_NOT_FOUND, scene->name, "it does not hold all of these stations");
	}
	json_t *kept = json_loads(scene->text, 0, NULL);
	if (!kept) {
		return fb_fail(error, FB_NO_MEMORY, scene->name, "out of memory");
	}
	fb_status status = make_all_ready(r, kept, stations ? stations : scene->stations, error);
	if (!status) {
		status = start_all(r, error);
	}
	json_decref(kept);
	return status;
}

fb_status fb_scene_load(fb_scenes *scenes, const char *name, fb_stations stations, double morph_s,
	const fb_origin *origin, fb_error *error)
{
	const fb_scene *scene = fb_scene_find(scenes, name, error);
	recall *r = scene ? calloc(1, sizeof *r) : NULL;
	if (!r) {
		return scene ? fb_fail(error, FB_NO_MEMORY, name, "out of memory") : error->status;
	}
	r->scenes = scenes;
	r->name = scene->name;
	r->morph_s = fb_clamp(morph_s < 0.0 ? scenes->morph_s : morph_s, 0.0, FB_MORPH_MAX_S);
	r->origin = origin;
	fb_status status = recall_stations(r, scene, stations, error);
	if (!status) {
		snprintf(scenes->current, sizeof scenes->current, "%s", scene->name);
		fb_scene_touch(scenes, "/scene/current");
	}
	finish(r);
	return status;
}
