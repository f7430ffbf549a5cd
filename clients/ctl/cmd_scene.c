/* SPDX-License-Identifier: GPL-3.0-or-later */
/** foldback scene: save, load, list, show, rename, delete, safe. */
#include "report.h"
#include "wire.h"

#include <stdlib.h>
#include <string.h>

#define ANSWER_S 30.0

static struct {
	double morph_s;
	bool remove;
	const char *file;
} chosen = {.morph_s = -1.0};

static const fb_arg no_args[] = {{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0}};

/* --- asking the server */

/** Ask; returns the exit status, and in *out (may be NULL) the answer. */
static int ask(
	const fb_ctl *ctl, const char *method, const char *path, json_t *take_body, json_t **out)
{
	fb_error error;
	json_t *answer = NULL;
	fb_fetch *fetch = fb_wire_http(ctl);
	fb_status status =
		fetch ? fb_fetch_json(fetch, method, path, take_body, ANSWER_S, &answer, &error) : FB_IO;
	if (fetch && status) {
		fb_say_error(&error);
	}
	json_decref(take_body);
	fb_fetch_close(fetch);
	if (out) {
		*out = answer;
	} else {
		json_decref(answer);
	}
	return status ? FB_EXIT_FAILED : FB_EXIT_OK;
}

/** The same at "/api/scenes/NAME" and what comes behind it. */
static int ask_scene(const fb_ctl *ctl, const char *method, const char *name, const char *rest,
	json_t *take_body, json_t **out)
{
	char *escaped = fb_fetch_escape(name, ""), *path = NULL;
	int code = FB_EXIT_FAILED;
	if (!escaped || asprintf(&path, "/api/scenes/%s%s", escaped, rest) < 0) {
		fb_say("out of memory");
		json_decref(take_body);
		path = NULL;
	} else {
		code = ask(ctl, method, path, take_body, out);
	}
	free(escaped);
	free(path);
	return code;
}

/** Say what was done, where JSON is wanted. */
static int done(const fb_ctl *ctl, int code, const char *what, const char *name)
{
	return !code && ctl->json ? fb_print_json(json_pack("{s:s}", what, name)) : code;
}

/** {"stations": [...]} out of words, {} if there are none; NULL for bad usage, which is told. */
static json_t *stations_body(const fb_command *command, int count, char **words)
{
	json_t *list = json_array();
	for (int i = 0; i < count; i++) {
		long station;
		if (!fb_station_number(command, words[i], &station)) {
			json_decref(list);
			return NULL;
		}
		json_array_append_new(list, json_integer(station));
	}
	json_t *body = json_object();
	if (count) {
		json_object_set(body, "stations", list);
	}
	json_decref(list);
	return body;
}

/* --- save, load */

static int run_save(const fb_ctl *ctl, int count, char **words)
{
	json_t *body = stations_body(&fb_cmd_scene_save, count - 1, words + 1);
	return body
			   ? done(ctl, ask_scene(ctl, "POST", words[0], "/save", body, NULL), "saved", words[0])
			   : FB_EXIT_USAGE;
}

const fb_command fb_cmd_scene_save = {"scene save", "NAME [STATION]...",
	"save all stations, or some, as they are", "A scene of that name is replaced.", 1, 65, true,
	no_args, run_save};

static int run_load(const fb_ctl *ctl, int count, char **words)
{
	json_t *body = stations_body(&fb_cmd_scene_load, count - 1, words + 1);
	if (!body) {
		return FB_EXIT_USAGE;
	}
	if (chosen.morph_s >= 0.0) {
		json_object_set_new(body, "morph_s", json_real(chosen.morph_s));
	}
	return done(ctl, ask_scene(ctl, "POST", words[0], "/load", body, NULL), "loaded", words[0]);
}

static const fb_arg load_args[] = {
	{"morph", "S", "seconds it takes (what /scene/morph says)", FB_ARG_FLOAT, 0, &chosen.morph_s, 0,
		600},
	{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0},
};

const fb_command fb_cmd_scene_load = {"scene load", "NAME [STATION]...",
	"recall a scene, or some stations of it",
	"All of it or nothing. /station/N/undo takes it back for a station.", 1, 65, true, load_args,
	run_load};

/* --- list, show */

/** 1, 2, 3, 5 as "1-3 5". */
static void print_stations(const json_t *list)
{
	size_t n = json_array_size(list);
	for (size_t i = 0; i < n;) {
		json_int_t first = json_integer_value(json_array_get(list, i)), last = first;
		const char *before = i ? " " : "";
		for (i++; i < n && json_integer_value(json_array_get(list, i)) == last + 1; i++) {
			last++;
		}
		printf(first == last ? "%s%lld" : "%s%lld-%lld", before, (long long)first, (long long)last);
	}
}

static int run_list(const fb_ctl *ctl, int count, char **words)
{
	size_t i;
	json_t *scene, *all;
	(void)count, (void)words;
	if (ask(ctl, "GET", "/api/scenes", NULL, &all)) {
		return FB_EXIT_FAILED;
	}
	if (ctl->json) {
		return fb_print_json(all);
	}
	const char *current = json_string_value(json_object_get(all, "current"));
	json_array_foreach(json_object_get(all, "scenes"), i, scene)
	{
		char when[32];
		const char *name = json_string_value(json_object_get(scene, "name"));
		printf("%c %-32s %s  stations ", current && name && !strcmp(name, current) ? '*' : ' ',
			name, fb_time_text(json_integer_value(json_object_get(scene, "time_us")), when));
		print_stations(json_object_get(scene, "stations"));
		fputc('\n', stdout);
	}
	json_decref(all);
	return FB_EXIT_OK;
}

const fb_command fb_cmd_scene_list = {
	"scene list", "", "all scenes; * is the current one", NULL, 0, 0, true, no_args, run_list};

static void print_station(const char *number, const json_t *station)
{
	size_t i;
	json_t *stage;
	const json_t *patch = json_object_get(station, "patch"),
				 *leaves = json_object_get(station, "leaves");
	const char *name = json_string_value(json_object_get(leaves, "name"));
	const char *mode = json_string_value(json_object_get(leaves, "mode"));
	const char *title = json_string_value(json_object_get(patch, "name"));
	printf("%3s  %-20s %-7s%s  %s:", number, name ? name : "", mode ? mode : "",
		json_is_true(json_object_get(leaves, "mute")) ? " muted" : "", title ? title : "");
	json_array_foreach(json_object_get(patch, "stages"), i, stage)
	{
		printf(" %s", json_string_value(json_object_get(stage, "id")));
	}
	fputc('\n', stdout);
}

static int run_show(const fb_ctl *ctl, int count, char **words)
{
	json_t *scene = NULL;
	(void)count;
	int code = ask_scene(ctl, "GET", words[0], "", NULL, &scene);
	if (code || ctl->json) {
		return code ? code : fb_print_json(scene);
	}
	for (int i = 1; i <= 64; i++) {
		char number[8];
		snprintf(number, sizeof number, "%d", i);
		const json_t *station = json_object_get(json_object_get(scene, "stations"), number);
		if (station) {
			print_station(number, station);
		}
	}
	json_decref(scene);
	return FB_EXIT_OK;
}

const fb_command fb_cmd_scene_show = {"scene show", "NAME", "what a scene holds",
	"With --json all of it, to be kept in a file; scene put brings it back.", 1, 1, true, no_args,
	run_show};

static int run_put(const fb_ctl *ctl, int count, char **words)
{
	json_error_t why;
	(void)count;
	json_t *scene = json_load_file(words[1], JSON_REJECT_DUPLICATES, &why);
	if (!scene) {
		fb_say("%s: line %d, column %d: %s", words[1], why.line, why.column, why.text);
		return FB_EXIT_FAILED;
	}
	return done(ctl, ask_scene(ctl, "PUT", words[0], "", scene, NULL), "saved", words[0]);
}

const fb_command fb_cmd_scene_put = {"scene put", "NAME FILE",
	"store a scene that scene show --json has written", NULL, 2, 2, true, no_args, run_put};

/* --- rename, delete */

static int run_rename(const fb_ctl *ctl, int count, char **words)
{
	(void)count;
	json_t *body = json_pack("{s:s}", "name", words[1]);
	return done(ctl, ask_scene(ctl, "POST", words[0], "/rename", body, NULL), "renamed", words[1]);
}

const fb_command fb_cmd_scene_rename = {
	"scene rename", "NAME NEW", "give a scene another name", NULL, 2, 2, true, no_args, run_rename};

static int run_delete(const fb_ctl *ctl, int count, char **words)
{
	int code = FB_EXIT_OK;
	for (int i = 0; i < count && !code; i++) {
		code = done(ctl, ask_scene(ctl, "DELETE", words[i], "", NULL, NULL), "deleted", words[i]);
	}
	return code;
}

const fb_command fb_cmd_scene_delete = {
	"scene delete", "NAME...", "forget scenes", NULL, 1, 1000, true, no_args, run_delete};

/* --- safe */

static int print_safe(const fb_ctl *ctl)
{
	size_t i;
	json_t *pattern, *all;
	if (ask(ctl, "GET", "/api/scenes", NULL, &all)) {
		return FB_EXIT_FAILED;
	}
	json_t *safe = json_object_get(all, "safe");
	if (ctl->json) {
		fb_print_json(json_incref(safe));
	} else {
		json_array_foreach(safe, i, pattern)
		{
			puts(json_string_value(pattern));
		}
	}
	json_decref(all);
	return FB_EXIT_OK;
}

/** One command below /scene/safe for each pattern. */
static int run_safe(const fb_ctl *ctl, int count, char **words)
{
	const char *address = chosen.remove ? "/scene/safe/remove" : "/scene/safe/add";
	fb_client *client = count ? fb_wire_osc(ctl) : NULL;
	int code = count && !client ? FB_EXIT_FAILED : FB_EXIT_OK;
	for (int i = 0; i < count && !code; i++) {
		fb_value pattern = {.tag = 's', .s = words[i]};
		fb_error error;
		if (fb_client_call(client, address, &pattern, 1, NULL, NULL, &error)) {
			code = fb_wire_error(ctl, &error);
		}
	}
	fb_client_close(client);
	return code ? code : print_safe(ctl);
}

static const fb_arg safe_args[] = {
	{"remove", NULL, "take the patterns off the list", FB_ARG_FLAG, 0, &chosen.remove, 0, 0},
	{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0},
};

const fb_command fb_cmd_scene_safe = {"scene safe", "[PATTERN]...",
	"what no recall changes; with patterns, adds them",
	"Patterns are those of addresses: 3/comp.threshold, '*/gain/*', mute (of all stations), 3 (a "
	"whole station), 3/patch (its nodes).",
	0, 256, true, safe_args, run_safe};
