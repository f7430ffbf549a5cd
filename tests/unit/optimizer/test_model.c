/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "bench.h"

#include "../../../clients/optimizer/model.h"

typedef struct fixture {
	fb_knobs knobs;
	fb_trials history;
	bool live[16];
} fixture;

/** The start, each knob a step up, and all together. */
static int set_up(void **state)
{
	fixture *f = calloc(1, sizeof *f);
	double value[16];
	bench_knobs(&f->knobs);
	bench_begin(&f->history, &f->knobs);
	for (int k = -1; k < f->knobs.count; k++) {
		for (int j = 0; j < f->knobs.count; j++) {
			const fb_knob *knob = &f->knobs.knob[j];
			bool turned = !fb_knob_is_switch(knob) && (j == k || k < 0);
			value[j] =
				turned ? fb_model_value(knob, fb_model_place(knob, knob->start) + 1) : knob->start;
		}
		f->live[k < 0 ? 0 : k] = true;
		bench_add(&f->history, value, "", 1);
	}
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	fixture *f = *state;
	fb_trials_finish(&f->history);
	fb_knobs_finish(&f->knobs);
	free(f);
	return 0;
}

static void place_of(const fixture *f, const double *value, double *place)
{
	for (int k = 0; k < f->knobs.count; k++) {
		place[k] = fb_model_place(&f->knobs.knob[k], value[k]);
	}
}

/** What was heard is known: the score of every trial comes out, to what the jitter leaves. */
static void test_known_places(void **state)
{
	const fixture *f = *state;
	double place[16];
	fb_model *model = fb_model_fit(&f->history, f->live);
	assert_non_null(model);
	for (int t = 0; t < f->history.count; t++) {
		place_of(f, f->history.trial[t].value, place);
		assert_near(fb_model_score(model, place, 1.0, NULL), f->history.trial[t].score, 0.05);
	}
	fb_model_destroy(model);
}

/** Loudness is followed far beyond what was tried: one step of 3 dB was heard, six are foretold.
	The line is drawn a tenth too flat, since one step cannot tell it from the beginning of a bend:
	2 dB of 18 are missing, which the goal's tolerance of 3 dB makes 6 of the 25 points there are. */
static void test_far_places(void **state)
{
	const fixture *f = *state;
	double place[16], value[16];
	fb_model *model = fb_model_fit(&f->history, f->live);
	memcpy(value, f->history.trial[0].value, sizeof(double) * (size_t)f->knobs.count);
	value[0] = 18.0;
	json_t *report = bench_report(&f->knobs, value);
	double score = json_number_value(json_object_get(report, "score"));
	json_decref(report);
	place_of(f, value, place);
	assert_true(score > f->history.trial[0].score + 25);
	assert_near(fb_model_score(model, place, 0.0, NULL), score, 8.0);
	/* and the less the model may be trusted the less of it is expected */
	double careful = fb_model_score(model, place, 1.0, NULL),
		   timid = fb_model_score(model, place, 10.0, NULL);
	assert_true(timid < careful && careful < fb_model_score(model, place, 0.0, NULL));
	fb_model_destroy(model);
}

/** The gradient against differences, with and without caution. */
static void test_gradient(void **state)
{
	const fixture *f = *state;
	double place[16], gradient[16];
	const double h = 1e-4;
	fb_model *model = fb_model_fit(&f->history, f->live);
	place_of(f, f->history.trial[1].value, place);
	for (int i = 0; i < 3; i++) {
		double caution = 0.5 * i;
		fb_model_score(model, place, caution, gradient);
		for (int k = 0; k < f->knobs.count; k++) {
			double was = place[k], step = fb_knob_is_switch(&f->knobs.knob[k]) ? 0.0 : h;
			place[k] = was + step;
			double up = fb_model_score(model, place, caution, NULL);
			place[k] = was - step;
			double down = fb_model_score(model, place, caution, NULL);
			place[k] = was;
			/* differences of numbers near 50 whose last bits the solver leaves open */
			assert_near(gradient[k], (up - down) / (2 * h), 2e-3 + 1e-3 * fabs(gradient[k]));
		}
		for (int k = 0; k < f->knobs.count; k++) {
			place[k] += 0.37; /* somewhere else */
		}
	}
	fb_model_destroy(model);
}

/** A trial whose metrics have answers that the baseline's have not is no part of the model. */
static void test_other_answers(void **state)
{
	fixture *f = *state;
	fb_error error;
	double value[16];
	fb_model *before = fb_model_fit(&f->history, f->live);
	memcpy(value, f->history.trial[0].value, sizeof(double) * (size_t)f->knobs.count);
	value[0] = 21.0;
	json_t *report = bench_report(&f->knobs, value);
	json_object_del(json_object_get(report, "score_parts"), "mid");
	json_object_set_new(report, "score", json_real(1.0));
	assert_int_equal(fb_trials_add(&f->history, value, "", 1, report, &error), FB_OK);
	json_decref(report);
	fb_model *after = fb_model_fit(&f->history, f->live);
	double place[16];
	place_of(f, value, place);
	assert_near(
		fb_model_score(after, place, 1.0, NULL), fb_model_score(before, place, 1.0, NULL), 0.0);
	fb_model_destroy(before);
	fb_model_destroy(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_known_places, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_far_places, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gradient, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_other_answers, set_up, tear_down)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
