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
	FB_ORIGIN_LEN = 96,
};

/** What goes on over a connection after its request. Each returns nonzero to end it. */
typedef struct fb_stream_ops {
	int (*write)(void *ctx); ///< the socket takes data
	/** A piece of a message; NULL: it has nothing to be told. */
	int (*receive)(void *ctx, const void *data, size_t size);
	void (*close)(void *ctx);
} fb_stream_ops;

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
	char path[FB_PATH_LEN], query[FB_PATH_LEN], type[64], accept[128], origin[FB_ORIGIN_LEN];
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
	const fb_stream_ops *stream; ///< once the answer has no end: a WebSocket, events
	void *stream_ctx;
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
/** Who asks, as "KIND ADDRESS:PORT"; returns whether it may write: from loopback, or with the token
	in its head. */
bool fb_read_peer(struct lws *wsi, const char *kind, char origin[FB_ORIGIN_LEN]);
/** Is this the token? In a time that does not tell how much of it is right. */
bool fb_is_token(const fb_server *server, const char *text);

#endif
