/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Routes of MIDI control: the map as a whole. */
#include "../midi/midi.h"
#include "route.h"

static void get_map(fb_request *request, const fb_asked *asked)
{
	fb_http_answer_json(request, 200, fb_midi_to_json(asked->server->midi));
}

static void put_map(fb_request *request, const fb_asked *asked)
{
	fb_error error;
	json_t *body = fb_asked_body(request, asked);
	if (body) {
		fb_status status = fb_midi_replace(asked->server->midi, body, &asked->origin, &error);
		fb_answer_done(request, asked, status, &error);
		json_decref(body);
	}
}

#define MAP                                                                                        \
	"{'type': 'object', 'required': ['bindings'], 'properties': {'bindings': {'type': 'array', "   \
	"'maxItems': 1024, 'items': {'type': 'object', 'required': ['address'], "                      \
	"'additionalProperties': false, 'properties': {'address': {'type': 'string'}, 'type': "        \
	"{'enum': ['cc', 'cc14', 'bend', 'note']}, 'channel': {'type': 'integer', 'minimum': 1, "      \
	"'maximum': 16}, 'number': {'type': 'integer', 'minimum': 0, 'maximum': 127}, 'mode': "        \
	"{'enum': ['absolute', 'relative_twos', 'relative_offset', 'relative_sign', 'toggle', "        \
	"'momentary']}, 'pickup': {'type': 'boolean'}, 'feedback': {'type': 'boolean'}}}}}}"

static const fb_route routes[] = {
	{FB_GET, "/api/midi", get_map, "Which MIDI controller moves what.", .answer = MAP},
	{FB_PUT, "/api/midi", put_map, "Another map in its place, all or nothing.",
		.body_max = FB_BODY_MAX, .body = MAP, .answer = "Stored", .refusals = "409 503"},
};

const fb_routes fb_midi_routes = {"midi", routes, sizeof routes / sizeof *routes};
