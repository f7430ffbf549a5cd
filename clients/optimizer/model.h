/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A model of what has been heard: from the trials so far it predicts the score of a parameter set
	that was not tried yet.

	It predicts each metric of the goal on its own, since a metric follows the knobs far more
	plainly than a score does (6 dB more gain is 6 dB more loudness, from anywhere), and puts the
	score together as the goal does. How a metric makes its part of the score, and what the parts
	weigh, is read from the trials too; where that cannot be read the part itself is predicted.

	source: kriging (Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, ch. 2)
	        with a kernel that is a sum over knobs and their sections (Duvenaud et al., Additive
	        Gaussian Processes, 2011); the score's structure kept apart from what is simulated as
	        in POUNDERS (Wild 2017) */
#ifndef FB_MODEL_H
#define FB_MODEL_H

#include "trial.h"

typedef struct fb_model fb_model;

/** Where a value stands in the model's space: floats and ints in steps (fb_knob_step), a bool 0 or
	1, a choice its index. */
double fb_model_place(const fb_knob *knob, double value);
double fb_model_value(const fb_knob *knob, double place);

/** Fit to all trials that say something. Knobs that are not `live` [knobs] are left out.
	NULL when out of memory, or when the trials contradict each other */
fb_model *fb_model_fit(const fb_trials *history, const bool *live);
void fb_model_destroy(fb_model *model); ///< NULL is allowed

/** The score, 0..100, expected at a place [knobs].
	range: caution: how much of what the model does not know counts against a place; 1 is all of it,
	       0 takes the model at its word. gradient may be NULL, else [knobs]: points per unit of
	       place, 0 for switches */
double fb_model_score(const fb_model *model, const double *place, double caution, double *gradient);

#endif
