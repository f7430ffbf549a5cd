/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The engine `local`: no network, no knowledge of nodes. Each round it probes which knobs do
	anything, fits a model to all that was heard, and tries where the model (climbed by NLopt within
	a radius around the best) expects the most. The radius grows while that comes true and shrinks
	while it does not. */
#include "climb.h"
#include "engine.h"
#include "probe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	WAVE = 4,         /* trials from one fit of the model */
	ROUND_WAVES = 3,  /* of them in a round */
	PROBES_MAX = 10,  /* in a round, but the first */
	STRONGEST = 4,    /* knobs of a sparse trial */
	SWITCHES_MAX = 3, /* flipped at once */
};
#define RADIUS_FIRST 4.0 /* steps */
#define RADIUS_MAX 12.0
#define RADIUS_MIN 0.1
#define CAREFUL 0.35 /* of the radius */
#define BOLD 2.0
#define WORTH 0.02 /* points that a switch must promise */

static const char careful[] = "all knobs, careful";

typedef struct local {
	fb_task task;
	fb_probes *probes;
	double radius;
	uint64_t random;
	int waves;     ///< in this round, -1: the round has not begun
	int wave_from; ///< the last wave's first trial, -1: none
	double best_before;
	double *place, *top, *other; ///< [knobs]
	bool *mask;                  ///< [knobs]
} local;

static int knob_count(const local *self)
{
	return self->task.history->knobs->count;
}

static void destroy(void *ctx)
{
	local *self = ctx;
	if (self) {
		fb_probes_destroy(self->probes);
		free(self->place);
		free(self->top);
		free(self->other);
		free(self->mask);
		free(self);
	}
}

static fb_status create(const fb_task *task, void **out, fb_error *error)
{
	size_t knobs = (size_t)task->history->knobs->count + 1;
	local *self = calloc(1, sizeof *self);
	if (!self) {
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	self->task = *task;
	self->radius = RADIUS_FIRST;
	self->random = task->seed * 2654435769u + 1;
	self->waves = self->wave_from = -1;
	self->probes = fb_probes_create(task->history);
	self->place = calloc(knobs, sizeof *self->place);
	self->top = calloc(knobs, sizeof *self->top);
	self->other = calloc(knobs, sizeof *self->other);
	self->mask = calloc(knobs, sizeof *self->mask);
	if (!self->probes || !self->place || !self->top || !self->other || !self->mask) {
		destroy(self);
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	*out = self;
	return FB_OK;
}

/** -1..1. source: Marsaglia, Xorshift RNGs, 2003; multiplier of Vigna 2016 */
static double random_spread(local *self)
{
	self->random ^= self->random >> 12;
	self->random ^= self->random << 25;
	self->random ^= self->random >> 27;
	return (double)(int64_t)(self->random * 2685821657736338717u) / 9223372036854775808.0;
}

/* --- a wave: what the model makes of it */

static void add(local *self, const double *place, fb_batch *out, const char *why)
{
	const fb_history *history = self->task.history;
	const fb_knobs *knobs = history->knobs;
	double *value = malloc((size_t)(knobs->count + 1) * sizeof *value);
	for (int k = 0; value && k < knobs->count; k++) {
		double best = history->trial[history->best].value[k];
		value[k] = place[k] == self->place[k] ? best : fb_model_value(&knobs->knob[k], place[k]);
	}
	if (value) {
		fb_batch_add(out, history, value, "%s, radius %.2g", why, self->radius);
	}
	free(value);
}

static void climb(
	local *self, const fb_model *model, const bool *free_knobs, double radius, double *place)
{
	fb_climb job = {.model = model,
		.knobs = self->task.history->knobs,
		.free = free_knobs,
		.centre = self->place,
		.radius = radius};
	fb_climb_top(&job, place);
}

/** Leave in the mask the few knobs that the top owes most to. */
static void keep_strongest(local *self, const fb_model *model)
{
	int n = knob_count(self);
	double *gain = self->other;
	double score = fb_model_score(model, self->top, NULL);
	for (int k = 0; k < n; k++) {
		double was = self->top[k];
		self->mask[k] = false;
		self->top[k] = self->place[k];
		gain[k] = was != self->place[k] ? score - fb_model_score(model, self->top, NULL) : 0.0;
		self->top[k] = was;
	}
	for (int i = 0; i < STRONGEST; i++) {
		int most = -1;
		for (int k = 0; k < n; k++) {
			if (!self->mask[k] && gain[k] > 0.0 && (most < 0 || gain[k] > gain[most])) {
				most = k;
			}
		}
		if (most >= 0) {
			self->mask[most] = true;
		}
	}
}

/** Was this setting ever heard? The model knows nothing of others. */
static bool was_heard(const local *self, int knob, int setting)
{
	const fb_history *history = self->task.history;
	for (int t = 0; t < history->count; t++) {
		if ((int)history->trial[t].value[knob] == setting) {
			return true;
		}
	}
	return false;
}

/** Flip at `place` the switch that promises most. false: none does. */
static bool flip_best(const local *self, const fb_model *model, double *place)
{
	const fb_knobs *knobs = self->task.history->knobs;
	const bool *live = fb_probes_live(self->probes);
	double least = fb_model_score(model, place, NULL) + WORTH;
	int knob = -1, to = 0;
	for (int k = 0; k < knobs->count; k++) {
		if (!live[k] || !fb_knob_is_switch(&knobs->knob[k])) {
			continue;
		}
		double was = place[k];
		for (int setting = 0; setting < fb_knob_settings(&knobs->knob[k]); setting++) {
			place[k] = setting;
			double score = setting != (int)was && was_heard(self, k, setting)
							   ? fb_model_score(model, place, NULL)
							   : 0.0;
			if (score > least) {
				least = score;
				knob = k;
				to = setting;
			}
		}
		place[k] = was;
	}
	if (knob >= 0) {
		place[knob] = to;
	}
	return knob >= 0;
}

/** The fourth trial: other settings of switches if they promise something, else somewhere near the
	top at random, so that the model learns what it does not expect. */
static void add_fourth(local *self, const fb_model *model, fb_batch *out)
{
	const fb_knobs *knobs = self->task.history->knobs;
	const bool *live = fb_probes_live(self->probes);
	memcpy(self->other, self->top, (size_t)knobs->count * sizeof(double));
	int flips = 0;
	while (flips < SWITCHES_MAX && flip_best(self, model, self->other)) {
		flips++;
	}
	if (flips) {
		climb(self, model, live, self->radius, self->other);
		add(self, self->other, out, "with switches");
		return;
	}
	for (int k = 0; k < knobs->count; k++) {
		const fb_knob *knob = &knobs->knob[k];
		double by = 0.5 * self->radius * random_spread(self);
		if (live[k] && !fb_knob_is_switch(knob)) {
			self->other[k] = fb_clamp(self->other[k] + by, 0.0, 1.0 / fb_knob_step(knob));
		}
	}
	add(self, self->other, out, "beside the top");
}

static void propose_wave(local *self, fb_batch *out)
{
	const fb_history *history = self->task.history;
	const fb_knobs *knobs = history->knobs;
	const bool *live = fb_probes_live(self->probes);
	size_t size = (size_t)knobs->count * sizeof(double);
	fb_model *model = fb_model_fit(history, live);
	if (!model) {
		return;
	}
	for (int k = 0; k < knobs->count; k++) {
		self->place[k] = fb_model_place(&knobs->knob[k], history->trial[history->best].value[k]);
	}
	memcpy(self->top, self->place, size);
	climb(self, model, live, self->radius, self->top);
	add(self, self->top, out, "all knobs");
	memcpy(self->other, self->place, size);
	climb(self, model, live, CAREFUL * self->radius, self->other);
	add(self, self->other, out, careful);
	keep_strongest(self, model);
	memcpy(self->other, self->place, size);
	climb(self, model, self->mask, BOLD * self->radius, self->other);
	add(self, self->other, out, "the strongest, bold");
	add_fourth(self, model, out);
	fb_model_destroy(model);
}

/* --- rounds */

/** Did the last wave keep its promise? */
static void judge_wave(local *self)
{
	const fb_history *history = self->task.history;
	if (self->wave_from < 0) {
		return;
	}
	if (history->best < self->wave_from) {
		self->radius *= 0.5;
	} else if (strncmp(history->trial[history->best].why, careful, sizeof careful - 1)) {
		self->radius = fmin(self->radius * 1.4, RADIUS_MAX);
	}
	self->wave_from = -1;
}

static fb_status propose(void *ctx, int room, fb_batch *out, fb_error *error)
{
	local *self = ctx;
	(void)error;
	judge_wave(self);
	if (self->waves < 0) {
		self->waves = 0;
		fb_probes_plan(self->probes, PROBES_MAX);
	}
	fb_probes_propose(self->probes, room, out);
	if (out->count || self->waves == ROUND_WAVES || !fb_probes_live_count(self->probes)) {
		return FB_OK;
	}
	self->waves++;
	self->wave_from = self->task.history->count;
	propose_wave(self, out);
	while (out->count > room) {
		free(out->value[--out->count]);
	}
	return FB_OK;
}

static bool end_round(void *ctx)
{
	local *self = ctx;
	judge_wave(self);
	self->waves = -1;
	return self->radius > RADIUS_MIN && fb_probes_live_count(self->probes) > 0;
}

const fb_engine fb_engine_local = {"local", create, propose, end_round, destroy};
