/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Lists that name parameters: "comp.*,eq.b?_gain"; a pattern without a dot is a whole node. */
#ifndef FB_PATTERNS_H
#define FB_PATTERNS_H

#include "knob.h"

typedef struct fb_pattern {
	char *text;
	bool used; ///< it fitted something
} fb_pattern;

typedef struct fb_patterns {
	fb_pattern *pattern;
	int count;
} fb_patterns;

/** Read a list; blanks around patterns, and empty ones, are nothing.
	owns:   fills *out (fb_patterns_finish), also on failure
	errors: FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_patterns_read(fb_patterns *out, const char *text, fb_error *error);
void fb_patterns_finish(fb_patterns *patterns);

/** Does any fit? All that do are ticked off as used. */
bool fb_patterns_fit(fb_patterns *patterns, const char *node, const char *key);
/** The first that has fitted nothing so far, NULL: all have. */
const char *fb_patterns_unused(const fb_patterns *patterns);

#endif
