/* SPDX-License-Identifier: GPL-3.0-or-later */
/** foldback midi: list, learn, forget, import, export. */
#include "outfile.h"
#include "wire.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
	double wait_s;
	const char *mode;
} chosen = {.wait_s = 30.0};

static const fb_arg no_args[] = {{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0}};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

static int number_of(const json_t *object, const char *key)
{
	return (int)json_integer_value(json_object_get(object, key));
}

static void print_binding(const json_t *b)
{
	printf("%-5s %2d/%-3d  %-15s  %s%s%s\n", text_of(b, "type"), number_of(b, "channel"),
		number_of(b, "number"), text_of(b, "mode"), text_of(b, "address"),
		json_is_true(json_object_get(b, "pickup")) ? "  pickup" : "",
		json_is_false(json_object_get(b, "feedback")) ? "  no feedback" : "");
}

/* --- list, export */

static int run_list(const fb_ctl *ctl, int count, char **words)
{
	size_t i;
	json_t *binding, *map = fb_wire_read(ctl, "/api/midi");
	(void)count, (void)words;
	if (!map) {
		return FB_EXIT_FAILED;
	}
	if (ctl->json) {
		return fb_print_json(map);
	}
	json_array_foreach(json_object_get(map, "bindings"), i, binding)
	{
		print_binding(binding);
	}
	json_decref(map);
	return FB_EXIT_OK;
}

static int run_export(const fb_ctl *ctl, int count, char **words)
{
	fb_error error;
	fb_outfile out;
	json_t *map = fb_wire_read(ctl, "/api/midi");
	(void)count;
	if (!map) {
		return FB_EXIT_FAILED;
	}
	fb_status status = fb_outfile_open(&out, words[0], &error);
	if (!status && (json_dumpfd(map, out.fd, JSON_INDENT(2)) || write(out.fd, "\n", 1) != 1)) {
		fb_outfile_abandon(&out);
		status = fb_fail(&error, FB_IO, words[0], "cannot be written");
	} else if (!status) {
		status = fb_outfile_finish(&out, &error);
	}
	json_decref(map);
	return status ? fb_say_error(&error) : FB_EXIT_OK;
}

static int run_import(const fb_ctl *ctl, int count, char **words)
{
	fb_error error;
	json_error_t why;
	json_t *map = json_load_file(words[0], 0, &why), *answer = NULL;
	(void)count;
	if (!map) {
		fb_say("%s: %s (line %d)", words[0], why.text, why.line);
		return FB_EXIT_FAILED;
	}
	fb_fetch *fetch = fb_wire_http(ctl);
	fb_status status =
		fetch ? fb_fetch_json(fetch, "PUT", "/api/midi", map, 0.0, &answer, &error) : FB_IO;
	if (fetch && status) {
		fb_say_error(&error);
	}
	fb_fetch_close(fetch);
	json_decref(answer);
	json_decref(map);
	return status ? FB_EXIT_FAILED : FB_EXIT_OK;
}

/* --- learn, forget */

/** Wait until the server has learned. The address is borrowed from its answer. */
static fb_status await_lesson(fb_client *client, double wait_s, bool *learned, fb_error *error)
{
	static const struct timespec pause = {0, 50000000};
	fb_value learning;
	fb_status status = FB_OK;
	*learned = false;
	for (double waited_s = 0.0; waited_s < wait_s && !*learned && !status; waited_s += 0.05) {
		nanosleep(&pause, NULL);
		status = fb_client_get(client, "/midi/learning", &learning, error);
		*learned = !status && learning.tag == 's' && !learning.s[0];
	}
	return status;
}

static int tell_learned(const fb_ctl *ctl, const char *address)
{
	size_t i;
	json_t *binding, *map = fb_wire_read(ctl, "/api/midi");
	json_array_foreach(json_object_get(map, "bindings"), i, binding)
	{
		if (strcmp(text_of(binding, "address"), address) == 0 && ctl->json) {
			fb_print_json(json_incref(binding));
		} else if (strcmp(text_of(binding, "address"), address) == 0) {
			print_binding(binding);
		}
	}
	json_decref(map);
	return map ? FB_EXIT_OK : FB_EXIT_FAILED;
}

static int run_learn(const fb_ctl *ctl, int count, char **words)
{
	fb_error error;
	fb_value argv[2] = {{.tag = 's', .s = words[0]}, {.tag = 's', .s = chosen.mode}};
	bool learned = false;
	fb_client *client = fb_wire_osc(ctl);
	(void)count;
	if (!client) {
		return FB_EXIT_FAILED;
	}
	fb_status status =
		fb_client_call(client, "/midi/learn", argv, chosen.mode ? 2 : 1, NULL, NULL, &error);
	if (!status) {
		if (isatty(STDERR_FILENO)) {
			fb_say("move the controller");
		}
		status = await_lesson(client, chosen.wait_s, &learned, &error);
	}
	if (!status && !learned) {
		status = fb_client_call(client, "/midi/cancel", NULL, 0, NULL, NULL, &error);
	}
	int code = status ? fb_wire_error(ctl, &error) : FB_EXIT_OK;
	fb_client_close(client);
	if (code || learned) {
		return code ? code : tell_learned(ctl, words[0]);
	}
	fb_say("%s: no controller moved in %g s", words[0], chosen.wait_s);
	return FB_EXIT_FAILED;
}

static int run_forget(const fb_ctl *ctl, int count, char **words)
{
	fb_error error;
	fb_value argv = {.tag = 's', .s = words[0]}, answer[FB_CLIENT_VALUES_MAX];
	uint32_t n = 0;
	fb_client *client = fb_wire_osc(ctl);
	(void)count;
	if (!client) {
		return FB_EXIT_FAILED;
	}
	fb_status status = strcmp(words[0], "all") == 0
						   ? fb_client_call(client, "/midi/forget_all", NULL, 0, answer, &n, &error)
						   : fb_client_call(client, "/midi/forget", &argv, 1, answer, &n, &error);
	bool none = !status && n && answer[0].tag == 'i' && !answer[0].i;
	int code = status ? fb_wire_error(ctl, &error) : FB_EXIT_OK;
	fb_client_close(client);
	if (!none) {
		return code;
	}
	fb_say("%s: nothing was bound", words[0]);
	return FB_EXIT_FAILED;
}

/* --- */

static const fb_arg learn_args[] = {
	{"mode", "M", "absolute, relative_twos, relative_offset, relative_sign, toggle or momentary",
		FB_ARG_TEXT, 0, &chosen.mode, 0, 0},
	{"wait", "S", "give up after so many seconds (30)", FB_ARG_FLOAT, 0, &chosen.wait_s, 0.1, 3600},
	{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0},
};

const fb_command fb_cmd_midi_list = {
	"midi list", "", "which MIDI controller moves what", NULL, 0, 0, true, no_args, run_list};
const fb_command fb_cmd_midi_learn = {"midi learn", "ADDRESS",
	"bind the next MIDI controller that moves to an address", NULL, 1, 1, true, learn_args,
	run_learn};
const fb_command fb_cmd_midi_forget = {"midi forget", "ADDRESS|all",
	"no controller moves this any more", NULL, 1, 1, true, no_args, run_forget};
const fb_command fb_cmd_midi_import = {"midi import", "FILE",
	"put another map in the place of the one in force", NULL, 1, 1, true, no_args, run_import};
const fb_command fb_cmd_midi_export = {
	"midi export", "FILE", "the map, as JSON", NULL, 1, 1, true, no_args, run_export};
