/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Scenes: how some or all stations are set, saved under a name and recalled over a morph time.

	A scene holds of each station its patch (topology and values) and every other leaf below
	/station/N that can be written: name, mode, mute, mono and what may come. A recall crossfades
	what differs in topology at its start, glides continuous values over the morph time, and turns
	switches and choices in its middle. What the safe list covers stays as it is. doc/scenes.md.

	Owner: the control thread. */
#ifndef FB_SCENE_H
#define FB_SCENE_H

#include "server.h"

enum { FB_SCENES_MAX = 1000, FB_SCENE_NAME_LEN = 65 };

#define FB_MORPH_MAX_S 600.0

/** Stations by their bits: bit 0 is station 1; 0 stands for all (that a scene holds). */
typedef uint64_t fb_stations;

/** Reads what is stored, and adds the leaves below /scene. errors: FB_NO_MEMORY, FB_IO */
FB_MUST_CHECK fb_status fb_scenes_create(fb_server *server, fb_scenes **out, fb_error *error);
void fb_scenes_destroy(fb_scenes *scenes); ///< NULL is allowed
/** Do what is due. Call it often. */
void fb_scenes_service(fb_scenes *scenes);
/** What a station has yet to do in the middle of a morph happens now: before its patch is changed
	as a whole. No-op while nothing waits, or before there are scenes. */
void fb_scenes_settle(fb_scenes *scenes, uint32_t station);

/** Save; a scene of that name is replaced.
	errors: FB_INVALID (name), FB_NOT_FOUND (station), FB_TOO_MANY, FB_NO_MEMORY; what cannot be
			stored, as fb_store_put() */
FB_MUST_CHECK fb_status fb_scene_save(
	fb_scenes *scenes, const char *name, fb_stations stations, fb_error *error);
/** Recall, all stations or none; each has one step of undo for it.
	range:  morph_s up to FB_MORPH_MAX_S, below 0: /scene/morph
	errors: FB_NOT_FOUND (scene, station, node type, ...), FB_INVALID; `where` names the scene, the
			station and the place in its patch. Nothing has changed then */
FB_MUST_CHECK fb_status fb_scene_load(fb_scenes *scenes, const char *name, fb_stations stations,
	double morph_s, const fb_origin *origin, fb_error *error);
FB_MUST_CHECK fb_status fb_scene_delete(fb_scenes *scenes, const char *name, fb_error *error);
/** errors: FB_EXISTS if there is a scene of the new name */
FB_MUST_CHECK fb_status fb_scene_rename(
	fb_scenes *scenes, const char *name, const char *to, fb_error *error);

/** {"name", "time_us", "stations": {"1": {"patch": {}, "leaves": {}}}}.
	errors: FB_NOT_FOUND */
FB_MUST_CHECK fb_status fb_scene_to_json(
	const fb_scenes *scenes, const char *name, json_t **out, fb_error *error);
/** Store a scene that came as such an object; checked as far as a recall would, without a station.
	errors: as fb_scene_save and fb_scene_load */
FB_MUST_CHECK fb_status fb_scene_from_json(
	fb_scenes *scenes, const char *name, const json_t *json, fb_error *error);
/** {"scenes": [{"name", "time_us", "stations": [1, 2]}], "current", "morph_s", "safe": []} */
json_t *fb_scenes_to_json(const fb_scenes *scenes);

/** Replace the safe list: patterns as scene_safe.c reads them.
	errors: FB_INVALID naming the pattern, FB_TOO_MANY */
FB_MUST_CHECK fb_status fb_scenes_set_safe(
	fb_scenes *scenes, const json_t *patterns, fb_error *error);

#endif
