/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The scenes' insides, shared by the scene*.c files alone. */
#ifndef FB_SCENE_PARTS_H
#define FB_SCENE_PARTS_H

#include "scene.h"

enum { FB_SAFE_MAX = 256, FB_SAFE_LEN = 200 };

/** One scene, as text: it is read when it is wanted. */
typedef struct fb_scene {
	char name[FB_SCENE_NAME_LEN];
	int64_t time_us;
	fb_stations stations;
	char *text; ///< owned; JSON of {"1": {"patch", "leaves"}}
} fb_scene;

/** What control has yet to do of a station in the middle of a morph; what audio has, its station
	knows (fb_station_turn). */
typedef struct fb_middle {
	uint64_t recall; ///< which it is of
	double due_s;    ///< while no audio runs
	json_t *leaves;  ///< {leaf: [then, what it turns to]}
	char origin[96];
} fb_middle;

struct fb_scenes {
	fb_server *server;
	fb_scene *scene; ///< by name
	uint32_t n, room;
	bool read; ///< what is stored has come
	char current[FB_SCENE_NAME_LEN];
	char *names;     ///< of all, a line each
	double morph_s;  ///< of a recall that does not say
	json_t *safe;    ///< patterns as addresses
	char *safe_text; ///< the same, a line each
	fb_middle *middle[FB_STATIONS_MAX];
	uint64_t recalls; ///< so far
	bool morphing;
	double began_s, length_s; ///< the newest recall
	uint64_t began_frame;     ///< as control saw it, then as audio did
	double told_s;            ///< progress was last told
};

/* --- scenes.c */
fb_scene *fb_scene_find(const fb_scenes *scenes, const char *name, fb_error *error);
FB_MUST_CHECK fb_status fb_scene_name_check(const char *name, fb_error *error);
void fb_scene_touch(fb_scenes *scenes, const char *address); ///< it has changed by itself

/* --- scene_leaves.c */
FB_MUST_CHECK fb_status fb_scenes_add_leaves(fb_scenes *scenes, fb_error *error);
double fb_scenes_progress(const fb_scenes *scenes); ///< 0..100, 100 at rest

/* --- scene_take.c: a station as a scene holds it */
/** {"patch", "leaves"}. NULL when out of memory. */
json_t *fb_scene_take(const fb_scenes *scenes, fb_channel *channel);
/** The stations of an object {"1": ...}, checked; `where` is put before the place.
	errors: FB_INVALID, FB_WRONG_TYPE */
FB_MUST_CHECK fb_status fb_scene_stations(
	const json_t *stations, const char *where, fb_stations *out, fb_error *error);

/* --- scene_recall.c */
void fb_middle_destroy(fb_middle *middle); ///< NULL is allowed

/* --- scene_safe.c */
/** Does the safe list cover this address, or something it lies below? */
bool fb_scene_is_safe(const fb_scenes *scenes, const char *address);
/** A pattern as people write it, as the pattern of an address: "3/comp.threshold" as
	"/station/3/comp/threshold", "gain.*" as that of all stations.
	errors: FB_INVALID */
FB_MUST_CHECK fb_status fb_safe_pattern(
	const char *text, char pattern[FB_SAFE_LEN], fb_error *error);
/** Take up a list without storing it. errors: as fb_scenes_set_safe() */
FB_MUST_CHECK fb_status fb_safe_take(fb_scenes *scenes, const json_t *patterns, fb_error *error);

#endif
