/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The catalogue of the 55 metrics: the one place that spells a metric's name, unit, range and
	meaning. Addresses, reports, database keys, Prometheus names and the manual are made from it.
	source: doc/metrics.md is generated from here */
#ifndef FB_CATALOGUE_H
#define FB_CATALOGUE_H

#include <stddef.h>
#include <stdint.h>

#define FB_METRICS 55

/** How a goal that names a metric without saying how reads it. */
typedef enum fb_sense {
	FB_MORE,   ///< good: more is better
	FB_LESS,   ///< bad: less is better
	FB_TARGET, ///< best at a value
} fb_sense;

typedef struct fb_metric_info {
	const char *id, *group, *label, *unit, *doc;
	double none;               ///< what it reads while it has no answer
	double scale_lo, scale_hi; ///< the span a score maps to 0..1
	fb_sense sense;
	double target, tolerance; ///< FB_TARGET: default; tolerance: where the score has fallen to 0.71
} fb_metric_info;

extern const fb_metric_info fb_metric_catalogue[FB_METRICS];

/** Index of an id, -1 if unknown. thread: any */
int fb_metric_find(const char *id);

/** One measurement of a station. */
typedef struct fb_metric_set {
	double value[FB_METRICS];        ///< finite, always
	uint64_t valid;                  ///< bit i: value[i] has an answer
	uint64_t frame_start, frame_end; ///< the frames measured
	double rate_hz;
	uint64_t bad_samples; ///< NaN or infinite input samples, read as 0
} fb_metric_set;

#endif
