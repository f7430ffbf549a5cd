/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Routes that change what a station is made of, while it plays. */
#include "route.h"

static void get_patch(fb_request *request, const fb_asked *asked)
{
	fb_channel *channel = fb_asked_channel(request, asked);
	if (channel) {
		fb_http_answer_json(request, 200, fb_patch_to_json(fb_station_patch(channel->station)));
	}
}

static void put_patch(fb_request *request, const fb_asked *asked)
{
	fb_error error;
	fb_channel *channel = fb_asked_channel(request, asked);
	json_t *body = channel ? fb_asked_body(request, asked) : NULL;
	if (body) {
		json_decref(body); /* it is JSON; what it says is read with its places */
		fb_answer_done(request, asked,
			fb_channel_put(channel, asked->body, asked->body_len, &asked->origin, &error), &error);
	}
}

static void post_edit(fb_request *request, const fb_asked *asked)
{
	fb_error error;
	fb_channel *channel = fb_asked_channel(request, asked);
	json_t *body = channel ? fb_asked_body(request, asked) : NULL;
	if (!body) {
		return;
	}
	const json_t *list = json_object_get(body, "edits");
	fb_status status =
		list && json_object_size(body) == 1
			? fb_channel_edit(channel, list, &asked->origin, &error)
			: fb_fail(&error, FB_INVALID, "edits", "the body must be {\"edits\": [...]}");
	json_decref(body);
	fb_answer_done(request, asked, status, &error);
}

/** Run a command of the station that takes nothing. */
static void run_command(fb_request *request, const fb_asked *asked, const char *command)
{
	fb_error error;
	const fb_channel *channel = fb_asked_channel(request, asked);
	if (channel) {
		fb_status status = fb_tree_set(asked->server->tree, fb_channel_find(channel, command), NULL,
			0, FB_STRICT, &asked->origin, NULL, &error);
		fb_answer_done(request, asked, status, &error);
	}
}

static void post_undo(fb_request *request, const fb_asked *asked)
{
	run_command(request, asked, "undo");
}

static void post_redo(fb_request *request, const fb_asked *asked)
{
	run_command(request, asked, "redo");
}

static const fb_route routes[] = {
	{FB_GET, "/api/stations/{station}/patch", get_patch,
		"The whole patch in force, as a patch file holds it.", {FB_STATION_PARAM},
		.answer = "Patch", .refusals = "404"},
	{FB_PUT, "/api/stations/{station}/patch", put_patch,
		"Load a patch: crossfaded, one step of undo. What is wrong is named by its place in it.",
		{FB_STATION_PARAM}, .body_max = FB_BODY_MAX, .body = "Patch", .answer = "Stored",
		.refusals = "404 406 409 503"},
	{FB_POST, "/api/stations/{station}/edit", post_edit,
		"A list of edits, all or nothing: crossfaded at once, one step of undo. Each is a command "
		"below /station/N/node/ with its arguments by name; `parameters` may go with add and "
		"replace.",
		{FB_STATION_PARAM}, .body_max = FB_BODY_MAX, .body = "Edits", .answer = "Stored",
		.refusals = "404 406 409 503"},
	{FB_POST, "/api/stations/{station}/undo", post_undo,
		"Take a station's last change back: of values, nodes, a whole patch or a scene.",
		{FB_STATION_PARAM}, .answer = "Stored", .refusals = "404 409 503"},
	{FB_POST, "/api/stations/{station}/redo", post_redo, "Make the change again.",
		{FB_STATION_PARAM}, .answer = "Stored", .refusals = "404 409 503"},
};

const fb_routes fb_edit_routes = {"edits", routes, sizeof routes / sizeof *routes};
