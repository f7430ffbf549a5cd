/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A model's recommendation, checked part by part. It is data from outside: what is not known, of
	the wrong type or out of range is refused, what goes too far is cut back, and both are named. */
#ifndef FB_ADVICE_H
#define FB_ADVICE_H

#include "trial.h"

typedef struct fb_advice {
	double *value;     ///< [knobs] the best so far with what was taken of the recommendation
	int taken;         ///< parts that change something
	json_t *remarks;   ///< [text]: what was refused or cut back, and why; for the model
	json_t *reasoning; ///< text as it came, NULL: none. Stored and shown escaped, never acted on
	double expected;   ///< points it hopes to gain
} fb_advice;

/** The form an answer must have, as JSON schema. NULL when out of memory. */
json_t *fb_advice_schema(const fb_knobs *knobs);

/** Read a model's text.
	range:  max_step: of a knob's travel, from the best so far; 1 is no limit
	owns:   fills *out (fb_advice_finish), also where nothing is of use: then taken is 0 and remarks
	        say why
	errors: FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_advice_read(
	fb_advice *out, const char *text, const fb_trials *history, double max_step, fb_error *error);
void fb_advice_finish(fb_advice *advice);

#endif
