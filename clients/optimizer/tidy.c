/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session.h"

#include <stdlib.h>
#include <string.h>

/** A knob that was turned, and what its old value would cost. */
typedef struct turned {
	int knob;
	double cost;
} turned;

static int by_cost(const void *a, const void *b)
{
	const turned *x = a, *y = b;
	return x->cost < y->cost ? -1 : x->cost > y->cost ? 1 : x->knob - y->knob;
}

static int find_turned(const fb_session *session, const fb_trial *winner, turned *out)
{
	int n = 0;
	for (int k = 0; k < session->knobs.count; k++) {
		if (winner->value[k] != session->knobs.knob[k].start) {
			out[n++].knob = k;
		}
	}
	return n;
}

/** The winner with some knobs at their old values. */
static void take_back(
	const fb_session *session, const double *winner, const turned *which, int count, double *value)
{
	memcpy(value, winner, (size_t)session->knobs.count * sizeof *value);
	for (int i = 0; i < count; i++) {
		value[which[i].knob] = session->knobs.knob[which[i].knob].start;
	}
}

/** The aim that suffers most without a knob. */
static int most_missed(const fb_trials *history, int with, int without)
{
	int most = 0;
	double least = 2.0;
	for (int i = 0; i < history->aims; i++) {
		double by = history->trial[without].part[i] - history->trial[with].part[i];
		if (by < least) {
			least = by;
			most = history->aim[i];
		}
	}
	return most;
}

/** Hear the winner without each knob alone. false: not all could be heard. */
static bool price(fb_session *session, const double *winner, double score, turned *list, int n,
	double *value, fb_status *status, fb_error *error)
{
	fb_batch batch = {0};
	int with = session->history.best;
	for (int i = 0; i < n; i++) {
		take_back(session, winner, &list[i], 1, value);
		fb_batch_add(
			&batch, &session->history, value, "without %s", session->knobs.knob[list[i].knob].key);
	}
	*status = fb_session_hear(session, &batch, 0, error);
	fb_batch_clear(&batch);
	for (int i = 0; i < n && !*status; i++) {
		take_back(session, winner, &list[i], 1, value);
		int trial = fb_trials_find(&session->history, value);
		if (trial < 0) {
			return false;
		}
		list[i].cost = score - session->history.trial[trial].score;
		session->worth[list[i].knob] =
			(fb_worth){true, list[i].cost, most_missed(&session->history, with, trial)};
	}
	return !*status;
}

/** Hear the winner without the cheapest 1, 2, 3, 4, 6 ... knobs together. */
static fb_status drop_cheapest(fb_session *session, const double *winner, const turned *list,
	int cheap, double *value, fb_error *error)
{
	fb_batch batch = {0};
	for (int n = cheap; n > 0; n = n > 4 ? n * 3 / 4 : n - 1) {
		take_back(session, winner, list, n, value);
		fb_batch_add(&batch, &session->history, value, "without %d that hardly help", n);
	}
	fb_status status = fb_session_hear(session, &batch, 0, error);
	fb_batch_clear(&batch);
	return status;
}

fb_status fb_session_tidy(fb_session *session, fb_error *error)
{
	size_t knobs = (size_t)session->knobs.count + 1;
	turned *list = calloc(knobs, sizeof *list);
	double *value = calloc(knobs, sizeof *value), *winner = calloc(knobs, sizeof *winner);
	fb_status status = FB_OK;
	session->worth = calloc(knobs, sizeof *session->worth);
	if (!list || !value || !winner || !session->worth) {
		free(list);
		free(value);
		free(winner);
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	double score = fb_session_after(session)->score;
	memcpy(winner, fb_session_after(session)->value, (knobs - 1) * sizeof *winner);
	int n = find_turned(session, fb_session_after(session), list), cheap = 0;
	if (n && price(session, winner, score, list, n, value, &status, error)) {
		qsort(list, (size_t)n, sizeof *list, by_cost);
		while (cheap < n && list[cheap].cost < session->history.worth) {
			cheap++;
		}
		status = drop_cheapest(session, winner, list, cheap, value, error);
	}
	free(list);
	free(value);
	free(winner);
	return status;
}
