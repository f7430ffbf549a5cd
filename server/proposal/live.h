/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A live shadow: what a station is fed at this moment, through its chain as it is set and as
	proposed, for the monitor. It runs in a thread of its own of low priority, on what the station's
	tap carries, and the audience's audio does not know of it: if it takes too long the monitor has
	a gap. There is one at most. thread: control */
#ifndef FB_LIVE_H
#define FB_LIVE_H

#include "../server.h"

typedef struct fb_live fb_live;

/** Begin, with the patches of both versions, the present one first. What comes out goes to the
	server's monitor.
	errors: FB_UNAVAILABLE there is no live input, or two more such chains would be too much;
			FB_NO_MEMORY; as fb_station_create() */
FB_MUST_CHECK fb_status fb_live_start(
	fb_channel *channel, const fb_patch *const version[2], fb_live **out, fb_error *error);
void fb_live_stop(fb_live *take); ///< NULL is allowed

/** Other settings, as an edit would bring them. errors: as fb_station_apply() */
FB_MUST_CHECK fb_status fb_live_follow(
	fb_live *live, const fb_patch *const version[2], fb_error *error);
/** Send on and free what had to wait. Call it often. NULL is allowed. */
void fb_live_service(fb_live *live);

/** What both chains take of the time there is, 0..1. NULL: 0 */
double fb_live_share(const fb_live *live);

#endif
