/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reach.h"

#include "model.h"

#include <stdlib.h>
#include <string.h>

#define FARTHER 3.0

/** What turning one knob alone was seen to do. */
typedef struct helped {
	int knob;
	double gain; ///< of merit
	double to;   ///< place to try next
} helped;

static int by_gain(const void *a, const void *b)
{
	const helped *x = a, *y = b;
	return x->gain > y->gain ? -1 : x->gain < y->gain ? 1 : x->knob - y->knob;
}

/** The most that each knob brought alone. list [knobs]; returns how many brought anything. */
static int find_helpful(const fb_trials *history, int from, helped *list)
{
	int n = 0;
	for (int t = from; t < history->count; t++) {
		for (int base = 0; base < t; base++) {
			const fb_trial *with = &history->trial[t], *without = &history->trial[base];
			double gain = with->merit - without->merit;
			int k = gain > 0.0 ? fb_trials_only_difference(history, base, t) : -1, at = 0;
			if (k < 0 || fb_knob_is_switch(&history->knobs->knob[k])) {
				continue;
			}
			while (at < n && list[at].knob != k) {
				at++;
			}
			if (at == n || gain > list[at].gain) {
				const fb_knob *knob = &history->knobs->knob[k];
				double here = fb_model_place(knob, without->value[k]);
				double by = fb_model_place(knob, with->value[k]) - here;
				list[at] =
					(helped){k, gain, fb_clamp(here + FARTHER * by, 0.0, 1.0 / fb_knob_step(knob))};
				n += at == n;
			}
		}
	}
	qsort(list, (size_t)n, sizeof *list, by_gain);
	return n;
}

/** Did another knob of its node help more? */
static bool is_second(const fb_knobs *knobs, const helped *list, int at)
{
	for (int i = 0; i < at; i++) {
		if (!strcmp(knobs->knob[list[i].knob].node, knobs->knob[list[at].knob].node)) {
			return true;
		}
	}
	return false;
}

void fb_reach_propose(const fb_trials *history, int from, int room, fb_batch *out)
{
	const fb_knobs *knobs = history->knobs;
	const fb_trial *best = &history->trial[history->best];
	helped *list = calloc((size_t)knobs->count + 1, sizeof *list);
	double *value = calloc((size_t)knobs->count + 1, sizeof *value);
	int n = list && value ? find_helpful(history, from, list) : 0;
	for (int i = 0; i < n && out->count < room; i++) {
		const fb_knob *knob = &knobs->knob[list[i].knob];
		if (is_second(knobs, list, i)) {
			continue;
		}
		for (int k = 0; k < knobs->count; k++) {
			value[k] = best->value[k];
		}
		value[list[i].knob] = fb_model_value(knob, list[i].to);
		fb_batch_add(out, history, value, "%s farther", knob->key);
	}
	free(list);
	free(value);
}
