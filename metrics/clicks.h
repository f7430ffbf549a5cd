/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Clicks and pops: what linear prediction cannot foresee, and what stands alone.

	Each 50 ms frame of each channel is predicted by the filter that suits it best. The residual's
	deviation is taken from the 90th percentile of its magnitude, which a click does not move. A
	group of samples whose residual exceeds 8 deviations (and 0.001 of full scale) is a click if it
	lasts at most 2 ms and also exceeds 8 deviations of the residual in the 5 ms before and in the
	5 ms after it: the start of a note is no click, for the note follows.
	source: S. Godsill, P. Rayner, "Digital Audio Restoration", 1998, ch. 5 */
#ifndef FB_CLICKS_H
#define FB_CLICKS_H

#include "defects.h"
#include "hop.h"

typedef struct fb_clicks {
	uint32_t fill;                        ///< samples gathered
	uint64_t first;                       ///< frame number of the first of them
	uint32_t room, gap, longest, context; ///< frames: 50 ms and more, 1, 2 and 5 ms
	fb_events events;
	struct fb_click_channel {
		float *x;        ///< samples that the prediction looks back on, then those gathered
		float *residual; ///< older, `kept` of them, then the frame before's, n
		uint32_t kept, n;
		float deviation, largest; ///< of the frame before
		uint64_t done;            ///< frames before this have been judged as part of a group
	} channel[2];
} fb_clicks;

bool fb_clicks_init(
	fb_clicks *clicks, double rate_hz); ///< false: out of memory; finish all the same
void fb_clicks_finish(fb_clicks *clicks);
void fb_clicks_clear(fb_clicks *clicks);
/** Gather a hop. */
void fb_clicks_hop(fb_clicks *clicks, const fb_hop *hop);
/** Take what was gathered as a frame; counts the clicks of the frame before it, for which this one
   is what follows, into FB_SUM_CLICKS. */
void fb_clicks_frame(fb_clicks *clicks, fb_part *part);
/** Nothing follows: counts the clicks of the frame before and of `rest` (may hold no frames), which
	comes after what was gathered. Changes nothing. */
void fb_clicks_tail(const fb_clicks *clicks, const fb_hop *rest, fb_part *part);
void fb_clicks_read(const fb_reading *reading);

#endif
