/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TCP on the port that UDP has: each connection is a client, and framed as it frames.
   thread: control */
#include "framing.h"
#include "server_private.h"

#include <errno.h>
#include <fcntl.h>
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
	READS_MAX = 4,               /* of one connection at a turn */
	ACCEPTS_MAX = 64,            /* at a turn */
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
	bool writing;             ///< told when there is room again
	bool dead;                ///< to be removed at the end of the turn
	TAILQ_ENTRY(conn) in_use; ///< the last heard first
} conn;

TAILQ_HEAD(conns, conn);

struct fb_osc_tcp {
	fb_osc *osc;
	int fd;    ///< listens
	int spare; ///< given up for a moment to turn somebody away when descriptors are out
	struct conns conns;
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

static void watch(conn *c, bool writing)
{
	struct epoll_event events = {
		.events = EPOLLIN | (writing ? (uint32_t)EPOLLOUT : 0), .data.ptr = c};
	if (writing != c->writing && epoll_ctl(c->tcp->osc->wake, EPOLL_CTL_MOD, c->fd, &events) == 0) {
		c->writing = writing;
	}
}

static void write_on(conn *c)
{
	while (c->out_from < c->out_used && !c->dead) {
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
	watch(c, c->out_from < c->out_used);
	if (c->out_from == c->out_used) {
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
	write_on(c);
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

static const fb_osc_transport transport = {.send = tcp_send,
	.lost = tcp_lost,
	.packet_max = BUNDLE_MAX,
	.bundles = true,
	.reliable = true};

static bool take_packet(void *ctx, const void *packet, size_t size)
{
	conn *c = ctx;
	fb_osc_packet(c->tcp->osc, c->client, packet, size, c->tcp->osc->now_us);
	c->tcp->osc->taken++;
	return !c->dead;
}

static void read_on(conn *c)
{
	static unsigned char data[READ_SIZE];
	fb_error error;
	for (int reads = 0; reads < READS_MAX && !c->dead; reads++) {
		ssize_t n = recv(c->fd, data, sizeof data, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			if (n == 0 || errno != EAGAIN) {
				end(c);
			}
			return;
		}
		if (fb_framing_take(&c->in, data, (size_t)n, FB_OSC_PACKET_MAX, take_packet, c, &error)) {
			c->tcp->osc->stats.malformed++;
			if (c->in.kind != FB_FRAMING_UNKNOWN) {
				fb_osc_reply_error(c->client, NULL, &error);
			}
			end(c);
		}
	}
}

static void conn_remove(conn *c)
{
	struct fb_osc_tcp *tcp = c->tcp;
	TAILQ_REMOVE(&tcp->conns, c, in_use);
	tcp->n_dead -= c->dead;
	tcp->osc->stats.connections--;
	fb_osc_client_remove(tcp->osc, c->client);
	fb_framing_finish(&c->in);
	free(c->out);
	close(c->fd);
	free(c);
}

/* --- who comes */

static void set_options(int fd)
{
	int on = 1, silence_s = SILENCE_S, unheard_ms = UNHEARD_MS;
	/* none of these is needed to work: without them answers are later, and the dead linger */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &silence_s, sizeof silence_s);
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unheard_ms, sizeof unheard_ms);
}

/** Let go the connection heard of longest ago that has no subscription. */
static bool make_room(struct fb_osc_tcp *tcp)
{
	conn *c;
	TAILQ_FOREACH_REVERSE(c, &tcp->conns, conns, in_use)
	{
		if (!c->dead && !c->client->n_subs) {
			end(c);
			tcp->osc->stats.dropped++;
			return true;
		}
	}
	return false;
}

static bool welcome(struct fb_osc_tcp *tcp, int fd, const struct sockaddr_storage *address)
{
	fb_osc *osc = tcp->osc;
	if (osc->options.allow && !fb_allow_has(osc->options.allow, (const struct sockaddr *)address)) {
		osc->stats.strangers++;
		return false;
	}
	uint32_t living = osc->stats.connections - tcp->n_dead;
	if (living >= osc->options.connections_max && !make_room(tcp)) {
		return false;
	}
	conn *c = calloc(1, sizeof *c);
	if (!c) {
		return false;
	}
	char origin[80];
	struct epoll_event events = {.events = EPOLLIN, .data.ptr = c};
	fb_osc_origin_text(address, "osc tcp", origin, sizeof origin);
	c->tcp = tcp;
	c->fd = fd;
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
	osc->stats.connections++;
	return true;
}

/** Descriptors are out: take the next one in the queue and let it go, or it would wake us for
	ever. */
static void turn_away(struct fb_osc_tcp *tcp)
{
	close(tcp->spare);
	struct sockaddr_storage address;
	socklen_t size = sizeof address;
	int fd = accept4(tcp->fd, (struct sockaddr *)&address, &size, SOCK_CLOEXEC);
	if (fd >= 0) {
		close(fd);
	}
	tcp->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	tcp->osc->stats.dropped++;
}

static void accept_all(struct fb_osc_tcp *tcp)
{
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		struct sockaddr_storage address = {0};
		socklen_t size = sizeof address;
		int fd = accept4(tcp->fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
			turn_away(tcp);
		} else if (fd < 0 && errno != ECONNABORTED && errno != EINTR) {
			return;
		} else if (fd >= 0 && !welcome(tcp, fd, &address)) {
			close(fd);
			tcp->osc->stats.dropped++;
		}
	}
}

/* --- the loop's side */

void fb_osc_tcp_ready(fb_osc *osc, void *what, uint32_t events)
{
	struct fb_osc_tcp *tcp = osc->tcp;
	if (what == tcp) {
		accept_all(tcp);
		return;
	}
	conn *c = what;
	TAILQ_REMOVE(&tcp->conns, c, in_use);
	TAILQ_INSERT_HEAD(&tcp->conns, c, in_use);
	if (events & EPOLLOUT) {
		write_on(c);
	}
	if (events & ~(uint32_t)EPOLLOUT) {
		read_on(c);
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
	int on = 1;
	struct epoll_event events = {.events = EPOLLIN, .data.ptr = tcp};
	osc->tcp = tcp;
	tcp->osc = osc;
	TAILQ_INIT(&tcp->conns);
	tcp->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	tcp->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (tcp->fd >= 0) { /* connections of a server that ended do not keep its port */
		setsockopt(tcp->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	}
	if (tcp->fd < 0 || bind(tcp->fd, address, size) || listen(tcp->fd, SOMAXCONN) ||
		epoll_ctl(osc->wake, EPOLL_CTL_ADD, tcp->fd, &events)) {
		char where[128];
		snprintf(where, sizeof where, "%s TCP port %u",
			osc->options.listen ? osc->options.listen : "127.0.0.1", fb_osc_port(osc));
		return fb_fail(error, errno == EADDRINUSE ? FB_EXISTS : FB_IO, where,
			"cannot listen for OSC: %s%s", strerror(errno),
			errno == EADDRINUSE ? "; another program has this port, choose another" : "");
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
	if (tcp->fd >= 0) {
		close(tcp->fd);
	}
	if (tcp->spare >= 0) {
		close(tcp->spare);
	}
	free(tcp);
	osc->tcp = NULL;
}
