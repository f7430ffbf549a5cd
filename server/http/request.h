/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The HTTP transport's inside: loop (../http.c), requests and their answers (request.c), who may
	what (access.c). thread: control */
#ifndef FB_REQUEST_H
#define FB_REQUEST_H

#include "../../osc/account.h"
#include "../http.h"
#include "limits.h"

#include <libwebsockets.h>

enum {
	FB_WRITE_MAX = 32 * 1024, ///< bytes handed to a socket at once
	FB_PATH_LEN = 1024,
	FB_USUAL = 256,
	FB_ORIGIN_LEN = 96,
	FB_ORIGIN_URL_LEN = 256,
};

/** What goes on over a connection after its request. Each returns nonzero to end it. */
typedef struct fb_stream_ops {
	int (*write)(void *ctx); ///< the socket takes data
	/** A piece of a message; NULL: it has nothing to be told. */
	int (*receive)(void *ctx, const void *data, size_t size);
	void (*close)(void *ctx);
} fb_stream_ops;

/** What a connection may turn into. */
typedef enum fb_stream {
	FB_STREAM_NONE,
	FB_STREAM_EVENTS,
	FB_STREAM_WEBSOCKET, ///< OSCQuery's
	FB_STREAM_TAP
} fb_stream;

typedef struct fb_peer fb_peer;   ///< one connection (peers.c)
typedef struct fb_peers fb_peers; ///< all
typedef struct fb_door fb_door;   ///< door.h

struct fb_http {
	fb_server *server;
	fb_peers *peers;
	fb_door *door;
	fb_http_stats stats;
	fb_request *waiting; ///< list: requests in line, the first has waited longest
	uint32_t n_waiting;
	uint32_t usual_us[FB_USUAL]; ///< what a question took lately, by its hash; 0: not known
	double busy_s;               ///< what was spent on requests in this turn
	size_t held;                 ///< bytes of all bodies and answers on their way
	struct lws_context *context;
	struct lws_vhost *vhost;
	lws_sorted_usec_list_t tick, serve;
	int64_t osc_us; ///< when OSC had its turn last
	volatile bool ending;
};

/** One request, in the memory that libwebsockets keeps for a connection. */
struct fb_request {
	fb_http *http;
	struct lws *wsi;
	fb_method method;
	bool head; ///< HEAD: a GET whose answer has no body
	char path[FB_PATH_LEN], query[FB_PATH_LEN], type[64], accept[512], if_none_match[128],
		origin[FB_ORIGIN_LEN];
	bool may_write;
	bool awaits_body; ///< not yet handled
	char *body;
	size_t body_len, body_max;   ///< bytes
	size_t body_room, body_seen; ///< bytes; seen: all that came, kept or not
	double body_due_s;           ///< when it has to be whole
	/* why it will be refused: 0, or the status; the reason */
	int fault;
	const char *fault_text;
	bool last; ///< the connection ends with this answer
	fb_request *next_waiting;
	bool waits;
	double joined_s; ///< the line
	/* the answer */
	int code;
	const char *answer_type;
	char headers[768];     ///< name NUL text NUL ... NUL
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

/* --- ../http.c */
/** Hand a connection to libwebsockets, which closes it in any case. false: out of memory */
bool fb_http_take(fb_http *http, int fd, fb_account *account);

/* --- request.c */
int fb_on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len);
/** libwebsockets takes the query apart at each '&': put it together again. false: too long. */
bool fb_read_query(struct lws *wsi, char *query, size_t size);

/** Answer 200 with what has no end; HEAD gets its head alone. */
void fb_http_answer_stream(
	fb_request *request, const char *type, const fb_stream_ops *ops, void *ctx);

/** Let little wait in the kernel for a client that reads slowly: what comes later is newer. */
void fb_keep_fresh(struct lws *wsi);

/* --- line.c */
/** A request is whole: serve it, or let it stand in line. */
void fb_line_join(fb_request *request);
void fb_line_leave(fb_request *request); ///< no-op if it is in none

/* --- peers.c */
fb_peers *fb_peers_create(void); ///< NULL when out of memory
void fb_peers_destroy(fb_peers *peers);
/** Is there room for one more of that address? If not, one goes for it: ask again next turn. */
bool fb_peers_have_room(fb_peers *peers, const fb_account *newcomer);
/** Who comes next is of this address; NULL: nobody comes. */
void fb_peers_comes(fb_peers *peers, fb_account *account);
int fb_peers_add(fb_peers *peers, struct lws *wsi); ///< nonzero: out of memory
void fb_peers_remove(fb_peers *peers, struct lws *wsi);
/** It asks, or it waits for its client to ask: those that wait longest go first. */
void fb_peers_busy(fb_peers *peers, struct lws *wsi, bool busy);
/** Its answer has no end. */
void fb_peers_streams(fb_peers *peers, struct lws *wsi, fb_stream kind);
/** Is there room for one more WebSocket or tap, if need be because one goes of an address that has
	more than its share? make: it goes now. */
bool fb_peers_have_stream_room(fb_peers *peers, fb_stream kind, struct lws *newcomer, bool make);
uint32_t fb_peers_count(const fb_peers *peers);
void fb_peers_end(struct lws *wsi); ///< end a connection, as one too many
/** A request has taken so much of the loop's time, by fb_account_clock_us(). */
void fb_peers_spend(struct lws *wsi, int64_t cost_us);
int64_t fb_peers_spent_us(struct lws *wsi);    ///< what its address has taken of late
fb_account *fb_peers_account(struct lws *wsi); ///< NULL: it is on its way out

/* --- access.c */
typedef enum fb_visit {
	FB_VISIT_OWN,     ///< no browser, or a page of ours
	FB_VISIT_INVITED, ///< a page of an origin that the options name
	FB_VISIT_FOREIGN, ///< a page of elsewhere: it may not write, and may not read what it gets
	FB_VISIT_MISLED,  ///< it asks for a host that we are not: DNS rebinding
} fb_visit;
/** What a browser says of the page that asks. `origin` is filled, "" if there is none. */
fb_visit fb_visit_of(struct lws *wsi, char origin[FB_ORIGIN_URL_LEN]);
/** Who asks, as "KIND ADDRESS:PORT"; returns whether it may write: from loopback, or with the token
	in its head. */
bool fb_read_peer(struct lws *wsi, const char *kind, char origin[FB_ORIGIN_LEN]);
/** Is this the token? In a time that does not tell how much of it is right. */
bool fb_is_token(const fb_server *server, const char *text);

#endif
