/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The UDP socket: who sends is a client by address and port. thread: control */
#include "backlog.h"
#include "server_private.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BATCH = 32,        /* packets a system call brings */
	BATCHES_MAX = 64,  /* at a turn */
	IDLE_PEERS = 1024, /* senders without subscription that are remembered */
	BUCKETS = 4096,
	RECEIVE_BUFFER = 8 << 20, /* what a burst may need; the kernel grants less to most */
	PACKET_USUAL = 1400,      /* one Ethernet frame */
	BACKLOG = 8 << 20,        /* bytes; never less than the kernel would keep */
};

/** What tells two senders apart. */
typedef struct key {
	uint32_t scope;
	uint16_t family, port;
	unsigned char address[16];
} key;

typedef struct peer {
	struct fb_osc_udp *udp;
	fb_osc_client *client;
	fb_account *account; ///< in udp->accounts
	struct sockaddr_storage address;
	socklen_t address_size;
	key key;
	LIST_ENTRY(peer) in_bucket;
	TAILQ_ENTRY(peer) in_use; ///< the last heard first
} peer;

struct fb_osc_udp {
	fb_osc *osc;
	int fd;
	uint16_t port;
	LIST_HEAD(peer_bucket, peer) buckets[BUCKETS];
	TAILQ_HEAD(peers, peer) peers;
	uint32_t n_peers;
	/* What each sender takes of the time. Not shared with other transports, for anybody can send in
	   the name of an address, which then would not be served there. */
	fb_accounts *accounts;
	fb_account *pays;    ///< whose packets are being taken; NULL: nobody's
	int64_t paid_us;     ///< of the thread's time, up to here
	fb_backlog *backlog; ///< of those whose address has taken much of late
	uint32_t lost;       ///< by the kernel, as it told last
	int n_fetched, next; ///< packets that were received; the first that was not taken
	/* for recvmmsg */
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];
	struct sockaddr_storage names[BATCH];
	_Alignas(struct cmsghdr) unsigned char control[BATCH][64];
	unsigned char data[BATCH][FB_OSC_PACKET_MAX + 1];
};

/* --- peers */

static key key_of(const struct sockaddr_storage *address)
{
	key k;
	memset(&k, 0, sizeof k);
	k.family = address->ss_family;
	if (address->ss_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, address, sizeof in6);
		k.scope = in6.sin6_scope_id;
		k.port = in6.sin6_port;
		memcpy(k.address, &in6.sin6_addr, 16);
	} else {
		struct sockaddr_in in;
		memcpy(&in, address, sizeof in);
		k.port = in.sin_port;
		memcpy(k.address, &in.sin_addr, 4);
	}
	return k;
}

static uint32_t bucket_of(const key *k)
{
	uint64_t words[3], h = 0;
	static_assert(sizeof words == sizeof *k, "a key is hashed as words, without holes");
	memcpy(words, k, sizeof words);
	for (int i = 0; i < 3; i++) {
		h = (h ^ words[i]) * 0x9E3779B97F4A7C15u;
		h ^= h >> 32;
	}
	return (uint32_t)(h % BUCKETS);
}

void fb_osc_origin_text(
	const struct sockaddr_storage *address, const char *transport, char *text, size_t size)
{
	key k = key_of(address);
	char host[INET6_ADDRSTRLEN] = "?";
	inet_ntop(k.family, k.address, host, sizeof host);
	snprintf(text, size, k.family == AF_INET6 ? "%s [%s]:%u" : "%s %s:%u", transport, host,
		(unsigned)ntohs(k.port));
}

static peer *peer_find(struct fb_osc_udp *udp, const key *k)
{
	peer *p = TAILQ_FIRST(&udp->peers);
	if (p && memcmp(&p->key, k, sizeof *k) == 0) {
		return p; /* the same as before, most of the time */
	}
	for (p = LIST_FIRST(&udp->buckets[bucket_of(k)]); p; p = LIST_NEXT(p, in_bucket)) {
		if (memcmp(&p->key, k, sizeof *k) == 0) {
			return p;
		}
	}
	return NULL;
}

static void peer_remove(peer *p)
{
	struct fb_osc_udp *udp = p->udp;
	LIST_REMOVE(p, in_bucket);
	TAILQ_REMOVE(&udp->peers, p, in_use);
	udp->n_peers--;
	p->account->connections[FB_VIA_OSC]--;
	fb_osc_client_remove(udp->osc, p->client);
	free(p);
}

/** Forget the one heard of longest ago that has no subscription. */
static void make_room(struct fb_osc_udp *udp)
{
	peer *p;
	if (udp->n_peers < IDLE_PEERS + udp->osc->options.subscribers_max) {
		return;
	}
	for (p = TAILQ_LAST(&udp->peers, peers); p; p = TAILQ_PREV(p, peers, in_use)) {
		if (!p->client->n_subs) {
			peer_remove(p);
			return;
		}
	}
}

static bool udp_send(void *ctx, const void *data, size_t size);
static fb_osc_client *udp_redirect(void *ctx, uint16_t port);

static fb_account *udp_account(void *ctx, fb_accounts *accounts, int64_t now_us)
{
	const peer *p = ctx;
	return fb_account_of(accounts, (const struct sockaddr *)&p->address, now_us);
}

static const fb_osc_transport transport = {.send = udp_send,
	.redirect = udp_redirect,
	.account = udp_account,
	.packet_max = PACKET_USUAL,
	.bundles = true};

/** The peer at an address, made if it is new. errors: NULL when out of memory */
static peer *peer_at(struct fb_osc_udp *udp, const struct sockaddr_storage *address, socklen_t size)
{
	key k = key_of(address);
	peer *p = peer_find(udp, &k);
	if (p) {
		return p;
	}
	make_room(udp);
	fb_account *account =
		fb_account_of(udp->accounts, (const struct sockaddr *)address, udp->osc->now_us);
	p = account ? calloc(1, sizeof *p) : NULL;
	if (!p) {
		return NULL;
	}
	char origin[80];
	fb_osc_origin_text(address, "osc", origin, sizeof origin);
	p->udp = udp;
	p->address = *address;
	p->address_size = size;
	p->key = k;
	p->account = account;
	p->client = fb_osc_client_add(udp->osc, &transport, p, origin);
	if (!p->client) {
		free(p);
		return NULL;
	}
	LIST_INSERT_HEAD(&udp->buckets[bucket_of(&k)], p, in_bucket);
	TAILQ_INSERT_HEAD(&udp->peers, p, in_use);
	udp->n_peers++;
	account->connections[FB_VIA_OSC]++;
	return p;
}

static fb_osc_client *udp_redirect(void *ctx, uint16_t port)
{
	peer *p = ctx;
	struct sockaddr_storage address = p->address;
	/* the port is at the same place in both families */
	static_assert(
		offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port),
		"the port's place");
	port = htons(port);
	memcpy((char *)&address + offsetof(struct sockaddr_in, sin_port), &port, sizeof port);
	peer *other = peer_at(p->udp, &address, p->address_size);
	return other ? other->client : NULL;
}

/* --- errors that come back: nobody listens at a port any more */

static void take_error(struct fb_osc_udp *udp, struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		bool ours = (c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR) ||
					(c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_RECVERR);
		struct sock_extended_err e;
		if (!ours || c->cmsg_len < CMSG_LEN(sizeof e)) {
			continue;
		}
		memcpy(&e, CMSG_DATA(c), sizeof e);
		key k = key_of(message->msg_name);
		peer *p = e.ee_errno == ECONNREFUSED ? peer_find(udp, &k) : NULL;
		if (p) {
			fb_osc_client_unsubscribe_all(p->client);
		}
	}
}

static void take_errors(struct fb_osc_udp *udp)
{
	for (int i = 0; i < BATCH * BATCHES_MAX; i++) {
		struct sockaddr_storage name = {0};
		_Alignas(struct cmsghdr) unsigned char control[512];
		unsigned char data[64];
		struct iovec vector = {data, sizeof data};
		struct msghdr message = {.msg_name = &name,
			.msg_namelen = sizeof name,
			.msg_iov = &vector,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof control};
		if (recvmsg(udp->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
			return;
		}
		take_error(udp, &message);
	}
}

/* --- in and out */

static bool udp_send(void *ctx, const void *data, size_t size)
{
	const peer *p = ctx;
	const struct sockaddr *to = (const struct sockaddr *)&p->address;
	/* a failure may be the news of an earlier packet to somebody else: then try once more */
	for (int tries = 0; tries < 2; tries++) {
		if (sendto(p->udp->fd, data, size, MSG_DONTWAIT, to, p->address_size) >= 0) {
			return true;
		}
		if (errno == EAGAIN || errno == ENOBUFS) {
			return false;
		}
	}
	return false;
}

/** The kernel tells with each packet how many it had to drop so far. */
static void count_lost(struct fb_osc_udp *udp, struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
			uint32_t lost;
			memcpy(&lost, CMSG_DATA(c), sizeof lost);
			udp->osc->stats.lost += lost - udp->lost;
			udp->lost = lost;
		}
	}
}

static int receive(struct fb_osc_udp *udp)
{
	for (int i = 0; i < BATCH; i++) {
		udp->vectors[i] = (struct iovec){udp->data[i], FB_OSC_PACKET_MAX};
		udp->messages[i].msg_hdr = (struct msghdr){.msg_name = &udp->names[i],
			.msg_namelen = sizeof udp->names[i],
			.msg_iov = &udp->vectors[i],
			.msg_iovlen = 1,
			.msg_control = udp->control[i],
			.msg_controllen = sizeof udp->control[i]};
	}
	return recvmmsg(udp->fd, udp->messages, BATCH, MSG_DONTWAIT, NULL);
}

/** Who was served until now pays for it; from here on this one does. */
static void pay(struct fb_osc_udp *udp, fb_account *next)
{
	if (next != udp->pays) {
		int64_t clock_us = fb_account_clock_us();
		if (udp->pays) {
			fb_account_spend(udp->pays, clock_us - udp->paid_us, udp->osc->now_us);
		}
		udp->pays = next;
		udp->paid_us = clock_us;
	}
}

/** A packet of a peer, which is then the one last heard. */
static void serve(peer *p, const void *data, size_t size)
{
	struct fb_osc_udp *udp = p->udp;
	if (p != TAILQ_FIRST(&udp->peers)) {
		TAILQ_REMOVE(&udp->peers, p, in_use);
		TAILQ_INSERT_HEAD(&udp->peers, p, in_use);
	}
	pay(udp, p->account);
	fb_osc_packet(udp->osc, p->client, data, size, udp->osc->now_us);
}

/** Must it wait until those have been served whose address has taken little? Not where nobody
	stands behind it; but never before what the same address sent earlier. */
static bool has_to_wait(const struct fb_osc_udp *udp, const fb_account *account)
{
	bool crowded = udp->n_fetched == BATCH || fb_backlog_first(udp->backlog);
	return account->connections[FB_WAITING] ||
		   (crowded && !fb_account_is_good(account, udp->osc->now_us));
}

static void take(struct fb_osc_udp *udp, int i)
{
	fb_osc *osc = udp->osc;
	const struct sockaddr_storage *from = &udp->names[i];
	socklen_t from_size = udp->messages[i].msg_hdr.msg_namelen;
	size_t size = udp->messages[i].msg_len;
	if (osc->options.allow && !fb_allow_has(osc->options.allow, (const struct sockaddr *)from)) {
		osc->stats.strangers++;
		return;
	}
	peer *p = peer_at(udp, from, from_size);
	if (!p) {
		return;
	}
	if (!has_to_wait(udp, p->account)) {
		serve(p, udp->data[i], size);
	} else if (fb_backlog_put(udp->backlog, from, from_size, udp->data[i], size)) {
		p->account->connections[FB_WAITING]++;
	} else {
		osc->stats.lost++;
	}
}

/** What has waited longest. */
static void take_waiting(struct fb_osc_udp *udp, const fb_backlog_packet *packet)
{
	peer *p = peer_at(udp, &packet->from, packet->from_size);
	if (p) {
		p->account->connections[FB_WAITING]--;
		serve(p, packet->data, packet->size);
	}
	fb_backlog_drop(udp->backlog);
}

/** Some more packets, to be taken; false: there are none. */
static bool fetch(struct fb_osc_udp *udp)
{
	udp->next = 0;
	udp->n_fetched = receive(udp);
	if (udp->n_fetched > 0) {
		udp->osc->taken += (uint32_t)udp->n_fetched;
		count_lost(udp, &udp->messages[udp->n_fetched - 1].msg_hdr);
		return true;
	}
	bool empty = udp->n_fetched == 0 || errno == EAGAIN;
	if (udp->n_fetched < 0 && errno != EINTR) {
		/* woken without a packet, or told of an error: news of packets that came back */
		take_errors(udp);
	}
	udp->n_fetched = 0;
	return !empty;
}

/** Take what the kernel has, until then: some, or as much as there is. */
static void take_fetched(struct fb_osc_udp *udp, int64_t until_us)
{
	for (int batches = 0; batches < BATCHES_MAX;) {
		if (udp->next < udp->n_fetched) {
			take(udp, udp->next++);
			if (fb_osc_clock_us() >= until_us) {
				return;
			}
			continue;
		}
		bool last = udp->n_fetched > 0 && udp->n_fetched < BATCH;
		if (last || !fetch(udp)) {
			udp->n_fetched = udp->next = 0;
			return;
		}
		batches++;
	}
}

bool fb_osc_udp_take(fb_osc *osc, int64_t until_us)
{
	struct fb_osc_udp *udp = osc->udp;
	const fb_backlog_packet *waiting;
	/* The kernel has one queue for all, and forgets who comes when it is full: it is emptied first,
	   so that who floods it stands in the way of nobody else. */
	take_fetched(udp, until_us - (until_us - fb_osc_clock_us()) / 4);
	while ((waiting = fb_backlog_first(udp->backlog)) && fb_osc_clock_us() < until_us) {
		take_waiting(udp, waiting);
	}
	pay(udp, NULL);
	return udp->next < udp->n_fetched || waiting;
}

uint16_t fb_osc_port(const fb_osc *osc)
{
	return osc->udp->port;
}

/* --- opening */

static void set_options(int fd, int family)
{
	int on = 1, size = RECEIVE_BUFFER;
	/* none of these is needed to work: what is not granted shows as slower or as lost packets */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size)) {
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	}
	setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
	if (family == AF_INET6) {
		setsockopt(fd, SOL_IPV6, IPV6_RECVERR, &on, sizeof on);
	} else {
		setsockopt(fd, SOL_IP, IP_RECVERR, &on, sizeof on);
	}
}

static fb_status open_socket(struct fb_osc_udp *udp, fb_error *error)
{
	const fb_osc_options *options = &udp->osc->options;
	const char *host = options->listen ? options->listen : "127.0.0.1";
	char where[128], port[8];
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
						.ai_socktype = SOCK_DGRAM},
					*found;
	snprintf(where, sizeof where, "%s UDP port %u", host, (unsigned)options->port);
	snprintf(port, sizeof port, "%u", (unsigned)options->port);
	int code = getaddrinfo(host, port, &hints, &found);
	if (code) {
		return fb_fail(
			error, FB_INVALID, where, "not an address to listen on: %s", gai_strerror(code));
	}
	fb_status status = FB_OK;
	udp->fd = socket(found->ai_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (udp->fd < 0 || bind(udp->fd, found->ai_addr, found->ai_addrlen)) {
		status = fb_fail(error, FB_IO, where, "cannot listen for OSC: %s%s", strerror(errno),
			errno == EADDRINUSE ? "; another program has this port, choose another" : "");
	}
	set_options(udp->fd, found->ai_family);
	freeaddrinfo(found);
	struct sockaddr_storage own = {0};
	socklen_t size;
	if (!status) {
		status = fb_osc_udp_address(udp->osc, &own, &size, error);
	}
	udp->port = ntohs(key_of(&own).port);
	struct epoll_event any = {.events = EPOLLIN, .data.ptr = udp};
	if (!status && epoll_ctl(udp->osc->wake, EPOLL_CTL_ADD, udp->fd, &any)) {
		status = fb_fail(error, FB_IO, where, "cannot listen for OSC: %s", strerror(errno));
	}
	return status;
}

fb_status fb_osc_udp_address(
	const fb_osc *osc, struct sockaddr_storage *address, socklen_t *size, fb_error *error)
{
	*size = sizeof *address;
	if (getsockname(osc->udp->fd, (struct sockaddr *)address, size)) {
		return fb_fail(error, FB_IO, "OSC", "the socket has no address: %s", strerror(errno));
	}
	return FB_OK;
}

fb_status fb_osc_udp_open(fb_osc *osc, fb_error *error)
{
	struct fb_osc_udp *udp = calloc(1, sizeof *udp);
	if (!udp) {
		return fb_fail(error, FB_NO_MEMORY, "OSC", "out of memory");
	}
	udp->osc = osc;
	udp->fd = -1;
	udp->accounts = fb_accounts_create();
	udp->backlog = fb_backlog_create(BACKLOG);
	TAILQ_INIT(&udp->peers);
	osc->udp = udp;
	return udp->accounts && udp->backlog ? open_socket(udp, error)
										 : fb_fail(error, FB_NO_MEMORY, "OSC", "out of memory");
}

void fb_osc_udp_close(fb_osc *osc)
{
	struct fb_osc_udp *udp = osc->udp;
	peer *p;
	if (!udp) {
		return;
	}
	while ((p = TAILQ_FIRST(&udp->peers))) {
		peer_remove(p);
	}
	if (udp->fd >= 0) {
		close(udp->fd);
	}
	fb_accounts_destroy(udp->accounts);
	fb_backlog_destroy(udp->backlog);
	free(udp);
	osc->udp = NULL;
}
