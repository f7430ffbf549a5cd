/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Steps that helped are taken farther, one knob of each node. */
#include "testing.h"

#include "bench.h"

#include "../../../clients/optimizer/reach.h"

/** Add the station as found with one knob elsewhere. */
static void turn(fb_trials *history, const char *key, double value)
{
	const fb_knobs *knobs = history->knobs;
	double *all = calloc((size_t)knobs->count, sizeof *all);
	for (int k = 0; k < knobs->count; k++) {
		all[k] = knobs->knob[k].start;
	}
	all[fb_knobs_find(knobs, key)] = value;
	bench_add(history, all, "a step", 1);
	free(all);
}

static void test_farther(void **state)
{
	(void)state;
	fb_knobs knobs;
	fb_trials history;
	fb_batch batch = {0};
	bench_knobs(&knobs);
	bench_begin(&history, &knobs);
	turn(&history, "trim.gain", 3);    /* helps: it is 18 dB too soft */
	turn(&history, "out.steps", 3);    /* helps less */
	turn(&history, "out.nothing", 3);  /* does nothing */
	turn(&history, "eq.b1_gain", 3);   /* makes it louder, and so helps a little */
	turn(&history, "eq.b1_freq", 700); /* does nothing at 0 dB */
	fb_reach_propose(&history, 1, 6, &batch);
	int gain = fb_knobs_find(&knobs, "trim.gain"), steps = fb_knobs_find(&knobs, "out.steps");
	double most_gain = 0.0, least_steps = 4.0;
	for (int i = 0; i < batch.count; i++) {
		most_gain = fmax(most_gain, batch.value[i][gain]);
		least_steps = fmin(least_steps, batch.value[i][steps]);
		assert_near(batch.value[i][fb_knobs_find(&knobs, "out.nothing")], 0.0, 0.0);
	}
	assert_near(most_gain, 9.0, 0.05); /* three times as far, as a person would set it */
	assert_near(least_steps, 1.0, 0.0);
	assert_true(batch.count <= 3); /* a knob of each node */
	fb_batch_clear(&batch);
	fb_reach_propose(&history, history.count, 6, &batch);
	assert_int_equal(batch.count, 0); /* nothing was turned since */
	fb_trials_finish(&history);
	fb_knobs_finish(&knobs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_farther)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
