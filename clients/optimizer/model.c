/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model.h"

#include "part.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The kernel: a straight line per knob, a bend per knob, what knobs of one section do together, and
   what all do. Widths in steps. */
#define LINE 4.0
#define BEND 2.0
#define BEND_WIDTH 3.0
#define KIN 4.0
#define KIN_WIDTH 4.0
#define JOINT 1.0
#define JOINT_WIDTH 6.0
#define SWITCH_APART 2.0 /* steps that two settings of a switch are apart */
#define JITTER 1e-6
#define RESIDUAL 1e-4 /* of the score, 0..1, that the parts may leave unexplained */

/** One thing that is predicted: a metric or a part. */
typedef struct output {
	fb_part part;
	double weight, base; ///< of the score; the value at the centre
	double variance;     ///< of what the kernel calls 1
	double *alpha;       ///< [points]
} output;

struct fb_model {
	const fb_knobs *knobs;
	int *live, n_live;  ///< the knobs that count
	int *group, groups; ///< [n_live] which section each is of
	int points;
	double *place;  ///< [points][n_live]
	double *centre; ///< [n_live]
	output *output;
	int outputs;
	double constant; ///< of the score, 0..1
	double *factor;  ///< [points][points] Cholesky factor of the kernel matrix, lower
	/* the prediction's, so that it takes no memory: */
	double *at, *apart; ///< [n_live], [groups]
	double *with;       ///< [points] kernel with each point
	double *known;      ///< [points] the same, solved
	double *slopes;     ///< [points][n_live]
};

double fb_model_place(const fb_knob *knob, double value)
{
	return fb_knob_is_switch(knob) ? value : fb_knob_to_travel(knob, value) / fb_knob_step(knob);
}

double fb_model_value(const fb_knob *knob, double place)
{
	return fb_knob_is_switch(knob) ? place : fb_knob_from_travel(knob, place * fb_knob_step(knob));
}

/* --- the kernel */

/** 1 at 0 and falling. source: rational quadratic, alpha 1: positive definite in any dimension */
static double falling(double apart_squared, double width)
{
	return 1.0 / (1.0 + 0.5 * apart_squared / (width * width));
}

/** Its derivative by the distance along one knob, given its value. */
static double falling_slope(double value, double d, double width)
{
	return -value * value * d / (width * width);
}

/** Between `at` and a point, both [n_live]. slope: NULL, or [n_live]: derivatives by `at`. */
static double kernel(const fb_model *model, const double *at, const double *point, double *slope)
{
	double sum = 0.0, all = 0.0, *apart = model->apart;
	memset(apart, 0, (size_t)model->groups * sizeof *apart);
	for (int i = 0; i < model->n_live; i++) {
		double d = at[i] - point[i];
		if (fb_knob_is_switch(&model->knobs->knob[model->live[i]])) {
			bool same = fabs(d) < 0.5;
			sum += same ? LINE : 0.0;
			apart[model->group[i]] += same ? 0.0 : SWITCH_APART * SWITCH_APART;
			continue;
		}
		double from = point[i] - model->centre[i], bend = falling(d * d, BEND_WIDTH);
		sum += LINE * (at[i] - model->centre[i]) * from + BEND * bend;
		apart[model->group[i]] += d * d;
		if (slope) {
			slope[i] = LINE * from + BEND * falling_slope(bend, d, BEND_WIDTH);
		}
	}
	for (int g = 0; g < model->groups; g++) {
		all += apart[g];
		apart[g] = falling(apart[g], KIN_WIDTH);
		sum += KIN * apart[g];
	}
	all = falling(all, JOINT_WIDTH);
	for (int i = 0; slope && i < model->n_live; i++) {
		double d = at[i] - point[i];
		bool is_switch = fb_knob_is_switch(&model->knobs->knob[model->live[i]]);
		slope[i] = is_switch
					   ? 0.0
					   : slope[i] + KIN * falling_slope(apart[model->group[i]], d, KIN_WIDTH) +
							 JOINT * falling_slope(all, d, JOINT_WIDTH);
	}
	return sum + JOINT * all;
}

/** Number the sections: knobs of one node that share a section, and those without one. */
static void find_groups(fb_model *model)
{
	for (int i = 0; i < model->n_live; i++) {
		const fb_knob *knob = &model->knobs->knob[model->live[i]];
		int same = 0;
		while (same < i) {
			const fb_knob *other = &model->knobs->knob[model->live[same]];
			if (!strcmp(knob->node, other->node) && !strcmp(knob->section, other->section)) {
				break;
			}
			same++;
		}
		model->group[i] = same < i ? model->group[same] : model->groups++;
	}
}

/* --- linear algebra: small, dense, symmetric */

/** a[n][n], lower triangle, becomes its Cholesky factor. false: not positive definite. */
static bool cholesky(double *a, int n)
{
	for (int j = 0; j < n; j++) {
		for (int i = j; i < n; i++) {
			double sum = a[i * n + j];
			for (int k = 0; k < j; k++) {
				sum -= a[i * n + k] * a[j * n + k];
			}
			if (i > j) {
				a[i * n + j] = sum / a[j * n + j];
			} else if (sum > 0.0) {
				a[j * n + j] = sqrt(sum);
			} else {
				return false;
			}
		}
	}
	return true;
}

/** x = (L L')^-1 x */
static void solve(const double *l, int n, double *x)
{
	for (int i = 0; i < n; i++) {
		for (int k = 0; k < i; k++) {
			x[i] -= l[i * n + k] * x[k];
		}
		x[i] /= l[i * n + i];
	}
	for (int i = n - 1; i >= 0; i--) {
		for (int k = i + 1; k < n; k++) {
			x[i] -= l[k * n + i] * x[k];
		}
		x[i] /= l[i * n + i];
	}
}

/* --- which trials count */

/** Where another set of metrics has an answer the score is made another way. */
static bool is_comparable(const fb_trials *history, int trial)
{
	const fb_trial *a = &history->trial[0], *b = &history->trial[trial];
	for (int i = 0; i < history->aims; i++) {
		if (!isnan(a->part[i]) != !isnan(b->part[i])) {
			return false;
		}
	}
	return true;
}

/** Points that coincide in what counts add nothing and make the matrix singular. */
static bool add_point(fb_model *model, const fb_trials *history, int trial)
{
	double *place = model->place + model->points * model->n_live;
	for (int i = 0; i < model->n_live; i++) {
		int k = model->live[i];
		place[i] = fb_model_place(&model->knobs->knob[k], history->trial[trial].value[k]);
	}
	for (int p = 0; p < model->points; p++) {
		double apart = 0.0;
		for (int i = 0; i < model->n_live; i++) {
			apart += fabs(place[i] - model->place[p * model->n_live + i]);
		}
		if (apart < 1e-6) {
			return false;
		}
	}
	model->points++;
	return true;
}

/** Gather the points, the best one first: it is the centre. which[]: their trials. */
static void gather(fb_model *model, const fb_trials *history, int *which)
{
	int best = is_comparable(history, history->best) ? history->best : 0;
	for (int t = -1; t < history->count; t++) {
		int trial = t < 0 ? best : t;
		if (t != best && is_comparable(history, trial) && !fb_trials_foreign(history, trial) &&
			add_point(model, history, trial)) {
			which[model->points - 1] = trial;
		}
	}
	memcpy(model->centre, model->place, (size_t)model->n_live * sizeof(double));
}

/* --- fitting */

/** What each part weighs in the score: least squares, held near equal weights where the trials do
	not tell. parts [points][aims] */
static bool learn_weights(
	const double *parts, const double *score, int points, int aims, double *weight)
{
	double *a = calloc((size_t)aims * (size_t)aims + 1, sizeof *a);
	if (!a) {
		return false;
	}
	for (int i = 0; i < aims; i++) {
		weight[i] = 1.0 / aims;
	}
	for (int i = 0; i < aims; i++) {
		double right = 0.0;
		for (int p = 0; p < points; p++) {
			double miss = score[p];
			for (int j = 0; j < aims; j++) {
				miss -= parts[p * aims + j] / aims;
			}
			right += parts[p * aims + i] * miss;
			for (int j = 0; j <= i; j++) {
				a[i * aims + j] += parts[p * aims + i] * parts[p * aims + j];
			}
		}
		a[i * aims + i] += 1e-9 * points;
		weight[i] = right;
	}
	bool good = cholesky(a, aims);
	if (good) {
		solve(a, aims, weight);
		for (int i = 0; i < aims; i++) {
			weight[i] += 1.0 / aims;
		}
	}
	free(a);
	return good;
}

/** values[points] become an output's coefficients. */
static bool fit_output(fb_model *model, output *out, const double *values)
{
	size_t n = (size_t)model->points;
	out->alpha = malloc(n * sizeof(double));
	if (!out->alpha) {
		return false;
	}
	out->base = values[0];
	for (size_t p = 0; p < n; p++) {
		out->alpha[p] = values[p] - out->base;
	}
	solve(model->factor, model->points, out->alpha);
	for (size_t p = 0; p < n; p++) {
		out->variance += (values[p] - out->base) * out->alpha[p] / (double)n;
	}
	return true;
}

/** One output for each part that ever changed, and one for what the parts leave unexplained. */
static bool fit_outputs(fb_model *model, const fb_trials *history, const int *which)
{
	int aims = history->aims, points = model->points;
	size_t n = (size_t)points;
	double *parts = calloc(n * (size_t)(aims + 1), sizeof *parts),
		   *weight = calloc((size_t)aims + 1, sizeof *weight), *rest = calloc(3 * n, sizeof *rest);
	bool good = parts && weight && rest;
	double *metric = good ? rest + n : NULL, *part = good ? metric + n : NULL;
	double unexplained = 0.0;
	for (int p = 0; good && p < points; p++) {
		const fb_trial *trial = &history->trial[which[p]];
		rest[p] = trial->score / 100.0;
		for (int i = 0; i < aims; i++) {
			parts[p * aims + i] = isnan(trial->part[i]) ? 0.0 : trial->part[i];
		}
	}
	good = good && (!aims || learn_weights(parts, rest, points, aims, weight));
	for (int i = 0; good && i < aims; i++) {
		bool moves = false;
		for (int p = 0; p < points; p++) {
			metric[p] = history->trial[which[p]].metric[history->aim[i]];
			part[p] = parts[p * aims + i];
			rest[p] -= weight[i] * part[p];
			moves = moves || part[p] != part[0];
		}
		if (!moves) {
			model->constant += weight[i] * part[0];
			continue;
		}
		output *out = &model->output[model->outputs++];
		out->weight = weight[i];
		out->part = fb_part_learn(metric, part, points);
		good = fit_output(model, out, out->part.kind == FB_PART_RAW ? part : metric);
	}
	for (int p = 0; good && p < points; p++) {
		unexplained = fmax(unexplained, fabs(rest[p]));
	}
	if (good && unexplained > RESIDUAL) {
		output *out = &model->output[model->outputs++];
		*out = (output){.weight = 1.0, .part = {.kind = FB_PART_FREE}};
		good = fit_output(model, out, rest);
	}
	free(parts);
	free(weight);
	free(rest);
	return good;
}

static bool fit_kernel(fb_model *model)
{
	int n = model->points;
	for (int i = 0; i < n; i++) {
		for (int j = 0; j <= i; j++) {
			model->factor[i * n + j] = kernel(
				model, model->place + i * model->n_live, model->place + j * model->n_live, NULL);
		}
		model->factor[i * n + i] += JITTER * model->factor[i * n + i] + JITTER;
	}
	return cholesky(model->factor, n);
}

fb_model *fb_model_fit(const fb_trials *history, const bool *live)
{
	size_t knobs = (size_t)history->knobs->count + 1, trials = (size_t)history->count;
	fb_model *model = calloc(1, sizeof *model);
	int *which = calloc(trials, sizeof *which);
	if (!model || !which) {
		free(model);
		free(which);
		return NULL;
	}
	model->knobs = history->knobs;
	model->live = calloc(knobs, sizeof *model->live);
	model->centre = calloc(knobs, sizeof *model->centre);
	model->place = calloc(trials * knobs, sizeof *model->place);
	model->group = calloc(knobs, sizeof *model->group);
	model->factor = calloc(trials * trials, sizeof *model->factor);
	model->at = calloc(knobs, sizeof *model->at);
	model->apart = calloc(knobs, sizeof *model->apart);
	model->with = calloc(trials, sizeof *model->with);
	model->known = calloc(trials, sizeof *model->known);
	model->slopes = calloc(trials * knobs, sizeof *model->slopes);
	model->output = calloc((size_t)history->aims + 1, sizeof *model->output);
	bool good = model->live && model->centre && model->place && model->group && model->factor &&
				model->at && model->apart && model->with && model->known && model->slopes &&
				model->output;
	for (int k = 0; good && k < history->knobs->count; k++) {
		if (live[k]) {
			model->live[model->n_live++] = k;
		}
	}
	if (good) {
		find_groups(model);
		gather(model, history, which);
		good = fit_kernel(model) && fit_outputs(model, history, which);
	}
	free(which);
	if (!good) {
		fb_model_destroy(model);
		return NULL;
	}
	return model;
}

void fb_model_destroy(fb_model *model)
{
	if (!model) {
		return;
	}
	for (int i = 0; i < model->outputs; i++) {
		free(model->output[i].alpha);
	}
	free(model->output);
	free(model->live);
	free(model->centre);
	free(model->place);
	free(model->group);
	free(model->factor);
	free(model->at);
	free(model->apart);
	free(model->with);
	free(model->known);
	free(model->slopes);
	free(model);
}

/* --- predicting */

/** What the kernel says of a place alone, less what the points tell of it. */
static double unknown(const fb_model *model)
{
	size_t size = (size_t)model->points * sizeof(double);
	double left = kernel(model, model->at, model->at, NULL);
	memcpy(model->known, model->with, size);
	solve(model->factor, model->points, model->known);
	for (int p = 0; p < model->points; p++) {
		left -= model->known[p] * model->with[p];
	}
	return fmax(left, 0.0);
}

/** gradient += sum over points of factor[p] * scale * slopes[p] */
static void add_slopes(const fb_model *model, const double *factor, double scale, double *gradient)
{
	for (int p = 0; p < model->points; p++) {
		const double *slope = model->slopes + p * model->n_live;
		for (int i = 0; i < model->n_live; i++) {
			gradient[model->live[i]] += scale * factor[p] * slope[i];
		}
	}
}

double fb_model_score(const fb_model *model, const double *place, double caution, double *gradient)
{
	int n = model->n_live;
	double score = model->constant, by_unknown = 0.0;
	for (int i = 0; i < n; i++) {
		model->at[i] = place[model->live[i]];
	}
	for (int p = 0; p < model->points; p++) {
		model->with[p] =
			kernel(model, model->at, model->place + p * n, gradient ? model->slopes + p * n : NULL);
	}
	for (int k = 0; gradient && k < model->knobs->count; k++) {
		gradient[k] = 0.0;
	}
	double left = caution > 0.0 ? caution * unknown(model) : 0.0;
	for (int o = 0; o < model->outputs; o++) {
		const output *out = &model->output[o];
		double value = out->base, by_value, by_variance;
		for (int p = 0; p < model->points; p++) {
			value += out->alpha[p] * model->with[p];
		}
		score += out->weight *
				 fb_part_expected(&out->part, value, out->variance * left, &by_value, &by_variance);
		by_unknown += 100.0 * caution * out->weight * by_variance * out->variance;
		if (gradient && by_value != 0.0) {
			add_slopes(model, out->alpha, 100.0 * out->weight * by_value, gradient);
		}
	}
	if (gradient && caution > 0.0) {
		for (int i = 0; i < n; i++) {
			bool is_switch = fb_knob_is_switch(&model->knobs->knob[model->live[i]]);
			gradient[model->live[i]] +=
				is_switch ? 0.0 : by_unknown * 2.0 * LINE * (model->at[i] - model->centre[i]);
		}
		add_slopes(model, model->known, -2.0 * by_unknown, gradient);
	}
	return 100.0 * score;
}
