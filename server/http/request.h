/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The HTTP transport's inside: loop (../http.c), requests and their answers (request.c), who may
	what (access.c). thread: control */
#ifndef FB_REQUEST_H
#define FB_REQUEST_H

#include "../http.h"

#include <libwebsockets.h>

enum {
	FB_WRITE_MAX = 32 * 1024, ///< bytes handed to a socket at once
	FB_PATH_LEN = 512,
};

struct fb_http {
	fb_server *server;
	struct lws_context *context;
	struct lws_vhost *vhost;
	lws_sorted_usec_list_t tick;
	volatile bool ending;
};

/** One request, in the memory that libwebsockets keeps for a connection. */
struct fb_request {
	fb_http *http;
	struct lws *wsi;
	fb_method method;
	bool head; ///< HEAD: a GET whose answer has no body
	char path[FB_PATH_LEN], query[FB_PATH_LEN], type[64], accept[128], origin[96];
	bool may_write;
	char *body;
	size_t body_len, body_max;
	bool body_too_large;
	/* the answer */
	int code;
	const char *answer_type;
	char headers[256];     ///< name NUL text NUL ... NUL
	unsigned char *answer; ///< LWS_PRE bytes in front
	size_t answer_len, sent;
	bool head_sent;
	fb_ticket *ticket;
	fb_tap *tap; ///< once the connection has become a WebSocket
};

static inline fb_http *fb_http_of(struct lws *wsi)
{
	return (fb_http *)lws_context_user(lws_get_context(wsi));
}

/* --- request.c */
int fb_on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len);
/** libwebsockets takes the query apart at each '&': put it together again. */
void fb_read_query(struct lws *wsi, char *query, size_t size);

/* --- access.c */
/** Fill in who asks, and whether it may write. */
void fb_read_peer(fb_request *request);

#endif
