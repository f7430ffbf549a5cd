/* SPDX-License-Identifier: GPL-3.0-or-later */
/** OSCQuery over WebSocket, at "/".

	Text frames are {"COMMAND": c, "DATA": d}: LISTEN and IGNORE an address (its value comes at once
	and whenever it changes), AUTH with the token, for writes from beyond the server's machine.
	Binary frames are OSC packets, both ways; to a client one message a frame. What changes is sent
	coalesced, at most 60 times a second a leaf; a slow client gets the latest values when it reads
	again. PATH_ADDED, PATH_REMOVED and PATH_CHANGED tell of edits. Mistakes are answered as OSC's
	are, with /error. thread: control */
#ifndef FB_WS_H
#define FB_WS_H

#include "request.h"

/** Watch the tree for edits. errors: FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_ws_start(fb_server *server, fb_error *error);
void fb_ws_stop(fb_server *server); ///< its clients have gone before

/** A client came for whom there is room. Returns 0, or the status to refuse it with. */
int fb_ws_open(fb_request *request, struct lws *wsi);
/** Tell of edits; let those who sent too much go on. Called every few milliseconds. */
void fb_ws_service(fb_server *server);

#endif
