/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Which stations a run of the program is about. */
#ifndef FB_STATIONS_H
#define FB_STATIONS_H

#include "link.h"
#include "options.h"

/** Find out how many there are, where all are asked for, and see that the limits fit them, before
	the first is tuned: what was meant to be frozen is turned otherwise.
	range:  to: as for a session, of any station
	errors: those of fb_link_stations, fb_link_tree and fb_walk_check */
FB_MUST_CHECK fb_status fb_stations_find(
	fb_tuning_options *options, const fb_link_options *to, fb_error *error);

#endif
