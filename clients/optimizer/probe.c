/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe.h"

#include "model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	FAMILY_MIN = 4,     /* knobs of a kind in one node that are worth asking about together */
	SETTINGS_MAX = 2,   /* switches with more settings wait until their section is in use */
	SETTINGS_SHARE = 4, /* of the trials there are, this part begins on choices */
};
#define KIN_MOVED 0.99 /* steps of a knob of its section that may wake a knob */
#define TINY 1e-6
#define FAR_MOVED 4.0 /* steps of any knob that may wake one elsewhere */

typedef enum probe_state { UNKNOWN, DEAD, LIVE } probe_state;

/** Knobs that are asked about by one trial. */
typedef struct question {
	int *knob, count;
	int setting;   ///< of a choice: which one to try, else -1
	int base;      ///< trial it is compared with, -1: the best when it is asked
	double *value; ///< once asked: the trial's values
	struct question *next;
} question;

struct fb_probes {
	const fb_trials *history;
	bool *live;         ///< [knobs] LIVE, or suspected of it
	probe_state *state; ///< [knobs]
	int *asked_at;      ///< [knobs] the trial that was the best when last asked
	int *node_asked_at; ///< [knobs] the same for the rest of its node
	question *waiting, *asked;
	bool begun;
};

/* --- questions */

static void free_question(question *q)
{
	if (q) {
		free(q->knob);
		free(q->value);
		free(q);
	}
}

static void free_questions(question *q)
{
	while (q) {
		question *next = q->next;
		free_question(q);
		q = next;
	}
}

/** Groups first, since they settle most; switches last. */
static int rank(const fb_probes *probes, const question *q)
{
	return q->count > 1 ? 0 : fb_knob_is_switch(&probes->history->knobs->knob[q->knob[0]]) ? 2 : 1;
}

/** Put a question on the list, behind others of its rank. When out of memory it is not asked. */
static void enqueue(fb_probes *probes, const int *knob, int count, int setting, int base)
{
	question **at = &probes->waiting, *q = calloc(1, sizeof *q);
	if (!q || !(q->knob = malloc((size_t)count * sizeof *knob))) {
		free(q);
		return;
	}
	memcpy(q->knob, knob, (size_t)count * sizeof *knob);
	q->count = count;
	q->setting = setting;
	q->base = base;
	while (*at && rank(probes, *at) <= rank(probes, q)) {
		at = &(*at)->next;
	}
	q->next = *at;
	*at = q;
	for (int i = 0; i < count; i++) {
		probes->asked_at[knob[i]] = probes->history->best;
	}
}

static void enqueue_one(fb_probes *probes, int knob)
{
	enqueue(probes, &knob, 1, -1, -1);
}

/* --- planning */

fb_probes *fb_probes_create(const fb_trials *history)
{
	size_t knobs = (size_t)history->knobs->count + 1;
	fb_probes *probes = calloc(1, sizeof *probes);
	if (!probes) {
		return NULL;
	}
	probes->history = history;
	probes->live = calloc(knobs, sizeof *probes->live);
	probes->state = calloc(knobs, sizeof *probes->state);
	probes->asked_at = calloc(knobs, sizeof *probes->asked_at);
	probes->node_asked_at = calloc(knobs, sizeof *probes->node_asked_at);
	if (!probes->live || !probes->state || !probes->asked_at || !probes->node_asked_at) {
		fb_probes_destroy(probes);
		return NULL;
	}
	return probes;
}

void fb_probes_destroy(fb_probes *probes)
{
	if (probes) {
		free_questions(probes->waiting);
		free_questions(probes->asked);
		free(probes->live);
		free(probes->state);
		free(probes->asked_at);
		free(probes->node_asked_at);
		free(probes);
	}
}

static bool has_many_settings(const fb_knob *knob)
{
	return knob->kind == FB_KNOB_CHOICE && knob->n_choices > SETTINGS_MAX;
}

/** Everything once: families together, the others alone. */
static void plan_all(fb_probes *probes)
{
	const fb_knobs *knobs = probes->history->knobs;
	int *group = malloc(((size_t)knobs->count + 1) * sizeof *group);
	for (int k = 0; group && k < knobs->count; k++) {
		const fb_knob *knob = &knobs->knob[k];
		int n = 0;
		bool first = true;
		for (int j = 0; j < knobs->count; j++) {
			if (fb_knob_family(knob, &knobs->knob[j])) {
				first = first && j >= k;
				group[n++] = j;
			}
		}
		if (has_many_settings(knob)) {
			continue;
		}
		if (n >= FAMILY_MIN && first) {
			enqueue(probes, group, n, -1, -1);
		} else if (n < FAMILY_MIN) {
			enqueue_one(probes, k);
		}
	}
	free(group);
}

/** How far a knob is, at the best trial, from where it was at another. */
static double moved(const fb_probes *probes, int knob, int since)
{
	const fb_trials *history = probes->history;
	const fb_knob *k = &history->knobs->knob[knob];
	double now = history->trial[history->best].value[knob],
		   then = history->trial[since].value[knob];
	if (fb_knob_is_switch(k)) {
		return now != then ? FAR_MOVED : 0.0;
	}
	return fabs(fb_model_place(k, now) - fb_model_place(k, then));
}

/** Has something of its section moved, by `least` steps or more? */
static bool kin_moved(const fb_probes *probes, int knob, int since, double least)
{
	const fb_knobs *knobs = probes->history->knobs;
	for (int j = 0; j < knobs->count; j++) {
		if (j != knob && fb_knob_kin(&knobs->knob[j], &knobs->knob[knob]) &&
			moved(probes, j, since) >= least) {
			return true;
		}
	}
	return false;
}

static bool anything_moved_far(const fb_probes *probes, int since)
{
	for (int j = 0; j < probes->history->knobs->count; j++) {
		if (moved(probes, j, since) >= FAR_MOVED) {
			return true;
		}
	}
	return false;
}

/** In use: something of its section is, or, of a knob without one, of its node. */
static bool in_use(const fb_probes *probes, int knob)
{
	const fb_knobs *knobs = probes->history->knobs;
	const fb_knob *k = &knobs->knob[knob];
	for (int j = 0; j < knobs->count; j++) {
		bool near =
			*k->section ? fb_knob_kin(&knobs->knob[j], k) : fb_knob_same_node(&knobs->knob[j], k);
		if (near && moved(probes, j, 0) >= KIN_MOVED) {
			return true;
		}
	}
	return false;
}

/** Knobs that slept while something of their section moved. Returns how many questions. */
static int plan_kin(fb_probes *probes, int most, bool stalled)
{
	int planned = 0;
	const fb_knobs *knobs = probes->history->knobs;
	for (int k = 0; k < knobs->count && planned < most; k++) {
		bool wanted = stalled || !fb_knob_is_switch(&knobs->knob[k]);
		if (wanted && probes->state[k] == DEAD &&
			kin_moved(probes, k, probes->asked_at[k], KIN_MOVED)) {
			enqueue_one(probes, k);
			planned++;
		}
	}
	return planned;
}

/** The rest of each node's dead knobs, together, when the station is far from where it was. Those
	whose section has moved a little are awake, but not worth asking. */
static int plan_nodes(fb_probes *probes, int most)
{
	const fb_knobs *knobs = probes->history->knobs;
	int planned = 0, *group = malloc(((size_t)knobs->count + 1) * sizeof *group);
	for (int k = 0; group && k < knobs->count && planned < most; k++) {
		int n = 0;
		bool first = k == 0 || !fb_knob_same_node(&knobs->knob[k], &knobs->knob[k - 1]);
		if (!first || !anything_moved_far(probes, probes->node_asked_at[k])) {
			continue;
		}
		probes->node_asked_at[k] = probes->history->best;
		for (int j = k; j < knobs->count && fb_knob_same_node(&knobs->knob[j], &knobs->knob[k]);
			 j++) {
			if (probes->state[j] == DEAD && probes->asked_at[j] != probes->history->best &&
				!kin_moved(probes, j, 0, TINY)) {
				group[n++] = j;
			}
		}
		if (n) {
			enqueue(probes, group, n, -1, -1);
			planned++;
		}
	}
	free(group);
	return planned;
}

/** A switch of its section stands elsewhere than it did at first. */
static bool switched_in(const fb_probes *probes, int knob)
{
	const fb_knobs *knobs = probes->history->knobs;
	for (int j = 0; j < knobs->count; j++) {
		if (knobs->knob[j].kind == FB_KNOB_BOOL &&
			fb_knob_kin(&knobs->knob[j], &knobs->knob[knob]) && moved(probes, j, 0) > 0.0) {
			return true;
		}
	}
	return false;
}

/** A setting of each choice whose section is in use; if it does anything, the others follow. Where
	a switch brought the section in, what it does is the choice's to say. Others wait until nothing
	else helps: `stalled`. */
static void plan_settings(fb_probes *probes, int most, bool stalled)
{
	const fb_trials *history = probes->history;
	for (int k = 0; k < history->knobs->count; k++) {
		if (!has_many_settings(&history->knobs->knob[k]) || probes->state[k] != UNKNOWN) {
			continue;
		}
		bool others = stalled && most > 0 && in_use(probes, k);
		if (switched_in(probes, k)) {
			enqueue_one(probes, k);
		} else if (others) {
			enqueue_one(probes, k);
			most--;
		}
	}
}

static void plan_other_settings(fb_probes *probes, int knob)
{
	const fb_trial *best = &probes->history->trial[probes->history->best];
	int settings = probes->history->knobs->knob[knob].n_choices;
	for (int i = 2; i < settings; i++) {
		enqueue(probes, &knob, 1, ((int)best->value[knob] + i) % settings, -1);
	}
}

void fb_probes_plan(fb_probes *probes, int most, bool stalled)
{
	if (!probes->begun) {
		probes->begun = true;
		plan_all(probes);
	}
	if (probes->waiting) {
		return;
	}
	int planned = plan_kin(probes, most, stalled);
	planned += plan_nodes(probes, most - planned);
	plan_settings(probes, (most - planned) / SETTINGS_SHARE, stalled);
}

/* --- asking */

static double other_value(const fb_knob *knob, double value, int setting)
{
	if (setting >= 0) {
		return setting;
	}
	if (fb_knob_is_switch(knob)) {
		return (double)(((int)value + 1) % fb_knob_settings(knob));
	}
	double place = fb_model_place(knob, value), middle = 0.5 / fb_knob_step(knob);
	return fb_knob_round(knob, fb_model_value(knob, place + (place <= middle ? 1.0 : -1.0)));
}

static bool ask(fb_probes *probes, question *q, fb_batch *out)
{
	const fb_trials *history = probes->history;
	const fb_knobs *knobs = history->knobs;
	size_t size = (size_t)knobs->count * sizeof(double);
	q->base = q->base < 0 ? history->best : q->base;
	q->value = malloc(size);
	if (!q->value) {
		return false;
	}
	memcpy(q->value, history->trial[q->base].value, size);
	for (int i = 0; i < q->count; i++) {
		int k = q->knob[i];
		q->value[k] = other_value(&knobs->knob[k], q->value[k], q->setting);
	}
	const char *key = knobs->knob[q->knob[0]].key;
	bool added = q->count == 1
					 ? fb_batch_add(out, history, q->value, "does %s do anything", key)
					 : fb_batch_add(out, history, q->value, "do %s and %d more", key, q->count - 1);
	return added || fb_trials_find(history, q->value) >= 0;
}

static void found_dead(fb_probes *probes, int knob)
{
	if (probes->state[knob] == UNKNOWN) {
		probes->state[knob] = DEAD;
	}
	probes->live[knob] = probes->state[knob] == LIVE;
}

static void found_live(fb_probes *probes, int knob)
{
	if (probes->state[knob] != LIVE && has_many_settings(&probes->history->knobs->knob[knob])) {
		plan_other_settings(probes, knob);
	}
	probes->state[knob] = LIVE;
	probes->live[knob] = true;
}

/** Ask about a group in parts: each alone where all are of a kind, and so likely alive together;
	else in halves, since most of what slept still does. */
static void split(fb_probes *probes, const question *q)
{
	const fb_knobs *knobs = probes->history->knobs;
	const fb_knob *first = &knobs->knob[q->knob[0]], *last = &knobs->knob[q->knob[q->count - 1]];
	int size = q->count < 2 * FAMILY_MIN || fb_knob_family(first, last) ? 1 : (q->count + 1) / 2;
	for (int at = 0; at < q->count; at += size) {
		int count = at + size < q->count ? size : q->count - at;
		enqueue(probes, q->knob + at, count, -1, q->base);
	}
}

/** What came of a question. Of a group that does something each is suspected until asked alone,
	from where the group was: what all of it together did, even if it helped, may be what silences
	others (eight bands switched at once). */
static void take_answer(fb_probes *probes, const question *q)
{
	int trial = q->value ? fb_trials_find(probes->history, q->value) : -1;
	if (trial < 0) {
		return; /* the session ended before it was heard */
	}
	bool dead = fb_trials_sound_alike(probes->history, trial, q->base);
	for (int i = 0; i < q->count; i++) {
		int k = q->knob[i];
		if (dead) {
			found_dead(probes, k);
		} else if (q->count == 1) {
			found_live(probes, k);
		} else {
			probes->live[k] = true;
		}
	}
	if (!dead && q->count > 1) {
		split(probes, q);
	}
}

void fb_probes_propose(fb_probes *probes, int room, fb_batch *out)
{
	question *answered = probes->asked;
	probes->asked = NULL;
	for (const question *q = answered; q; q = q->next) {
		take_answer(probes, q);
	}
	free_questions(answered);
	while (probes->waiting && out->count < room && out->count < FB_BATCH_MAX) {
		question *q = probes->waiting;
		probes->waiting = q->next;
		if (ask(probes, q, out)) {
			q->next = probes->asked;
			probes->asked = q;
		} else {
			free_question(q);
		}
	}
}

const bool *fb_probes_live(const fb_probes *probes)
{
	return probes->live;
}

int fb_probes_live_count(const fb_probes *probes)
{
	int count = 0;
	for (int k = 0; k < probes->history->knobs->count; k++) {
		count += probes->live[k];
	}
	return count;
}
