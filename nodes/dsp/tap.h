/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A delay time that changes without a click and without bending pitch: the sound fades from the
	tap at the old time to one at the new. The two weights sum to 1, so in a feedback loop a fade
	never adds gain, however often the time changes. A new aim waits until a fade under way is over.
 */
#ifndef FB_DSP_TAP_H
#define FB_DSP_TAP_H

#include "ramp.h"

typedef struct fb_tap {
	uint32_t now, next;   ///< frames; equal at rest
	uint32_t done, ticks; ///< of the fade under way; ticks it takes
} fb_tap;

/** At rest on a delay; a fade takes `ms`. */
static inline void fb_tap_init(fb_tap *tap, double rate_hz, double ms, uint32_t delay)
{
	double ticks = ceil(ms * 1e-3 * rate_hz / FB_TICK);
	*tap = (fb_tap){.now = delay, .next = delay, .ticks = ticks < 1.0 ? 1u : (uint32_t)ticks};
}

static inline bool fb_tap_fading(const fb_tap *tap)
{
	return tap->next != tap->now;
}

/** Aim for a delay; returns whether a fade to it starts with this tick. rt: yes */
static inline bool fb_tap_aim(fb_tap *tap, uint32_t delay)
{
	if (fb_tap_fading(tap) || delay == tap->now) {
		return false;
	}
	tap->next = delay;
	tap->done = 0;
	return true;
}

/** Share of the tap at `next` on each frame of this tick: an S curve from 0 to 1 over the fade.
	rt: yes */
static inline void fb_tap_weights(const fb_tap *tap, float weight[FB_TICK])
{
	float step = 1.0f / (float)(tap->ticks * FB_TICK), start = (float)(tap->done * FB_TICK);
	for (int i = 0; i < FB_TICK; i++) {
		weight[i] = fb_ease((start + (float)(i + 1)) * step);
	}
}

/** After a tick: on with the fade, or to rest on its end. rt: yes */
static inline void fb_tap_advance(fb_tap *tap)
{
	if (fb_tap_fading(tap) && ++tap->done == tap->ticks) {
		tap->now = tap->next;
	}
}

#endif
