/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The door of the HTTP port: who comes is a guest here until it has said what it wants, and is
	then handed to libwebsockets, those first whose address has taken little of late. So the
	half-open, the talkative and storms of newcomers cost a few system calls each, and a bounded
	time of each turn of the loop; libwebsockets itself accepts all there are at once, and reads
	from all of them each turn. thread: control */
#ifndef FB_DOOR_H
#define FB_DOOR_H

#include "request.h"

/** Listen where the options say. errors: FB_INVALID (no address), FB_IO naming address and port
	(taken, not ours), FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_door_open(fb_http *http, fb_door **out, fb_error *error);
void fb_door_close(fb_door *door); ///< NULL is allowed
int fb_door_port(const fb_door *door);
/** To poll for reading: all sockets in one. */
int fb_door_fd(const fb_door *door);
/** Look after who came and who said something, for a few milliseconds; let in, or turn away. */
void fb_door_service(fb_door *door);
uint32_t fb_door_guests(const fb_door *door);

#endif
