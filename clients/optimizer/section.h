/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Knobs that belong together, like those of an equaliser's band. A section is named by its choice:
	the knob that says what the others are about (fb_knob_says_what). */
#ifndef FB_SECTION_H
#define FB_SECTION_H

#include "probe.h"

enum { FB_SECTION_NUMBERS = 4 };

/** Its numeric knobs, those with the longest travel first. Returns how many. */
int fb_section_numbers(const fb_knobs *knobs, int choice, int number[FB_SECTION_NUMBERS]);
int fb_section_longest(const fb_knobs *knobs, int choice); ///< the first of them, -1: none

/** Nothing of it was turned in trial `base`, and where its longest knob stands does not matter. */
bool fb_section_sleeps(const fb_trials *history, const fb_probes *probes, int base, int choice);
/** Is switching it in or out heard by itself? */
bool fb_section_has_live_switch(const fb_knobs *knobs, const fb_probes *probes, int choice);
/** Set its switches as those of another section like it stand at the start, or turned over. */
void fb_section_switch_in(
	const fb_knobs *knobs, int choice, int like, bool turned_over, double *value);

/** Has no section like this the setting from the start? */
bool fb_section_is_new(const fb_knobs *knobs, int choice, int setting);

#endif
