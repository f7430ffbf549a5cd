/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The OSC service over the tree: queries, sets, commands, subscriptions, over UDP and TCP on one
	port and on whatever other transport hands it packets.

	What it answers
	- ADDRESS without arguments: the value, at the same address. A container answers with the names
	  of its children, those that have children of their own with a '/' behind; "ADDRESS/" lists
	  also where there is a value. A command that needs no argument is run.
	- ADDRESS with arguments: a set or a command. A command's answer comes back at its address, or
	  as /done ,s ADDRESS when there is nothing to tell. What goes on after the call (a run) is
	  answered with its name, and its end is told as /done ,ss ADDRESS NAME or
	  /fail ,sss ADDRESS REASON NAME.
	- A command without parameters may also be sent N, I, T or a number: 0 and F (a button let go)
	  do nothing.
	- Patterns in queries and sets: one reply or change per match; commands and what cannot be
	  written are passed over.
	- Bundles: one group of the tree; a timetag in the future is kept until then, at most 60 s.
	- /subscribe ,s PATTERN [i HZ] [i PORT]: values of all that matches (a container: all below
	  it) now, paced, and whenever they change, at most HZ times a second, for 10 s unless renewed
	  by the same message (a reliable transport: until /unsubscribe). PORT: another port of the
	  asker's own host. Answer: /subscribe ,siiii PATTERN HZ PORT LEASE-SECONDS LEAVES.
	- /xremote [i HZ] [i PORT]: the same for every parameter, changes only, without twins and
   meters.
	- /unsubscribe [s PATTERN]: one, or all. Answer: /unsubscribe ,si PATTERN COUNT.
	- /sync ,i N -> /synced ,i N, with a second i where error replies were withheld since the last
	  one: how many; /info -> name, program, version, port; /version -> program,
	  version; /status -> pairs of address and value.
	- /list [s ADDRESS]: what is below, as /list ,ss... ADDRESS NAMES.
	- /describe ,s ADDRESS: one place, as /describe ,ss... ADDRESS JSON NAMES: what OSCQuery tells
	  of it, without CONTENTS, then the names of its children as /list has them.
	- /dump ,i: 1 writes every message to standard error, 0 ends that.
	- Errors: /error ,siss ADDRESS CODE REASON TYPE-TAGS, to the asker, at most some a second; a
	  refused or adjusted set is also answered with the value in force. An /error is never answered.
	Feedback goes to every subscriber but, for the very address it set, the one whose message it
	was.

	thread: control, all of it
	source: doc/osc.md */
#ifndef FB_SERVER_H
#define FB_SERVER_H

#include "account.h"
#include "allow.h"
#include "oscquery.h"
#include "tree.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct fb_osc fb_osc;

typedef struct fb_osc_options {
	const char *listen;    ///< numeric IPv4 or IPv6 address; NULL: 127.0.0.1
	uint16_t port;         ///< 0: any free one
	const fb_allow *allow; ///< from where packets are taken, beside this machine; NULL: anywhere
	fb_accounts *accounts; ///< shared with other transports; NULL: its own
	const char *name;      ///< of this server, for /info; NULL: "foldback"
	bool websocket; ///< OSCQuery is served too, with its WebSocket: its attributes depend on it
	/** Addresses of leaves that /status tells, NULL at the end; may be NULL. */
	const char *const *status;
	/* limits; 0 stands for the default */
	uint32_t subscribers_max; ///< clients with a subscription; then one goes of the address that
							  ///< has most, for one that has less: 64
	uint32_t patterns_max;    ///< subscriptions of one client: 64
	uint32_t leaves_max;  ///< leaves subscribed to, all clients together; then likewise: 200,000
	uint32_t rate_max_hz; ///< 200
	uint32_t held_max;    ///< bundles waiting for their time: 1,024
	uint32_t connections_max;    ///< over TCP; then one goes of the address that has most: 256
	uint32_t connections_of_one; ///< over TCP, of one address; then its idlest goes: 64
} fb_osc_options;

/** Open the sockets and watch the tree. What the options point to is borrowed until
	fb_osc_close().
	errors: FB_INVALID (not an address), FB_IO naming address and port (taken, not ours),
   FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_osc_open(
	fb_tree *tree, const fb_osc_options *options, fb_osc **out, fb_error *error);
void fb_osc_close(fb_osc *osc); ///< NULL is allowed

/** To poll for reading: all sockets in one. Packets that came back make it readable, not faulty:
	some loops close what reports an error. */
int fb_osc_fd(const fb_osc *osc);
uint16_t fb_osc_port(const fb_osc *osc); ///< the one in use
/** As OSCQuery shows it, by whatever way it is asked. */
fb_oscquery_host fb_osc_host(const fb_osc *osc);

/** Take what waits in the sockets, for some milliseconds. Who has taken much of late comes last and
	has what is left of them. Returns how many packets were taken: call again when the descriptor is
	still readable, and now and then.
	units: now_us, here and below: microseconds of any clock that only goes forward */
uint32_t fb_osc_service(fb_osc *osc, int64_t now_us);

/** Apply bundles whose time has come, end leases, send subscribed values that are due. Call after
	changes, and at the time it returns (INT64_MAX: not before something changes). */
int64_t fb_osc_flush(fb_osc *osc, int64_t now_us);

typedef struct fb_osc_stats {
	uint64_t packets, messages; ///< taken in
	uint64_t malformed;         ///< packets that were not OSC
	uint64_t strangers;         ///< packets from where none are taken
	uint64_t refused;           ///< messages answered with an error, or that would have been
	uint64_t errors_withheld;   ///< error replies not sent: too many a second
	uint64_t sent;              ///< packets sent
	uint64_t send_failed;       ///< packets the transport did not take
	uint64_t lost;    ///< UDP packets dropped: by the kernel because we were slow, or by us, of who
					  ///< floods
	uint64_t dropped; ///< TCP connections ended: too many, or too slow
	uint32_t clients, connections, subscriptions, leaves, held; ///< now
} fb_osc_stats;
void fb_osc_get_stats(const fb_osc *osc, fb_osc_stats *stats);

/* --- other transports: make a client for each connection, hand over its packets */

typedef struct fb_osc_client fb_osc_client;

typedef struct fb_osc_transport {
	/** Send one packet. false: not now; a value is then tried again later, a reply is lost. */
	bool (*send)(void *ctx, const void *data, size_t size);
	/** A reply was lost for good: send() did not take it. NULL where replies may be missing. */
	void (*lost)(void *ctx);
	/** The client at another port of the same host, NULL if that cannot be; the member itself is
		NULL where there are no ports. */
	fb_osc_client *(*redirect)(void *ctx, uint16_t port);
	/** The account of the other side's address, NULL if there is none to be had; the member itself
		is NULL where nobody is elsewhere. */
	fb_account *(*account)(void *ctx, fb_accounts *accounts, int64_t now_us);
	/** Its subscriptions were ended for others. NULL: it is told by /error. */
	void (*displaced)(void *ctx);
	/** Instead of packets, each subscribed value is handed over here; NULL: as packets. false: not
		now, it is tried again later. */
	bool (*value)(void *ctx, const fb_branch *leaf);
	size_t packet_max; ///< larger replies are split where they can be
	bool bundles;      ///< several messages may be sent as one bundle
	bool reliable;     ///< the end of the connection is known: no leases
} fb_osc_transport;

/** owns: the transport is borrowed until the client is removed; origin is copied
	errors: NULL when out of memory */
fb_osc_client *fb_osc_client_add(
	fb_osc *osc, const fb_osc_transport *transport, void *ctx, const char *origin);
void fb_osc_client_remove(fb_osc *osc, fb_osc_client *client);
/** Refuse what it would set or do from now on, or no longer. At first a client may do both. */
void fb_osc_client_read_only(fb_osc_client *client, bool read_only);

/** Hear of exactly one leaf, at once and whenever it changes, until fb_osc_ignore() or until the
	leaf goes. Reliable transports only. Again: its value is sent again.
	errors: FB_NOT_FOUND, FB_FORBIDDEN (cannot be read), FB_TOO_MANY, FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_osc_listen(
	fb_osc *osc, fb_osc_client *client, const char *address, fb_error *error);
void fb_osc_ignore(fb_osc *osc, fb_osc_client *client, const char *address); ///< no-op if not heard
/** Subscribe a client as /subscribe does, without a reply. errors: as /subscribe tells them */
FB_MUST_CHECK fb_status fb_osc_follow(
	fb_osc_client *client, const char *pattern, double rate_hz, fb_error *error);
/** Tell a client of an error as it would be told of a packet's: /error, at most some a second. */
void fb_osc_tell_error(fb_osc_client *client, const fb_error *error, int64_t now_us);

/** One packet from a client. */
void fb_osc_packet(
	fb_osc *osc, fb_osc_client *client, const void *data, size_t size, int64_t now_us);

#endif
