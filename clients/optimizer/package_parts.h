/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The pieces of a package; package.c alone puts them together. NULL when out of memory. */
#ifndef FB_PACKAGE_PARTS_H
#define FB_PACKAGE_PARTS_H

#include "brief.h"
#include "trial.h"

/** How much is told. */
typedef struct fb_detail {
	int rounds;        ///< newest rounds told in full, the others in a line each
	int sensitivities; ///< strongest steps
	bool all_metrics;  ///< or only the goal's
	bool docs;         ///< what each parameter does, or only the names
	bool dead;         ///< parameters that were seen to do nothing, with all about them
} fb_detail;

/** design.md's run report of the best so far. */
json_t *fb_part_report(const fb_brief *brief, const fb_trials *history, const fb_detail *detail);
/** The balance of the source, of the best so far, and the goal's curve; NULL also where it is not
	known. */
json_t *fb_part_third_octaves(const fb_brief *brief, const fb_trials *history);
json_t *fb_part_goal(const fb_brief *brief, const fb_trials *history);
json_t *fb_part_parameters(const fb_trials *history, const bool *live, const fb_detail *detail);
json_t *fb_part_history(const fb_trials *history, const fb_detail *detail);
json_t *fb_part_sensitivities(const fb_trials *history, const fb_detail *detail);

/** A value as a model is told it: few digits, since nobody tells more than a thousandth apart, and
	digits are tokens. */
double fb_part_told(double value);

#endif
