/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What compile.c (which nodes and wires) hands to layout.c (in what order, in which buffers). */
#ifndef FB_COMPILE_PARTS_H
#define FB_COMPILE_PARTS_H

#include "plan.h"

enum {
	WIRES_MAX = 2 * (2 * FB_LINKS_MAX + 2), ///< two channels a connection, dry; before and after
	DRY = 2,                                ///< first dry channel of the station's own end
	ENDS = 4,                               ///< its channels: out, dry
};

/** Nodes and wires of one plan to be. */
typedef struct draft {
	fb_instance *node[FB_SLOTS_MAX]; ///< in the order they run, once sorted
	uint32_t n_nodes;
	fb_wire wire[WIRES_MAX];
	uint32_t n_wires;
	uint32_t latency;                             ///< in to out
	uint32_t longest;                             ///< in to wherever it takes longest
	uint32_t entry_ticks, fill_ticks, fade_ticks; ///< as in fb_plan
} draft;

/** Put the nodes in an order in which each comes after its feeders; there must be no loop. */
void fb_layout_sort(draft *d);
/** Lay a sorted draft out as a plan, which then holds its nodes and delays. NULL: out of memory */
fb_plan *fb_layout_build(const draft *d, double rate_hz);

#endif
