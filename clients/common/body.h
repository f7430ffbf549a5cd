/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The body of an answer while it comes in. */
#ifndef FB_BODY_H
#define FB_BODY_H

#include <stdbool.h>
#include <stddef.h>

typedef struct fb_body {
	char *text; ///< NUL-terminated; NULL before the first byte; free() it
	size_t len;
	bool too_large; ///< something was refused because it would have become larger than allowed
} fb_body;

/** Add what came. false: out of memory, or it would become larger than `most`; it stays then. */
bool fb_body_add(fb_body *body, const void *data, size_t len, size_t most);

#endif
