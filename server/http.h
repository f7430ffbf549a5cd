/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The HTTP transport, and with it the control thread's loop: libwebsockets polls its own sockets,
	the OSC socket and the clock. What is answered is decided in rest.c. */
#ifndef FB_HTTP_H
#define FB_HTTP_H

#include "server.h"

typedef struct fb_request fb_request;

typedef enum fb_method { FB_GET, FB_POST, FB_PUT, FB_OTHER } fb_method;

/** What a request asks. Valid until it is answered. */
typedef struct fb_asked {
	fb_server *server;
	fb_method method;
	const char *path, *query; ///< decoded path; raw query, "" if none
	const char *body;
	size_t body_len;
	const char *content_type; ///< "" if none
	bool may_write;           ///< from loopback, or with the token
	fb_origin origin;
} fb_asked;

/** Decide the answer: one of the fb_http_answer functions, now, or later after fb_http_defer(). */
void fb_rest_handle(fb_request *request, const fb_asked *asked);
/** The longest body taken at this path. */
size_t fb_rest_body_max(fb_method method, const char *path);

/** Open the port. errors: FB_IO naming address and port (taken, not ours) */
FB_MUST_CHECK fb_status fb_http_create(fb_server *server, fb_http **out, fb_error *error);
void fb_http_destroy(fb_http *http); ///< NULL is allowed
int fb_http_port(const fb_http *http);
/** Poll the OSC socket in this loop. */
FB_MUST_CHECK fb_status fb_http_adopt_osc(fb_http *http, fb_error *error);
/** Serve until fb_http_end(). */
void fb_http_run(fb_http *http);
void fb_http_end(fb_http *http);
void fb_http_wake(fb_http *http); ///< thread: any but audio

/* --- answering; thread: control */
void fb_http_answer_json(fb_request *request, int code, json_t *take);
void fb_http_answer_error(fb_request *request, const fb_error *error);
void fb_http_answer_bytes(fb_request *request, int code, const char *type, void *take, size_t len);

/** A promise to answer later: outlives the request, should its connection end first. */
typedef struct fb_ticket fb_ticket;
fb_ticket *fb_http_defer(fb_request *request); ///< NULL when out of memory
/** The request to answer, NULL if its asker has gone. The ticket is spent. */
fb_request *fb_http_redeem(fb_ticket *ticket);

#endif
