/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Server-sent events: GET /api/events?stations=1,2&rate=10, for dashboards without WebSocket.

	First every value once, then what changes, at most `rate` times a second: `metrics` (as REST has
	them, whole), `meters` ({address: value} of what changes by itself), `change` (one value that
	somebody changed), `alarm` (a leaf that stands for trouble). A client that reads slowly gets the
	latest values when it reads again. thread: control */
#ifndef FB_EVENTS_H
#define FB_EVENTS_H

#include "request.h"

/** Send what is due. Called every few milliseconds. */
void fb_events_service(fb_server *server);

#endif
