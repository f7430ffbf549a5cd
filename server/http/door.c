/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "door.h"

#include "../../osc/acceptor.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	TURN_US = 2000,     /* of one fb_door_service() */
	READY_MAX = 64,     /* sockets told of at once */
	LET_IN_MAX = 16,    /* at a turn, of those whose address has taken much of late */
	GUEST_COST_US = 60, /* what one takes of the system, beside what it asks */
	LOOK_COST_US = 5
};

/** Somebody who has come, and not yet said what it wants, or not yet been let in. */
typedef struct guest {
	int fd;
	fb_account *account;
	int64_t due_us; ///< then it has to be let in
	uint32_t looks; ///< that brought something
	bool ready;     ///< its head is whole
	uint64_t tried; ///< the turn in which there was no room for it
	TAILQ_ENTRY(guest) in_door;
} guest;

struct fb_door {
	fb_http *http;
	int wake; ///< an epoll of all sockets
	fb_acceptor acceptor;
	uint16_t port;
	TAILQ_HEAD(guests, guest) guests; ///< the last come first
	uint32_t n_guests;
	uint64_t turn;
};

static int64_t now_us(void)
{
	return (int64_t)(fb_now_s() * 1e6);
}

/* --- out again */

static void forget(fb_door *door, guest *g)
{
	TAILQ_REMOVE(&door->guests, g, in_door);
	door->n_guests--;
	g->account->connections[FB_VIA_DOOR]--;
	free(g);
}

static void drop(fb_door *door, guest *g)
{
	close(g->fd);
	forget(door, g);
}

/** Tell it why, as far as it listens. */
static void turn_away(fb_door *door, guest *g, int code, const char *name, const char *text)
{
	char answer[512], body[128], seen[FB_HEAD_MAX];
	int len =
		snprintf(body, sizeof body, "{\"error\":{\"code\":%d,\"message\":\"%s\"}}", code, text);
	len = snprintf(answer, sizeof answer,
		"HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
		"Cache-Control: no-store\r\nRetry-After: 1\r\nConnection: close\r\n\r\n%s",
		code, name, len, body);
	/* what was not read would make the system take the answer back */
	(void)!recv(g->fd, seen, sizeof seen, MSG_DONTWAIT);
	(void)!send(g->fd, answer, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
	door->http->stats.refused++;
	drop(door, g);
}

/** The time is over. Who said nothing at all, as browsers' spare connections, is told nothing. */
static void dismiss(fb_door *door, guest *g)
{
	if (g->ready) {
		turn_away(door, g, 503, "Service Unavailable", "there are too many connections");
	} else {
		door->http->stats.dropped++;
		if (g->looks) {
			turn_away(door, g, 408, "Request Timeout", "the head did not come in time");
		} else {
			drop(door, g);
		}
	}
}

static void dismiss_late(fb_door *door)
{
	int64_t now = now_us();
	guest *g;
	while ((g = TAILQ_LAST(&door->guests, guests)) && g->due_us <= now) {
		dismiss(door, g);
	}
}

/* --- in */

/** Let the oldest go whose head is not there: of this address, or of the one that has most. */
static void make_room(fb_door *door, const fb_account *of)
{
	guest *g, *gone = NULL;
	TAILQ_FOREACH_REVERSE(g, &door->guests, guests, in_door)
	{
		bool may = !of || g->account == of;
		if (may && (!gone || (gone->ready && !g->ready) ||
					   (gone->ready == g->ready && g->account->connections[FB_VIA_DOOR] >
													   gone->account->connections[FB_VIA_DOOR]))) {
			gone = g;
		}
	}
	if (gone) {
		dismiss(door, gone);
	}
}

static bool welcome(void *ctx, int fd, const struct sockaddr_storage *from)
{
	fb_door *door = ctx;
	int64_t now = now_us();
	fb_account *account =
		fb_account_of(door->http->server->accounts, (const struct sockaddr *)from, now);
	guest *g = account ? calloc(1, sizeof *g) : NULL;
	if (!g) {
		return false;
	}
	struct epoll_event events = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = g};
	if (epoll_ctl(door->wake, EPOLL_CTL_ADD, fd, &events)) {
		free(g);
		return false;
	}
	fb_account_spend(account, GUEST_COST_US, now);
	*g = (guest){.fd = fd, .account = account, .due_us = now + FB_HEAD_S * (int64_t)1000000};
	if (account->connections[FB_VIA_DOOR] >= FB_GUESTS_OF_ONE) {
		make_room(door, account);
	} else if (door->n_guests >= FB_GUESTS_MAX) {
		make_room(door, NULL);
	}
	TAILQ_INSERT_HEAD(&door->guests, g, in_door);
	account->connections[FB_VIA_DOOR]++;
	door->n_guests++;
	return true;
}

/** Is the head there? It stays in the kernel, for libwebsockets to read. */
static void look(fb_door *door, guest *g)
{
	static char head[FB_HEAD_MAX];
	ssize_t n = recv(g->fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT);
	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			drop(door, g);
		}
		return;
	}
	fb_account_spend(g->account, LOOK_COST_US, now_us());
	size_t skip = 0;
	while (skip < (size_t)n && (head[skip] == '\r' || head[skip] == '\n')) {
		skip++;
	}
	if (skip) { /* empty lines before a request are to be passed over; libwebsockets does not */
		char empty[FB_HEAD_MAX];
		(void)!recv(g->fd, empty, skip, MSG_DONTWAIT);
	}
	if (skip < (size_t)n && !isupper((unsigned char)head[skip])) {
		turn_away(door, g, 400, "Bad Request", "this is not HTTP");
	} else if (memmem(head + skip, (size_t)n - skip, "\r\n\r\n", 4)) {
		g->ready = true;
	} else if (n == sizeof head) {
		turn_away(door, g, 431, "Request Header Fields Too Large", "the head is too large");
	} else if (++g->looks > FB_HEAD_PIECES_MAX) {
		turn_away(door, g, 400, "Bad Request", "the head comes in too many pieces");
	}
}

/** If there is room: where not, somebody else is on his way out for it. */
static void let_in(fb_door *door, guest *g)
{
	fb_http *http = door->http;
	g->tried = door->turn;
	if (!fb_peers_have_room(http->peers, g->account)) {
		return;
	}
	epoll_ctl(door->wake, EPOLL_CTL_DEL, g->fd, NULL);
	if (!fb_http_take(http, g->fd, g->account)) { /* it has closed it */
		http->stats.dropped++;
	}
	forget(door, g);
}

/** The one whose address has taken least, and of these the one that came first. */
static guest *next_ready(const fb_door *door)
{
	guest *best = NULL, *g;
	int64_t least_us = INT64_MAX, now = now_us();
	TAILQ_FOREACH_REVERSE(g, &door->guests, guests, in_door)
	{
		if (!g->ready || g->tried == door->turn) {
			continue;
		}
		int64_t spent_us = fb_account_spent_us(g->account, now);
		if (spent_us < least_us) {
			least_us = spent_us;
			best = g;
		}
	}
	return best;
}

static void let_some_in(fb_door *door, int64_t until_us)
{
	guest *g;
	for (int n = 0; (g = next_ready(door)) && now_us() < until_us;) {
		n += !fb_account_is_good(g->account, now_us());
		if (n > LET_IN_MAX) {
			return;
		}
		let_in(door, g);
	}
}

void fb_door_service(fb_door *door)
{
	struct epoll_event ready[READY_MAX];
	int64_t until_us = now_us() + TURN_US;
	int n;
	door->turn++;
	do {
		n = epoll_wait(door->wake, ready, READY_MAX, 0);
		bool comes = false;
		for (int i = 0; i < n; i++) {
			if (ready[i].data.ptr == door) {
				comes = true; /* at last: it may let go one of those that are told of here */
			} else {
				look(door, ready[i].data.ptr);
			}
		}
		if (comes) {
			door->http->stats.dropped += fb_acceptor_take(&door->acceptor, welcome, door);
		}
	} while (n > 0 && now_us() < until_us);
	dismiss_late(door);
	let_some_in(door, until_us);
}

uint32_t fb_door_guests(const fb_door *door)
{
	return door->n_guests;
}

int fb_door_port(const fb_door *door)
{
	return door->port;
}

int fb_door_fd(const fb_door *door)
{
	return door->wake;
}

/* --- opening */

/** Returns what errno says, or 0. */
static int listen_at(fb_door *door, const struct addrinfo *at)
{
	struct sockaddr_storage own;
	socklen_t size = sizeof own;
	struct epoll_event events = {.events = EPOLLIN, .data.ptr = door};
	int fault = fb_acceptor_open(&door->acceptor, at->ai_addr, at->ai_addrlen);
	if (fault) {
		return fault;
	}
	if (getsockname(door->acceptor.fd, (struct sockaddr *)&own, &size) ||
		epoll_ctl(door->wake, EPOLL_CTL_ADD, door->acceptor.fd, &events)) {
		return errno;
	}
	/* the port is at the same place in both families */
	door->port = ntohs(((struct sockaddr_in *)&own)->sin_port);
	return 0;
}

fb_status fb_door_open(fb_http *http, fb_door **out, fb_error *error)
{
	const fb_options *options = &http->server->options;
	char port[8];
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
						.ai_socktype = SOCK_STREAM},
					*at;
	fb_door *door = calloc(1, sizeof *door);
	if (!door) {
		return fb_fail(error, FB_NO_MEMORY, "http", "out of memory");
	}
	TAILQ_INIT(&door->guests);
	door->http = http;
	door->acceptor = (fb_acceptor){-1, -1};
	door->wake = epoll_create1(EPOLL_CLOEXEC);
	snprintf(port, sizeof port, "%d", options->http_port);
	int code = getaddrinfo(options->listen, port, &hints, &at);
	if (code) {
		fb_door_close(door);
		return fb_fail(error, FB_INVALID, options->listen, "not an address to listen on: %s",
			gai_strerror(code));
	}
	int fault = listen_at(door, at);
	freeaddrinfo(at);
	if (fault) {
		fb_door_close(door);
		return fb_fail(error, FB_IO, "http", "%s port %d cannot be opened: %s", options->listen,
			options->http_port, strerror(fault));
	}
	*out = door;
	return FB_OK;
}

void fb_door_close(fb_door *door)
{
	guest *g;
	if (!door) {
		return;
	}
	while ((g = TAILQ_FIRST(&door->guests))) {
		drop(door, g);
	}
	fb_acceptor_close(&door->acceptor);
	if (door->wake >= 0) {
		close(door->wake);
	}
	free(door);
}
