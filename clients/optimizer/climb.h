/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The highest place of a model within a box (NLopt). */
#ifndef FB_CLIMB_H
#define FB_CLIMB_H

#include "model.h"

typedef struct fb_climb {
	const fb_model *model;
	const fb_knobs *knobs;
	const bool *free;     ///< [knobs] those that may move; switches never do
	const double *centre; ///< [knobs] place of the box's middle
	double radius;        ///< half the box's width, steps
} fb_climb;

/** From *place [knobs], which is moved to the top. Returns the score expected there. */
double fb_climb_top(const fb_climb *climb, double *place);

#endif
