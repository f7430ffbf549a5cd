/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Audio taps over WebSocket: GET /api/stations/N/audio-tap?point=in|out.

    The client gets a JSON header as a text frame, then binary frames, each an 8-byte little-endian
    frame number and interleaved float32. Several clients may listen to one station; one that is
    slower than the audio is dropped and counted, and the others do not feel it. thread: control */
#ifndef FB_TAP_H
#define FB_TAP_H

#include "http/request.h"

/** Is this path a tap of a station that exists? */
bool fb_tap_path(
	const fb_server *server, const char *path, const char *query, uint32_t *station, bool *output);
/** A WebSocket client came for whom there is room. Returns 0, or the status to refuse it with. */
int fb_tap_open(fb_request *request, struct lws *wsi, uint32_t station, bool output);

/** Ask for the sockets of taps that have something to send. */
void fb_taps_service(fb_server *server);
/** Every listener has to come again: what it was told at first is true no more. */
void fb_taps_end(fb_server *server);

#endif
