/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The table of routes: each stands once, with its handler and its documentation. Requests are
	dispatched by it, and GET /api/openapi.json is made from it.

	To add routes: write a file with the handlers and one `const fb_routes`, and name that in the
	list at the top of routes.c. Schemas are JSON Schema (2020-12) as text with ' for "; where one
	begins with a capital letter it is the name of a schema of schemas.c. thread: control */
#ifndef FB_ROUTE_H
#define FB_ROUTE_H

#include "../http.h"

enum { FB_BODY_MAX = 1 << 20, FB_PARAMS_MAX = 3 };

typedef void fb_route_handler(fb_request *request, const fb_asked *asked);

/** A {name} in the path, or what may stand behind the '?'. */
typedef struct fb_param {
	const char *name;
	const char *choices; ///< "a|b"; NULL: a whole number from min to max, or text if both are 0
	long min, max;
	const char *doc;
} fb_param;

typedef struct fb_route {
	fb_method method;
	const char *path; ///< {name} stands for one part of the path
	fb_route_handler *handle;
	const char *summary; ///< one sentence
	fb_param param[FB_PARAMS_MAX];
	size_t body_max;         ///< bytes; 0: takes none
	const char *body_type;   ///< NULL: application/json
	const char *body;        ///< schema of a JSON body
	int code;                ///< of success; 0: 200
	const char *answer_type; ///< NULL: application/json
	const char *answer;      ///< schema of a JSON answer
	/** Statuses of its own, as "404 409". Those that any route has go by themselves: 400, 401, 403
		of writes, 413 and 415 of bodies, 429. */
	const char *refusals;
} fb_route;

typedef struct fb_routes {
	const char *tag; ///< under which the document groups them
	const fb_route *route;
	size_t count;
} fb_routes;

#define FB_STATION_PARAM                                                                           \
	{                                                                                              \
		"station", NULL, 1, FB_STATIONS_MAX, "Which station."                                      \
	}

extern const fb_routes fb_station_routes, fb_edit_routes, fb_scene_routes, fb_calibration_routes,
	fb_stored_routes, fb_midi_routes, fb_preset_routes, fb_event_routes, fb_prometheus_routes,
	fb_server_routes;

/* --- routes.c */

/** Decide the answer: one of the fb_http_answer functions, now, or later after fb_http_defer(). */
void fb_route_handle(fb_request *request, fb_asked *asked);
/** The longest body taken at this path. */
size_t fb_route_body_max(fb_method method, const char *path);
/** Walk all routes: the next one, and its group; NULL past the last. `at` begins at 0. */
const fb_route *fb_route_next(size_t *at, const fb_routes **group);
const char *fb_method_name(fb_method method);

/* --- page.c */
void fb_answer_page(fb_request *request, const fb_asked *asked); ///< HTML, for a browser at "/"

/* --- openapi.c, schemas.c */

/** The OpenAPI 3.1 document of all routes. NULL when out of memory. */
json_t *fb_openapi(const fb_server *server);
/** Schemas with names: {name: schema}. NULL when out of memory. */
json_t *fb_schemas(void);
/** A schema, from its text or its name. NULL when out of memory or malformed. */
json_t *fb_schema(const char *text);

/* --- stations.c */

/** The latest reading: {"frame_start", "frame_end", "sample_rate", "metrics", "invalid"}. */
json_t *fb_channel_metrics(const fb_channel *channel);

/* --- for handlers (handler.c) */

void fb_refuse(fb_request *request, fb_status status, const char *where, const char *text);
/** The station that the path's first {name} names, NULL (and refused) if there is none. */
fb_channel *fb_asked_channel(fb_request *request, const fb_asked *asked);
/** The JSON body, NULL (and refused) if it is none. */
json_t *fb_asked_body(fb_request *request, const fb_asked *asked);
/** What stands behind `name=` in the query; false if it is not there. The text is cut. */
bool fb_asked_text(const fb_asked *asked, const char *name, char *text, size_t size);
/** A whole number of the query: within its param's limits, or `otherwise` if it is not there. */
long fb_asked_number(const fb_asked *asked, const char *name, long otherwise);

/** For the store: answers a ticket (the ctx) with the rows, or the error. */
void fb_answer_rows(void *ctx, const json_t *rows, const fb_error *error);
/** For the store: answers a ticket with {"stored": true}, or the error. */
void fb_answer_stored(void *ctx, const json_t *rows, const fb_error *error);
/** Answer what was done: the error, or {"stored": true} once the audit is on disk. */
void fb_answer_done(
	fb_request *request, const fb_asked *asked, fb_status status, const fb_error *error);
/** The ticket's answer if what asked the store could not ask: `posted` is what it returned. */
void fb_await(const fb_asked *asked, fb_ticket *ticket, fb_status posted);

#endif
