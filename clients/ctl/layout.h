/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Layouts for control surfaces, made from what a server's tree holds. The plan says what is on
	which page; a writer per surface puts it into that surface's file.

	A plan is JSON, for it is a tree of lists and both writers only walk it:
	page:    {"title", "group" (so many controls belong together),
	  "controls": [control] and below them
	  "buttons": [control]  short ones, "strips": [page]  columns side by side,
	  "pages": [page]       of which one is seen}
	control: {"kind", "address", "label", "unit", "doc", "number" (its own), "tone" ("danger",
	  "caution", "good", ""), "rank" (layout_parts.h)} and by kind
	  "fader", "knob"  "twin" (0..1 through the parameter's taper), "min", "max", "log"
	  "number"         as fader, of whole numbers
	  "switch"         true or false
	  "menu"           "choices"
	  "button"         a command; with "value": that number or text is sent along
	  "meter"          read only, "min", "max": what is shown of its range; "down": it hangs
					   from the top (gain reduction)
	  "readout"        read only, a number or a text */
#ifndef FB_CTL_LAYOUT_H
#define FB_CTL_LAYOUT_H

#include "../../graph/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct fb_layout_wish {
	long station;          ///< 0: all
	const char *controls;  ///< "comp.threshold,eq,mute", for small screens; NULL: what fits
	uint32_t elements_max; ///< of the surface's file, as fb_layout_cost() counts
	double width, height;  ///< of the screen, in its units
	const char *host;      ///< of the server
	long osc_port;
} fb_layout_wish;

typedef struct fb_layout {
	json_t *pages;     ///< the master page, then one a station
	json_t *patterns;  ///< what to subscribe to
	uint32_t left_out; ///< controls for which there was no room
} fb_layout;

/** tree: the server's root as OSCQuery tells it.
	errors: FB_NOT_FOUND (no such station; nothing is what `controls` names), FB_TOO_MANY,
			FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_layout_plan(
	const json_t *tree, const fb_layout_wish *wish, fb_layout *out, fb_error *error);
void fb_layout_finish(fb_layout *layout);

/** Elements of the surface's file that a control takes. */
uint32_t fb_layout_cost(const json_t *control);

typedef void fb_layout_each_fn(void *ctx, json_t *control);
/** All controls of a page and of its pages. */
void fb_layout_each(const json_t *page, fb_layout_each_fn *each, void *ctx);

/** How a control is told to subscribers: its patterns, at most as long as the server takes. */
json_t *fb_layout_patterns(const json_t *pages);

/* --- a grid of equal cells */
typedef struct fb_layout_box {
	double x, y, w, h;
} fb_layout_box;
/** Into how many columns a page's controls go in a box, so that cells have a good shape and what
	belongs together stands in line. */
size_t fb_layout_columns(const fb_layout_box *box, const json_t *page);
fb_layout_box fb_layout_cell(const fb_layout_box *box, size_t n, size_t i, size_t columns);

/* --- what the plan says of a control or a page */
const char *fb_layout_text(const json_t *object, const char *key); ///< "" if there is none
double fb_layout_number(const json_t *object, const char *key);
bool fb_layout_is(const json_t *control, const char *kind);

/* --- writers; false when out of memory */
/** TouchOSC: *data is the whole .tosc file, to be freed. */
bool fb_layout_touchosc(
	const fb_layout *layout, const fb_layout_wish *wish, void **data, size_t *size);
/** Open Stage Control: the session, and the module that keeps the subscription. */
json_t *fb_layout_stage_session(const fb_layout *layout);
char *fb_layout_stage_module(const fb_layout *layout, const fb_layout_wish *wish);

#endif
