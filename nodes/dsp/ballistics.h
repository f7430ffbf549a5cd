/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Attack and release of a gain reduction in dB: a peak follower with instant rise, then a
   smoother. Held apart, the attack of one cannot eat the release of the other, and the gain has no
   corner but the one at an attack's start. source: Giannoulis, Massberg, Reiss, "Digital Dynamic
   Range Compressor Design", JAES 60 (2012), the smooth decoupled detector in the log domain; the
   release is shortened here by what the smoother and the level detector add to it */
#ifndef FB_DSP_BALLISTICS_H
#define FB_DSP_BALLISTICS_H

#include "../../graph/node.h"

/** Shares of the way per frame; settle >= attack. */
typedef struct fb_times {
	double attack, settle, release;
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

/** Nothing is held and nothing applied. rt: yes */
static inline bool fb_ballistics_rest(const fb_ballistics *state)
{
	return state->held == 0.0 && state->value == 0.0;
}

static inline double fb_less(double a, double b)
{
	return a < b ? a : b;
}

static inline double fb_more(double a, double b)
{
	return a > b ? a : b;
}

/** What a channel asks for, dB >= 0, in place of which what it gets is written.

	held' = more(ask, k held + r ask), and value' = less(rise, fall) of two such blends with held',
   as the larger share goes further: down that is the settling, up it would be more. Both are maxima
   and minima of straight lines that rise, and so are two steps in one; taken two at a time, a frame
   waits half as long for the one before. rt: yes */
static inline void fb_ballistics_tick(fb_ballistics *state, const fb_times *times, float x[FB_TICK])
{
	double r = times->release, a = times->attack, s = times->settle;
	double kr = 1.0 - r, ka = 1.0 - a, ks = 1.0 - s;
	double kr2 = kr * kr, ka2 = ka * ka, kas = ka * ks, ks2 = ks * ks;
	double held = state->held, value = state->value;
	for (int i = 0; i < FB_TICK; i += 2) {
		double ask1 = (double)x[i], ask2 = (double)x[i + 1];
		double held1 = fb_more(ask1, kr * held + r * ask1);
		held =
			fb_more(fb_more(ask2, kr * ask1 + r * ask2), kr2 * held + (kr * (r * ask1) + r * ask2));
		double rise1 = a * held1, fall1 = s * held1, rise2 = a * held, fall2 = s * held;
		x[i] = (float)fb_less(ka * value + rise1, ks * value + fall1);
		double both = fb_less(ks * rise1 + fall2, ka * fall1 + rise2);
		value =
			fb_less(fb_less(ka2 * value + (ka * rise1 + rise2), ks2 * value + (ks * fall1 + fall2)),
				kas * value + both);
		x[i + 1] = (float)value;
	}
	/* -180 dB of reduction is none; so that silence ends in rest, not in denormals */
	state->held = held < 1e-9 ? 0.0 : held;
	state->value = value < 1e-9 ? 0.0 : value;
}

/** Follow a fall at once and a rise by a share of the way per frame, in place; the mirror image of
   what `held` does above, and for gains instead of reductions. rt: yes */
static inline void fb_lazy_rise_tick(double *state, double share, float x[FB_TICK])
{
	double keep = 1.0 - share, keep2 = keep * keep, value = *state;
	for (int i = 0; i < FB_TICK; i += 2) {
		double a = (double)x[i], b = (double)x[i + 1];
		x[i] = (float)fb_less(a, keep * value + share * a);
		value = fb_less(
			fb_less(b, keep * a + share * b), keep2 * value + (keep * (share * a) + share * b));
		x[i + 1] = (float)value;
	}
	*state = value;
}

#endif
