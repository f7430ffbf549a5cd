/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The pieces that TouchOSC's files are made of: nodes, properties, values, OSC messages, as XML.
	source: files saved by the editor (lexml version 6) */
#ifndef FB_CTL_LAYOUT_TOSC_H
#define FB_CTL_LAYOUT_TOSC_H

#include "layout.h"

typedef struct fb_tosc {
	FILE *to;
	uint32_t ids;
} fb_tosc;

/** One OSC message of a control. Sent when `trigger` is ANY (then received too) or RISE; only
	received when it is NULL. */
typedef struct fb_tosc_osc {
	const char *address, *trigger;
	const char *type; ///< VALUE or CONSTANT; NULL: no argument
	const char *conversion, *value;
	double min, max; ///< what 0..1 stands for
} fb_tosc_osc;

/** type: as the editor has it: b, i, f, s, c, r. Text is put into CDATA. */
void fb_tosc_property(fb_tosc *w, char type, const char *key, const char *value);
void fb_tosc_number(fb_tosc *w, char type, const char *key, double value);
/** Begin a node; its properties stay open. */
void fb_tosc_begin(
	fb_tosc *w, const char *type, const char *name, const fb_layout_box *at, const char *colour);
/** A value that is 0 or empty at first. fixed: a caption, which stays as it is written here */
void fb_tosc_value(fb_tosc *w, const char *key, const char *first, bool fixed);
void fb_tosc_message(fb_tosc *w, const fb_tosc_osc *m);

#endif
