/* SPDX-License-Identifier: GPL-3.0-or-later */
/** One model's server over HTTP (libcurl): one request at a time, certificates verified, tried
	again where that may help. Knows nothing of what is asked. */
#ifndef FB_CHAT_H
#define FB_CHAT_H

#include "../../graph/status.h"

#include <stdbool.h>

typedef struct fb_chat fb_chat;

typedef struct fb_chat_options {
	const char *base_url;     ///< "https://host/v1"; requests go to its /chat/completions
	const char *key;          ///< NULL: none. Never goes anywhere but into the request's header
	const char *ca_file;      ///< certificates to trust instead of the system's; NULL: those
	double timeout_s;         ///< of one try
	int retries;              ///< after the first try
	bool (*go_on)(void *ctx); ///< called often; false gives the request up
	void (*doing)(void *ctx, const char *what); ///< for a line of progress, printable; NULL: untold
	void *ctx;
} fb_chat_options;

/** errors: FB_INVALID the address is none, or would carry a key in the clear; FB_IO there is no
	such file of certificates; FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_chat_open(
	const fb_chat_options *options, fb_chat **out, fb_error *error);
void fb_chat_close(fb_chat *chat); ///< NULL is allowed

/** POST a JSON text. What comes back with status 200 is given as it is, but for the key, should it
	be in there.
	owns:   gives *body (free), untouched on failure
	range:  *http: the last HTTP status, 0 if there was none
	errors: FB_INVALID it refuses the request (400, 404, 422 ...); FB_FORBIDDEN the key;
	        FB_TOO_LARGE an answer beyond 4 MiB; FB_UNAVAILABLE it cannot be reached or keeps
	        failing, after all tries; FB_IO a certificate that does not verify; FB_TOO_MANY go_on
	        said so */
FB_MUST_CHECK fb_status fb_chat_post(
	fb_chat *chat, const char *text, char **body, long *http, fb_error *error);

/** Where requests go. */
const char *fb_chat_url(const fb_chat *chat);

#endif
