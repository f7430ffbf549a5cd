/* SPDX-License-Identifier: GPL-3.0-or-later */
/** OSC packets on a stream: OSC 1.1's SLIP with END at both ends, or OSC 1.0's size count. Which of
	them is seen from the first byte of a connection, and answers go out in kind.

	thread: any, one at a time
	source: OSC 1.1 (Freed, Schmeder 2009) 2.1; RFC 1055; OSC 1.0 "OSC Packets" */
#ifndef FB_FRAMING_H
#define FB_FRAMING_H

#include "../graph/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum fb_framing_kind {
	FB_FRAMING_UNKNOWN, ///< nothing has come yet
	FB_FRAMING_SLIP,    ///< 0xC0, or '/' or '#' where the first END was left out
	FB_FRAMING_COUNT,   ///< a size below 16 MiB starts with 0
} fb_framing_kind;

/** One direction of one connection. Zeroed: at its start. */
typedef struct fb_framing {
	fb_framing_kind kind;
	unsigned char *packet; ///< what has come of the present one; owned
	size_t used, room;
	size_t wanted;        ///< COUNT: bytes the present packet has
	unsigned head;        ///< COUNT: bytes of the size that have come
	size_t taken;         ///< bytes of the last call that are done with: all, unless told to stop
	bool escaped, spoilt; ///< SLIP: after ESC; in a packet with a bad escape, which is passed over
} fb_framing;

/** A whole packet; false: take no more for now. */
typedef bool fb_framing_fn(void *ctx, const void *packet, size_t size);

/** Take bytes as they come, however they were split. Empty packets are passed over.
	errors: FB_INVALID (a first byte of neither framing), FB_TOO_LARGE (a packet above
			packet_max), FB_NO_MEMORY; the connection is of no more use then */
FB_MUST_CHECK fb_status fb_framing_take(fb_framing *framing, const void *data, size_t size,
	size_t packet_max, fb_framing_fn *packet, void *ctx, fb_error *error);
/** Has a packet begun that is not whole yet? */
bool fb_framing_is_partial(const fb_framing *framing);
void fb_framing_finish(fb_framing *framing);

/** Bytes that a packet takes at most when framed. */
size_t fb_framing_bound(size_t size);
/** Frame a packet: SLIP unless the kind is COUNT. Returns the length.
	range: out has room for fb_framing_bound(size) */
size_t fb_framing_put(fb_framing_kind kind, const void *packet, size_t size, void *out);

#endif
