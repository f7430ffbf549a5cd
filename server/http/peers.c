/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who is connected, and how much of the server one address may take: connections, and time. When
   there are too many connections, one that waits makes room, of the address that has most of them,
   so that a client that opens many and says nothing keeps nobody out. thread: control */
#include "request.h"

#include <stdlib.h>
#include <string.h>

enum {
	CONNECTIONS_MAX = 480, ///< in all; fewer than descriptors
	OF_ONE_MAX = 256,      ///< of one address
	ADDRESSES_MAX = 1024,  ///< remembered; those that are owed nothing are forgotten first
	COST_MIN_US = 250,     ///< of a request, with what the system does for it
	SPENT_MAX_US = 1000000 ///< of the server's time; it comes back at half of real time
};

/** What one address takes of the server. */
typedef struct account {
	unsigned char address[16];
	uint32_t connections;
	int64_t spent_us, since_us;
} account;

/** One connection. */
struct fb_peer {
	struct lws *wsi;
	account *account;
	struct fb_peer *prev, *next; ///< the one that has waited longest is last
	bool asked;                  ///< something, once
	bool busy;                   ///< it has asked something that is not answered yet, or streams
};

struct fb_peers {
	account accounts[ADDRESSES_MAX];
	fb_peer *first, *last;
	uint32_t count;
};

static int64_t now_us(void)
{
	return (int64_t)(fb_now_s() * 1e6);
}

/* --- accounts */

bool fb_peer_address(int fd, struct in6_addr *address, uint16_t *port)
{
	struct sockaddr_storage peer;
	struct sockaddr_in6 in6;
	socklen_t len = sizeof peer;
	if (getpeername(fd, (struct sockaddr *)&peer, &len)) {
		return false;
	}
	memcpy(&in6, &peer, sizeof in6);
	*address = in6.sin6_addr;
	if (peer.ss_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, &peer, sizeof in);
		*address = (struct in6_addr){{{[10] = 0xff, [11] = 0xff}}};
		memcpy(&address->s6_addr[12], &in.sin_addr, 4);
		in6.sin6_port = in.sin_port;
	}
	*port = ntohs(in6.sin6_port);
	return true;
}

/** What has an account of its own: an IPv4 address, or a /64, which a host has to itself. */
static bool address_of(int fd, unsigned char out[16])
{
	struct in6_addr address;
	uint16_t port;
	if (!fb_peer_address(fd, &address, &port)) {
		return false;
	}
	memcpy(out, &address, 16);
	if (!IN6_IS_ADDR_V4MAPPED(&address)) {
		memset(out + 8, 0, 8);
		out[15] = 6; /* never that of an account that nobody has */
	}
	return true;
}

static int64_t still_spent(const account *a)
{
	int64_t spent = a->spent_us - (now_us() - a->since_us) / 2;
	return spent > 0 ? spent : 0;
}

/** The account of an address; a free one if it has none. NULL if all are in use. */
static account *account_of(fb_peers *peers, const unsigned char address[16])
{
	account *free_one = NULL;
	for (account *a = peers->accounts; a < peers->accounts + ADDRESSES_MAX; a++) {
		if (!memcmp(a->address, address, 16)) {
			return a;
		}
		if (!free_one && !a->connections && !still_spent(a)) {
			free_one = a;
		}
	}
	if (free_one) {
		*free_one = (account){.since_us = now_us()};
		memcpy(free_one->address, address, 16);
	}
	return free_one;
}

/* --- connections */

static void unlink_peer(fb_peers *peers, fb_peer *peer)
{
	*(peer->prev ? &peer->prev->next : &peers->first) = peer->next;
	*(peer->next ? &peer->next->prev : &peers->last) = peer->prev;
}

static void link_first(fb_peers *peers, fb_peer *peer)
{
	peer->prev = NULL;
	peer->next = peers->first;
	*(peers->first ? &peers->first->prev : &peers->last) = peer;
	peers->first = peer;
}

/** Should rather this one go? It is of the address that has more, or it never asked anything. */
static bool goes_first(const fb_peer *peer, const fb_peer *other)
{
	uint32_t a = peer->account->connections, b = other->account->connections;
	return a != b ? a > b : !peer->asked && other->asked;
}

/** End a connection that waits; of this address, or of any if NULL. */
static bool make_room(fb_peers *peers, const account *of)
{
	fb_peer *gone = NULL;
	for (fb_peer *peer = peers->last; peer; peer = peer->prev) {
		if (!peer->busy && (!of || peer->account == of) && (!gone || goes_first(peer, gone))) {
			gone = peer;
		}
	}
	if (gone) {
		gone->busy = true; /* it is on its way out: not to be chosen again */
		lws_set_timeout(gone->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
	}
	return gone != NULL;
}

bool fb_peers_admit(fb_peers *peers, int fd)
{
	unsigned char address[16];
	account *a = address_of(fd, address) ? account_of(peers, address) : NULL;
	if (!a) {
		return false;
	}
	if (a->connections >= OF_ONE_MAX) {
		return make_room(peers, a);
	}
	return peers->count < CONNECTIONS_MAX || make_room(peers, NULL);
}

void fb_peers_add(fb_peers *peers, struct lws *wsi)
{
	unsigned char address[16];
	account *a = address_of(lws_get_socket_fd(wsi), address) ? account_of(peers, address) : NULL;
	fb_peer *peer = a ? calloc(1, sizeof *peer) : NULL;
	if (peer) {
		peer->wsi = wsi;
		peer->account = a;
		a->connections++;
		peers->count++;
		link_first(peers, peer);
		lws_set_opaque_user_data(wsi, peer);
	}
}

void fb_peers_remove(fb_peers *peers, struct lws *wsi)
{
	fb_peer *peer = lws_get_opaque_user_data(wsi);
	if (peer) {
		lws_set_opaque_user_data(wsi, NULL);
		peer->account->connections--;
		peers->count--;
		unlink_peer(peers, peer);
		free(peer);
	}
}

void fb_peers_busy(fb_peers *peers, struct lws *wsi, bool busy)
{
	fb_peer *peer = lws_get_opaque_user_data(wsi);
	if (peer) {
		peer->busy = busy;
		peer->asked = true;
		unlink_peer(peers, peer);
		link_first(peers, peer);
	}
}

void fb_peers_spend(struct lws *wsi, double seconds)
{
	fb_peer *peer = lws_get_opaque_user_data(wsi);
	if (peer) {
		account *a = peer->account;
		int64_t cost_us = (int64_t)(seconds * 1e6);
		a->spent_us = still_spent(a) + (cost_us > COST_MIN_US ? cost_us : COST_MIN_US);
		a->since_us = now_us();
	}
}

int64_t fb_peers_spent_us(struct lws *wsi)
{
	const fb_peer *peer = lws_get_opaque_user_data(wsi);
	return peer ? still_spent(peer->account) : 0;
}

bool fb_peers_may_ask(struct lws *wsi)
{
	const fb_peer *peer = lws_get_opaque_user_data(wsi);
	return !peer || still_spent(peer->account) < SPENT_MAX_US;
}

fb_peers *fb_peers_create(void)
{
	return calloc(1, sizeof(fb_peers));
}

void fb_peers_destroy(fb_peers *peers)
{
	free(peers);
}
