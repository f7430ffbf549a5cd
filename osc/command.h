/* SPDX-License-Identifier: GPL-3.0-or-later */
/** OSCQuery's commands: {"COMMAND": c, "DATA": d} as text, as they come over WebSocket.
	LISTEN and IGNORE take an address; AUTH takes the token. thread: control */
#ifndef FB_COMMAND_H
#define FB_COMMAND_H

#include "server.h"

#include <stddef.h>

enum { FB_TOKEN_MAX = 256 };

/** Obey one command of a client.
	range:  text need not be terminated; token: what AUTH brought, for the caller to judge; "" for
			every other command
	errors: FB_INVALID (no such command, no JSON), and those of fb_osc_listen() */
FB_MUST_CHECK fb_status fb_oscquery_command(fb_osc *osc, fb_osc_client *client, const char *text,
	size_t size, char token[FB_TOKEN_MAX], fb_error *error);

#endif
