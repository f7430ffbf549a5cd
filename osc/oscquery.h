/* SPDX-License-Identifier: GPL-3.0-or-later */
/** OSCQuery: the tree as JSON, as the proposal has it and as its clients need it.

	Beyond the proposal's attributes: LABEL and DOC (DESCRIPTION is the short name that clients
	show, distinct among siblings), DEFAULT_VALUE, STEP_SIZE (one notch of an encoder), SCALE
	("linear" or "log": the taper), VALID (false where a value is there but means nothing).

	thread: control
	source: doc/osc.md; the OSCQuery proposal */
#ifndef FB_OSCQUERY_H
#define FB_OSCQUERY_H

#include "tree.h"

#include <stddef.h>

typedef struct fb_oscquery_host {
	const char *name;   ///< the server's
	const char *osc_ip; ///< NULL: the one HTTP is at
	uint16_t osc_port;
	bool websocket; ///< LISTEN and PATH_... are served, on the HTTP port
} fb_oscquery_host;

/** Answer GET path?query.
	range:  path decoded, without the query; query without the '?', NULL or "" for none
	owns:   *json is the caller's to free; NULL where there is no body (204)
	errors: returns the HTTP status: 200, 204 (nothing to tell), 400 (unknown attribute),
			404 (no such address), 500 (out of memory; no body) */
int fb_oscquery_get(fb_tree *tree, const fb_oscquery_host *host, const char *path,
	const char *query, char **json, size_t *length);

/** One place alone: what is answered for it, less CONTENTS.
	owns:   gives the text
	errors: NULL when out of memory */
char *fb_oscquery_node(fb_tree *tree, const fb_oscquery_host *host, const fb_branch *branch);

#endif
