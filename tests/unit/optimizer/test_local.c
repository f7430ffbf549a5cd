/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The engine `local` on a chain whose best setting is known. */
#include "testing.h"

#include "bench.h"

#include "../../../clients/optimizer/engine.h"

/** Let the engine play with at most so many trials. Returns how many rounds it took. */
static int play(fb_trials *history, uint64_t seed, int trials)
{
	fb_error error;
	void *engine = NULL;
	fb_tuning_task task = {.history = history, .seed = seed};
	int round = 1;
	assert_int_equal(fb_tuning_local.create(&task, &engine, &error), FB_OK);
	for (bool more = true; more && history->count < trials; round++) {
		fb_batch batch = {0};
		do {
			fb_batch_clear(&batch);
			assert_int_equal(
				fb_tuning_local.propose(engine, trials - history->count, &batch, &error), FB_OK);
			assert_true(batch.count <= trials - history->count);
			for (int i = 0; i < batch.count; i++) {
				bench_add(history, batch.value[i], batch.why[i], round);
			}
		} while (batch.count && history->count < trials);
		fb_batch_clear(&batch);
		more = fb_tuning_local.end_round(engine);
	}
	fb_tuning_local.destroy(engine);
	return round;
}

/** All of the goal can be met: 100 points but for what the worth of the turned knobs leaves. From
	47 points it comes above 97 in 80 trials. */
static void test_finds_the_best(void **state)
{
	(void)state;
	fb_knobs knobs;
	fb_trials history;
	bench_knobs(&knobs);
	bench_begin(&history, &knobs);
	play(&history, 1, 80);
	const fb_trial *best = &history.trial[history.best];
	assert_true(history.trial[0].score < 50);
	if (best->score < 97) {
		fail_msg("only %.2f points", best->score);
	}
	assert_near(best->value[fb_knobs_find(&knobs, "out.nothing")], 0.0, 0.0);
	assert_near(best->value[fb_knobs_find(&knobs, "out.steps")], 0.0, 0.0);
	/* values are what a person would set */
	assert_near(best->value[0] * 10, round(best->value[0] * 10), 1e-9);
	fb_trials_finish(&history);
	fb_knobs_finish(&knobs);
}

static void test_same_seed_same_trials(void **state)
{
	(void)state;
	fb_knobs knobs;
	fb_trials a, b;
	bench_knobs(&knobs);
	bench_begin(&a, &knobs);
	bench_begin(&b, &knobs);
	play(&a, 3, 60);
	play(&b, 3, 60);
	assert_int_equal(a.count, b.count);
	for (int i = 0; i < a.count; i++) {
		assert_memory_equal(
			a.trial[i].value, b.trial[i].value, sizeof(double) * (size_t)knobs.count);
		assert_string_equal(a.trial[i].why, b.trial[i].why);
	}
	fb_trials_finish(&a);
	fb_trials_finish(&b);
	fb_knobs_finish(&knobs);
}

/** No set is tried twice, none is outside its range, and it gives up by itself in the end. */
static void test_trials_are_sound(void **state)
{
	(void)state;
	fb_knobs knobs;
	fb_trials history;
	bench_knobs(&knobs);
	bench_begin(&history, &knobs);
	play(&history, 2, 2000);
	assert_true(history.count < 2000);
	for (int i = 0; i < history.count; i++) {
		assert_int_equal(fb_trials_find(&history, history.trial[i].value), i);
		for (int k = 0; k < knobs.count; k++) {
			double v = history.trial[i].value[k];
			assert_true(v >= knobs.knob[k].min && v <= knobs.knob[k].max);
			assert_true(knobs.knob[k].kind == FB_KNOB_FLOAT || v == floor(v));
		}
	}
	fb_trials_finish(&history);
	fb_knobs_finish(&knobs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_finds_the_best),
		cmocka_unit_test(test_same_seed_same_trials), cmocka_unit_test(test_trials_are_sound)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
