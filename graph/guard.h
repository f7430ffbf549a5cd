/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The guard at a station's output: what runs away (a feedback, a slipped fader) is held at the
	ceiling. Nothing above it ever leaves; what stays below leaves bit for bit as it came, at once.

	The gain both channels share falls within a tick, stays down for 50 ms and comes back at 60
	dB/s. What exceeds the ceiling while it falls is cut off there: flat tops for less than a
	millisecond, but no jump. */
#ifndef FB_GUARD_H
#define FB_GUARD_H

#include "node.h"

#define FB_CEILING_DB 6.0       /**< unless told otherwise: beyond what any converter takes */
#define FB_CEILING_MIN_DB -60.0 /**< range of ceilings */
#define FB_CEILING_MAX_DB 24.0

typedef struct fb_guard {
	float gain;      ///< at the end of the last tick; 1: it does nothing
	float ceiling;   ///< in force then; linear
	uint32_t hold;   ///< ticks before the gain may rise
	uint32_t stay;   ///< ticks it stays down
	float rise, let; ///< factor a tick, while on and once switched off
} fb_guard;

void fb_guard_init(fb_guard *guard, double rate_hz);
/** One tick of finite samples, in place. A new ceiling is reached within 20 ms. thread: audio */
void fb_guard_tick(fb_guard *guard, bool on, float ceiling, float *left, float *right) FB_RT;

#endif
