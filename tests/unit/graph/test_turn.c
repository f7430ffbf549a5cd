/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The middle of a morph: what cannot glide turns in one tick, whose frame is known, at any period;
   what is edited, touched or recalled meanwhile has its way. */
#include "testing.h"

#include "../../../graph/engine_parts.h"

#include "rig.h"
#include "stand.h"

enum {
	STEP = 25600, /* a frame at which any of the periods begins */
	FRAMES = 8 * STEP,
	STEPS_LOUD = 100 /* what t_value makes of a step */
};

static const uint32_t periods[] = {32, 64, 256, 1024, 100};
enum { PERIODS = sizeof periods / sizeof *periods };

static fb_error error;

#define BEFORE                                                                                     \
	"{'stages': [{'type': 't_value', 'id': 'v', 'parameters': {'level': 0}}, {'type': 'gain', "    \
	"'id': 'g', 'parameters': {'gain': -6}}]}"

/** What control does with a station that has turned. */
static void follow(stand *s)
{
	if (fb_station_turned(s->station)) {
		fb_patch *patch = fb_patch_copy(fb_station_patch(s->station));
		(void)fb_station_turn_in(s->station, patch);
		fb_station_end_turn(s->station);
		assert_int_equal(fb_station_apply(s->station, patch, -1, &error), FB_OK);
	}
}

static void run(stand *s, size_t until)
{
	while (s->at < until) {
		stand_run(s, s->period);
		follow(s);
	}
}

static fb_stage *stage(fb_patch *patch, const char *id)
{
	return &patch->stage[fb_patch_find(patch, id)];
}

static float value_of(const stand *s, uint32_t param)
{
	return stage((fb_patch *)(uintptr_t)fb_station_patch(s->station), "v")->values[param];
}

/** Morph: the level to -40 dB in so many ms; in the middle three steps, the gain's bypass, and
	these switches. */
static void morph(stand *s, double ms, uint32_t switches)
{
	fb_patch *start = fb_patch_copy(fb_station_patch(s->station)), *end;
	stage(start, "v")->values[0] = -40.0f;
	end = fb_patch_copy(start);
	stage(end, "v")->values[2] = 3.0f;
	stage(end, "g")->bypass = true;
	fb_engine_begin(s->engine);
	assert_int_equal(fb_station_edit(s->station, start, ms, &error), FB_OK);
	assert_int_equal(fb_station_turn(s->station, end, switches, ms / 2, &error), FB_OK);
	fb_engine_end(s->engine);
}

static const fb_instance *heard(const stand *s, const char *id)
{
	return fb_plan_find(s->engine->station[0].plan, id);
}

/** The frame of the sound that comes out as out[i]. */
static size_t late(const stand *s)
{
	return fb_engine_latency(s->engine);
}

static void expect_same(const float *a, const float *b, size_t skip, uint32_t period)
{
	for (size_t i = 0; i + skip < FRAMES - 1024; i++) {
		if (memcmp(&a[i], &b[i + skip], sizeof *a) != 0) {
			fail_msg("period %u differs at frame %zu: %a, not %a", period, i, (double)b[i + skip],
				(double)a[i]);
		}
	}
}

/** Play the same scenes at each period, and hold the bits against those of the first. */
static void at_every_period(void (*play)(stand *s))
{
	stand first;
	for (int i = 0; i < PERIODS; i++) {
		stand s;
		stand_open(&s, BEFORE, periods[i], FRAMES);
		play(&s);
		run(&s, s.frames);
		if (!i) {
			first = s;
			continue;
		}
		expect_same(first.out[0], s.out[0], late(&s), periods[i]);
		expect_same(first.out[1], s.out[1], late(&s), periods[i]);
		stand_close(&s);
	}
	stand_close(&first);
}

/* 1 s, from frame 25600 on: it turns in the middle, 375 ticks later, and arrives at its end. The
   control side follows when it comes to it. */
static void play_once(stand *s)
{
	const size_t turn = STEP + 24000, end = STEP + 48000;
	run(s, STEP);
	morph(s, 1000, 0);
	run(s, STEP + 3200);
	assert_int_equal(fb_station_turn_frame(s->station), turn);
	assert_false(fb_station_turned(s->station));
	run(s, 3 * STEP);
	assert_int_equal(fb_station_turn_frame(s->station), 0);
	assert_true(value_of(s, 2) == 3.0f);
	const float *out = s->out[0] + late(s);
	/* bypassed or not, a step is heard: from a half to the whole of it, as the bypass fades in */
	assert_true(out[turn - 1] < 0.0f && out[turn] - out[turn - 1] > 0.4f * 3 * STEPS_LOUD);
	assert_true(out[end - 2] > out[end - 1]); /* still on its way */
	assert_true(out[end] == out[end + 1] && out[end] == 3 * STEPS_LOUD - 40.0f);
}

static void test_the_frame_is_exact(void **state)
{
	(void)state;
	at_every_period(play_once);
}

/* Amid a morph of 4 s, which turns at frame 121600, a node goes and another of its name comes: that
   one turns. A hand touches the steps, back and forth: they stay as it left them. */
static void play_with_hands(stand *s)
{
	const size_t turn = STEP + 96000;
	run(s, STEP);
	morph(s, 4000, 1u << FB_SWITCH_MONO);
	run(s, 2 * STEP);
	fb_patch *take = fb_patch_copy(fb_station_patch(s->station));
	assert_int_equal(fb_patch_remove(take, "g", &error), FB_OK);
	assert_int_equal(fb_station_edit(s->station, take, -1, &error), FB_OK);
	run(s, 3 * STEP);
	take = fb_patch_copy(fb_station_patch(s->station));
	assert_int_equal(
		fb_patch_add(take, fb_nodes_find(stand_nodes(), "gain"), "g", NULL, &error), FB_OK);
	assert_int_equal(fb_station_edit(s->station, take, -1, &error), FB_OK);
	run(s, 4 * STEP);
	stand_set(s, "v", "steps", 2);
	stand_set(s, "v", "steps", 0);
	fb_station_switch(s->station, FB_SWITCH_MONO, true);
	fb_station_switch(s->station, FB_SWITCH_MONO, false);
	assert_int_equal(fb_station_turn_frame(s->station), turn);
	run(s, 6 * STEP);
	assert_true(heard(s, "g")->wet_aim == 0.0f);
	assert_true(value_of(s, 2) == 0.0f && heard(s, "v")->to[2] == 0.0f);
	assert_false(fb_engine_switched(s->engine, 0, FB_SWITCH_MONO));
	fb_engine_counts counts;
	fb_engine_count(s->engine, &counts);
	assert_int_equal(counts.events_orphan + counts.events_late + counts.events_lost, 0);
}

static void test_hands_have_their_way(void **state)
{
	(void)state;
	at_every_period(play_with_hands);
}

/* A second morph while the first is under way: there is one turn, its own. */
static void play_twice(stand *s)
{
	run(s, STEP);
	morph(s, 2000, 1u << FB_SWITCH_MUTE);
	run(s, 2 * STEP);
	morph(s, 200, 1u << FB_SWITCH_MONO);
	run(s, 4 * STEP);
	assert_true(value_of(s, 2) == 3.0f);
	assert_false(fb_station_switched(s->station, FB_SWITCH_MUTE));
	assert_false(fb_engine_switched(s->engine, 0, FB_SWITCH_MUTE));
	assert_true(fb_engine_switched(s->engine, 0, FB_SWITCH_MONO));
	const float *out = s->out[0] + late(s);
	size_t turn = 2 * STEP + 4800;
	assert_true(out[turn] - out[turn - 1] > 0.4f * 3 * STEPS_LOUD);
}

static void test_the_newest_counts(void **state)
{
	(void)state;
	at_every_period(play_twice);
}

/* No turn is left when it is called off, when the rate changes, or when the engine goes first. */
static void test_ends(void **state)
{
	(void)state;
	stand s;
	stand_open(&s, BEFORE, 64, FRAMES);
	stand_run(&s, 64);
	morph(&s, 100, 1u << FB_SWITCH_MUTE);
	fb_station_end_turn(s.station); /* before audio has heard of it */
	stand_run(&s, 9600);
	assert_true(heard(&s, "v")->to[2] == 0.0f && heard(&s, "g")->wet_aim == 1.0f);
	assert_false(fb_engine_switched(s.engine, 0, FB_SWITCH_MUTE));
	morph(&s, 100, 0);
	stand_run(&s, 64);
	fb_station_end_turn(s.station); /* and after */
	stand_run(&s, 9600);
	assert_true(heard(&s, "v")->to[2] == 0.0f && heard(&s, "g")->wet_aim == 1.0f);
	for (int heard_of = 0; heard_of < 2; heard_of++) {
		morph(&s, 10000, 0);
		stand_run(&s, heard_of ? 64 : 0);
		assert_false(fb_station_turned(s.station));
		fb_engine_set_rate(s.engine, heard_of ? 48000 : 44100);
		fb_engine_set_period(s.engine, 64);
		assert_int_equal(fb_station_restart(s.station, &error), FB_OK);
		assert_true(fb_station_turned(s.station)); /* nothing glides any more */
		follow(&s);
		stand_run(&s, 64);
		assert_true(heard(&s, "v")->to[2] == 3.0f && heard(&s, "g")->wet_aim == 0.0f);
		stand_set(&s, "v", "steps", 0);
		stand_bypass(&s, "g", false);
	}
	morph(&s, 10000, 0);
	stand_close(&s);
}

/* Audio stands still, and the ring is full: the turn is not lost, nor late. */
static void test_a_full_ring(void **state)
{
	(void)state;
	stand s;
	stand_open(&s, BEFORE, 64, FRAMES);
	stand_run(&s, STEP);
	fb_event event = {.kind = FB_EVENT_STATION, .param = FB_SWITCH_MONO};
	while (fb_engine_send(s.engine, &event)) {
	}
	fb_patch *end = fb_patch_copy(fb_station_patch(s.station));
	stage(end, "v")->values[2] = 3.0f;
	assert_int_equal(fb_station_turn(s.station, end, 0, 500, &error), FB_OK);
	assert_int_equal(fb_station_turn_frame(s.station), STEP + 24000);
	run(&s, 2 * STEP);
	assert_true(value_of(&s, 2) == 3.0f);
	size_t turn = STEP + 24000;
	assert_true(s.out[0][turn] - s.out[0][turn - 1] > 0.4f * 3 * STEPS_LOUD);
	stand_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_frame_is_exact),
		cmocka_unit_test(test_hands_have_their_way),
		cmocka_unit_test(test_the_newest_counts),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_a_full_ring),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
