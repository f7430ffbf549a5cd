/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "framing.h"

#include <stdlib.h>
#include <string.h>

enum {
	END = 0xC0,
	ESC = 0xDB,
	ESC_END = 0xDC,
	ESC_ESC = 0xDD,
	HEAD = 4,            /* bytes of a size count */
	ROOM_AT_START = 512, /* most messages are far smaller */
	ROOM_KEPT = 4096,    /* a large packet's memory is given back after it */
};

static fb_status grow(fb_framing *framing, size_t room, size_t packet_max, fb_error *error)
{
	if (room > packet_max) {
		return fb_fail(error, FB_TOO_LARGE, "TCP", "a packet is larger than %zu bytes", packet_max);
	}
	size_t size = framing->room ? framing->room : ROOM_AT_START;
	while (size < room) {
		size *= 2;
	}
	if (size > framing->room) {
		unsigned char *grown = realloc(framing->packet, size);
		if (!grown) {
			return fb_fail(error, FB_NO_MEMORY, "TCP", "out of memory");
		}
		framing->packet = grown;
		framing->room = size;
	}
	return FB_OK;
}

static bool hand_over(fb_framing *framing, fb_framing_fn *packet, void *ctx)
{
	bool more = !framing->used || framing->spoilt || packet(ctx, framing->packet, framing->used);
	framing->used = 0;
	framing->wanted = framing->head = 0;
	framing->escaped = framing->spoilt = false;
	if (framing->room > ROOM_KEPT) {
		fb_framing_finish(framing);
	}
	return more;
}

/** One byte of a SLIP stream that is not END. */
static void slip_byte(fb_framing *framing, unsigned char byte)
{
	if (framing->escaped) {
		framing->escaped = false;
		framing->spoilt |= byte != ESC_END && byte != ESC_ESC;
		byte = byte == ESC_END ? END : ESC;
	} else if (byte == ESC) {
		framing->escaped = true;
		return;
	}
	framing->packet[framing->used++] = byte;
}

static fb_status take_slip(fb_framing *framing, const unsigned char *data, size_t size,
	size_t packet_max, fb_framing_fn *packet, void *ctx, fb_error *error)
{
	for (size_t i = 0; i < size; i++) {
		if (data[i] == END) {
			/* in the middle of an escape: the packet was cut */
			framing->spoilt |= framing->escaped;
			if (!hand_over(framing, packet, ctx)) {
				framing->taken = i + 1;
				return FB_OK;
			}
			continue;
		}
		fb_status status = grow(framing, framing->used + 1, packet_max, error);
		if (status) {
			return status;
		}
		slip_byte(framing, data[i]);
	}
	return FB_OK;
}

static fb_status take_counted(fb_framing *framing, const unsigned char *data, size_t size,
	size_t packet_max, fb_framing_fn *packet, void *ctx, fb_error *error)
{
	const unsigned char *from = data;
	while (size) {
		if (framing->head < HEAD) {
			framing->wanted = framing->wanted << 8 | *data++;
			framing->head++;
			size--;
			if (framing->head < HEAD) {
				continue;
			}
			fb_status status = grow(framing, framing->wanted, packet_max, error);
			if (status) {
				return status;
			}
		}
		size_t left = framing->wanted - framing->used, n = left < size ? left : size;
		if (n) {
			memcpy(framing->packet + framing->used, data, n);
		}
		framing->used += n;
		data += n;
		size -= n;
		if (framing->used == framing->wanted && !hand_over(framing, packet, ctx)) {
			framing->taken = (size_t)(data - from);
			return FB_OK;
		}
	}
	return FB_OK;
}

fb_status fb_framing_take(fb_framing *framing, const void *data, size_t size, size_t packet_max,
	fb_framing_fn *packet, void *ctx, fb_error *error)
{
	const unsigned char *bytes = data;
	framing->taken = size;
	if (size && framing->kind == FB_FRAMING_UNKNOWN) {
		if (*bytes == END || *bytes == '/' || *bytes == '#') {
			framing->kind = FB_FRAMING_SLIP;
		} else if (*bytes == 0) {
			framing->kind = FB_FRAMING_COUNT;
		} else {
			return fb_fail(error, FB_INVALID, "TCP",
				"this is neither SLIP nor a size count: the first byte is 0x%02x", *bytes);
		}
	}
	return framing->kind == FB_FRAMING_COUNT
			   ? take_counted(framing, bytes, size, packet_max, packet, ctx, error)
			   : take_slip(framing, bytes, size, packet_max, packet, ctx, error);
}

bool fb_framing_is_partial(const fb_framing *framing)
{
	return framing->used || framing->head || framing->escaped;
}

void fb_framing_finish(fb_framing *framing)
{
	free(framing->packet);
	framing->packet = NULL;
	framing->room = 0;
}

size_t fb_framing_bound(size_t size)
{
	return 2 * size + HEAD;
}

size_t fb_framing_put(fb_framing_kind kind, const void *packet, size_t size, void *out)
{
	const unsigned char *from = packet;
	unsigned char *to = out;
	if (kind == FB_FRAMING_COUNT) {
		for (int i = 0; i < HEAD; i++) {
			to[i] = (unsigned char)(size >> (24 - 8 * i));
		}
		memcpy(to + HEAD, packet, size);
		return size + HEAD;
	}
	*to++ = END;
	for (size_t i = 0; i < size; i++) {
		if (from[i] == END || from[i] == ESC) {
			*to++ = ESC;
			*to++ = from[i] == END ? ESC_END : ESC_ESC;
		} else {
			*to++ = from[i];
		}
	}
	*to++ = END;
	return (size_t)(to - (unsigned char *)out);
}
