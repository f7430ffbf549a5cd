/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "climb.h"

#include <nlopt.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	EVALUATIONS_MAX = 100,
	STAND_INS = 5,  /* knobs that are asked whether others can stand in for them */
	AFRESH_MAX = 8, /* knobs that are turned one after the other */
};
#define SCORE_ENOUGH 1e-4 /* points */
#define PLACE_ENOUGH 1e-3 /* steps */
#define DRIFT_CORNER 0.3  /* steps: the cost is rounded there, since the search needs slopes */

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
	double score =
		fb_model_score(s->climb->model, s->place, s->climb->caution, gradient ? s->gradient : NULL);
	for (unsigned i = 0; i < n; i++) {
		double away = x[i] - s->climb->start[s->knob[i]];
		double cost = sqrt(away * away + DRIFT_CORNER * DRIFT_CORNER);
		score -= FB_KNOB_DRIFT * s->climb->worth * cost;
		if (gradient) {
			gradient[i] = s->gradient[s->knob[i]] - FB_KNOB_DRIFT * s->climb->worth * away / cost;
		}
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
		if (!climb->free[k] || climb->settled[k] || fb_knob_is_switch(knob)) {
			continue;
		}
		s->knob[n] = k;
		lower[n] = 0.0;
		upper[n] = 1.0 / fb_knob_step(knob);
		x[n] = fb_clamp(s->place[k], lower[n], upper[n]);
		n++;
	}
	return n;
}

static void run(search *s, unsigned n, double *x, const double *lower, const double *upper)
{
	double top = 0.0;
	nlopt_opt opt = nlopt_create(NLOPT_LD_SLSQP, n);
	if (!opt) {
		return;
	}
	nlopt_set_max_objective(opt, score_at, s);
	nlopt_set_lower_bounds(opt, lower);
	nlopt_set_upper_bounds(opt, upper);
	nlopt_set_maxeval(opt, EVALUATIONS_MAX);
	nlopt_set_ftol_abs(opt, SCORE_ENOUGH);
	nlopt_set_xtol_abs1(opt, PLACE_ENOUGH);
	nlopt_optimize(opt, x, &top); /* where it stops for rounding, x is still the best it saw */
	nlopt_destroy(opt);
	for (unsigned i = 0; i < n; i++) {
		s->place[s->knob[i]] = x[i];
	}
}

void fb_climb_top(const fb_climb *climb, double *place)
{
	size_t knobs = (size_t)climb->knobs->count + 1;
	search s = {.climb = climb, .knob = calloc(knobs, sizeof(int)), .place = place};
	double *room = calloc(4 * knobs, sizeof *room);
	if (s.knob && room) {
		double *x = room + knobs, *lower = x + knobs, *upper = lower + knobs;
		s.gradient = room;
		unsigned n = gather(&s, x, lower, upper);
		if (n) {
			run(&s, n, x, lower, upper);
		}
	}
	free(s.knob);
	free(room);
}

/** The score expected at a place, less what turning knobs so far has to be worth. */
static double merit_of(const fb_climb *climb, const double *place)
{
	double cost = 0.0;
	for (int k = 0; k < climb->knobs->count; k++) {
		if (place[k] != climb->start[k]) {
			bool is_switch = fb_knob_is_switch(&climb->knobs->knob[k]);
			cost += 1.0;
			cost += is_switch ? 0.0 : FB_KNOB_DRIFT * fabs(place[k] - climb->start[k]);
		}
	}
	return fb_model_score(climb->model, place, climb->caution, NULL) - climb->worth * cost;
}

/** What a place loses when a knob goes back to its start. */
static double loss_without(const fb_climb *climb, double *place, double merit, int knob)
{
	double was = place[knob];
	place[knob] = climb->start[knob];
	double without = merit_of(climb, place);
	place[knob] = was;
	return merit - without;
}

/** The turned knob that is missed least, of those not in `but` (NULL: none excepted); -1: none. */
static int least_missed(const fb_climb *climb, double *place, const bool *but, double *loss)
{
	int least = -1;
	double merit = merit_of(climb, place);
	for (int k = 0; k < climb->knobs->count; k++) {
		if (place[k] != climb->start[k] && !climb->settled[k] && !(but && but[k])) {
			double missed = loss_without(climb, place, merit, k);
			if (least < 0 || missed < *loss) {
				*loss = missed;
				least = k;
			}
		}
	}
	return least;
}

void fb_climb_simplify(const fb_climb *climb, double *place)
{
	double loss = 0.0;
	int least;
	while ((least = least_missed(climb, place, NULL, &loss)) >= 0 && loss <= 0.0) {
		place[least] = climb->start[least];
	}
}

/** Put one more knob back and let the other turned ones make up for it. false: none is worth so
	little. `tried` [2 * knobs] and `other` [knobs] are room to work in. */
static bool condense_one(const fb_climb *climb, double *place, bool *tried, double *other)
{
	size_t knobs = (size_t)climb->knobs->count;
	bool *turned = tried + knobs;
	double merit = merit_of(climb, place), loss = 0.0;
	memset(tried, 0, knobs * sizeof *tried);
	for (int i = 0; i < STAND_INS; i++) {
		int k = least_missed(climb, place, tried, &loss);
		if (k < 0) {
			return false;
		}
		tried[k] = true;
		memcpy(other, place, knobs * sizeof *other);
		other[k] = climb->start[k];
		for (size_t j = 0; j < knobs; j++) {
			turned[j] = other[j] != climb->start[j];
		}
		fb_climb rest = *climb;
		rest.free = turned;
		fb_climb_top(&rest, other);
		if (merit_of(climb, other) >= merit) {
			memcpy(place, other, knobs * sizeof *other);
			return true;
		}
	}
	return false;
}

void fb_climb_condense(const fb_climb *climb, double *place)
{
	size_t knobs = (size_t)climb->knobs->count + 1;
	bool *tried = calloc(2 * knobs, sizeof *tried);
	double *other = calloc(knobs, sizeof *other);
	while (tried && other && condense_one(climb, place, tried, other)) {
		/* one less each time */
	}
	free(tried);
	free(other);
}

/** The knob that alone brings most at `place`, of those that stand at their start, put where it
	does. Returns which, -1: none brings anything. */
static int turn_one(const fb_climb *climb, double *place)
{
	static const double away[] = {-9.0, -3.0, -1.0, 1.0, 3.0, 9.0};
	double most = merit_of(climb, place), to = 0.0;
	int best = -1;
	for (int k = 0; k < climb->knobs->count; k++) {
		const fb_knob *knob = &climb->knobs->knob[k];
		double was = place[k];
		if (!climb->free[k] || climb->settled[k] || was != climb->start[k] ||
			fb_knob_is_switch(knob)) {
			continue;
		}
		for (size_t i = 0; i < sizeof away / sizeof *away; i++) {
			place[k] = fb_clamp(was + away[i], 0.0, 1.0 / fb_knob_step(knob));
			double merit = place[k] == was ? most : merit_of(climb, place);
			if (merit > most) {
				most = merit;
				to = place[k];
				best = k;
			}
		}
		place[k] = was;
	}
	if (best >= 0) {
		place[best] = to;
	}
	return best;
}

void fb_climb_afresh(const fb_climb *climb, double *place)
{
	size_t knobs = (size_t)climb->knobs->count;
	bool *turned = calloc(knobs + 1, sizeof *turned);
	fb_climb those = *climb;
	those.free = turned;
	for (size_t k = 0; k < knobs; k++) {
		place[k] = climb->settled[k] ? place[k] : climb->start[k];
	}
	for (int i = 0; turned && i < AFRESH_MAX; i++) {
		int k = turn_one(climb, place);
		if (k < 0) {
			break;
		}
		turned[k] = true;
		fb_climb_top(&those, place);
	}
	free(turned);
}
