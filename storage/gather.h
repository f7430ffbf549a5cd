/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Sets of numbers on their way to the store thread. While they wait, those of one ride are merged:
	a flood of rides costs a few additions a set, and none is lost for want of room in the queue.
	Owner: the control thread. */
#ifndef FB_GATHER_H
#define FB_GATHER_H

#include "rides.h"
#include "store.h"

enum { FB_GATHER_RIDES = 1024 }; ///< under way at once

typedef struct fb_gather fb_gather;

fb_gather *fb_gather_create(fb_store_text *text); ///< NULL when out of memory
void fb_gather_destroy(fb_gather *gather);        ///< NULL is allowed

/** Merge a set into its ride, or begin one. false: this set has to wait until all have been taken,
	for there is no room, or its ride cannot go on. */
bool fb_gather_add(fb_gather *gather, const fb_audit_set *set);
/** How many entries wait, to be taken in turn. */
uint32_t fb_gather_count(const fb_gather *gather);
/** The ride that has waited longest, as one entry; the caller's. NULL when none is left. Once one
	is taken, all are, before the next set comes. */
fb_ride *fb_gather_take(fb_gather *gather);

#endif
