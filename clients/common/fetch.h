/* SPDX-License-Identifier: GPL-3.0-or-later */
/** HTTP as foldback's clients speak it: JSON to and from one server, with errors a person can act
	on. Owner: one thread; every call blocks. */
#ifndef FB_FETCH_H
#define FB_FETCH_H

#include "../../graph/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct fb_fetch fb_fetch;

/** NULL when out of memory. `token` (NULL: none) goes with every request as bearer token. */
fb_fetch *fb_fetch_open(const char *host, int port, const char *token);
void fb_fetch_close(fb_fetch *fetch); ///< NULL is allowed

/** Called about ten times a second while a request is under way; false gives it up. */
typedef bool fb_fetch_progress(void *ctx);
void fb_fetch_on_progress(fb_fetch *fetch, fb_fetch_progress *progress, void *ctx);

/** One request with a JSON answer. `method` "GET", "POST" or "PUT"; `path` begins with '/' and is
	escaped already; body NULL for none.
	units:  timeout_s from start to end; 0: 10 s
	owns:   gives *out, untouched on failure
	errors: FB_UNAVAILABLE nobody answers; what the server answers, with its address as `where` and
	        its message; FB_IO the transfer broke, took too long, was given up, or is no JSON */
FB_MUST_CHECK fb_status fb_fetch_json(fb_fetch *fetch, const char *method, const char *path,
	const json_t *body, double timeout_s, json_t **out, fb_error *error);

/** GET bytes into a file (open for writing), whatever they are.
	errors: as fb_fetch_json; the file may then hold a part */
FB_MUST_CHECK fb_status fb_fetch_file(
	fb_fetch *fetch, const char *path, double timeout_s, FILE *to, fb_error *error);

/** Escape text for a path or a query, all but letters, digits, "-._~" and what `keep` holds; free()
	it. NULL when out of memory. */
char *fb_fetch_escape(const char *text, const char *keep);

#endif
