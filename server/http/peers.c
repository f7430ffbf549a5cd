/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who is connected, and who goes when there are too many connections: of the address that has most
   of them the one that is of least use, so that a client that opens many keeps nobody out.
   thread: control */
#include "request.h"

#include <stdlib.h>
#include <sys/socket.h>

enum { COST_MIN_US = 150 }; ///< of a request, with what the system does for it

/** What a connection is there for now. Those that come first here go first. */
typedef enum purpose {
	UNUSED, ///< it never asked anything that was whole
	WAITS,  ///< for its client to ask
	ASKS,   ///< it has asked something that is not answered yet
	STREAMS ///< a WebSocket, events
} purpose;

/** One connection. */
struct fb_peer {
	struct lws *wsi;
	fb_account *account;
	struct fb_peer *prev, *next; ///< the one that has waited longest is last
	purpose use;
	fb_stream stream;
	bool leaves; ///< on its way out
};

struct fb_peers {
	fb_peer *first, *last;
	fb_account *comes; ///< of the one that is being let in
	uint32_t count;
};

static int64_t now_us(void)
{
	return (int64_t)(fb_now_s() * 1e6);
}

/* --- room */

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

static uint32_t has(const fb_account *account)
{
	return account->connections[FB_VIA_HTTP];
}

/** Should rather this one go? */
static bool goes_first(const fb_peer *peer, const fb_peer *other)
{
	uint32_t a = has(peer->account), b = has(other->account);
	return a != b ? a > b : peer->use < other->use;
}

/** May this one go for one more of that address? One that is in use only if its address has more
	than its share. */
static bool may_go(const fb_peer *peer, const fb_account *newcomer)
{
	return !peer->leaves && (peer->use <= WAITS || has(peer->account) > has(newcomer) + 1);
}

/** End a connection, of the newcomer's own address if `own`. */
static void make_room(fb_peers *peers, const fb_account *newcomer, bool own)
{
	fb_peer *gone = NULL;
	for (fb_peer *peer = peers->last; peer; peer = peer->prev) {
		if (may_go(peer, newcomer) && (!own || peer->account == newcomer) &&
			(!gone || goes_first(peer, gone))) {
			gone = peer;
		}
	}
	if (gone) {
		fb_peers_end(gone->wsi);
	}
}

bool fb_peers_have_room(fb_peers *peers, const fb_account *newcomer)
{
	if (has(newcomer) >= FB_CONNECTIONS_OF_ONE) {
		make_room(peers, newcomer, true);
		return false;
	}
	if (peers->count >= FB_CONNECTIONS_MAX) {
		make_room(peers, newcomer, false);
		return false;
	}
	return true;
}

/* --- connections */

void fb_peers_comes(fb_peers *peers, fb_account *account)
{
	peers->comes = account;
}

int fb_peers_add(fb_peers *peers, struct lws *wsi)
{
	fb_peer *peer = peers->comes ? calloc(1, sizeof *peer) : NULL;
	if (!peer) {
		return -1;
	}
	peer->wsi = wsi;
	peer->account = peers->comes;
	peer->account->connections[FB_VIA_HTTP]++;
	peers->count++;
	link_first(peers, peer);
	lws_set_opaque_user_data(wsi, peer);
	return 0;
}

void fb_peers_remove(fb_peers *peers, struct lws *wsi)
{
	fb_peer *peer = lws_get_opaque_user_data(wsi);
	if (peer) {
		lws_set_opaque_user_data(wsi, NULL);
		peer->account->connections[FB_VIA_HTTP]--;
		peers->count--;
		unlink_peer(peers, peer);
		free(peer);
	}
}

static void set_use(fb_peers *peers, struct lws *wsi, purpose use)
{
	fb_peer *peer = lws_get_opaque_user_data(wsi);
	if (peer) {
		peer->use = use;
		unlink_peer(peers, peer);
		link_first(peers, peer);
	}
}

void fb_peers_busy(fb_peers *peers, struct lws *wsi, bool busy)
{
	set_use(peers, wsi, busy ? ASKS : WAITS);
}

void fb_peers_streams(fb_peers *peers, struct lws *wsi, fb_stream kind)
{
	fb_peer *peer = lws_get_opaque_user_data(wsi);
	if (peer) {
		peer->stream = kind;
	}
	set_use(peers, wsi, STREAMS);
}

/** How many streams of that kind there are, of an address or of all if NULL. */
static uint32_t streams_of(const fb_peers *peers, fb_stream kind, const fb_account *account)
{
	uint32_t n = 0;
	for (const fb_peer *peer = peers->first; peer; peer = peer->next) {
		n += peer->stream == kind && !peer->leaves && (!account || peer->account == account);
	}
	return n;
}

/** Of the address that has most of them the one that came last, if that is more than a fair share
	beside one more of the newcomer's. NULL: nobody. */
static const fb_peer *stream_to_go(
	const fb_peers *peers, fb_stream kind, const fb_account *newcomer)
{
	uint32_t most = streams_of(peers, kind, newcomer) + 1;
	const fb_peer *gone = NULL;
	for (const fb_peer *peer = peers->first; peer; peer = peer->next) {
		if (peer->stream == kind && !peer->leaves) {
			uint32_t n = streams_of(peers, kind, peer->account);
			if (n > most) {
				most = n;
				gone = peer;
			}
		}
	}
	return gone;
}

bool fb_peers_have_stream_room(fb_peers *peers, fb_stream kind, struct lws *newcomer, bool make)
{
	static const uint32_t most[] = {
		[FB_STREAM_WEBSOCKET] = FB_WEBSOCKETS_MAX, [FB_STREAM_TAP] = FB_TAPS_MAX};
	const fb_account *account = fb_peers_account(newcomer);
	if (!account) {
		return false;
	}
	if (streams_of(peers, kind, NULL) < most[kind]) {
		return true;
	}
	const fb_peer *gone = stream_to_go(peers, kind, account);
	if (gone && make) {
		fb_peers_end(gone->wsi);
	}
	return gone != NULL;
}

uint32_t fb_peers_count(const fb_peers *peers)
{
	return peers->count;
}

/* --- time */

void fb_peers_spend(struct lws *wsi, int64_t cost_us)
{
	fb_peer *peer = lws_get_opaque_user_data(wsi);
	if (peer) {
		fb_account_spend(peer->account, COST_MIN_US + cost_us, now_us());
	}
}

int64_t fb_peers_spent_us(struct lws *wsi)
{
	const fb_peer *peer = lws_get_opaque_user_data(wsi);
	return peer ? fb_account_spent_us(peer->account, now_us()) : 0;
}

fb_account *fb_peers_account(struct lws *wsi)
{
	const fb_peer *peer = lws_get_opaque_user_data(wsi);
	return peer && !peer->leaves ? peer->account : NULL;
}

void fb_peers_end(struct lws *wsi)
{
	fb_peer *peer = lws_get_opaque_user_data(wsi);
	if (peer && !peer->leaves) {
		/* libwebsockets sees the end at its next turn, and has not to wait for the other side's */
		peer->leaves = true;
		shutdown(lws_get_socket_fd(wsi), SHUT_RDWR);
		fb_http_of(wsi)->stats.dropped++;
	}
}

fb_peers *fb_peers_create(void)
{
	return calloc(1, sizeof(fb_peers));
}

void fb_peers_destroy(fb_peers *peers)
{
	free(peers);
}
