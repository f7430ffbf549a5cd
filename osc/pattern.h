/* SPDX-License-Identifier: GPL-3.0-or-later */
/** OSC 1.0 address patterns: ? * [a-z] [!a-z] {one,two}. A wildcard never crosses a '/'.
	The cost of a match is bounded by pattern length times address length, whatever the pattern.
	source: the OSC 1.0 specification, "OSC Message Dispatching and Pattern Matching" */
#ifndef FB_PATTERN_H
#define FB_PATTERN_H

#include "tree.h"

#include <stdbool.h>

enum {
	FB_PATTERN_MAX = 400,            ///< characters
	FB_PATTERN_BUDGET = 2 * 1000000, ///< comparisons one walk over a tree may take
};

/** True if the text has no wildcard, so that it names one address. thread: any */
bool fb_pattern_is_plain(const char *pattern);

/** errors: FB_INVALID (malformed), FB_TOO_MANY (too long). thread: any */
FB_MUST_CHECK fb_status fb_pattern_check(const char *pattern, fb_error *error);

/** Does a whole address match a pattern that passed fb_pattern_check()? Subtracts what it cost
	from *budget and answers false once that is spent. thread: any */
bool fb_pattern_match(const char *pattern, const char *address, long *budget);

/** As fb_tree_match(), but every place that matches: containers too. thread: control */
fb_status fb_tree_match_places(
	fb_tree *tree, const char *pattern, fb_match_fn *found, void *ctx, fb_error *error);

#endif
