/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Routes of a station: its parameters, its metrics, its audio. */
#include "route.h"

#include <stdio.h>
#include <string.h>

enum { ADDRESS_LEN = 160 };

/* --- parameters */

static void get_params(fb_request *request, const fb_asked *asked)
{
	fb_channel *channel = fb_asked_channel(request, asked);
	if (channel) {
		fb_http_answer_json(request, 200, fb_params_to_json(fb_station_patch(channel->station)));
	}
}

/** Set the leaves one by one, in one tick: all have been checked, so none is expected to fail. */
static fb_status set_leaves(
	fb_channel *channel, const json_t *values, const fb_origin *origin, fb_error *error)
{
	fb_tree *tree = channel->server->tree;
	fb_status status = FB_OK;
	fb_tree_begin(tree);
	for (void *it = json_object_iter((json_t *)(uintptr_t)values); it && !status;
		 it = json_object_iter_next((json_t *)(uintptr_t)values, it)) {
		char address[ADDRESS_LEN];
		int len = snprintf(address, sizeof address, "/station/%u/%s", channel->index + 1,
			json_object_iter_key(it));
		char *dot = len < (int)sizeof address ? strrchr(address, '.') : NULL;
		if (dot) {
			*dot = '/';
		}
		fb_branch *leaf = fb_tree_find(tree, address);
		fb_value value = fb_leaf_value(json_object_iter_value(it));
		status = leaf ? fb_tree_set(tree, leaf, &value, 1, FB_STRICT, origin, NULL, error)
					  : fb_fail(error, FB_NOT_FOUND, address, "there is no such address");
	}
	fb_tree_end(tree);
	return status;
}

static void post_params(fb_request *request, const fb_asked *asked)
{
	fb_error error;
	fb_channel *channel = fb_asked_channel(request, asked);
	json_t *body = channel ? fb_asked_body(request, asked) : NULL;
	if (!body) {
		return;
	}
	fb_patch *trial = fb_patch_copy(fb_station_patch(channel->station));
	fb_status status = trial ? fb_params_apply(trial, body, &error)
							 : fb_fail(&error, FB_NO_MEMORY, "params", "out of memory");
	fb_patch_destroy(trial);
	if (!status) {
		status = set_leaves(channel, body, &asked->origin, &error);
	}
	json_decref(body);
	fb_answer_done(request, asked, status, &error);
}

/* --- metrics */

json_t *fb_channel_metrics(const fb_channel *channel)
{
	const fb_metric_set *set = &channel->metrics;
	json_t *metrics = json_object(), *invalid = json_array();
	for (int i = 0; i < FB_METRICS; i++) {
		json_object_set_new(metrics, fb_metric_catalogue[i].id, json_real(set->value[i]));
		if (!fb_metric_valid(set, i)) {
			json_array_append_new(invalid, json_string(fb_metric_catalogue[i].id));
		}
	}
	return json_pack("{s:I, s:I, s:f, s:o, s:o}", "frame_start", (json_int_t)set->frame_start,
		"frame_end", (json_int_t)set->frame_end, "sample_rate",
		fb_engine_rate(channel->server->engine), "metrics", metrics, "invalid", invalid);
}

static void get_metrics(fb_request *request, const fb_asked *asked)
{
	fb_channel *channel = fb_asked_channel(request, asked);
	if (channel) {
		fb_http_answer_json(request, 200, fb_channel_metrics(channel));
	}
}

/* --- audio */

static void get_tap(fb_request *request, const fb_asked *asked)
{
	if (fb_asked_channel(request, asked)) {
		fb_http_add_header(request, "upgrade", "websocket");
		fb_http_answer_fault(request, 426, asked->path, "this is served over WebSocket");
	}
}

static const fb_route routes[] = {
	{FB_GET, "/api/stations/{station}/params", get_params,
		"All parameters of a station, by node and parameter.", {FB_STATION_PARAM},
		.answer = "Params", .refusals = "404"},
	{FB_POST, "/api/stations/{station}/params", post_params,
		"Set any of a station's parameters, all or nothing, in one tick of the audio. Answers once "
		"the audit is on disk. What is out of range is refused.",
		{FB_STATION_PARAM}, .body_max = FB_BODY_MAX, .body = "Params", .answer = "Stored",
		.refusals = "404 406 503"},
	{FB_GET, "/api/stations/{station}/metrics", get_metrics,
		"The latest reading of all metrics, and the frames that it is of.", {FB_STATION_PARAM},
		.answer = "Metrics", .refusals = "404"},
	{FB_GET, "/api/stations/{station}/audio-tap", get_tap,
		"WebSocket: a JSON header as a text frame, then binary frames, each an 8-byte "
		"little-endian frame number and interleaved float32. A client slower than the audio is "
		"dropped.",
		{FB_STATION_PARAM,
			{"point", "in|out", 0, 0, "What enters the station, or what leaves it (default)."}},
		.code = 101, .refusals = "404 426"},
};

const fb_routes fb_station_routes = {"stations", routes, sizeof routes / sizeof *routes};
