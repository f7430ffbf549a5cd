/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A part of the address tree by OSC alone: /describe, place by place, one question under way at a
	time so that no buffer overflows. */
#ifndef FB_DISCOVER_H
#define FB_DISCOVER_H

#include "../../osc/client.h"

#include <jansson.h>

/** All that is at and below an address, as OSCQuery tells it in one piece. What goes away meanwhile
	is left out. go_on is asked before every question; false gives up.
	owns:   gives *out
	errors: those of fb_client_describe; FB_IO given up, or the answers are not JSON */
FB_MUST_CHECK fb_status fb_discover(fb_client *client, const char *address,
	bool (*go_on)(void *ctx), void *ctx, json_t **out, fb_error *error);

#endif
