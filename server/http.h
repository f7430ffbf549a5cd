/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The HTTP transport, and with it the control thread's loop: libwebsockets polls its own sockets,
	the OSC socket and the clock. What is answered is decided by the routes (http/route.h). */
#ifndef FB_HTTP_H
#define FB_HTTP_H

#include "server.h"

typedef struct fb_request fb_request;

typedef enum fb_method { FB_GET, FB_POST, FB_PUT, FB_DELETE, FB_OPTIONS, FB_OTHER } fb_method;

enum { FB_PARTS_MAX = 2, FB_PART_LEN = 160 };

/** What a request asks. Valid until it is answered. */
typedef struct fb_asked {
	fb_server *server;
	fb_method method;
	const char *path, *query; ///< decoded; the query without its '?', "" if none
	const char *body;
	size_t body_len;
	const char *content_type;             ///< "" if none
	const char *accept;                   ///< "" if none
	const char *if_none_match;            ///< "" if none
	bool may_write;                       ///< from loopback, or with the token
	char part[FB_PARTS_MAX][FB_PART_LEN]; ///< what stands for the {names} of the route's path
	fb_origin origin;
} fb_asked;

/** Open the port, and poll it and OSC's sockets in one loop. errors: as fb_door_open() */
FB_MUST_CHECK fb_status fb_http_create(fb_server *server, fb_http **out, fb_error *error);
void fb_http_destroy(fb_http *http); ///< NULL is allowed
int fb_http_port(const fb_http *http);
/** Serve until fb_http_end(). */
void fb_http_run(fb_http *http);
void fb_http_end(fb_http *http);
void fb_http_wake(fb_http *http); ///< thread: any but audio

typedef struct fb_http_stats {
	uint64_t refused; ///< requests and connections answered 429 or 503, or that they are no HTTP
	uint64_t dropped; ///< connections ended: too many, or too slow
	uint32_t connections, waiting; ///< now; requests in line
} fb_http_stats;
void fb_http_get_stats(const fb_http *http, fb_http_stats *stats);

/* --- answering; thread: control */
void fb_http_answer_json(fb_request *request, int code, json_t *take);
void fb_http_answer_error(fb_request *request, const fb_error *error);
void fb_http_answer_bytes(fb_request *request, int code, const char *type, void *take, size_t len);
/** An error that only HTTP knows (405, 415, ...), in the same shape. */
void fb_http_answer_fault(fb_request *request, int code, const char *where, const char *fmt, ...)
	FB_PRINTF(4, 5);
/** One more header of the answer to come; `text` is copied. A few at most. */
void fb_http_add_header(fb_request *request, const char *name, const char *text);

/** A promise to answer later: outlives the request, should its connection end first. */
typedef struct fb_ticket fb_ticket;
fb_ticket *fb_http_defer(fb_request *request); ///< NULL when out of memory
/** The request to answer, NULL if its asker has gone. The ticket is spent. */
fb_request *fb_http_redeem(fb_ticket *ticket);

#endif
