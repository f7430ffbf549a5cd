/* SPDX-License-Identifier: GPL-3.0-or-later */
/** From a station's place in the address tree (OSCQuery) to its knobs and its metrics' names. */
#ifndef FB_WALK_H
#define FB_WALK_H

#include "knob.h"

/** Which knobs may be turned: patterns (patterns.h), NULL for no limit. */
typedef struct fb_walk_limits {
	const char *only, *freeze;
} fb_walk_limits;

/* The station has limits of its own, for everybody: its leaves proposal/allow (patterns) and
   proposal/max_step (share of a range). Ranges are narrowed to what these let through. */

/** Every writable float, int, bool and choice of every node (a container with a `bypass` leaf) that
	is not bypassed and that the limits let through, in the tree's order.
	owns:   gives *out (fb_knobs_finish)
	errors: FB_EXISTS there is nothing to turn, saying why; FB_IO the tree is not what OSCQuery says
	        it should be */
FB_MUST_CHECK fb_status fb_walk(
	const json_t *station, const fb_walk_limits *limits, fb_knobs *out, fb_error *error);

/** Does every pattern fit some parameter of these stations, whether it may be turned now or not?
	A name mistyped would let turn what was to be frozen.
	range:  stations: a list of their places in the tree
	errors: FB_INVALID naming the first that fits none */
FB_MUST_CHECK fb_status fb_walk_check(
	const json_t *stations, const fb_walk_limits *limits, fb_error *error);

/** The label and unit of a metric, "" where the tree has none. Borrowed from `station`. */
const char *fb_walk_metric_label(const json_t *station, const char *id);
const char *fb_walk_metric_unit(const json_t *station, const char *id);

#endif
