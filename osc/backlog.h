/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Packets that wait for their turn, first in, first out. thread: any, one at a time */
#ifndef FB_BACKLOG_H
#define FB_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/** One of them; its bytes follow it. */
typedef struct fb_backlog_packet {
	struct sockaddr_storage from;
	socklen_t from_size;
	uint32_t size; ///< bytes
	unsigned char data[];
} fb_backlog_packet;

typedef struct fb_backlog fb_backlog;

/** range: room, in bytes, is for packets and as much again as their senders' addresses take.
	errors: NULL when out of memory */
fb_backlog *fb_backlog_create(size_t room);
void fb_backlog_destroy(fb_backlog *backlog); ///< NULL is allowed
/** false: there is no room for it now. */
bool fb_backlog_put(fb_backlog *backlog, const struct sockaddr_storage *from, socklen_t from_size,
	const void *data, size_t size);
/** The one that has waited longest, until it is dropped; NULL: there is none. */
const fb_backlog_packet *fb_backlog_first(const fb_backlog *backlog);
void fb_backlog_drop(fb_backlog *backlog); ///< the first

#endif
