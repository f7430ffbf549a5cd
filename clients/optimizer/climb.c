/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "climb.h"

#include <nlopt.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EVALUATIONS_MAX = 100 };
#define SCORE_ENOUGH 1e-4 /* points */
#define PLACE_ENOUGH 1e-3 /* steps */

/** NLopt moves the free knobs alone. */
typedef struct search {
	const fb_climb *climb;
	int *knob;                ///< [n] which knob each coordinate is
	double *place, *gradient; ///< [knobs]
} search;

static double score_at(unsigned n, const double *x, double *gradient, void *ctx)
{
	search *s = ctx;
	for (unsigned i = 0; i < n; i++) {
		s->place[s->knob[i]] = x[i];
	}
	double score = fb_model_score(s->climb->model, s->place, gradient ? s->gradient : NULL);
	for (unsigned i = 0; gradient && i < n; i++) {
		gradient[i] = s->gradient[s->knob[i]];
	}
	return score;
}

/** Gather the free knobs with their bounds. Returns how many. */
static unsigned gather(search *s, double *x, double *lower, double *upper)
{
	const fb_climb *climb = s->climb;
	unsigned n = 0;
	for (int k = 0; k < climb->knobs->count; k++) {
		const fb_knob *knob = &climb->knobs->knob[k];
		if (!climb->free[k] || fb_knob_is_switch(knob)) {
			continue;
		}
		double end = 1.0 / fb_knob_step(knob);
		s->knob[n] = k;
		lower[n] = fmin(fmax(0.0, climb->centre[k] - climb->radius), end);
		upper[n] = fmin(end, climb->centre[k] + climb->radius);
		x[n] = fb_clamp(s->place[k], lower[n], upper[n]);
		n++;
	}
	return n;
}

static double run(search *s, unsigned n, double *x, const double *lower, const double *upper)
{
	double top = 0.0;
	nlopt_opt opt = nlopt_create(NLOPT_LD_SLSQP, n);
	if (!opt) {
		return score_at(n, x, NULL, s);
	}
	nlopt_set_max_objective(opt, score_at, s);
	nlopt_set_lower_bounds(opt, lower);
	nlopt_set_upper_bounds(opt, upper);
	nlopt_set_maxeval(opt, EVALUATIONS_MAX);
	nlopt_set_ftol_abs(opt, SCORE_ENOUGH);
	nlopt_set_xtol_abs1(opt, PLACE_ENOUGH);
	nlopt_optimize(opt, x, &top); /* where it stops for rounding, x is still the best it saw */
	nlopt_destroy(opt);
	return score_at(n, x, NULL, s);
}

double fb_climb_top(const fb_climb *climb, double *place)
{
	size_t knobs = (size_t)climb->knobs->count + 1;
	search s = {.climb = climb, .knob = calloc(knobs, sizeof(int)), .place = place};
	double *room = calloc(4 * knobs, sizeof *room);
	double score = fb_model_score(climb->model, place, NULL);
	if (s.knob && room) {
		double *x = room + knobs, *lower = x + knobs, *upper = lower + knobs;
		s.gradient = room;
		unsigned n = gather(&s, x, lower, upper);
		score = n ? run(&s, n, x, lower, upper) : score;
	}
	free(s.knob);
	free(room);
	return score;
}
