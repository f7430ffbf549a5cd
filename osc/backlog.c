/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backlog.h"

#include <stdlib.h>
#include <string.h>

/** A ring in which each packet lies in one piece: what is too short for it at the end is left. */
struct fb_backlog {
	size_t room, first, next; ///< where the first begins, where the next is put
	size_t end;               ///< of what is before a turn of the ring
	uint32_t count;
	_Alignas(fb_backlog_packet) unsigned char memory[];
};

fb_backlog *fb_backlog_create(size_t room)
{
	fb_backlog *backlog = malloc(sizeof *backlog + room);
	if (backlog) {
		memset(backlog, 0, sizeof *backlog);
		backlog->room = room;
	}
	return backlog;
}

void fb_backlog_destroy(fb_backlog *backlog)
{
	free(backlog);
}

static size_t taken_by(size_t size)
{
	size_t align = _Alignof(fb_backlog_packet);
	return (sizeof(fb_backlog_packet) + size + align - 1) / align * align;
}

/** Where so many bytes fit. false: nowhere. */
static bool place(fb_backlog *backlog, size_t size)
{
	bool turned = backlog->count && backlog->next <= backlog->first;
	if (turned) {
		return size <= backlog->first - backlog->next;
	}
	if (size <= backlog->room - backlog->next) {
		return true;
	}
	if (size > backlog->first) {
		return false;
	}
	backlog->end = backlog->next;
	backlog->next = 0;
	return true;
}

bool fb_backlog_put(fb_backlog *backlog, const struct sockaddr_storage *from, socklen_t from_size,
	const void *data, size_t size)
{
	if (!backlog->count) {
		backlog->first = backlog->next = 0;
	}
	if (!place(backlog, taken_by(size))) {
		return false;
	}
	fb_backlog_packet *packet = (void *)(backlog->memory + backlog->next);
	packet->from = *from;
	packet->from_size = from_size;
	packet->size = (uint32_t)size;
	if (size) {
		memcpy(packet->data, data, size);
	}
	backlog->next += taken_by(size);
	backlog->count++;
	return true;
}

const fb_backlog_packet *fb_backlog_first(const fb_backlog *backlog)
{
	return backlog->count ? (const void *)(backlog->memory + backlog->first) : NULL;
}

void fb_backlog_drop(fb_backlog *backlog)
{
	bool turned = backlog->next <= backlog->first;
	backlog->first += taken_by(fb_backlog_first(backlog)->size);
	backlog->count--;
	if (turned && backlog->first == backlog->end) {
		backlog->first = 0;
	}
}
