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
	bool as_source;           ///< the target is what the source has; not known yet
} fb_aim;

enum { FB_CURVE_MAX = 32 };
#define FB_MARK_MAX 5.0 /**< the best mark an engineer can give */

/** A point of the balance that is wanted. */
typedef struct fb_curve_point {
	double hz, db; ///< of a third octave, against any common level
} fb_curve_point;

typedef struct fb_goal {
	double target_lufs;
	double epsilon; ///< a round that gains less (in score / 100) was not worth it
	fb_aim aims[FB_METRICS];
	uint32_t n_aims;
	/** Bit per metric: counts 0 where it has no answer, instead of being left out. A run asks so of
		all that its source has an answer to, or a search would find that silence has no faults.
		0 as parsed. */
	uint64_t required;
	fb_curve_point curve[FB_CURVE_MAX]; ///< by frequency; told, not scored
	uint32_t n_curve;
	double subjective_weight; ///< what the engineer's own mark counts, where one is given
	double mark;              ///< 0..5, NAN: none is given
} fb_goal;

/** The goal of a station that has none: design.md's example. thread: any */
void fb_goal_default(fb_goal *goal);

/** Read the "goal" object of a patch. A weight is a number, or {"weight": w} with one of
	"maximize": true, "minimize": true, "target": v (and "tolerance"). "target": "source" is what
	the unprocessed source has: what must stay as it is. What is not said is taken from the
	catalogue; the target of `lufs_*` is the goal's target_lufs, of `rms` 2.3 dB less (a flat
	spectrum at that loudness). "curve" is the balance that is wanted, in third octaves. The weight
	"subjective" is that of the engineer's mark, which is no metric. Without "weights" the default
	ones count; a weight of 0 leaves the metric out.
	errors: FB_INVALID, `where` ending in the key; *out untouched
	thread: any but audio */
FB_MUST_CHECK fb_status fb_goal_parse(
	const json_t *object, const char *where, fb_goal *out, fb_error *error);

/** The goal as fb_goal_parse() reads it, with all that it left unsaid. NULL when out of memory.
	thread: any but audio */
json_t *fb_goal_to_json(const fb_goal *goal);

/** Read "curve": {"HZ": dB}. Called by fb_goal_parse(). errors: FB_INVALID */
FB_MUST_CHECK fb_status fb_goal_read_curve(
	const json_t *object, const char *where, fb_goal *goal, fb_error *error);
/** The curve at a frequency, straight between its points over the logarithm of the frequency, level
	beyond them. false: the goal has none. thread: any */
bool fb_goal_curve(const fb_goal *goal, double hz, double *db);

/** Now it is known what the source measures: aims that are to be as it become plain targets. Where
	the source has no answer they stay as they are, and are left out. thread: any */
void fb_goal_learn(fb_goal *goal, const fb_metric_set *source);

/** How well a value meets one aim, 0..1: its place on the metric's scale for "more", one minus
	that for "less", 1 / sqrt(1 + ((value - target) / tolerance)^2) for a target. thread: any */
double fb_aim_part(const fb_aim *aim, double value);

/** 0..100: the mean of the aims' parts, by weight. With good and bad metrics only this is
	sum(w norm(good)) - sum(w norm(bad)), rescaled from its least..greatest value.
	Metrics that have no answer are left out of both sums, those in `required` count 0; when none
	has one, 0. Aims that are to be as a source which is not known are left out.
	range:  parts may be NULL, else [n_aims]: each aim's own 0..1, -1 where left out
	thread: any */
double fb_score(const fb_goal *goal, const fb_metric_set *set, double *parts);

/** The same of what sounds now: what loudness meters gather since their reset (lufs_integrated and
	what is made from it) is taken over their last 3 s, as all else is. After an hour the integrated
	loudness would not notice that a station has fallen silent. thread: any */
double fb_score_now(const fb_goal *goal, const fb_metric_set *live);

#endif
