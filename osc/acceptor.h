/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A TCP socket that listens, and goes on doing so when descriptors are out. thread: control */
#ifndef FB_ACCEPTOR_H
#define FB_ACCEPTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/** {-1, -1}: not open. */
typedef struct fb_acceptor {
	int fd;    ///< to poll for reading
	int spare; ///< given up for a moment to turn somebody away when descriptors are out
} fb_acceptor;

/** Somebody has come. fd: does not block, sends at once, asks the dead whether they live; it is
	welcome()'s if that returns true, else closed. */
typedef bool fb_acceptor_fn(void *ctx, int fd, const struct sockaddr_storage *from);

/** Returns 0, or what errno says: EADDRINUSE where another program has the port. It is to be closed
	in either case. */
int fb_acceptor_open(fb_acceptor *acceptor, const struct sockaddr *at, socklen_t size);
void fb_acceptor_close(fb_acceptor *acceptor); ///< no-op if it is not open
/** Take some of those who have come; of more it remains readable. Returns how many were not
	welcome. */
uint32_t fb_acceptor_take(fb_acceptor *acceptor, fb_acceptor_fn *welcome, void *ctx);

#endif
