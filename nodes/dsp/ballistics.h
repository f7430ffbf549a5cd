/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Attack and release of a gain reduction in dB: a peak follower with instant rise, then a
   smoother. Held apart, the attack of one cannot eat the release of the other, and the gain has no
   corner but the one at an attack's start. source: Giannoulis, Massberg, Reiss, "Digital Dynamic
   Range Compressor Design", JAES 60 (2012), the smooth decoupled detector in the log domain; the
   release is shortened here by what the smoother and the level detector add to it */
#ifndef FB_DSP_BALLISTICS_H
#define FB_DSP_BALLISTICS_H

#include "../../graph/node.h"

typedef struct fb_times {
	double attack, settle, release; ///< share of the way per frame
} fb_times;

typedef struct fb_ballistics {
	double held;  ///< rises at once, falls with the release
	double value; ///< what is applied
} fb_ballistics;

/** Share of the way per frame for a time constant in frames. */
static inline double fb_time_share(double frames)
{
	return frames > 0.0 ? -expm1(-1.0 / frames) : 1.0;
}

/** Times to 63 % of the way after a step, in frames; `held_frames` is how long the level detector
	itself goes on reading the old level. */
static inline fb_times fb_times_make(double attack, double release, double held_frames)
{
	/* falling, the smoother only rounds the corner */
	double settle = fmin(attack, 0.1 * release);
	double fall = fmax(release - held_frames - settle, 0.1 * release);
	return (fb_times){fb_time_share(attack), fb_time_share(settle), fb_time_share(fall)};
}

/** What a channel asks for, dB >= 0, in place of which what it gets is written. rt: yes */
static inline void fb_ballistics_tick(fb_ballistics *state, const fb_times *times, float x[FB_TICK])
{
	double held = state->held, value = state->value;
	double attack = times->attack, settle = times->settle, release = times->release;
	for (int i = 0; i < FB_TICK; i++) {
		double ask = (double)x[i], fallen = held + (ask - held) * release;
		held = ask > fallen ? ask : fallen;
		double way = held - value;
		value += way * (way > 0.0 ? attack : settle);
		x[i] = (float)value;
	}
	/* -180 dB of reduction is none; so that silence ends in rest, not in denormals */
	state->held = held < 1e-9 ? 0.0 : held;
	state->value = value < 1e-9 ? 0.0 : value;
}

#endif
