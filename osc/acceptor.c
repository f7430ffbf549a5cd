/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

enum { TAKEN_MAX = 64 }; /* at a turn: then those that have said something have theirs */

static int open_spare(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int fb_acceptor_open(fb_acceptor *acceptor, const struct sockaddr *at, socklen_t size)
{
	int on = 1;
	acceptor->spare = open_spare();
	acceptor->fd = socket(at->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* reuse: connections of a server that ended do not keep its port */
	bool good = acceptor->spare >= 0 && acceptor->fd >= 0 &&
				!setsockopt(acceptor->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) &&
				!bind(acceptor->fd, at, size) && !listen(acceptor->fd, SOMAXCONN);
	return good ? 0 : errno;
}

void fb_acceptor_close(fb_acceptor *acceptor)
{
	int *const fds[] = {&acceptor->fd, &acceptor->spare};
	for (int i = 0; i < 2; i++) {
		if (*fds[i] >= 0) {
			close(*fds[i]);
		}
		*fds[i] = -1;
	}
}

/** Descriptors are out: take the next one in the queue and let it go, or it would wake us for
	ever. false: there was nobody; the kernel wants a descriptor before it looks. */
static bool turn_away(fb_acceptor *acceptor)
{
	struct sockaddr_storage from;
	socklen_t size = sizeof from;
	if (acceptor->spare >= 0) {
		close(acceptor->spare);
	}
	int fd = accept4(acceptor->fd, (struct sockaddr *)&from, &size, SOCK_CLOEXEC);
	if (fd >= 0) {
		close(fd);
	}
	acceptor->spare = open_spare();
	return fd >= 0;
}

static void set_options(int fd)
{
	int on = 1;
	/* neither is needed to work: without them answers are later, and the dead linger */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

uint32_t fb_acceptor_take(fb_acceptor *acceptor, fb_acceptor_fn *welcome, void *ctx)
{
	uint32_t turned_away = 0;
	for (int i = 0; i < TAKEN_MAX; i++) {
		struct sockaddr_storage from = {0};
		socklen_t size = sizeof from;
		int fd =
			accept4(acceptor->fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
			if (!turn_away(acceptor)) {
				break;
			}
			turned_away++;
		} else if (fd < 0 && errno != ECONNABORTED && errno != EINTR) {
			break;
		} else if (fd >= 0) {
			set_options(fd);
			if (!welcome(ctx, fd, &from)) {
				close(fd);
				turned_away++;
			}
		}
	}
	return turned_away;
}
