/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TCP on the port that UDP has: each connection is a client, and framed as it frames.
   thread: control */
#include "acceptor.h"
#include "framing.h"
#include "server_private.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	READ_SIZE = 16384,
	SLICE_US = 300,              /* of one connection at a turn; a packet that was begun is ended */
	SERVE_COST_US = 5,           /* of looking after a connection at all */
	ACCEPT_COST_US = 50,         /* of one that comes and goes */
	CORK_MAX = 32 << 10,         /* bytes of replies that are gathered before they are sent */
	SEND_BUFFER = 512 << 10,     /* in the kernel, for a slow reader: it doubles this */
	FRAME_US = 10000000,         /* a packet that was begun has to be whole within */
	LOOK_US = 1000000,           /* between two looks for packets that are not */
	OUT_PENDING_MAX = 256 << 10, /* bytes that wait for a slow reader */
	OUT_KEPT = 16384,
	BUNDLE_MAX = 8192,  /* large enough that framing costs nothing, small enough not to linger */
	SILENCE_S = 60,     /* before the kernel asks whether the other side is still there */
	UNHEARD_MS = 30000, /* a peer that takes nothing for so long is gone */
};

typedef struct conn {
	struct fb_osc_tcp *tcp;
	fb_osc_client *client;
	int fd;
	fb_framing in;
	unsigned char *out; ///< framed bytes that wait: [out_from, out_used)
	size_t out_from, out_used, out_room;
	fb_account *account;
	int64_t begun_us;         ///< when the packet began that is not whole yet; 0: there is none
	uint32_t watched, ready;  ///< events it is told of; of those, what was told in this turn
	bool pauses;              ///< its address has taken too much of late
	int64_t spent_us;         ///< by its address, as the turn began
	bool dead;                ///< to be removed at the end of the turn
	TAILQ_ENTRY(conn) in_use; ///< the last heard first
	TAILQ_ENTRY(conn) in_pause;
} conn;

TAILQ_HEAD(conns, conn);

struct fb_osc_tcp {
	fb_osc *osc;
	fb_acceptor acceptor;
	struct conns conns;
	struct conns paused;
	conn *told[FB_OSC_READY_MAX]; ///< of, in this turn
	uint32_t n_told;
	conn *read; ///< the one that is being read: its replies are gathered
	int64_t slice_end_us;
	int64_t look_us; ///< for packets that take too long, not before
	uint32_t n_dead;
};

/* --- one connection */

/** Make an end of it; the shutdown wakes the loop, which then removes it. */
static void end(conn *c)
{
	if (!c->dead) {
		c->dead = true;
		c->tcp->n_dead++;
		shutdown(c->fd, SHUT_RDWR);
	}
}

static bool has_out(const conn *c)
{
	return c->out_from < c->out_used;
}

/** Be told of what it waits for: of bytes unless it pauses, of room if it has some to send.
 */
static void watch(conn *c)
{
	struct epoll_event events = {
		.events = (c->pauses ? 0 : (uint32_t)EPOLLIN) | (has_out(c) ? (uint32_t)EPOLLOUT : 0),
		.data.ptr = c};
	if (events.events != c->watched &&
		epoll_ctl(c->tcp->osc->wake, EPOLL_CTL_MOD, c->fd, &events) == 0) {
		c->watched = events.events;
	}
}

static void write_on(conn *c)
{
	while (has_out(c) && !c->dead) {
		ssize_t n = send(
			c->fd, c->out + c->out_from, c->out_used - c->out_from, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EINTR) {
			if (errno != EAGAIN) {
				end(c);
			}
			break;
		}
		c->out_from += n > 0 ? (size_t)n : 0;
	}
	watch(c);
	if (!has_out(c)) {
		c->out_from = c->out_used = 0;
		if (c->out_room > OUT_KEPT) {
			free(c->out);
			c->out = NULL;
			c->out_room = 0;
		}
	}
}

static bool make_out_room(conn *c, size_t more)
{
	if (c->out_from) {
		memmove(c->out, c->out + c->out_from, c->out_used - c->out_from);
		c->out_used -= c->out_from;
		c->out_from = 0;
	}
	if (c->out_used + more > c->out_room) {
		unsigned char *grown = realloc(c->out, c->out_used + more);
		if (!grown) {
			return false;
		}
		c->out = grown;
		c->out_room = c->out_used + more;
	}
	return true;
}

static bool tcp_send(void *ctx, const void *data, size_t size)
{
	conn *c = ctx;
	if (c->dead || c->out_used - c->out_from > OUT_PENDING_MAX ||
		!make_out_room(c, fb_framing_bound(size))) {
		return false;
	}
	c->out_used += fb_framing_put(c->in.kind, data, size, c->out + c->out_used);
	bool gathers = c == c->tcp->read && c->out_used - c->out_from < CORK_MAX;
	if (!gathers && !(c->watched & EPOLLOUT)) {
		write_on(c);
	}
	return true;
}

/** A reply could not be sent. On a stream nobody expects one to be missing. */
static void tcp_lost(void *ctx)
{
	conn *c = ctx;
	if (!c->dead) {
		c->tcp->osc->stats.dropped++;
	}
	end(c);
}

static fb_account *tcp_account(void *ctx, fb_accounts *accounts, int64_t now_us)
{
	(void)accounts, (void)now_us;
	return ((conn *)ctx)->account;
}

static const fb_osc_transport transport = {.send = tcp_send,
	.lost = tcp_lost,
	.account = tcp_account,
	.packet_max = BUNDLE_MAX,
	.bundles = true,
	.reliable = true};

static bool take_packet(void *ctx, const void *packet, size_t size)
{
	conn *c = ctx;
	struct fb_osc_tcp *tcp = c->tcp;
	fb_osc_packet(tcp->osc, c->client, packet, size, tcp->osc->now_us);
	tcp->osc->taken++;
	return !c->dead && fb_osc_clock_us() < tcp->slice_end_us;
}

/** Take packets off the front of what waits in the kernel, which keeps the rest for the next turn.
	Returns whether there may be more. */
static bool take_some(conn *c)
{
	static unsigned char data[READ_SIZE];
	fb_error error;
	ssize_t n = recv(c->fd, data, sizeof data, MSG_PEEK | MSG_DONTWAIT);
	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			end(c);
		}
		return n < 0 && errno == EINTR;
	}
	if (fb_framing_take(&c->in, data, (size_t)n, FB_OSC_PACKET_MAX, take_packet, c, &error)) {
		c->tcp->osc->stats.malformed++;
		if (c->in.kind != FB_FRAMING_UNKNOWN) {
			fb_osc_reply_error(c->client, NULL, &error);
			write_on(c);
		}
		end(c);
		return false;
	}
	/* TCP passes over what is taken with this flag, and writes nothing */
	ssize_t taken = recv(c->fd, data, c->in.taken, MSG_TRUNC | MSG_DONTWAIT);
	return taken < n || n == sizeof data;
}

/** Let a connection have its slice of the turn. */
static void read_on(conn *c)
{
	struct fb_osc_tcp *tcp = c->tcp;
	bool more = true;
	tcp->slice_end_us = fb_osc_clock_us() + SLICE_US;
	tcp->read = c;
	while (more && !c->dead && fb_osc_clock_us() < tcp->slice_end_us) {
		more = take_some(c);
	}
	tcp->read = NULL;
	if (has_out(c) && !c->dead) {
		write_on(c);
	}
	if (!fb_framing_is_partial(&c->in)) {
		c->begun_us = 0;
	} else if (!c->begun_us) {
		c->begun_us = tcp->osc->now_us;
	}
}

/* --- whose turn it is */

/** Its address has taken too much: it is not read from until that has come back. */
static void pause_reading(conn *c)
{
	TAILQ_INSERT_TAIL(&c->tcp->paused, c, in_pause);
	c->pauses = true;
	watch(c);
}

static void end_pause(conn *c)
{
	if (c->pauses) {
		TAILQ_REMOVE(&c->tcp->paused, c, in_pause);
		c->pauses = false;
	}
}

static int by_spent(const void *a, const void *b)
{
	const conn *const *x = a, *const *y = b;
	return ((*x)->spent_us > (*y)->spent_us) - ((*x)->spent_us < (*y)->spent_us);
}

/** Look after a connection that was told of; its address pays. */
static void serve(conn *c)
{
	fb_osc *osc = c->tcp->osc;
	int64_t began_us = fb_account_clock_us();
	if (c->ready & EPOLLOUT) {
		write_on(c);
	}
	if (c->ready & ~(uint32_t)EPOLLOUT && !c->dead) {
		TAILQ_REMOVE(&c->tcp->conns, c, in_use);
		TAILQ_INSERT_HEAD(&c->tcp->conns, c, in_use);
		if (c->pauses) {
			end(c); /* it is not told of bytes: the other side has gone */
		} else if (c->spent_us >= FB_ACCOUNT_MAX_US) {
			pause_reading(c);
		} else {
			read_on(c);
		}
	}
	fb_account_spend(c->account, SERVE_COST_US + fb_account_clock_us() - began_us, osc->now_us);
}

void fb_osc_tcp_serve(fb_osc *osc, int64_t until_us)
{
	struct fb_osc_tcp *tcp = osc->tcp;
	conn *c, *next;
	for (c = TAILQ_FIRST(&tcp->paused); c; c = next) {
		next = TAILQ_NEXT(c, in_pause);
		if (fb_account_spent_us(c->account, osc->now_us) < FB_ACCOUNT_MAX_US) {
			end_pause(c);
			watch(c);
		}
	}
	/* whoever is not reached is told of again */
	qsort(tcp->told, tcp->n_told, sizeof *tcp->told, by_spent);
	for (uint32_t i = 0; i < tcp->n_told && fb_osc_clock_us() < until_us; i++) {
		if (!tcp->told[i]->dead) {
			serve(tcp->told[i]);
		}
	}
	tcp->n_told = 0;
}

static void conn_remove(conn *c)
{
	struct fb_osc_tcp *tcp = c->tcp;
	TAILQ_REMOVE(&tcp->conns, c, in_use);
	end_pause(c);
	tcp->n_dead -= c->dead;
	tcp->osc->stats.connections--;
	c->account->connections[FB_VIA_OSC]--;
	fb_osc_client_remove(tcp->osc, c->client);
	fb_framing_finish(&c->in);
	free(c->out);
	close(c->fd);
	free(c);
}

/* --- who comes */

static void set_options(int fd)
{
	int silence_s = SILENCE_S, unheard_ms = UNHEARD_MS, buffer = SEND_BUFFER;
	/* none of these is needed to work: without them answers wait, and the dead linger */
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &silence_s, sizeof silence_s);
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unheard_ms, sizeof unheard_ms);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
}

/** Let go a connection that has no subscription: of this address, or of the one that has most of
	them if NULL; there the one heard of longest ago. */
static bool make_room(struct fb_osc_tcp *tcp, const fb_account *of)
{
	conn *c, *gone = NULL;
	TAILQ_FOREACH_REVERSE(c, &tcp->conns, conns, in_use)
	{
		bool may = !c->dead && !c->client->n_subs && (!of || c->account == of);
		if (may && (!gone || c->account->connections[FB_VIA_OSC] >
								 gone->account->connections[FB_VIA_OSC])) {
			gone = c;
		}
	}
	if (gone) {
		end(gone);
		tcp->osc->stats.dropped++;
	}
	return gone != NULL;
}

/** Is there room for one more of this address, now that perhaps another one has gone for it? */
static bool has_room(struct fb_osc_tcp *tcp, const fb_account *account)
{
	const fb_osc_options *options = &tcp->osc->options;
	if (account->connections[FB_VIA_OSC] >= options->connections_of_one) {
		return make_room(tcp, account);
	}
	return tcp->osc->stats.connections - tcp->n_dead < options->connections_max ||
		   make_room(tcp, NULL);
}

static bool welcome(void *ctx, int fd, const struct sockaddr_storage *address)
{
	struct fb_osc_tcp *tcp = ctx;
	fb_osc *osc = tcp->osc;
	const struct sockaddr *from = (const struct sockaddr *)address;
	if (osc->options.allow && !fb_allow_has(osc->options.allow, from)) {
		osc->stats.strangers++;
		return false;
	}
	fb_account *account = fb_account_of(osc->accounts, from, osc->now_us);
	if (!account) {
		return false;
	}
	fb_account_spend(account, ACCEPT_COST_US, osc->now_us);
	conn *c = has_room(tcp, account) ? calloc(1, sizeof *c) : NULL;
	if (!c) {
		return false;
	}
	char origin[80];
	struct epoll_event events = {.events = EPOLLIN, .data.ptr = c};
	fb_osc_origin_text(address, "osc tcp", origin, sizeof origin);
	c->tcp = tcp;
	c->fd = fd;
	c->account = account;
	c->watched = events.events;
	c->client = fb_osc_client_add(osc, &transport, c, origin);
	if (c->client && epoll_ctl(osc->wake, EPOLL_CTL_ADD, fd, &events)) {
		fb_osc_client_remove(osc, c->client);
		c->client = NULL;
	}
	if (!c->client) {
		free(c);
		return false;
	}
	set_options(fd);
	TAILQ_INSERT_HEAD(&tcp->conns, c, in_use);
	account->connections[FB_VIA_OSC]++;
	osc->stats.connections++;
	return true;
}

/* --- the loop's side */

void fb_osc_tcp_ready(fb_osc *osc, void *what, uint32_t events)
{
	struct fb_osc_tcp *tcp = osc->tcp;
	if (what == tcp) {
		osc->stats.dropped += fb_acceptor_take(&tcp->acceptor, welcome, tcp);
		return;
	}
	conn *c = what;
	if (tcp->n_told < FB_OSC_READY_MAX) {
		c->ready = events;
		c->spent_us = fb_account_spent_us(c->account, osc->now_us);
		tcp->told[tcp->n_told++] = c;
	}
}

void fb_osc_tcp_look(fb_osc *osc)
{
	struct fb_osc_tcp *tcp = osc->tcp;
	conn *c;
	if (osc->now_us < tcp->look_us) {
		return;
	}
	tcp->look_us = osc->now_us + LOOK_US;
	TAILQ_FOREACH(c, &tcp->conns, in_use)
	{
		if (c->begun_us && !c->dead && !c->pauses && osc->now_us - c->begun_us > FRAME_US) {
			end(c);
			osc->stats.dropped++;
		}
	}
}

void fb_osc_tcp_reap(fb_osc *osc)
{
	conn *c, *next;
	for (c = TAILQ_FIRST(&osc->tcp->conns); c && osc->tcp->n_dead; c = next) {
		next = TAILQ_NEXT(c, in_use);
		if (c->dead) {
			conn_remove(c);
		}
	}
}

fb_status fb_osc_tcp_open(
	fb_osc *osc, const struct sockaddr *address, socklen_t size, fb_error *error)
{
	struct fb_osc_tcp *tcp = calloc(1, sizeof *tcp);
	if (!tcp) {
		return fb_fail(error, FB_NO_MEMORY, "OSC", "out of memory");
	}
	struct epoll_event events = {.events = EPOLLIN, .data.ptr = tcp};
	osc->tcp = tcp;
	tcp->osc = osc;
	tcp->acceptor = (fb_acceptor){-1, -1};
	TAILQ_INIT(&tcp->conns);
	TAILQ_INIT(&tcp->paused);
	int fault = fb_acceptor_open(&tcp->acceptor, address, size);
	if (!fault && epoll_ctl(osc->wake, EPOLL_CTL_ADD, tcp->acceptor.fd, &events)) {
		fault = errno;
	}
	if (fault) {
		char where[128];
		snprintf(where, sizeof where, "%s TCP port %u",
			osc->options.listen ? osc->options.listen : "127.0.0.1", fb_osc_port(osc));
		return fb_fail(error, fault == EADDRINUSE ? FB_EXISTS : FB_IO, where,
			"cannot listen for OSC: %s%s", strerror(fault),
			fault == EADDRINUSE ? "; another program has this port, choose another" : "");
	}
	return FB_OK;
}

void fb_osc_tcp_close(fb_osc *osc)
{
	struct fb_osc_tcp *tcp = osc->tcp;
	conn *c;
	if (!tcp) {
		return;
	}
	while ((c = TAILQ_FIRST(&tcp->conns))) {
		conn_remove(c);
	}
	fb_acceptor_close(&tcp->acceptor);
	free(tcp);
	osc->tcp = NULL;
}
