/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A client made of liblo, on a real UDP socket, and the pump that runs the service beside it. */
#ifndef FB_TEST_LO_PEER_H
#define FB_TEST_LO_PEER_H

#include "desk.h"

#include "../../../osc/server.h"

#include <lo/lo.h>

#include <poll.h>
#include <time.h>

typedef struct lo_peer {
	lo_server server;
	lo_address to;
	char heard[200000]; ///< a line for each message: address, type tags, arguments
	int messages;
} lo_peer;

static inline int peer_handler(
	const char *path, const char *types, lo_arg **argv, int argc, lo_message msg, void *user)
{
	lo_peer *peer = user;
	size_t n = strlen(peer->heard);
	(void)msg;
	n += (size_t)snprintf(peer->heard + n, sizeof peer->heard - n, "%s ,%s", path, types);
	for (int i = 0; i < argc && n < sizeof peer->heard; i++) {
		char text[FB_NUMBER_TEXT];
		float real; /* copied out: liblo's arguments are aligned to 4 bytes only */
		int32_t whole;
		switch (types[i]) {
		case 'f':
			memcpy(&real, argv[i], sizeof real);
			fb_float_text((double)real, text);
			n += (size_t)snprintf(peer->heard + n, sizeof peer->heard - n, " %s", text);
			break;
		case 'i':
			memcpy(&whole, argv[i], sizeof whole);
			n += (size_t)snprintf(peer->heard + n, sizeof peer->heard - n, " %d", whole);
			break;
		case 's':
			n += (size_t)snprintf(peer->heard + n, sizeof peer->heard - n, " %s", (char *)argv[i]);
			break;
		default:
			break;
		}
	}
	snprintf(peer->heard + n, sizeof peer->heard - n, "\n");
	peer->messages++;
	return 0;
}

static inline void peer_open(lo_peer *peer, uint16_t port)
{
	char text[8];
	memset(peer, 0, sizeof *peer);
	snprintf(text, sizeof text, "%u", port);
	peer->server = lo_server_new(NULL, NULL);
	peer->to = lo_address_new("127.0.0.1", text);
	assert_non_null(peer->server);
	lo_server_add_method(peer->server, NULL, NULL, peer_handler, peer);
}

static inline void peer_close(lo_peer *peer)
{
	lo_server_free(peer->server);
	lo_address_free(peer->to);
	peer->server = NULL;
}

/** Send with liblo's own encoding, from the peer's own port. */
#define peer_send(peer, path, ...)                                                                 \
	assert_true(lo_send_from((peer)->to, (peer)->server, LO_TT_IMMEDIATE, path, __VA_ARGS__) > 0)

static int64_t clock_skew_us; ///< to let leases end without waiting

static inline int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 + clock_skew_us;
}

/** Serve for so long, and until nothing is under way any more, as a main loop does; the peers take
	what comes. */
static inline void pump(fb_osc *osc, lo_peer **peers, int n, int ms)
{
	int64_t end = now_us() + ms * 1000;
	bool busy;
	do {
		struct pollfd fds[8] = {{.fd = fb_osc_fd(osc), .events = POLLIN}};
		for (int i = 0; i < n; i++) {
			fds[i + 1] =
				(struct pollfd){.fd = lo_server_get_socket_fd(peers[i]->server), .events = POLLIN};
		}
		int64_t next = fb_osc_flush(osc, now_us()), now = now_us();
		int64_t wait = next < end ? next - now : end - now;
		poll(fds, (nfds_t)n + 1, wait > 0 ? (int)((wait + 999) / 1000) : 0);
		busy = fb_osc_service(osc, now_us()) > 0;
		busy |= fb_osc_flush(osc, now_us()) <= now_us();
		for (int i = 0; i < n; i++) {
			while (lo_server_recv_noblock(peers[i]->server, 0) > 0) {
				busy = true;
			}
		}
	} while (busy || now_us() < end);
}

/** Serve until the peer has heard so many messages, at most 2 s (a slow machine). */
static inline void await(fb_osc *osc, lo_peer *peer, int messages)
{
	int64_t end = now_us() + 2000000;
	while (peer->messages < messages && now_us() < end) {
		pump(osc, &peer, 1, 1);
	}
}

static inline void forget(lo_peer *peer)
{
	peer->heard[0] = '\0';
	peer->messages = 0;
}

/** What a peer hears after it sent something, until a /sync of its own comes back. */
static inline const char *answers(fb_osc *osc, lo_peer *peer)
{
	char *end = NULL;
	peer_send(peer, "/sync", "i", 424242);
	int64_t until = now_us() + 2000000;
	while (!(end = strstr(peer->heard, "/synced ,i 424242\n")) && now_us() < until) {
		pump(osc, &peer, 1, 1);
	}
	if (!end) {
		fail_msg("no answer to /sync; heard: %s", peer->heard);
	}
	*end = '\0';
	return peer->heard;
}

#endif
