/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Clicks and pops: what linear prediction cannot foresee.

	Each 50 ms frame of each channel is predicted by an order that suits it; its deviation is taken
	from the 90th percentile of the residual's magnitude, which a click does not move. A sample
   counts when its residual exceeds 8 deviations, of its own frame and of both neighbours: the start
   of a loud passage is no click. Below 0.001 of full scale nothing counts. source: S. Godsill, P.
   Rayner, "Digital Audio Restoration", 1998, ch. 5 */
#ifndef FB_CLICKS_H
#define FB_CLICKS_H

#include "defects.h"
#include "hop.h"

enum {
	FB_CLICK_ORDER = 16,
	FB_CLICK_FRAME = 9624, ///< frames in 50 ms at 192 kHz, what was left over, and rounding
	FB_CLICK_GROUPS = 16,  ///< 5 ms apart, so 50 ms hold 11 at most
};

typedef struct fb_clicks {
	uint32_t fill;
	uint64_t first; ///< frame number of the frame's first sample
	fb_events events;
	struct fb_click_channel {
		float x[FB_CLICK_ORDER + FB_CLICK_FRAME];
		float deviation; ///< of the frame before
		uint32_t n;      ///< candidates of the frame before, not yet confirmed
		uint64_t at[FB_CLICK_GROUPS];
		float height[FB_CLICK_GROUPS];
	} channel[2];
} fb_clicks;

void fb_clicks_init(fb_clicks *clicks, double rate_hz);
void fb_clicks_clear(fb_clicks *clicks);
/** Gather a hop. */
void fb_clicks_hop(fb_clicks *clicks, const fb_hop *hop);
/** Judge what was gathered; counts the frame before it into FB_SUM_CLICKS. */
void fb_clicks_frame(fb_clicks *clicks, fb_part *part);
/** Nothing follows: counts what is gathered and what waits for confirmation. */
void fb_clicks_tail(fb_clicks *clicks, fb_part *part);
void fb_clicks_read(const fb_reading *reading);

#endif
