/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Goals, and the scores made from metrics. */
#ifndef FB_SCORE_H
#define FB_SCORE_H

#include "../graph/status.h"
#include "catalogue.h"

#include <jansson.h>

/** What one metric should be, and how much it counts. */
typedef struct fb_aim {
	int metric;    ///< index in the catalogue
	double weight; ///< > 0
	fb_sense sense;
	double target, tolerance; ///< FB_TARGET
} fb_aim;

typedef struct fb_goal {
	double target_lufs;
	double epsilon; ///< a round that gains less (in score / 100) was not worth it
	fb_aim aims[FB_METRICS];
	uint32_t n_aims;
} fb_goal;

/** The goal of a station that has none. */
void fb_goal_default(fb_goal *goal);
/** Read the "goal" object of a patch. Weights: {"metric": w} or {"metric": {"weight", "maximize":
	true} | {"weight", "minimize": true} | {"weight", "target", "tolerance"}}.
	errors: FB_INVALID naming the key */
FB_MUST_CHECK fb_status fb_goal_parse(
	const json_t *object, const char *where, fb_goal *out, fb_error *error);

/** 0..100: the weighted share of what the goal asks for. Invalid metrics are left out.
	range: parts may be NULL, else [n_aims]: each aim's own 0..1, -1 where left out */
double fb_score(const fb_goal *goal, const fb_metric_set *set, double *parts);

#endif
