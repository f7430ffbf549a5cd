/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A station as control sees it: what is set arrives, whatever waits or is full; edits are taken one
   after the other, none is lost and none piles up; undo and redo bring back patch and sound. */
#include "testing.h"

#include "../../../graph/engine_parts.h"

#include "rig.h"
#include "stand.h"

enum { PERIOD = 64, SECOND = 48000 };

static fb_error error;

#define VALUES(level)                                                                              \
	"{'stages': [{'type': 't_value', 'id': 'v', 'parameters': {'level': " #level "}}]}"
#define LATE(n) "{'stages': [{'type': 't_delay', 'id': 'd', 'parameters': {'frames': " #n "}}]}"

/** The living instance of a stage in the plan audio has; the test is the only thread. */
static const fb_instance *heard(const stand *s, const char *id)
{
	const fb_plan *plan = s->engine->station[0].plan;
	return fb_plan_find(plan->next ? plan->next : plan, id);
}

/** Does audio have, or head for, every value and bypass of the patch? */
static void expect_in_force(const stand *s)
{
	const fb_patch *patch = fb_station_patch(s->station);
	assert_int_equal(s->engine->station[0].plan->n_steps, patch->n_stages);
	for (uint32_t i = 0; i < patch->n_stages; i++) {
		const fb_stage *stage = &patch->stage[i];
		const fb_instance *node = heard(s, stage->id);
		assert_non_null(node);
		assert_ptr_equal(node->desc, stage->type);
		assert_true(node->wet_aim == (stage->bypass ? 0.0f : 1.0f));
		for (uint32_t p = 0; p < stage->type->n_params; p++) {
			assert_true(node->glide[p].final == stage->values[p]);
		}
	}
}

static void settle(stand *s)
{
	for (int i = 0; i < 200; i++) {
		s->at = 0;
		stand_run(s, PERIOD);
	}
	assert_true(fb_engine_settled(s->engine, 0));
}

static fb_engine_counts counts(const stand *s)
{
	fb_engine_counts c;
	fb_engine_count(s->engine, &c);
	return c;
}

static void test_set(void **state)
{
	(void)state;
	stand s;
	stand_open(&s, VALUES(-6), PERIOD, SECOND);
	stand_run(&s, PERIOD);
	assert_true(s.out[0][PERIOD - 1] == -6.0f);
	stand_set(&s, "v", "level", -12);
	stand_set(&s, "v", "rate", 2000);
	stand_set(&s, "v", "switch", 1);
	stand_bypass(&s, "v", true);
	stand_bypass(&s, "v", false);
	settle(&s);
	assert_true(s.out[0][PERIOD - 1] == -12.0f && s.out[1][PERIOD - 1] == 2.0f);
	expect_in_force(&s);
	assert_int_equal(counts(&s).events_orphan, 0);
	stand_close(&s);
}

/* Set while an edit is under way, to stages old and new: all is there when it has faded in, and no
   event was sent to a node that is not in audio. */
static void test_set_during_edit(void **state)
{
	(void)state;
	stand s;
	stand_open(&s, VALUES(-6), PERIOD, SECOND);
	stand_run(&s, PERIOD);
	stand_edit(&s, "{'stages': [{'type': 't_value', 'id': 'v'}, {'type': 'gain', 'id': 'g'}]}");
	stand_set(&s, "g", "gain", -3);
	stand_run(&s, PERIOD);
	stand_edit(&s, "{'stages': [{'type': 't_value', 'id': 'v'}, {'type': 'gain', 'id': 'g'}, "
				   "{'type': 'gain', 'id': 'h'}]}");
	stand_set(&s, "v", "level", -20);
	stand_set(&s, "h", "gain", -9);
	stand_bypass(&s, "h", true);
	stand_run(&s, PERIOD);
	stand_set(&s, "h", "gain", -10);
	settle(&s);
	expect_in_force(&s);
	assert_int_equal(counts(&s).events_orphan, 0);
	stand_close(&s);
}

/* A value that needs a new instance, ridden: the edits follow as fast as they fade, not as fast as
   they are set, and the last value is what counts. */
static void test_ride_of_a_prepared_value(void **state)
{
	(void)state;
	stand s;
	stand_open(&s, LATE(0), PERIOD, 4 * SECOND);
	stand_run(&s, PERIOD);
	uint32_t first = heard(&s, "d")->serial;
	for (int i = 0; i < 700; i++) {
		stand_set(&s, "d", "frames", i % 100);
		if (i % 2) {
			stand_run(&s, PERIOD);
		}
	}
	settle(&s);
	expect_in_force(&s);
	assert_int_equal(heard(&s, "d")->latency, 99);
	assert_int_equal(fb_station_latency(s.station), 99);
	/* 350 periods are 467 ms; an edit takes 20 + 20 ms and its latency */
	assert_in_range(heard(&s, "d")->serial - first, 5, 13);
	stand_close(&s);
}

/* Set while an edit fades in, a refused value cannot be refused to whoever set it any more: the
   patch goes back to what is heard. Without an edit it is refused at once. */
static void test_refused_value(void **state)
{
	(void)state;
	stand s;
	stand_open(&s, "{'stages': [{'type': 't_refuse', 'id': 'r'}]}", PERIOD, SECOND);
	stand_run(&s, PERIOD);
	assert_int_equal(fb_station_set(s.station, 0, 0, 6, -1, &error), FB_INVALID);
	assert_string_equal(error.where, "r");
	assert_true(fb_station_patch(s.station)->stage[0].values[0] == 0.0f);
	assert_int_equal(fb_station_set(s.station, 0, 0, 3, -1, &error), FB_OK);
	assert_int_equal(fb_station_set(s.station, 0, 0, 7, -1, &error), FB_OK);
	settle(&s);
	expect_in_force(&s);
	assert_true(fb_station_patch(s.station)->stage[0].values[0] == 3.0f);
	/* with a second edit in line behind the one under way: back to what that one says */
	stand_edit(&s, "{'stages': [{'type': 't_refuse', 'id': 'r', 'parameters': {'limit': 2}}]}");
	stand_run(&s, PERIOD);
	stand_edit(&s, "{'stages': [{'type': 't_refuse', 'id': 'r', 'parameters': {'limit': 4}}]}");
	assert_int_equal(fb_station_set(s.station, 0, 0, 7, -1, &error), FB_OK);
	settle(&s);
	expect_in_force(&s);
	assert_true(fb_station_patch(s.station)->stage[0].values[0] == 4.0f);
	stand_close(&s);
}

static fb_status ride_limit(stand *s, float value, double now_s)
{
	return fb_station_ride(s->station, 0, 0, value, now_s, &error);
}

static float limit_of(const stand *s)
{
	return fb_station_patch(s->station)->stage[0].values[0];
}

/* A value that is refused leaves no step of undo, and takes nothing away that could be done again:
   neither at once nor when it has waited for an edit, whatever was ridden before and after it. */
static void test_a_refused_value_is_no_step(void **state)
{
	(void)state;
	stand s;
	stand_open(&s, "{'stages': [{'type': 't_refuse', 'id': 'r'}, {'type': 'gain', 'id': 'g'}]}",
		PERIOD, 2 * SECOND);
	settle(&s);
	assert_int_equal(ride_limit(&s, 2, 1), FB_OK);
	settle(&s);
	assert_int_equal(fb_station_undo(s.station, -1, &error), FB_OK);
	settle(&s);
	assert_int_equal(ride_limit(&s, 9, 2), FB_INVALID);
	assert_int_equal(fb_station_undos(s.station), 0);
	assert_int_equal(fb_station_redos(s.station), 1);
	assert_int_equal(fb_station_redo(s.station, -1, &error), FB_OK);
	settle(&s);
	/* waits, while another edit fades in: the step of the gain stays, that of the limit goes */
	fb_station_remember(s.station);
	stand_edit(&s, "{'stages': [{'type': 't_refuse', 'id': 'r', 'parameters': {'limit': 2}}, "
				   "{'type': 'gain', 'id': 'g'}, {'type': 'gain', 'id': 'h'}]}");
	assert_int_equal(fb_station_undos(s.station), 2);
	assert_int_equal(ride_limit(&s, 9, 10), FB_OK);
	assert_int_equal(fb_station_ride(s.station, 1, 0, -6, 10, &error), FB_OK);
	assert_int_equal(ride_limit(&s, 8, 12), FB_OK); /* a ride of its own */
	assert_int_equal(fb_station_undos(s.station), 5);
	settle(&s);
	expect_in_force(&s);
	assert_true(limit_of(&s) == 2.0f);
	assert_int_equal(fb_station_undos(s.station), 3);
	/* a ride that began well keeps its step */
	assert_int_equal(ride_limit(&s, 3, 20), FB_OK);
	assert_int_equal(ride_limit(&s, 9, 20.5), FB_OK);
	settle(&s);
	assert_true(limit_of(&s) == 3.0f);
	for (int i = 0; i < 4; i++) { /* limit, gain, edit, limit */
		assert_int_equal(fb_station_undo(s.station, -1, &error), FB_OK);
		settle(&s);
		expect_in_force(&s);
		assert_true(limit_of(&s) == (i < 3 ? 2.0f : 0.0f));
	}
	assert_int_equal(fb_station_undo(s.station, -1, &error), FB_EXISTS);
	stand_close(&s);
}

/* A value that waits to be refused does not stand in the way: not of an edit that comes meanwhile,
   and not of another value that waits beside it. */
static void test_a_refused_value_harms_nobody_else(void **state)
{
	(void)state;
	stand s;
	stand_open(&s,
		"{'stages': [{'type': 't_refuse', 'id': 'r'}, {'type': 't_delay', 'id': 'd', 'parameters': "
		"{'frames': 10}}]}",
		PERIOD, 2 * SECOND);
	settle(&s);
	stand_bypass(&s, "r", true);
	stand_edit(&s, "{'stages': [{'type': 't_refuse', 'id': 'r'}, {'type': 't_delay', 'id': 'd', "
				   "'parameters': {'frames': 10}}, {'type': 'gain', 'id': 'g'}]}");
	assert_int_equal(ride_limit(&s, 9, 1), FB_OK);
	stand_set(&s, "d", "frames", 20);
	settle(&s);
	expect_in_force(&s);
	assert_true(limit_of(&s) == 0.0f);
	assert_int_equal(heard(&s, "d")->latency, 20);
	/* and an edit, made from the patch with that value in it */
	stand_edit(&s, "{'stages': [{'type': 't_refuse', 'id': 'r', 'parameters': {'limit': 1}}, "
				   "{'type': 't_delay', 'id': 'd', 'parameters': {'frames': 20}}]}");
	assert_int_equal(ride_limit(&s, 9, 3), FB_OK);
	fb_patch *take = fb_patch_copy(fb_station_patch(s.station));
	assert_int_equal(
		fb_patch_add(take, fb_nodes_find(stand_nodes(), "gain"), "h", "d", &error), FB_OK);
	assert_int_equal(fb_station_edit(s.station, take, -1, &error), FB_OK);
	assert_true(limit_of(&s) == 1.0f);
	settle(&s);
	expect_in_force(&s);
	assert_int_equal(fb_station_undos(s.station), 1);
	assert_int_equal(fb_station_undo(s.station, -1, &error), FB_OK);
	settle(&s);
	expect_in_force(&s);
	assert_true(limit_of(&s) == 1.0f);
	stand_close(&s);
}

/* Audio stands still (no JACK yet): a hundred edits are taken, and the last is what comes. */
static void test_edits_while_audio_stands_still(void **state)
{
	(void)state;
	stand s;
	stand_open(&s, VALUES(0), PERIOD, SECOND);
	for (int i = 0; i < 100; i++) {
		char json[200];
		snprintf(json, sizeof json,
			"{'stages': [{'type': 't_slow', 'id': 's%d', 'parameters': {'ms': 0}}, {'type': "
			"'t_delay', 'id': 'd', 'parameters': {'frames': %d}}]}",
			i, i);
		stand_edit(&s, json);
	}
	assert_int_equal(fb_station_latency(s.station), 99);
	settle(&s);
	expect_in_force(&s);
	assert_non_null(heard(&s, "s99"));
	assert_int_equal(heard(&s, "d")->latency, 99);
	stand_close(&s);
}

/* Two edits in one fade, the second of which takes the first back: nothing is left to do. */
static void test_edit_taken_back(void **state)
{
	(void)state;
	stand s;
	stand_open(&s, VALUES(0), PERIOD, SECOND);
	stand_run(&s, PERIOD);
	uint32_t serial = heard(&s, "v")->serial;
	stand_edit(&s, "{'stages': [{'type': 't_value', 'id': 'v'}, {'type': 'gain', 'id': 'g'}]}");
	stand_edit(&s, "{'stages': []}");
	stand_edit(&s, "{'stages': [{'type': 't_value', 'id': 'v'}, {'type': 'gain', 'id': 'g'}]}");
	settle(&s);
	expect_in_force(&s);
	assert_int_equal(heard(&s, "v")->serial, serial);
	stand_close(&s);
}

/* An edit that does not compile leaves patch and sound as they were, and the caller its patch. */
static void test_refused_edit(void **state)
{
	(void)state;
	stand s;
	stand_open(&s, VALUES(-6), PERIOD, SECOND);
	stand_run(&s, PERIOD);
	const fb_patch *before = fb_station_patch(s.station);
	fb_patch *bad = stand_patch(
		"{'stages': [{'type': 't_slow'}, {'type': 't_refuse', 'parameters': {'limit': 9}}]}");
	assert_int_equal(fb_station_apply(s.station, bad, -1, &error), FB_INVALID);
	assert_string_equal(error.where, "t_refuse");
	bad->link[0] = (fb_link){0, 1, 0, 0, 1.0f};
	bad->link[1] = (fb_link){1, 0, 0, 0, 1.0f};
	assert_int_equal(fb_station_apply(s.station, bad, -1, &error), FB_INVALID);
	assert_string_equal(error.text, "they form a loop: t_slow > t_refuse > t_slow");
	assert_ptr_equal(fb_station_patch(s.station), before);
	settle(&s);
	expect_in_force(&s);
	fb_station *none = NULL;
	assert_int_equal(fb_station_create(s.engine, 0, bad, &none, &error), FB_INVALID);
	assert_null(none);
	fb_patch_destroy(bad);
	fb_station_destroy(NULL);
	stand_close(&s);
}

/* The ring is full of other things: what could not be sent is sent when there is room. */
static void test_full_ring(void **state)
{
	(void)state;
	stand s;
	stand_open(&s, VALUES(-6), PERIOD, SECOND);
	settle(&s);
	fb_event event = {.kind = FB_EVENT_STATION, .param = FB_SWITCH_MONO};
	while (fb_engine_space(s.engine)) {
		assert_true(fb_engine_send(s.engine, &event));
	}
	stand_set(&s, "v", "level", -20);
	stand_bypass(&s, "v", true);
	fb_station_switch(s.station, FB_SWITCH_MUTE, true);
	assert_int_equal(counts(&s).events_lost, 2);
	assert_true(fb_engine_switched(s.engine, 0, FB_SWITCH_MUTE)); /* needs no room */
	for (int i = 0; i < 5; i++) {
		fb_station_service(s.station); /* does not hammer a ring that is full */
	}
	assert_int_equal(counts(&s).events_lost, 2);
	settle(&s);
	expect_in_force(&s);
	assert_true(sig_peak(s.out[0] + s.at - PERIOD, PERIOD) == 0.0);
	stand_close(&s);
}

/* The same while an edit replaces a stage by one of another type and fewer parameters: values go to
   nodes that have them. */
static void test_full_ring_and_edit(void **state)
{
	(void)state;
	stand s;
	stand_open(&s, "{'stages': [{'type': 't_mono', 'id': 'v'}]}", PERIOD, SECOND);
	settle(&s);
	fb_event event = {.kind = FB_EVENT_STATION, .param = FB_SWITCH_MONO};
	stand_edit(&s, "{'stages': [{'type': 't_mono', 'id': 'v'}, {'type': 'gain', 'id': 'g'}]}");
	while (fb_engine_space(s.engine)) {
		assert_true(fb_engine_send(s.engine, &event));
	}
	stand_edit(&s, "{'stages': [{'type': 't_value', 'id': 'v'}, {'type': 'gain', 'id': 'g'}]}");
	stand_set(&s, "v", "rate", 300);
	stand_set(&s, "g", "gain", -1);
	settle(&s);
	expect_in_force(&s);
	assert_int_equal(counts(&s).events_orphan, 0);
	stand_close(&s);
}

/* A morph of two seconds goes on though an edit comes in the middle of it. */
static void test_morph_survives_edit(void **state)
{
	(void)state;
	stand s;
	stand_open(&s, VALUES(-60), PERIOD, 3 * SECOND);
	stand_run(&s, PERIOD);
	assert_int_equal(fb_station_apply(s.station, stand_patch(VALUES(0)), 2000, &error), FB_OK);
	stand_run(&s, SECOND / 2);
	stand_edit(&s, "{'stages': [{'type': 't_value', 'id': 'v', 'parameters': {'level': 0}}, "
				   "{'type': 'gain', 'id': 'g'}]}");
	stand_run(&s, SECOND / 2);
	assert_near(s.out[0][s.at - 1], -30, 0.2); /* half way; a period is 0.04 dB */
	stand_run(&s, SECOND + SECOND / 50);
	assert_near(s.out[0][s.at - 1], 0, 0);
	stand_close(&s);
}

static void test_meters(void **state)
{
	(void)state;
	stand s;
	stand_open(&s, VALUES(0), PERIOD, SECOND);
	stand_run(&s, PERIOD);
	stand_edit(&s, "{'stages': [{'type': 't_key', 'id': 'k'}]}");
	stand_edit(&s, "{'stages': [{'type': 't_key', 'id': 'l'}]}");
	assert_near(fb_station_meter(s.station, 0, 1), -120, 0);
	settle(&s);
	assert_near(fb_station_meter(s.station, 0, 1), -20, 0);
	stand_edit(&s, VALUES(0)); /* another type under the id: nothing of the old one is read */
	stand_edit(&s, "{'stages': [{'type': 't_key', 'id': 'v'}]}");
	settle(&s);
	assert_near(fb_station_meter(s.station, 0, 1), -20, 0);
	stand_close(&s);
}

/* --- undo */

static char *dump(const fb_patch *patch)
{
	json_t *json = fb_patch_to_json(patch);
	char *text = json_dumps(json, JSON_REAL_PRECISION(9));
	json_decref(json);
	return text;
}

enum { DEEP = 100 };

/** Set a value as the server does: as a step. */
static void ride(stand *s, const char *id, const char *param, double value, double now_s)
{
	const fb_patch *patch = fb_station_patch(s->station);
	uint32_t stage = (uint32_t)fb_patch_find(patch, id), index = 0;
	while (strcmp(patch->stage[stage].type->params[index].symbol, param) != 0) {
		index++;
	}
	assert_int_equal(fb_station_ride(s->station, stage, index, (float)value, now_s, &error), FB_OK);
}

/** The i-th change of a long session: values, bypasses, latencies, stages that come and go. */
static void change(stand *s, int i)
{
	char json[400];
	switch (i % 4) {
	case 0:
		fb_station_remember(s->station);
		snprintf(json, sizeof json,
			"{'stages': [{'type': 'gain', 'id': 'g', 'parameters': {'gain': %d}}, {'type': "
			"'t_echo', 'id': 'e%d'}, {'type': 't_delay', 'id': 'd', 'parameters': {'frames': "
			"%d}}]}",
			-(i % 50), i % 3, i);
		stand_edit(s, json);
		break;
	case 1:
		ride(s, "g", "gain", -(i % 40), i);
		break;
	case 2:
		ride(s, "d", "frames", 2 * i, i);
		break;
	default:
		fb_station_ride_bypass(
			s->station, (uint32_t)fb_patch_find(fb_station_patch(s->station), "g"), i % 8 == 3, i);
	}
}

static void test_undo_and_redo(void **state)
{
	(void)state;
	stand s;
	char *was[DEEP + 1];
	stand_open(&s, "{'name': 'start', 'stages': [{'type': 'gain', 'id': 'g'}]}", PERIOD, SECOND);
	settle(&s);
	assert_int_equal(fb_station_undo(s.station, -1, &error), FB_EXISTS);
	assert_string_equal(error.text, "there is nothing to undo");
	for (int i = 0; i < DEEP; i++) {
		was[i] = dump(fb_station_patch(s.station));
		change(&s, i);
		s.at = 0;
		stand_run(&s, (size_t)(i % 7 + 1) * PERIOD); /* some while the last still fades */
	}
	was[DEEP] = dump(fb_station_patch(s.station));
	assert_int_equal(fb_station_undos(s.station), DEEP);
	for (int i = DEEP - 1; i >= 0; i--) {
		assert_int_equal(fb_station_undo(s.station, -1, &error), FB_OK);
		char *now = dump(fb_station_patch(s.station));
		assert_string_equal(now, was[i]);
		free(now);
		if (i % 3) {
			settle(&s);
			expect_in_force(&s);
		}
	}
	assert_int_equal(fb_station_undo(s.station, -1, &error), FB_EXISTS);
	assert_int_equal(fb_station_redos(s.station), DEEP);
	for (int i = 1; i <= DEEP; i++) {
		assert_int_equal(fb_station_redo(s.station, -1, &error), FB_OK);
		char *now = dump(fb_station_patch(s.station));
		assert_string_equal(now, was[i]);
		free(now);
		if (i % 3) {
			settle(&s);
			expect_in_force(&s);
		}
	}
	assert_int_equal(fb_station_redo(s.station, -1, &error), FB_EXISTS);
	assert_string_equal(error.text, "there is nothing to redo");
	for (int i = 0; i <= DEEP; i++) {
		free(was[i]);
	}
	stand_close(&s);
}

static void test_undo_steps(void **state)
{
	(void)state;
	stand s;
	stand_open(&s, VALUES(0), PERIOD, SECOND);
	settle(&s);
	/* a ride of one control is one step; a pause or another control begins the next */
	for (int i = 1; i <= 30; i++) {
		ride(&s, "v", "level", -i, 10 + 0.1 * i);
	}
	assert_int_equal(fb_station_undos(s.station), 1);
	ride(&s, "v", "rate", 500, 13.1);
	ride(&s, "v", "rate", 600, 14.2);
	assert_int_equal(fb_station_undos(s.station), 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fb_station_undo(s.station, -1, &error), FB_OK);
	}
	assert_true(fb_station_patch(s.station)->stage[0].values[0] == 0.0f);
	/* a new change after undo ends what could be done again */
	assert_int_equal(fb_station_redo(s.station, -1, &error), FB_OK);
	assert_true(fb_station_patch(s.station)->stage[0].values[0] == -30.0f);
	assert_int_equal(fb_station_redos(s.station), 2);
	ride(&s, "v", "level", -1, 14.3);
	assert_int_equal(fb_station_redos(s.station), 0);
	/* two hands on two controls are two rides, however their moves alternate */
	uint32_t before = fb_station_undos(s.station);
	float rate = fb_station_patch(s.station)->stage[0].values[1];
	for (int i = 0; i < 50; i++) {
		ride(&s, "v", i % 2 ? "level" : "rate", 300 * (1 - i % 2) - i, 20 + 0.1 * i);
	}
	assert_int_equal(fb_station_undos(s.station), before + 2);
	assert_int_equal(fb_station_undo(s.station, -1, &error), FB_OK);
	assert_true(fb_station_patch(s.station)->stage[0].values[0] == -1.0f);
	ride(&s, "v", "rate", 700, 25); /* after an undo it is a new one */
	assert_int_equal(fb_station_undos(s.station), before + 2);
	assert_int_equal(fb_station_undo(s.station, -1, &error), FB_OK);
	assert_int_equal(fb_station_undo(s.station, -1, &error), FB_OK);
	assert_true(fb_station_patch(s.station)->stage[0].values[0] == -1.0f);
	assert_true(fb_station_patch(s.station)->stage[0].values[1] == rate);
	/* no more than so many steps are kept */
	for (int i = 0; i < FB_HISTORY_MAX + 20; i++) {
		ride(&s, "v", "level", i % 20, 100 + 2 * i);
	}
	assert_int_equal(fb_station_undos(s.station), FB_HISTORY_MAX);
	stand_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_set_during_edit),
		cmocka_unit_test(test_ride_of_a_prepared_value),
		cmocka_unit_test(test_refused_value),
		cmocka_unit_test(test_a_refused_value_is_no_step),
		cmocka_unit_test(test_a_refused_value_harms_nobody_else),
		cmocka_unit_test(test_edits_while_audio_stands_still),
		cmocka_unit_test(test_edit_taken_back),
		cmocka_unit_test(test_refused_edit),
		cmocka_unit_test(test_full_ring),
		cmocka_unit_test(test_full_ring_and_edit),
		cmocka_unit_test(test_morph_survives_edit),
		cmocka_unit_test(test_meters),
		cmocka_unit_test(test_undo_and_redo),
		cmocka_unit_test(test_undo_steps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
