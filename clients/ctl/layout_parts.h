/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What the plan of a layout is made of, for layout_plan.c, layout_control.c and layout_room.c
	alone. */
#ifndef FB_CTL_LAYOUT_PARTS_H
#define FB_CTL_LAYOUT_PARTS_H

#include "layout.h"

/** How much a control matters: where there is no room, the last of these go first. */
enum {
	FB_RANK_ALWAYS, ///< what every page of a station has
	FB_RANK_METER,  ///< of a node
	FB_RANK_BYPASS,
	FB_RANK_MAIN,  ///< what a node is about: its first parameters, and levels in use
	FB_RANK_USED,  ///< stands elsewhere than where it begins
	FB_RANK_LEVEL, ///< in dB: ridden
	FB_RANK_REST,
	FB_RANK_METRIC, ///< of a page of many
};

/** A control for what OSCQuery tells of a leaf. NULL for what no surface can show: a command that
	needs arguments, a row of numbers. */
json_t *fb_layout_control(const json_t *node);

/** --- layout_room.c */

/** Elements of the surface's file that a page takes, with all its pages. */
uint32_t fb_layout_page_cost(const json_t *page);
/** Make the stations' pages fit, by what matters least of whichever station has most. Returns how
	many controls went. */
uint32_t fb_layout_make_room(json_t *pages, uint32_t elements_max);

#endif
