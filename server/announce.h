/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Announcing the server on the local network by mDNS: _oscjson._tcp for HTTP and OSCQuery,
	_osc._udp for OSC, through Avahi's daemon. Only where the server listens beyond loopback, and on
	the interface that it listens on. Whether there is a daemon, and when it comes and goes, is all
	the same to the server: a thread of its own waits for it. */
#ifndef FB_ANNOUNCE_H
#define FB_ANNOUNCE_H

#include "../graph/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fb_announce fb_announce;

/** Start to announce; *out is NULL where there is nothing to announce (`listen` is loopback).
	errors: FB_NO_MEMORY, FB_IO (no thread) */
FB_MUST_CHECK fb_status fb_announce_start(const char *name, const char *listen, uint16_t http_port,
	uint16_t osc_port, fb_announce **out, fb_error *error);
void fb_announce_stop(fb_announce *announce); ///< takes the names back; NULL is allowed

/** The name under which the server is announced now, "" while it is not. It differs from the one
	that was asked for where another host has that. announce may be NULL. thread: any */
void fb_announce_name(fb_announce *announce, char *name, size_t size);

/** Does this address reach no further than this machine? */
bool fb_is_loopback(const char *address);

#endif
