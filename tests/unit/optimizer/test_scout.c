/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Hum under a tune: of an equaliser's four bands one must become a notch, narrow, at 50 Hz, all at
	once, since each step alone makes things worse. */
#include "testing.h"

#include "../../../clients/optimizer/engine.h"
#include "../../../clients/optimizer/scout.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BANDS = 4, ON = 0, TYPE, FREQ, GAIN, Q, PER_BAND, KNOBS = BANDS * PER_BAND };
enum { BELL, SHELF, NOTCH, TYPES };
enum { HUM, LOW, MID, HIGH, METRICS };

static const double start_hz[BANDS] = {100, 400, 1600, 6400};

/** Loaded: all bands are off, and heard when they are switched on. */
static fb_knob make_knob(int band, int which, bool loaded)
{
	static const char *const names[] = {"on", "type", "freq", "gain", "q"};
	static const char *const types[] = {"bell", "shelf", "notch"};
	char text[3][64];
	snprintf(text[0], 64, "/station/1/eq/b%d_%s", band + 1, names[which]);
	snprintf(text[1], 64, "eq.b%d_%s", band + 1, names[which]);
	snprintf(text[2], 64, "b%d", band + 1);
	fb_knob knob = {.address = strdup(text[0]),
		.key = strdup(text[1]),
		.node = strdup("eq"),
		.section = strdup(text[2]),
		.unit = strdup(which == FREQ   ? "Hz"
					   : which == GAIN ? "dB"
									   : ""),
		.label = strdup(names[which]),
		.doc = strdup("")};
	if (which == ON) {
		knob.kind = FB_KNOB_BOOL;
		knob.max = 1;
		knob.start = band > 0 && !loaded; /* the first is switched off */
	} else if (which == TYPE) {
		knob.kind = FB_KNOB_CHOICE;
		knob.max = TYPES - 1;
		knob.n_choices = TYPES;
		knob.choices = calloc(TYPES, sizeof *knob.choices);
		for (int i = 0; i < TYPES; i++) {
			knob.choices[i] = strdup(types[i]);
		}
	} else {
		knob.scale = which == GAIN ? FB_SCALE_LINEAR : FB_SCALE_LOG;
		knob.min = which == FREQ ? 20 : which == GAIN ? -24 : 0.1;
		knob.max = which == FREQ ? 20000 : which == GAIN ? 24 : 30;
		knob.start = which == FREQ ? start_hz[band] : which == GAIN ? 6 * loaded : 0.7;
	}
	return knob;
}

static void make_knobs(fb_knobs *knobs, bool loaded)
{
	*knobs = (fb_knobs){calloc(KNOBS, sizeof *knobs->knob), KNOBS};
	for (int k = 0; k < KNOBS; k++) {
		knobs->knob[k] = make_knob(k / PER_BAND, k % PER_BAND, loaded);
	}
}

/** What a band makes of a frequency, in dB. */
static double response(const double *band, double at_hz)
{
	double x = at_hz / band[FREQ], octaves = log2(x) * band[Q], off = 1 - x * x;
	if (band[ON] == 0) {
		return 0;
	}
	return (int)band[TYPE] == NOTCH
			   ? fmax(-50, 20 * log10(fabs(off) / hypot(off, x / band[Q]) + 1e-9))
		   : (int)band[TYPE] == SHELF ? band[GAIN] / (1 + x * x)
									  : band[GAIN] / (1 + octaves * octaves);
}

/** The tune's three bands are as they should be, hum at 50 Hz is not. Deaf: a notch is a bell. */
static json_t *report(const double *value, bool deaf)
{
	static const double at_hz[METRICS] = {50, 110, 800, 5000};
	double metric[METRICS], part[METRICS], score = 0;
	for (int m = 0; m < METRICS; m++) {
		metric[m] = m == HUM ? -30 : -10;
		for (int b = 0; b < BANDS; b++) {
			double band[PER_BAND];
			memcpy(band, value + b * PER_BAND, sizeof band);
			band[TYPE] = deaf && (int)band[TYPE] == NOTCH ? BELL : band[TYPE];
			metric[m] += response(band, at_hz[m]);
		}
		double off = (metric[m] + 10) / 2;
		part[m] = m == HUM ? fb_clamp((-20 - metric[m]) / 60, 0, 1) : 1 / sqrt(1 + off * off);
		score += part[m] * (m == HUM ? 10 : 30);
	}
	return json_pack("{s:s, s:f, s:{s:f, s:f, s:f, s:f}, s:[], s:{s:f, s:f, s:f, s:f}}", "run_id",
		"test", "score", score, "metrics", "hum", metric[HUM], "low", metric[LOW], "mid",
		metric[MID], "high", metric[HIGH], "invalid", "score_parts", "hum", part[HUM], "low",
		part[LOW], "mid", part[MID], "high", part[HIGH]);
}

static void add(fb_trials *history, const double *value, const char *why, bool deaf)
{
	fb_error error;
	json_t *result = report(value, deaf);
	assert_int_equal(fb_trials_add(history, value, why, 1, result, &error), FB_OK);
	json_decref(result);
}

static void begin(fb_trials *history, const fb_knobs *knobs, bool deaf)
{
	fb_error error;
	double value[KNOBS];
	for (int k = 0; k < KNOBS; k++) {
		value[k] = knobs->knob[k].start;
	}
	json_t *result = report(value, deaf);
	assert_int_equal(fb_trials_begin(history, knobs, 0.02, result, &error), FB_OK);
	json_decref(result);
}

/** All that the scout wants to hear. */
static void look_out(fb_scout *scout, fb_trials *history, bool deaf)
{
	fb_batch batch = {0};
	fb_scout_begin(scout);
	do {
		fb_batch_clear(&batch);
		fb_scout_propose(scout, 20, &batch);
		for (int i = 0; i < batch.count; i++) {
			add(history, batch.value[i], batch.why[i], deaf);
		}
	} while (batch.count);
}

static void test_finds_the_notch(void **state)
{
	(void)state;
	fb_knobs knobs;
	fb_trials history;
	make_knobs(&knobs, false);
	begin(&history, &knobs, false);
	fb_probes *probes = fb_probes_create(&history);
	fb_scout *scout = fb_scout_create(&history, probes);
	assert_true(history.trial[0].score < 92);
	look_out(scout, &history, false);
	const fb_trial *best = &history.trial[history.best];
	print_message("# %.2f points after %d trials\n", best->score, history.count);
	assert_true(history.count < 90);
	assert_true(best->score > 95);
	const double *band = best->value; /* the one that stands nearest, switched on for it */
	assert_int_equal((int)band[TYPE], NOTCH);
	assert_int_equal((int)band[ON], 1);
	assert_near(band[FREQ], 50, 2);
	assert_true(band[Q] > 1);
	for (int k = 0; k < KNOBS; k++) {
		bool turned = best->value[k] != knobs.knob[k].start;
		assert_int_equal(turned, k == ON || k == TYPE || k == FREQ || k == Q);
		assert_int_equal(fb_scout_settled(scout)[k], turned);
	}
	int count = history.count;
	fb_scout_begin(scout); /* nothing is new: it would see the same */
	fb_batch batch = {0};
	if (fabs(best->score - history.trial[0].score) < 0.5) {
		fb_scout_propose(scout, 20, &batch);
	}
	assert_int_equal(history.count + batch.count, count);
	fb_scout_destroy(scout);
	fb_probes_destroy(probes);
	fb_trials_finish(&history);
	fb_knobs_finish(&knobs);
}

/** Where no setting does anything by itself, that is two questions: as they are, and switched. */
static void test_the_deaf_are_left_alone(void **state)
{
	(void)state;
	fb_knobs knobs;
	fb_trials history;
	make_knobs(&knobs, false);
	begin(&history, &knobs, true);
	fb_probes *probes = fb_probes_create(&history);
	fb_scout *scout = fb_scout_create(&history, probes);
	look_out(scout, &history, true);
	assert_int_equal(history.count, 1 + 2);
	look_out(scout, &history, true); /* from the same place */
	assert_int_equal(history.count, 1 + 2);
	fb_scout_destroy(scout);
	fb_probes_destroy(probes);
	fb_trials_finish(&history);
	fb_knobs_finish(&knobs);
}

/** What a band does as a notch says nothing of it as a bell, unless it is to be a notch. */
static void test_foreign(void **state)
{
	(void)state;
	fb_knobs knobs;
	fb_trials history;
	double value[KNOBS];
	make_knobs(&knobs, false);
	begin(&history, &knobs, false);
	memcpy(value, history.trial[0].value, sizeof value);
	value[PER_BAND + GAIN] = 3;
	add(&history, value, "as found but for a gain", false);
	value[PER_BAND + TYPE] = NOTCH;
	add(&history, value, "a notch, and worse", false);
	assert_false(fb_trials_foreign(&history, 1));
	assert_true(fb_trials_foreign(&history, 2));
	value[PER_BAND + FREQ] = 50;
	value[PER_BAND + Q] = 5;
	add(&history, value, "a notch, and the best", false);
	assert_int_equal(history.best, 3);
	assert_false(fb_trials_foreign(&history, 2));
	fb_trials_finish(&history);
	fb_knobs_finish(&knobs);
}

/** Let the engine play. Returns its history's best score. */
static double play(fb_trials *history, const fb_knobs *knobs, int trials)
{
	fb_error error;
	void *engine = NULL;
	begin(history, knobs, false);
	fb_tuning_task task = {.history = history, .seed = 1};
	assert_int_equal(fb_tuning_local.create(&task, &engine, &error), FB_OK);
	for (bool more = true; more && history->count < trials;) {
		fb_batch batch = {0};
		do {
			fb_batch_clear(&batch);
			assert_int_equal(
				fb_tuning_local.propose(engine, trials - history->count, &batch, &error), FB_OK);
			for (int i = 0; i < batch.count; i++) {
				add(history, batch.value[i], batch.why[i], false);
			}
		} while (batch.count && history->count < trials);
		fb_batch_clear(&batch);
		more = fb_tuning_local.end_round(engine);
	}
	fb_tuning_local.destroy(engine);
	print_message(
		"# %.2f points after %d trials\n", history->trial[history->best].score, history->count);
	return history->trial[history->best].score;
}

/** The whole engine on it. Without looking out it ends where it began, near 92 points. */
static void test_engine(void **state)
{
	(void)state;
	fb_knobs knobs;
	fb_trials history;
	make_knobs(&knobs, false);
	assert_true(play(&history, &knobs, 150) > 97);
	fb_trials_finish(&history);
	fb_knobs_finish(&knobs);
}

/** Where switching a band in is heard whatever it is, what a setting does cannot be told from it:
	such bands are left to the rest of the engine. */
static void test_loaded_bands_are_left_alone(void **state)
{
	(void)state;
	fb_knobs knobs;
	fb_trials history;
	make_knobs(&knobs, true);
	play(&history, &knobs, 150);
	assert_true(history.trial[history.best].score >= history.trial[0].score);
	for (int i = 0; i < history.count; i++) {
		assert_null(strstr(history.trial[i].why, "a section like"));
	}
	fb_trials_finish(&history);
	fb_knobs_finish(&knobs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_finds_the_notch),
		cmocka_unit_test(test_the_deaf_are_left_alone), cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_engine), cmocka_unit_test(test_loaded_bands_are_left_alone)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
