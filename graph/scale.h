/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Tapers: how a value in its own unit maps to the 0..1 travel of a fader. One place, used for the
	host's smoothing, for the /norm twins and for the optimizer's coordinates. Base header: every
	folder may include it. */
#ifndef FB_SCALE_H
#define FB_SCALE_H

#include <math.h>

typedef enum fb_scale {
	FB_SCALE_LINEAR, ///< travel proportional to the value (also right for dB)
	FB_SCALE_LOG,    ///< equal travel for equal ratios; needs min > 0
} fb_scale;

static inline double fb_clamp(double v, double lo, double hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

/** Travel 0..1 of a value; the value is clamped to min..max first. thread: any; rt: yes */
static inline double fb_scale_to_norm(fb_scale scale, double min, double max, double value)
{
	value = fb_clamp(value, min, max);
	if (scale == FB_SCALE_LOG) {
		return log(value / min) / log(max / min);
	}
	return (value - min) / (max - min);
}

/** The value at a travel of 0..1, clamped; exact at both ends. thread: any; rt: yes */
static inline double fb_scale_from_norm(fb_scale scale, double min, double max, double norm)
{
	norm = fb_clamp(norm, 0.0, 1.0);
	if (scale == FB_SCALE_LOG) {
		return fb_clamp(min * exp(norm * log(max / min)), min, max);
	}
	return fb_clamp(min + norm * (max - min), min, max);
}

#endif
