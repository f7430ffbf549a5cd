/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>

static fb_status obey(fb_osc *osc, fb_osc_client *client, const char *command, const char *data,
	char token[FB_TOKEN_MAX], fb_error *error)
{
	if (!strcmp(command, "LISTEN")) {
		return fb_osc_listen(osc, client, data, error);
	}
	if (!strcmp(command, "IGNORE")) {
		fb_osc_ignore(osc, client, data);
		return FB_OK;
	}
	if (!strcmp(command, "AUTH") && *data) {
		snprintf(token, FB_TOKEN_MAX, "%s", data);
		return FB_OK;
	}
	return fb_fail(error, FB_INVALID, command, "there is no such command");
}

fb_status fb_oscquery_command(fb_osc *osc, fb_osc_client *client, const char *text, size_t size,
	char token[FB_TOKEN_MAX], fb_error *error)
{
	json_error_t why;
	token[0] = '\0';
	json_t *said = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
	const char *command = json_string_value(json_object_get(said, "COMMAND"));
	const char *data = json_string_value(json_object_get(said, "DATA"));
	fb_status status;
	if (command && data) {
		status = obey(osc, client, command, data, token, error);
	} else {
		status = fb_fail(error, FB_INVALID, "", "%s",
			said ? "a command is {\"COMMAND\": text, \"DATA\": text}" : why.text);
	}
	json_decref(said);
	return status;
}
