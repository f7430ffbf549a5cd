/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What our own programs use to speak to a running foldbackd over OSC: ask, set, call, subscribe.
	Knows the protocol (server.h), nothing of the tree.

	UDP may lose a packet: questions and sets are repeated, commands are not, since twice is not
	once. One thread at a time. */
#ifndef FB_CLIENT_H
#define FB_CLIENT_H

#include "tree.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct fb_client fb_client;

/** range:  host is a name or an address; port above 0
	errors: FB_INVALID (no such host), FB_IO. That somebody answers is not tried here. */
FB_MUST_CHECK fb_status fb_client_open(
	const char *host, uint16_t port, fb_client **out, fb_error *error);
void fb_client_close(fb_client *client); ///< NULL is allowed

/** How long to wait for an answer, and how often to ask. Default: 500 ms, 3 times. */
void fb_client_set_patience(fb_client *client, int timeout_ms, int tries);

/* Every call below waits, and fails with what the server answered (where: the address), or with
   FB_UNAVAILABLE when nobody does (where: host and port). Values come back borrowed, until the next
   call. What arrives meanwhile for a subscription goes to fb_client_listen()'s function. */

/** The value of a leaf. errors: also FB_FORBIDDEN for a container */
FB_MUST_CHECK fb_status fb_client_get(
	fb_client *client, const char *address, fb_value *value, fb_error *error);

/** Set a leaf, or all that a pattern matches; returns once it is done.
	range: applied may be NULL; else what was sent, or what the server made of it */
FB_MUST_CHECK fb_status fb_client_set(fb_client *client, const char *address, const fb_value *value,
	fb_value *applied, fb_error *error);

enum { FB_CLIENT_VALUES_MAX = 16 };

/** Run a command.
	range: answer may be NULL, else [FB_CLIENT_VALUES_MAX]; *count of them were filled */
FB_MUST_CHECK fb_status fb_client_call(fb_client *client, const char *address, const fb_value *argv,
	uint32_t argc, fb_value *answer, uint32_t *count, fb_error *error);

/** The children of a place, in order; has_children: there is more below. */
typedef void fb_client_child_fn(void *ctx, const char *name, bool has_children);
FB_MUST_CHECK fb_status fb_client_list(
	fb_client *client, const char *address, fb_client_child_fn *child, void *ctx, fb_error *error);

/** What OSCQuery tells of a place, without CONTENTS, as JSON; its children as above. */
FB_MUST_CHECK fb_status fb_client_describe(fb_client *client, const char *address,
	const char **json, fb_client_child_fn *child, void *ctx, fb_error *error);

/** Who is told of subscribed values. */
typedef void fb_client_value_fn(
	void *ctx, const char *address, const fb_value *argv, uint32_t argc);
void fb_client_listen(fb_client *client, fb_client_value_fn *value, void *ctx);

/** Subscribe, and keep it renewed while fb_client_run() or other calls are made (at least every
	few seconds).
	range:  rate_hz 0 is the server's default; leaves may be NULL, else how many match now
	errors: also FB_TOO_MANY, FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_client_subscribe(
	fb_client *client, const char *pattern, uint32_t rate_hz, uint32_t *leaves, fb_error *error);
/** End all subscriptions. */
void fb_client_unsubscribe(fb_client *client);

/** Receive for at most so long (0: what waits), renewing what is due. Returns after something
	was received.
	errors: FB_TOO_MANY when the server has ended a subscription for somebody else's; FB_UNAVAILABLE
			when subscriptions were not confirmed for 10 s: the server is gone; go on
			calling, they are asked for again */
fb_status fb_client_run(fb_client *client, int timeout_ms, fb_error *error);
int fb_client_fd(const fb_client *client); ///< to poll for reading, then fb_client_run(.., 0, ..)

#endif
