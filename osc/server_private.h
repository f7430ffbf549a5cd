/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The OSC service's inside: server.c (clients, watching the tree), packet.c (what a message
	means), held.c (bundles of the future), subscribe.c (who wants what), share.c (how much of it
	each may have), feed.c (sending it),
	reply.c and later.c (what goes back), udp.c and tcp.c (the sockets). Nobody else includes
	this. */
#ifndef FB_SERVER_PRIVATE_H
#define FB_SERVER_PRIVATE_H

#include "account.h"
#include "codec.h"
#include "later.h"
#include "server.h"

#include <sys/queue.h>
#include <sys/socket.h>

typedef struct fb_osc_sub fb_osc_sub;

/** One leaf that one client hears of. A client has at most one for a leaf. */
typedef struct fb_osc_watch {
	fb_branch *leaf;
	fb_osc_sub *sub;
	LIST_ENTRY(fb_osc_watch) in_bucket; ///< by leaf
	LIST_ENTRY(fb_osc_watch) in_sub;
	TAILQ_ENTRY(fb_osc_watch) in_queue; ///< of what is to be sent
	bool queued;
	bool listened; ///< by fb_osc_listen: outlives the patterns that cover it too
} fb_osc_watch;

typedef TAILQ_HEAD(fb_osc_queue, fb_osc_watch) fb_osc_queue;
typedef LIST_HEAD(fb_osc_watches, fb_osc_watch) fb_osc_watches;
LIST_HEAD(fb_osc_subs, fb_osc_sub);

/** One subscription: a pattern of one client. */
struct fb_osc_sub {
	fb_osc_client *client;
	LIST_ENTRY(fb_osc_sub) in_client, in_osc;
	fb_osc_watches watches;
	fb_osc_queue params, meters; ///< to be sent, in this order
	int64_t expires_us;          ///< INT64_MAX: never
	int64_t due_us;              ///< not before
	uint32_t rate_hz, n_watches;
	bool all;    ///< every parameter, whatever the pattern
	bool listen; ///< no pattern: single addresses (fb_osc_listen)
	char pattern[];
};

struct fb_osc_client {
	fb_osc *osc;
	const fb_osc_transport *transport;
	void *ctx;
	LIST_ENTRY(fb_osc_client) in_osc;
	struct fb_osc_subs subs;
	uint32_t n_subs;
	fb_account *account;                     ///< of its address, while it has subscriptions
	LIST_HEAD(fb_osc_waits, fb_later) waits; ///< for what it began
	bool read_only;                          ///< may ask and subscribe, not set
	fb_osc_client *feedback; ///< where its subscriptions and corrections go: itself, or a port of
							 ///< its host that it named; also its identity towards the tree
	double error_tokens;     ///< error replies it may still get now
	int64_t error_time_us;
	uint32_t withheld; ///< error replies it did not get since its last /sync
	char origin[80];
};

/** A bundle that waits. */
typedef struct fb_osc_held {
	int64_t due_us;
	uint64_t order;        ///< of arrival: equal times keep it
	fb_osc_client *client; ///< NULL if it went
	char origin[80];
	size_t size;
	unsigned char data[];
} fb_osc_held;

/** What /dump writes. */
typedef struct fb_osc_dump {
	bool on;
	uint32_t lines; ///< in the second that began at second_us
	uint64_t left_out;
	int64_t second_us;
} fb_osc_dump;

enum {
	FB_OSC_BUCKETS_AT_START = 1024,
	FB_OSC_READY_MAX = 512 ///< sockets told of at once: all there can be, nearly always
};

struct fb_osc {
	fb_tree *tree;
	fb_osc_options options;
	fb_tree_watcher watcher;
	fb_osc_stats stats;
	int64_t now_us;
	LIST_HEAD(fb_osc_clients, fb_osc_client) clients;
	struct fb_osc_subs subs;  ///< of all clients
	const fb_branch *setting; ///< the very leaf that the present message sets
	/* watches by leaf */
	fb_osc_watches *buckets;
	uint32_t n_buckets;
	/* waiting bundles: a heap, the earliest first */
	fb_osc_held **held;
	uint64_t held_order;
	fb_osc_dump dump;
	int wake;  ///< an epoll of all sockets; each is known there by its own struct
	int again; ///< an eventfd in it: there is more to do, though no socket may tell
	bool again_told;
	fb_accounts *accounts; ///< of the options, or our own
	fb_account nowhere;    ///< that of clients that have no address
	uint32_t n_subscribers;
	struct fb_osc_udp *udp;
	struct fb_osc_tcp *tcp;
	uint32_t taken;                           ///< packets, in the present fb_osc_service()
	unsigned char out[FB_OSC_PACKET_MAX + 1]; ///< the packet being written
};

/* --- server.c */

/** The real clock, to see how long something takes. */
int64_t fb_osc_clock_us(void);

/* --- reply.c */

/** Send one message to a client. */
void fb_osc_reply(fb_osc_client *client, const char *address, const fb_value *argv, uint32_t argc);
/** Tell an error, if the client may get one now; true if it went out. */
bool fb_osc_reply_error(
	fb_osc_client *client, const fb_osc_message *message, const fb_error *error);
/** The names of all children, as many as a packet holds; in front of them `first`. false: not even
	those fit, nothing was sent. */
bool fb_osc_reply_children(fb_osc_client *client, const char *address, const char *const *first,
	size_t n_first, const fb_branch *branch);
bool fb_osc_send(fb_osc_client *client, const void *data, size_t size);
/** What fb_osc_send() did not take was a reply, and nobody sends it again. */
void fb_osc_reply_lost(fb_osc_client *client);

/** Values on their way to one client, as many in a packet as its transport allows. They are
	written to osc->out, so nothing else may be sent before fb_osc_pack_send(). */
typedef struct fb_osc_pack {
	fb_osc_client *client;
	size_t used; ///< of osc->out; the first message starts where it would in a bundle
	uint32_t count;
} fb_osc_pack;
void fb_osc_pack_start(fb_osc_pack *pack, fb_osc_client *client);
bool fb_osc_pack_add(fb_osc_pack *pack, const fb_branch *leaf); ///< false: full, send first
bool fb_osc_pack_send(fb_osc_pack *pack); ///< false: the transport did not take it

/* --- later.c */

/** Tell a client when this ends. */
void fb_osc_later(fb_osc_client *client, fb_later *later, const char *address);
void fb_osc_later_forget(fb_osc_client *client); ///< it goes

/* --- packet.c */

/** Apply a packet that passed fb_osc_check(), all in one group. client may be NULL; due: at once,
	whatever its timetag says. */
void fb_osc_apply(fb_osc *osc, fb_osc_client *client, const char *origin, const void *data,
	size_t size, bool due);

/* --- dump.c */

/** A line on standard error. */
void fb_osc_dump_message(fb_osc *osc, const char *origin, const fb_osc_message *message);

/* --- held.c */

FB_MUST_CHECK fb_status fb_osc_hold(fb_osc *osc, fb_osc_client *client, const char *origin,
	const void *data, size_t size, int64_t due_us, fb_error *error);
int64_t fb_osc_release(fb_osc *osc); ///< apply what is due; when the next is
void fb_osc_held_forget(fb_osc *osc, const fb_osc_client *client);
void fb_osc_held_finish(fb_osc *osc);

/* --- subscribe.c */

void fb_osc_subscribe(fb_osc_client *client, const fb_osc_message *message, bool all);
void fb_osc_unsubscribe(fb_osc_client *client, const fb_osc_message *message);
void fb_osc_sub_remove(fb_osc_sub *sub);
void fb_osc_watch_sent(fb_osc_watch *watch); ///< nothing waits any more
void fb_osc_client_unsubscribe_all(fb_osc_client *client);
void fb_osc_leaf_changed(fb_osc *osc, fb_branch *leaf, const fb_origin *origin);
void fb_osc_leaf_added(fb_osc *osc, fb_branch *leaf);
void fb_osc_leaf_removing(fb_osc *osc, fb_branch *leaf);

/* --- share.c */

/** A client subscribes that had nothing: it is given its account.
	errors: FB_TOO_MANY */
FB_MUST_CHECK fb_status fb_osc_admit(fb_osc_client *client, const char *pattern, fb_error *error);
void fb_osc_dismiss(fb_osc_client *client); ///< its last subscription has gone
/** Leaves have run out: may it have some that another address has? Ends subscriptions of others. */
bool fb_osc_make_leaf_room(const fb_osc_client *client);

/* --- feed.c */

int64_t fb_osc_feed(fb_osc *osc); ///< send what is due; when there is more to do

/* --- udp.c */

/** errors: FB_INVALID (no address), FB_IO (taken, not ours), FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_osc_udp_open(fb_osc *osc, fb_error *error);
void fb_osc_udp_close(fb_osc *osc);
/** Take what packets there are, until then; true: some were received and have to wait. */
bool fb_osc_udp_take(fb_osc *osc, int64_t until_us);
/** Where it listens, with the port in use. */
FB_MUST_CHECK fb_status fb_osc_udp_address(
	const fb_osc *osc, struct sockaddr_storage *address, socklen_t *size, fb_error *error);
/** "osc 127.0.0.1:5000" */
void fb_osc_origin_text(
	const struct sockaddr_storage *address, const char *transport, char *text, size_t size);

/* --- tcp.c */

/** errors: FB_EXISTS (port taken), FB_IO, FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_osc_tcp_open(
	fb_osc *osc, const struct sockaddr *address, socklen_t size, fb_error *error);
void fb_osc_tcp_close(fb_osc *osc);
/** what, events: as osc->wake gave them */
void fb_osc_tcp_ready(fb_osc *osc, void *what, uint32_t events);
/** Look after those that were told of, until then; those first whose address has taken least. */
void fb_osc_tcp_serve(fb_osc *osc, int64_t until_us);
void fb_osc_tcp_look(fb_osc *osc); ///< end connections whose packet does not come to an end
void fb_osc_tcp_reap(fb_osc *osc); ///< remove connections that ended; not while events are handled

#endif
