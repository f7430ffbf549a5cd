/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The engine `local`: no network, no knowledge of nodes. Each round it probes which knobs do
	anything, fits a model to all that was heard, climbs it (NLopt) and tries what it finds there.
	How much what the model does not know counts against a place is learned as it goes: less while
	bold trials win, more while none does. */
#include "climb.h"
#include "engine.h"
#include "probe.h"
#include "reach.h"
#include "scout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	ROUND_WAVES = 4,  /* fits of the model in a round */
	LOST_MAX = 2,     /* in a row: the last one follows */
	PROBES_MAX = 12,  /* in a round, but the first; never more than half of what is left */
	REACHES = 2,      /* times in a round that steps which helped are taken farther */
	REACH_MAX = 6,    /* knobs each time */
	STRONGEST = 4,    /* knobs of a sparse trial */
	SWITCHES_MAX = 3, /* flipped at once */
	ELSEWHERE = 4     /* climbs from somewhere else */
};
#define CAUTION_FIRST 0.25
#define CAUTION_MIN 0.01
#define CAUTION_MAX 30.0
#define BOLDER 0.2     /* of the caution */
#define AFTER_LOSS 3.0 /* the caution changes by, when no trial of a wave won */
#define AFTER_WIN 0.6
#define AFTER_BOLD_WIN 0.4
#define ELSEWHERE_STEPS 4.0
#define MUCH_LOST 50.0 /* times what a knob is worth */
#define LITTLE 10.0    /* the same */

typedef struct local {
	fb_tuning_task task;
	fb_probes *probes;
	fb_scout *scout;
	bool own_probes, begun;
	double caution;
	int waves;       ///< in this round, -1: the round has not begun
	int lost;        ///< of them in a row, that brought nothing
	int probes_left; ///< in this round
	int reaches;     ///< in this round
	int wave_from;   ///< the last wave's first trial, -1: none
	int round_from;  ///< this round's first trial
	double merit;    ///< when the round began
	double before;   ///< merit when the last wave began
	bool slow;       ///< the last wave brought next to nothing
	bool stalled;    ///< the last round brought next to nothing
	int rounds;      ///< that are over
	bool scouted;    ///< in this round
	uint64_t random;
	double *start, *best, *top, *other; ///< [knobs] places
	bool *mask;                         ///< [knobs]
} local;

static int knob_count(const local *self)
{
	return self->task.history->knobs->count;
}

static const fb_trial *best_trial(const local *self)
{
	return &self->task.history->trial[self->task.history->best];
}

static void destroy(void *ctx)
{
	local *self = ctx;
	if (self) {
		fb_scout_destroy(self->scout);
		if (self->own_probes) {
			fb_probes_destroy(self->probes);
		}
		free(self->start);
		free(self->best);
		free(self->top);
		free(self->other);
		free(self->mask);
		free(self);
	}
}

static fb_status create(const fb_tuning_task *task, void **out, fb_error *error)
{
	size_t knobs = (size_t)task->history->knobs->count + 1;
	local *self = calloc(1, sizeof *self);
	if (!self) {
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	self->task = *task;
	self->caution = CAUTION_FIRST;
	self->random = task->seed * 0x9e3779b97f4a7c15u | 1u;
	self->waves = self->wave_from = -1;
	self->own_probes = !task->probes;
	self->probes = task->probes ? task->probes : fb_probes_create(task->history);
	self->scout = self->probes ? fb_scout_create(task->history, self->probes) : NULL;
	self->start = calloc(knobs, sizeof *self->start);
	self->best = calloc(knobs, sizeof *self->best);
	self->top = calloc(knobs, sizeof *self->top);
	self->other = calloc(knobs, sizeof *self->other);
	self->mask = calloc(knobs, sizeof *self->mask);
	if (!self->scout || !self->start || !self->best || !self->top || !self->other || !self->mask) {
		destroy(self);
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	for (int k = 0; k < task->history->knobs->count; k++) {
		const fb_knob *knob = &task->history->knobs->knob[k];
		self->start[k] = fb_model_place(knob, knob->start);
	}
	*out = self;
	return FB_OK;
}

/** -1..1. source: Vigna, An experimental exploration of Marsaglia's xorshift generators, 2016 */
static double random_spread(local *self)
{
	self->random ^= self->random >> 12;
	self->random ^= self->random << 25;
	self->random ^= self->random >> 27;
	return (double)(int64_t)(self->random * 2685821657736338717u) / 9223372036854775808.0;
}

/* --- a wave: what the model makes of it */

static fb_climb climb_with(
	const local *self, const fb_model *model, const bool *free_knobs, double caution)
{
	return (fb_climb){.model = model,
		.knobs = self->task.history->knobs,
		.free = free_knobs,
		.settled = fb_scout_settled(self->scout),
		.start = self->start,
		.caution = caution,
		.worth = self->task.history->worth};
}

/** To the top, from `place`, with no knob turned that is not worth it. */
static void climb(const fb_climb *job, double *place)
{
	fb_climb_top(job, place);
	fb_climb_simplify(job, place);
}

static bool add(
	local *self, const fb_climb *job, const double *place, fb_batch *out, const char *why)
{
	const fb_trials *history = self->task.history;
	const fb_knobs *knobs = history->knobs;
	double *value = malloc((size_t)(knobs->count + 1) * sizeof *value);
	bool added = false;
	for (int k = 0; value && k < knobs->count; k++) {
		const fb_knob *knob = &knobs->knob[k];
		value[k] = place[k] == self->start[k]  ? knob->start
				   : place[k] == self->best[k] ? best_trial(self)->value[k]
											   : fb_model_value(knob, place[k]);
	}
	if (value) {
		added = fb_batch_add(out, history, value, "%s, caution %.2g, expecting %.2f", why,
			job->caution, fb_model_score(job->model, place, job->caution, NULL));
	}
	free(value);
	return added;
}

/** Leave in the mask the few knobs that the top owes most to. */
static void keep_strongest(local *self, const fb_climb *job)
{
	int n = knob_count(self);
	double *gain = self->other;
	double score = fb_model_score(job->model, self->top, job->caution, NULL);
	for (int k = 0; k < n; k++) {
		double was = self->top[k];
		self->mask[k] = false;
		self->top[k] = self->best[k];
		gain[k] = was == self->best[k]
					  ? 0.0
					  : score - fb_model_score(job->model, self->top, job->caution, NULL);
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
	const fb_trials *history = self->task.history;
	for (int t = 0; t < history->count; t++) {
		if ((int)history->trial[t].value[knob] == setting && !fb_trials_foreign(history, t)) {
			return true;
		}
	}
	return false;
}

/** Flip at `place` the switch that promises most. false: none does. */
static bool flip_best(const local *self, const fb_climb *job, double *place)
{
	const fb_knobs *knobs = self->task.history->knobs;
	const bool *live = fb_probes_live(self->probes);
	double least = fb_model_score(job->model, place, job->caution, NULL) + job->worth;
	int knob = -1, to = 0;
	for (int k = 0; k < knobs->count; k++) {
		if (!live[k] || !fb_knob_is_switch(&knobs->knob[k])) {
			continue;
		}
		double was = place[k];
		for (int setting = 0; setting < fb_knob_settings(&knobs->knob[k]); setting++) {
			place[k] = setting;
			double score = setting != (int)was && was_heard(self, k, setting)
							   ? fb_model_score(job->model, place, job->caution, NULL)
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

/** The top with other settings of switches, if they promise something. */
static void add_switched(local *self, const fb_climb *job, fb_batch *out)
{
	memcpy(self->other, self->top, (size_t)knob_count(self) * sizeof(double));
	int flips = 0;
	while (flips < SWITCHES_MAX && flip_best(self, job, self->other)) {
		flips++;
	}
	if (flips) {
		climb(job, self->other);
		add(self, job, self->other, out, "switched");
	}
}

/** A model has more than one top: the best of a few climbs from elsewhere. */
static void add_elsewhere(local *self, const fb_climb *job, fb_batch *out)
{
	const fb_knobs *knobs = self->task.history->knobs;
	size_t size = (size_t)knobs->count * sizeof(double);
	double highest = -1.0;
	for (int i = 0; i < ELSEWHERE; i++) {
		memcpy(self->other, self->best, size);
		for (int k = 0; k < knobs->count; k++) {
			const fb_knob *knob = &knobs->knob[k];
			double by = ELSEWHERE_STEPS * random_spread(self);
			if (job->free[k] && !fb_knob_is_switch(knob)) {
				self->other[k] = fb_clamp(self->other[k] + by, 0.0, 1.0 / fb_knob_step(knob));
			}
		}
		climb(job, self->other);
		double score = fb_model_score(job->model, self->other, job->caution, NULL);
		if (score > highest) {
			highest = score;
			memcpy(self->top, self->other, size);
		}
	}
	add(self, job, self->top, out, "elsewhere");
}

static void propose_wave(local *self, fb_batch *out)
{
	const fb_trials *history = self->task.history;
	const bool *live = fb_probes_live(self->probes);
	size_t size = (size_t)knob_count(self) * sizeof(double);
	fb_model *model = fb_model_fit(history, live);
	if (!model) {
		return;
	}
	for (int k = 0; k < knob_count(self); k++) {
		self->best[k] = fb_model_place(&history->knobs->knob[k], best_trial(self)->value[k]);
	}
	fb_climb job = climb_with(self, model, live, self->caution),
			 bold = climb_with(self, model, live, BOLDER * self->caution),
			 sparse = climb_with(self, model, self->mask, self->caution);
	memcpy(self->top, self->best, size);
	climb(&job, self->top);
	bool known = !add(self, &job, self->top, out, "top");
	memcpy(self->other, self->top, size);
	climb(&bold, self->other);
	add(self, &bold, self->other, out, "bold");
	if (self->waves < ROUND_WAVES) {
		keep_strongest(self, &job);
		memcpy(self->other, self->best, size);
		climb(&sparse, self->other);
		add(self, &sparse, self->other, out, "strongest alone");
	} else {
		memcpy(self->other, self->top, size);
		fb_climb_condense(&job, self->other);
		add(self, &job, self->other, out, "fewer");
		fb_climb_afresh(&job, self->other);
		fb_climb_simplify(&job, self->other);
		add(self, &job, self->other, out, "afresh");
	}
	add_switched(self, &job, out);
	if (known || self->stalled) {
		add_elsewhere(self, &job, out);
	}
	fb_model_destroy(model);
}

/* --- rounds */

static void judge_wave(local *self)
{
	if (self->wave_from < 0) {
		return;
	}
	self->slow = best_trial(self)->merit - self->before < LITTLE * self->task.history->worth;
	if (self->task.history->best < self->wave_from) {
		self->caution = fmin(self->caution * AFTER_LOSS, CAUTION_MAX);
		self->lost++;
	} else {
		self->lost = 0;
		bool bold = !strncmp(best_trial(self)->why, "bold", 4);
		self->caution = fmax(self->caution * (bold ? AFTER_BOLD_WIN : AFTER_WIN), CAUTION_MIN);
	}
	self->wave_from = -1;
}

/** At the end of a round that brought less than what is lost still, if that is worth the trouble
	and the model leads no farther. The first is left out: what slept then was not asked since. */
static void scout(local *self, int room, fb_batch *out)
{
	double lost = 100.0 - best_trial(self)->score, gain = best_trial(self)->merit - self->merit;
	if (!self->scouted && self->rounds > 0 && self->slow && gain < lost &&
		lost > MUCH_LOST * self->task.history->worth) {
		fb_scout_begin(self->scout);
	}
	self->scouted = true;
	fb_scout_propose(self->scout, room, out);
}

static fb_status propose(void *ctx, int room, fb_batch *out, fb_error *error)
{
	local *self = ctx;
	const fb_trials *history = self->task.history;
	(void)error;
	judge_wave(self);
	if (self->waves < 0) {
		self->waves = 0;
		self->probes_left = room / 2;
		if (self->begun && self->probes_left > PROBES_MAX) {
			self->probes_left = PROBES_MAX;
		}
		self->begun = true;
		self->merit = best_trial(self)->merit;
		self->round_from = self->task.history->count;
		self->reaches = self->lost = 0;
		self->scouted = false;
		fb_probes_plan(self->probes, PROBES_MAX, self->stalled);
	}
	fb_probes_propose(self->probes, room < self->probes_left ? room : self->probes_left, out);
	self->probes_left -= out->count;
	if (out->count || !fb_probes_live_count(self->probes)) {
		return FB_OK;
	}
	if (self->waves == ROUND_WAVES) {
		scout(self, room, out);
		return FB_OK;
	}
	if (self->reaches < REACHES) {
		self->reaches++;
		fb_reach_propose(history, self->round_from, room < REACH_MAX ? room : REACH_MAX, out);
		if (out->count) {
			return FB_OK;
		}
	}
	self->waves = self->lost < LOST_MAX ? self->waves + 1 : ROUND_WAVES;
	self->wave_from = self->task.history->count;
	self->before = best_trial(self)->merit;
	propose_wave(self, out);
	while (out->count > room) {
		free(out->value[--out->count]);
	}
	if (!out->count) {
		self->slow = true;
		self->waves = ROUND_WAVES;
		scout(self, room, out);
	}
	return FB_OK;
}

static bool end_round(void *ctx)
{
	local *self = ctx;
	judge_wave(self);
	self->waves = -1;
	self->rounds++;
	self->stalled = best_trial(self)->merit - self->merit < LITTLE * self->task.history->worth;
	return self->task.history->count > self->round_from;
}

static const char *gave_up(const void *ctx)
{
	(void)ctx;
	return "";
}

const fb_tuning_engine fb_tuning_local = {
	"local", false, create, propose, end_round, gave_up, destroy};
