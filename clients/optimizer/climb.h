/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The highest place of a model (NLopt). */
#ifndef FB_CLIMB_H
#define FB_CLIMB_H

#include "model.h"

typedef struct fb_climb {
	const fb_model *model;
	const fb_knobs *knobs;
	const bool *free;    ///< [knobs] those that may move; switches never do
	const bool *settled; ///< [knobs] those that stay where they are
	const double *start; ///< [knobs] place where the session found the station
	double caution;      ///< fb_model_score()
	double worth;        ///< points that turning a knob must bring
} fb_climb;

/** Move `place` [knobs] to the top. What brings nothing drifts back towards its start. */
void fb_climb_top(const fb_climb *climb, double *place);

/** Put every knob back to its start, switches too, whose turning is not worth it at `place`: the
	least worthy first, since one may stand in for another. */
void fb_climb_simplify(const fb_climb *climb, double *place);

/** The same, but the other turned knobs may make up for one that goes back: of two gains in a row
	one is left. */
void fb_climb_condense(const fb_climb *climb, double *place);

/** From the start, but for what is settled, one knob after the other, each time the one that brings
	most, while any brings something: few knobs, whatever `place` was. */
void fb_climb_afresh(const fb_climb *climb, double *place);

#endif
