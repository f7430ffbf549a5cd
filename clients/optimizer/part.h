/* SPDX-License-Identifier: GPL-3.0-or-later */
/** How one metric makes its part of the score, found from pairs of both. */
#ifndef FB_PART_H
#define FB_PART_H

#include <stdbool.h>

typedef enum fb_part_kind {
	FB_PART_RAW,    ///< not found: the part itself is what is predicted
	FB_PART_FREE,   ///< the same, of something that has no ends at 0 and 1
	FB_PART_SLOPE,  ///< along the metric's scale, 0 and 1 beyond its ends
	FB_PART_TARGET, ///< 1 / sqrt(1 + ((metric - target) / tolerance)^2)
} fb_part_kind;

typedef struct fb_part {
	fb_part_kind kind;
	double slope, offset;     ///< SLOPE: part = slope * metric + offset
	double target, tolerance; ///< TARGET
} fb_part;

/** From `count` pairs; those that are not finite are left out. */
fb_part fb_part_learn(const double *metric, const double *part, int count);

/** The part that a metric (of RAW: the predicted part) makes. */
double fb_part_at(const fb_part *part, double metric);

/** The part to expect where the metric is known up to a variance; its derivatives by both. A target
	is the more likely missed the less is known.
	source: 1 / sqrt(1 + E(((metric - target) / tolerance)^2)), below the mean by no more than a
	        few hundredths */
double fb_part_expected(
	const fb_part *part, double metric, double variance, double *by_metric, double *by_variance);

#endif
