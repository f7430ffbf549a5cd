/* SPDX-License-Identifier: GPL-3.0-or-later */
/** foldback get, set: values of the tree, over OSC. */
#include "wire.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const fb_arg no_args[] = {{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0}};

/** Addresses begin with '/'. Tells the first that does not. */
static bool are_addresses(const fb_command *command, int count, char **words)
{
	for (int i = 0; i < count; i++) {
		if (words[i][0] != '/') {
			fb_say_usage(command, "\"%s\" is no address: it has to begin with /", words[i]);
			return false;
		}
	}
	return true;
}

/* --- get */

static int run_get(const fb_ctl *ctl, int count, char **words)
{
	if (!are_addresses(&fb_cmd_get, count, words)) {
		return FB_EXIT_USAGE;
	}
	fb_client *client = fb_wire_osc(ctl);
	json_t *object = json_object();
	int code = client && object ? FB_EXIT_OK : FB_EXIT_FAILED;
	for (int i = 0; i < count && client; i++) {
		fb_value value;
		fb_error error;
		if (fb_client_get(client, words[i], &value, &error)) {
			code = fb_wire_error(ctl, &error);
			if (error.status == FB_UNAVAILABLE) {
				break;
			}
		} else if (ctl->json) {
			json_object_set_new(object, words[i], fb_value_json(&value));
		} else {
			printf("%s%s", count > 1 ? words[i] : "", count > 1 ? " " : "");
			fb_value_print(&value);
			fputc('\n', stdout);
		}
	}
	fb_client_close(client);
	if (ctl->json && client) {
		fb_print_json(object);
	} else {
		json_decref(object);
	}
	return code;
}

const fb_command fb_cmd_get = {"get", "ADDRESS...", "values of the tree",
	"Of one address it prints the value alone, of several each behind its address.", 1, 10000, true,
	no_args, run_get};

/* --- set */

/** A word of the command line as what the leaf wants: tag f, i, T, s, or 0 where that is unknown
	and the word itself has to tell. */
static fb_value value_of(const char *word, char tag)
{
	char *end;
	double number = strtod(word, &end);
	bool numeric = end != word && !*end && isfinite(number);
	if (tag != 's' && (!strcmp(word, "true") || !strcmp(word, "false"))) {
		return (fb_value){.tag = word[0] == 't' ? 'T' : 'F'};
	}
	if (tag == 's' || !numeric) {
		return (fb_value){.tag = 's', .s = word};
	}
	bool whole = number == floor(number) && fabs(number) < 0x1p31;
	if (whole && tag != 'f') {
		return (fb_value){.tag = 'i', .i = (int64_t)number};
	}
	return (fb_value){.tag = 'f', .f = number};
}

/** What is at an address. */
typedef struct place {
	bool command, pattern;
	char types[32]; ///< a tag for each argument; beyond its end unknown
} place;

/** Ask the server what is there; a pattern may match all sorts of things. */
static bool find_place(const fb_ctl *ctl, const char *address, place *out)
{
	*out = (place){.pattern = strpbrk(address, "*?[{") != NULL};
	if (out->pattern) {
		return true;
	}
	char *path = fb_fetch_escape(address, "/");
	json_t *node = path ? fb_wire_read(ctl, path) : NULL;
	free(path);
	if (!node) {
		return false;
	}
	const char *type = json_string_value(json_object_get(node, "TYPE"));
	const json_t *range = json_array_get(json_object_get(node, "RANGE"), 0);
	const json_t *more = json_array_get(json_object_get(node, "OVERLOADS"), 0);
	const char *tag = json_string_value(json_array_get(json_object_get(node, "TAGS"), 0));
	out->command = tag && !strcmp(tag, "command");
	if (out->command && more) { /* with the optional ones */
		type = json_string_value(json_object_get(more, "TYPE"));
	}
	if (type && strcmp(type, "N") &&
		!json_object_get(range, "VALS")) { /* a choice: name or index */
		snprintf(out->types, sizeof out->types, "%s", type);
	}
	json_decref(node);
	return true;
}

static int print_applied(
	const fb_ctl *ctl, const char *address, const fb_value *values, uint32_t count)
{
	if (ctl->json) {
		json_t *list = json_array();
		for (uint32_t i = 0; i < count; i++) {
			json_array_append_new(list, fb_value_json(&values[i]));
		}
		return fb_print_json(json_pack("{s:s, s:o}", "address", address, "values", list));
	}
	for (uint32_t i = 0; i < count; i++) {
		fputs(i ? " " : "", stdout);
		fb_value_print(&values[i]);
	}
	fputs(count ? "\n" : "", stdout);
	return FB_EXIT_OK;
}

static int send_values(
	const fb_ctl *ctl, const place *at, const char *address, const fb_value *values, uint32_t n)
{
	fb_value answer[FB_CLIENT_VALUES_MAX];
	uint32_t count = 1;
	fb_error error;
	fb_client *client = fb_wire_osc(ctl);
	if (!client) {
		return FB_EXIT_FAILED;
	}
	fb_status status = FB_OK;
	if (at->command || n > 1) {
		status = fb_client_call(client, address, values, n, answer, &count, &error);
	} else {
		status = fb_client_set(client, address, values, answer, &error);
		if (!status && !at->pattern) { /* a choice set by its index has a name */
			status = fb_client_get(client, address, answer, &error);
		}
	}
	int code = status ? fb_wire_error(ctl, &error) : print_applied(ctl, address, answer, count);
	fb_client_close(client);
	return code;
}

static int run_set(const fb_ctl *ctl, int count, char **words)
{
	fb_value values[FB_CLIENT_VALUES_MAX];
	place at;
	uint32_t n = (uint32_t)count - 1;
	if (!are_addresses(&fb_cmd_set, 1, words)) {
		return FB_EXIT_USAGE;
	}
	if (!find_place(ctl, words[0], &at)) {
		return FB_EXIT_FAILED;
	}
	if (!n && !at.command) {
		return fb_say_usage(&fb_cmd_set, "%s needs a value", words[0]);
	}
	size_t known = strlen(at.types);
	for (uint32_t i = 0; i < n; i++) {
		values[i] = value_of(words[i + 1], i < known ? at.types[i] : '\0');
	}
	return send_values(ctl, &at, words[0], values, n);
}

const fb_command fb_cmd_set = {"set", "ADDRESS [VALUE]...", "set a value, or run a command",
	"Prints what was applied: a number out of range is clipped. VALUE is a number in the leaf's "
	"own unit, a choice by name or index, true or false, or text. A pattern (/station/*/mute) sets "
	"all that it matches. A command's VALUEs are its arguments.",
	1, FB_CLIENT_VALUES_MAX + 1, true, no_args, run_set};
