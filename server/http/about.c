/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Routes about the server itself. */
#include "route.h"

static void get_healthz(fb_request *request, const fb_asked *asked)
{
	(void)asked;
	fb_http_answer_json(request, 200, json_pack("{s:s}", "status", "ok"));
}

/** Ready: audio runs and what happens is recorded. */
static void get_readyz(fb_request *request, const fb_asked *asked)
{
	fb_driver_state driver;
	fb_store_status store;
	asked->server->driver->ops->state(asked->server->driver, &driver);
	fb_store_health(asked->server->store, &store);
	bool ready = driver.running && store.recording;
	fb_http_answer_json(request, ready ? 200 : 503,
		json_pack("{s:b, s:b, s:b, s:s}", "ready", ready, "audio", driver.running, "recording",
			store.recording, "reason", store.reason));
}

static void get_openapi(fb_request *request, const fb_asked *asked)
{
	fb_http_answer_json(request, 200, fb_openapi(asked->server));
}

static const fb_route routes[] = {
	{FB_GET, "/api/openapi.json", get_openapi, "All routes, as OpenAPI.",
		.answer = "{'type': 'object', 'required': ['openapi', 'info', 'paths']}"},
	{FB_GET, "/healthz", get_healthz, "The server answers.",
		.answer = "{'type': 'object', 'required': ['status'],"
				  " 'properties': {'status': {'const': 'ok'}}}"},
	{FB_GET, "/readyz", get_readyz,
		"Ready for use: audio runs and what happens is recorded. 503 tells what is missing.",
		.answer = "Ready", .refusals = "503"},
};

const fb_routes fb_server_routes = {"server", routes, sizeof routes / sizeof *routes};
