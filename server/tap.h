/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Audio taps over WebSocket: GET /api/stations/N/audio-tap?point=in|out.

    The client gets a JSON header as a text frame, then binary frames, each an 8-byte little-endian
    frame number and interleaved float32. Several clients may listen to one station; one that is
    slower than the audio is dropped and counted, and the others do not feel it. thread: control */
#ifndef FB_TAP_H
#define FB_TAP_H

#include "http.h"

struct lws;

/** Is this path a tap of a station that exists? */
bool fb_tap_path(
	const fb_server *server, const char *path, const char *query, uint32_t *station, bool *output);
/** A WebSocket client came. NULL: no room for it. */
fb_tap *fb_tap_open(fb_server *server, struct lws *wsi, uint32_t station, bool output);
/** The socket takes data. Returns nonzero to end the connection. */
int fb_tap_write(fb_tap *tap);
void fb_tap_close(fb_tap *tap); ///< NULL is allowed

/** Ask for the sockets of taps that have something to send. */
void fb_taps_service(fb_server *server);
/** Every listener has to come again: what it was told at first is true no more. */
void fb_taps_end(fb_server *server);

#endif
