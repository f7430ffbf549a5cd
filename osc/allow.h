/* SPDX-License-Identifier: GPL-3.0-or-later */
/** From where OSC is taken: OSC has no token, so its senders are known by their address. */
#ifndef FB_ALLOW_H
#define FB_ALLOW_H

#include "../graph/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/** Networks, IPv4 and IPv6. All zero: none but this machine itself. */
typedef struct fb_allow {
	struct {
		unsigned char address[16]; ///< IPv4 as ::ffff:a.b.c.d
		unsigned bits;             ///< of it that count
	} net[32];
	uint32_t count;
} fb_allow;

/** Add "192.168.1.0/24", "10.0.0.7", "fe80::/10". errors: FB_INVALID, FB_TOO_MANY */
FB_MUST_CHECK fb_status fb_allow_add(fb_allow *allow, const char *network, fb_error *error);
/** This machine's loopback may always. thread: any */
bool fb_allow_has(const fb_allow *allow, const struct sockaddr *peer);

#endif
