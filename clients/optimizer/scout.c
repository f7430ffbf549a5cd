/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scout.h"

#include "form.h"
#include "model.h"
#include "section.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	SWEEP_MAX = 24,   /* places of a sweep, all settings together */
	SEEDS_MAX = 2,    /* places that are looked at closer */
	CHASE_WAVES = 8,  /* each tries every number up and down */
	PATIENT_WAVES = 2 /* before a place that gains too slowly is given up */
};
#define SPACING 2.0      /* steps between the places of a sweep at least */
#define FIRST_OTHER 2.0  /* steps of numbers that the sweep leaves alone */
#define UP_MIN 0.1       /* points that a place brings back at least */
#define GAIN_MIN 5.0     /* of what a knob is worth: slower gains are left to others */
#define MORE 1.2         /* times as promising, while nothing is gained yet */
#define BEGIN_AGAIN 25.0 /* of what a knob is worth: so far away the view is another */
#define SPOILT 0.2       /* of what is lost: harmless trifles are not what is looked for */

typedef enum phase { RESTING, TASTING, SWEEPING, CHASING } phase; /* what is being heard */

/** A sleeping section put to use somewhere. */
typedef struct spot {
	int form, setting;
	double place;                  ///< along the section's longest knob
	double spacing;                ///< steps from there to the next
	double *value;                 ///< [knobs] as it was heard
	double promise;                ///< once heard; 0: none
	bool dead[FB_SECTION_NUMBERS]; ///< numbers that do nothing with this setting
} spot;

struct fb_scout {
	const fb_trials *history;
	phase phase;
	bool asked;
	fb_forms forms;
	double began; ///< score when it last began, -1: never
	spot spot[SWEEP_MAX];
	int spots, seeds;
	/* the chase: */
	int number[FB_SECTION_NUMBERS], numbers; ///< knobs that move
	double step[FB_SECTION_NUMBERS];         ///< below 0: the way it went last
	const spot *seed;
	double *centre; ///< [knobs] whose neighbours are heard
	double *best;   ///< [knobs] the most promising that was heard
	double *room;   ///< [knobs] to work in
	bool *settled;  ///< [knobs]
	int waves;
};

static const fb_knob *knob_at(const fb_scout *scout, int k)
{
	return &scout->history->knobs->knob[k];
}

static double steps_of(const fb_knob *knob)
{
	return 1.0 / fb_knob_step(knob);
}

/* --- creation */

fb_scout *fb_scout_create(const fb_trials *history, const fb_probes *probes)
{
	size_t knobs = (size_t)history->knobs->count + 1;
	fb_scout *scout = calloc(1, sizeof *scout);
	if (!scout) {
		return NULL;
	}
	scout->history = history;
	scout->began = -1.0;
	scout->centre = calloc(knobs, sizeof *scout->centre);
	scout->best = calloc(knobs, sizeof *scout->best);
	scout->room = calloc(knobs, sizeof *scout->room);
	scout->settled = calloc(knobs, sizeof *scout->settled);
	scout->forms = (fb_forms){.history = history, .probes = probes, .room = scout->room};
	bool good = scout->centre && scout->best && scout->room && scout->settled;
	for (int i = 0; i < SWEEP_MAX && good; i++) {
		scout->spot[i].value = calloc(knobs, sizeof(double));
		good = scout->spot[i].value;
	}
	if (!good) {
		fb_scout_destroy(scout);
		return NULL;
	}
	fb_forms_find(&scout->forms);
	return scout;
}

void fb_scout_destroy(fb_scout *scout)
{
	if (scout) {
		for (int i = 0; i < SWEEP_MAX; i++) {
			free(scout->spot[i].value);
		}
		free(scout->centre);
		free(scout->best);
		free(scout->room);
		free(scout->settled);
		free(scout);
	}
}

/* --- hearing */

static const fb_trial *base_trial(const fb_scout *scout)
{
	return &scout->history->trial[scout->forms.base];
}

/** As fb_batch_add() would have it, so that it is found again. */
static void round_all(const fb_scout *scout, double *value)
{
	for (int k = 0; k < scout->history->knobs->count; k++) {
		value[k] = fb_knob_round(knob_at(scout, k), value[k]);
	}
}

static void copy(const fb_scout *scout, double *to, const double *from)
{
	memcpy(to, from, (size_t)scout->history->knobs->count * sizeof *to);
}

static const fb_trial *heard(const fb_scout *scout, const double *value)
{
	int trial = fb_trials_find(scout->history, value);
	return trial < 0 ? NULL : &scout->history->trial[trial];
}

/* --- the sweep */

/** What a place brings back of what the goal misses, the more the less it spoils. */
static double promise_of(const fb_scout *scout, const fb_trial *trial)
{
	const fb_trial *base = base_trial(scout);
	double up = 0.0, gain = trial->score - base->score;
	for (int i = 0; i < scout->history->aims; i++) {
		double by = trial->part[i] - base->part[i];
		up += by > 0.0 ? 100.0 * by / scout->history->aims : 0.0;
	}
	up = fmax(up, gain);
	return up < UP_MIN ? 0.0 : up / (up - gain + SPOILT * (100.0 - base->score));
}

/** All that the best trial has, and one more section at work. false: none sleeps. */
static bool put_to_use(fb_scout *scout, const spot *s, double *value)
{
	const fb_form *f = &scout->forms.form[s->form];
	int choice = fb_form_nearest(&scout->forms, f, s->place);
	if (choice < 0) {
		return false;
	}
	int along = fb_section_longest(scout->history->knobs, choice);
	copy(scout, value, base_trial(scout)->value);
	fb_form_use(&scout->forms, f, choice, s->setting, value);
	value[along] = fb_model_value(knob_at(scout, along), s->place);
	scout->numbers = fb_section_numbers(scout->history->knobs, choice, scout->number);
	round_all(scout, value);
	return true;
}

static void plan_sweep(fb_scout *scout)
{
	int all = 0;
	for (int i = 0; i < scout->forms.count; i++) {
		for (int s = -1;
			 (s = fb_form_next_setting(&scout->forms, &scout->forms.form[i], s)) >= 0;) {
			all++;
		}
	}
	for (int i = 0; i < scout->forms.count; i++) {
		const fb_form *f = &scout->forms.form[i];
		double end = steps_of(knob_at(scout, fb_section_longest(scout->history->knobs, f->choice)));
		double spacing = fmax(SPACING, end * all / SWEEP_MAX);
		for (int s = -1; (s = fb_form_next_setting(&scout->forms, f, s)) >= 0;) {
			for (double place = 0.5 * spacing; place < end; place += spacing) {
				spot *one = &scout->spot[scout->spots];
				if (scout->spots == SWEEP_MAX) {
					return;
				}
				*one = (spot){i, s, place, spacing, one->value, 0.0, {false}};
				scout->spots += put_to_use(scout, one, one->value);
			}
		}
	}
}

static void propose_sweep(fb_scout *scout, int room, fb_batch *out)
{
	plan_sweep(scout);
	for (int i = 0; i < scout->spots && out->count < room; i++) {
		const spot *s = &scout->spot[i];
		const fb_knob *choice = knob_at(scout, scout->forms.form[s->form].choice);
		fb_batch_add(out, scout->history, s->value,
			"a section like that of %s as %s, %.0f steps up", choice->key,
			choice->choices[s->setting], s->place);
	}
}

static void judge_sweep(fb_scout *scout)
{
	for (int i = 0; i < scout->spots; i++) {
		const fb_trial *trial = heard(scout, scout->spot[i].value);
		scout->spot[i].promise = trial ? promise_of(scout, trial) : 0.0;
	}
}

/* --- the chase */

/** Begin with the most promising place, on top of what is best by now. false: none is left. */
static bool choose(fb_scout *scout)
{
	int most = -1;
	for (int i = 0; i < scout->spots; i++) {
		double promise = scout->spot[i].promise;
		if (promise > 0.0 && (most < 0 || promise > scout->spot[most].promise)) {
			most = i;
		}
	}
	if (most < 0 || scout->seeds++ == SEEDS_MAX) {
		return false;
	}
	if (scout->seeds > 1) {
		scout->forms.base = scout->history->best; /* of the chase before */
	}
	const spot *seed = scout->seed = &scout->spot[most];
	if (!put_to_use(scout, seed, scout->centre)) {
		return false;
	}
	for (int i = 0; i < scout->spots; i++) { /* its neighbours are chased with it */
		spot *s = &scout->spot[i];
		bool near = s->form == seed->form && s->setting == seed->setting &&
					fabs(s->place - seed->place) <= 1.01 * seed->spacing;
		s->promise = near ? 0.0 : s->promise;
	}
	for (int i = 0; i < scout->numbers; i++) {
		scout->step[i] = i ? FIRST_OTHER : 0.5 * seed->spacing;
	}
	scout->waves = 0;
	copy(scout, scout->best, scout->centre);
	return true;
}

/** The centre with one number moved by `by` of its steps, into the room to work in. */
static const double *moved(fb_scout *scout, int number, double by)
{
	int k = scout->number[number];
	const fb_knob *knob = knob_at(scout, k);
	copy(scout, scout->room, scout->centre);
	double place = fb_model_place(knob, scout->centre[k]) + by * scout->step[number];
	double value = fb_model_value(knob, fb_clamp(place, 0.0, steps_of(knob)));
	scout->room[k] = fb_knob_round(knob, value);
	return scout->room;
}

/** Numbers that do nothing here do nothing with this setting anywhere. */
static void find_dead(fb_scout *scout, int centre)
{
	for (int i = 0; i < scout->numbers; i++) {
		int there = fb_trials_find(scout->history, moved(scout, i, 1.0));
		bool dead =
			there >= 0 && there != centre && fb_trials_sound_alike(scout->history, there, centre);
		for (int j = 0; dead && j < scout->spots; j++) {
			spot *s = &scout->spot[j];
			s->dead[i] |= s->form == scout->seed->form && s->setting == scout->seed->setting;
		}
	}
}

static double promise_at(const fb_scout *scout, const double *value)
{
	const fb_trial *trial = heard(scout, value);
	return trial ? promise_of(scout, trial) : -1.0;
}

/** Where a number's neighbours are heard: along the sweep both ways; the others one way each time,
	and the other way next time if that did not help. */
static int ways_of(int number)
{
	return number == 0 ? 2 : 1;
}

/** The next step of a number. Where it stands along the sweep its neighbours are known, so that
	step is halved each time; the others', once neither way helped. */
static double next_step(int number, double step, bool helped)
{
	return number == 0 ? 0.5 * step : helped ? step : step > 0.0 ? -step : -0.5 * step;
}

/** To where all numbers go that helped, and to the best that was heard unless that helps. */
static void move_centre(fb_scout *scout)
{
	int helped = 0;
	double here = promise_at(scout, scout->centre);
	double *next = calloc((size_t)scout->history->knobs->count + 1, sizeof *next);
	if (!next) {
		return;
	}
	copy(scout, next, scout->centre);
	if (here > promise_at(scout, scout->best)) {
		copy(scout, scout->best, scout->centre);
	}
	for (int i = 0; i < scout->numbers; i++) {
		double most = here, by = 1.0;
		for (int way = 0; way < ways_of(i); way++, by = -by) {
			const double *there = moved(scout, i, by);
			double promise = promise_at(scout, there);
			if (promise > most) {
				most = promise;
				next[scout->number[i]] = there[scout->number[i]];
			}
			if (promise > promise_at(scout, scout->best)) {
				copy(scout, scout->best, there);
			}
		}
		helped += most > here;
		scout->step[i] = next_step(i, scout->step[i], most > here);
	}
	copy(scout, scout->centre, helped > 1 ? next : scout->best);
	free(next);
}

/** The chase is over: what won stays as it is. Returns false. */
static bool settle(fb_scout *scout)
{
	const fb_trial *won = heard(scout, scout->best), *base = base_trial(scout);
	for (int k = 0; won && won->merit > base->merit && k < scout->history->knobs->count; k++) {
		scout->settled[k] |= won->value[k] != base->value[k];
	}
	return false;
}

/** What came of a wave. false: the chase is over. */
static bool judge_wave(fb_scout *scout)
{
	int centre = fb_trials_find(scout->history, scout->centre);
	if (centre < 0) {
		return settle(scout);
	}
	const fb_trial *was = heard(scout, scout->best);
	double score = was ? was->score : 0.0, promise = was ? promise_of(scout, was) : 0.0;
	find_dead(scout, centre);
	move_centre(scout);
	const fb_trial *now = heard(scout, scout->best);
	bool slow = now->score > base_trial(scout)->score
					? now->score - score < GAIN_MIN * scout->history->worth
					: promise_of(scout, now) < MORE * promise;
	bool over = scout->waves == CHASE_WAVES || (slow && scout->waves >= PATIENT_WAVES);
	return over ? settle(scout) : true;
}

static void propose_wave(fb_scout *scout, int room, fb_batch *out)
{
	static const char why[] = "closer about there";
	if (out->count < room) {
		fb_batch_add(out, scout->history, scout->centre, why);
	}
	for (int i = 0; i < scout->numbers; i++) {
		double by = 1.0;
		for (int way = 0; way < ways_of(i) && !scout->seed->dead[i] && out->count < room; way++) {
			fb_batch_add(out, scout->history, moved(scout, i, by), "%s of %s", why,
				knob_at(scout, scout->number[i])->key);
			by = -by;
		}
	}
	scout->waves++;
}

/* --- all of it */

/** So far from where it began that all looks different: others go on from here first. */
static bool found(const fb_scout *scout)
{
	double score = scout->history->trial[scout->history->best].score;
	return score - scout->began >= BEGIN_AGAIN * scout->history->worth;
}

void fb_scout_begin(fb_scout *scout)
{
	double score = scout->history->trial[scout->history->best].score;
	if (!scout->forms.count || !found(scout)) {
		return;
	}
	scout->began = score;
	scout->spots = scout->seeds = 0;
	scout->phase = TASTING;
	scout->asked = false;
	fb_forms_begin(&scout->forms, scout->history->best);
}

/** What came of the last trials, and what to do next. */
static void go_on(fb_scout *scout)
{
	switch (scout->phase) {
	case TASTING:
		scout->phase = fb_forms_answer(&scout->forms) ? SWEEPING : TASTING;
		break;
	case SWEEPING:
		judge_sweep(scout);
		scout->phase = choose(scout) ? CHASING : RESTING;
		break;
	case CHASING:
		scout->phase = judge_wave(scout) || (!found(scout) && choose(scout)) ? CHASING : RESTING;
		break;
	case RESTING:
		break;
	}
}

void fb_scout_propose(fb_scout *scout, int room, fb_batch *out)
{
	while (!out->count) {
		if (scout->asked) {
			go_on(scout);
		}
		scout->asked = true;
		switch (scout->phase) {
		case TASTING:
			fb_forms_ask(&scout->forms, room, out);
			break;
		case SWEEPING:
			propose_sweep(scout, room, out);
			break;
		case CHASING:
			propose_wave(scout, room, out);
			break;
		case RESTING:
			return;
		}
	}
}

const bool *fb_scout_settled(const fb_scout *scout)
{
	return scout->settled;
}
