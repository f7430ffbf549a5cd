/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages from control to audio: when they take effect, in what order, and what happens when there
   are too many. The node t_value shows its parameters, so the output says what came when. */
#include "testing.h"

#include "../../../graph/engine.h"

#include "rig.h"
#include "stand.h"

enum { LEVEL, RATE, STEPS, SWITCH };

typedef struct bench {
	fb_engine *engine;
	const fb_plan *plan;
	uint32_t serial, period;
	float out[2][4096];
} bench;

static fb_plan *compile(const char *json, const fb_plan *live, double fade_ms)
{
	fb_patch *patch = stand_patch(json);
	fb_plan *plan;
	fb_error error;
	if (fb_plan_compile(patch, 48000, live, fade_ms, &plan, &error)) {
		fail_msg("%s: %s", error.where, error.text);
	}
	fb_patch_destroy(patch);
	return plan;
}

static void bench_open(bench *b, uint32_t period)
{
	fb_error error;
	fb_engine_options options = {.stations = 2, .rate_hz = 48000, .period = period};
	*b = (bench){.period = period};
	assert_int_equal(fb_engine_create(&options, &b->engine, &error), FB_OK);
	fb_plan *plan = compile("{'stages': [{'type': 't_value', 'id': 'v'}]}", NULL, 0);
	b->plan = plan;
	b->serial = fb_plan_find(plan, "v")->serial;
	fb_event event = {.kind = FB_EVENT_PLAN, .plan = plan};
	assert_true(fb_engine_send(b->engine, &event));
	fb_engine_switch(b->engine, 0, FB_SWITCH_GUARD, false); /* levels here are numbers */
}

/** One period; its output is in b->out. */
static void bench_run(bench *b, uint32_t frames)
{
	static float silence[4096];
	const float *in[4] = {silence, silence, silence, silence};
	static float other[4096];
	float *out[4] = {b->out[0], b->out[1], other, other};
	fb_engine_process(b->engine, in, out, frames);
	fb_engine_service(b->engine);
}

static fb_event level_event(const bench *b, uint64_t frame, float value)
{
	return (fb_event){.frame = frame,
		.kind = FB_EVENT_PARAM,
		.serial = b->serial,
		.param = LEVEL,
		.value = value,
		.ticks = 0};
}

static void send_level(bench *b, uint64_t frame, float value)
{
	fb_event event = level_event(b, frame, value);
	assert_true(fb_engine_send(b->engine, &event));
}

static fb_engine_counts counts(const bench *b)
{
	fb_engine_counts c;
	fb_engine_count(b->engine, &c);
	return c;
}

static void test_take_effect_with_their_tick(void **state)
{
	(void)state;
	bench b;
	bench_open(&b, 256);
	send_level(&b, 0, 1);
	send_level(&b, 31, 2);  /* the tick 0..31: after the one without a frame */
	send_level(&b, 100, 3); /* the tick 96..127 */
	send_level(&b, 255, 4); /* 224..255 */
	send_level(&b, 256, 5); /* the next period */
	bench_run(&b, 256);
	for (int i = 0; i < 256; i++) {
		assert_true(b.out[0][i] == (i < 96 ? 2.0f : i < 224 ? 3.0f : 4.0f));
	}
	bench_run(&b, 256);
	assert_true(b.out[0][0] == 5.0f);
	send_level(&b, 100, 6); /* gone by: at once, and counted */
	bench_run(&b, 256);
	assert_true(b.out[0][0] == 6.0f);
	assert_int_equal(counts(&b).events_late, 1);
	assert_int_equal(fb_engine_frame(b.engine), 768);
	fb_engine_destroy(b.engine);
}

/* Events of one tick are applied in the order of their frames, whatever the order they came in and
   whether they waited for their frame or came just in time: else the period would be heard. */
static void test_order_within_a_tick(void **state)
{
	(void)state;
	for (uint32_t period = 32; period <= 1024; period *= 4) {
		bench b;
		bench_open(&b, period);
		for (uint32_t at = 0; at < 2048; at += period) {
			if (at <= 1000 && 1000 < at + period) {
				send_level(&b, 1020, 3);
				send_level(&b, 1010, 2);
				send_level(&b, 1015, 1);
			}
			bench_run(&b, period);
			if (at + period == 1024) {
				assert_true(b.out[0][period - 1] == 3.0f);
			}
		}
		fb_engine_destroy(b.engine);
	}
}

static void test_equal_frames_keep_order(void **state)
{
	(void)state;
	bench b;
	bench_open(&b, 32);
	for (int i = 0; i < 20; i++) {
		send_level(&b, 640, (float)i);
	}
	for (int i = 0; i <= 20; i++) {
		bench_run(&b, 32);
	}
	assert_true(b.out[0][31] == 19.0f);
	fb_engine_destroy(b.engine);
}

static void test_glide_times(void **state)
{
	(void)state;
	bench b;
	bench_open(&b, 32);
	bench_run(&b, 32);
	fb_event event = level_event(&b, 0, -10);
	event.ticks = 4;
	assert_true(fb_engine_send(b.engine, &event));
	const double falls[] = {
		-1.25, -5, -8.75, -10, -10}; /* all bend: so short a glide has no line */
	for (int i = 0; i < 5; i++) {
		bench_run(&b, 32);
		assert_near(b.out[0][31], falls[i], 1e-5);
	}
	event.value = 0;
	event.ticks = UINT32_MAX; /* its own: 20 ms are 30 ticks */
	assert_true(fb_engine_send(b.engine, &event));
	for (int i = 1; i <= 30; i++) {
		bench_run(&b, 32);
		double t = i / 30.0, rise = t < 0.5 ? 2.0 * t * t : 1.0 - 2.0 * (1.0 - t) * (1.0 - t);
		assert_near(b.out[0][31], -10 + 10 * rise, 1e-5);
	}
	fb_engine_destroy(b.engine);
}

/* A group lands in one tick, though audio runs between its parts being sent. */
static void test_group(void **state)
{
	(void)state;
	bench b;
	bench_open(&b, 32);
	fb_engine_begin(b.engine);
	send_level(&b, 0, 1);
	fb_engine_begin(b.engine);
	send_level(&b, 0, 2);
	fb_engine_end(b.engine);
	bench_run(&b, 32); /* nothing is published, not even the plan's neighbour */
	assert_true(b.out[0][0] == 0.0f);
	fb_event rate = {
		.kind = FB_EVENT_PARAM, .serial = b.serial, .param = RATE, .value = 500, .ticks = 0};
	assert_true(fb_engine_send(b.engine, &rate));
	fb_engine_end(b.engine);
	bench_run(&b, 32);
	assert_true(b.out[0][0] == 2.0f && b.out[1][0] == 0.5f);
	fb_engine_destroy(b.engine);
}

static void test_orphans(void **state)
{
	(void)state;
	bench b;
	bench_open(&b, 32);
	fb_event event = level_event(&b, 0, -10);
	event.serial = 0xffffffffu;
	assert_true(fb_engine_send(b.engine, &event));
	event.serial = b.serial;
	event.station = 1; /* has no plan at all */
	assert_true(fb_engine_send(b.engine, &event));
	bench_run(&b, 32);
	assert_int_equal(counts(&b).events_orphan, 2);
	assert_true(b.out[0][31] == 0.0f);
	fb_engine_destroy(b.engine);
}

/* A full ring refuses and counts; nothing that was accepted is lost. */
static void test_full_ring(void **state)
{
	(void)state;
	bench b;
	bench_open(&b, 32);
	uint32_t sent = 0, room = fb_engine_space(b.engine);
	for (uint32_t i = 0; i < room + 5; i++) {
		fb_event event = {.kind = FB_EVENT_PARAM,
			.serial = b.serial,
			.param = STEPS,
			.value = (float)(i % 7),
			.ticks = 0};
		sent += fb_engine_send(b.engine, &event);
	}
	assert_int_equal(sent, room);
	assert_int_equal(fb_engine_space(b.engine), 0);
	assert_int_equal(counts(&b).events_lost, 5);
	for (int i = 0; i < 10; i++) {
		bench_run(&b, 32);
	}
	assert_int_equal(fb_engine_space(b.engine), room + 1); /* the plan went through as well */
	assert_int_equal(counts(&b).events_orphan, 0);
	fb_engine_destroy(b.engine);
}

/* However many events wait for frames to come, one for now gets through at once; more than can wait
   are refused, not blocked on. In the worst order, from the last frame to the first. */
static void test_waiting_events_block_nobody(void **state)
{
	(void)state;
	bench b;
	bench_open(&b, 32);
	bench_run(&b, 32);
	uint32_t waiting = 0;
	for (uint32_t i = 0; i < 5000; i++) {
		fb_event event = level_event(&b, 100000 - 10 * i, (float)(i % 50) - 50);
		waiting += fb_engine_send(b.engine, &event);
	}
	assert_int_equal(waiting, FB_WAITING_MAX);
	assert_int_equal(counts(&b).events_lost, 5000 - FB_WAITING_MAX);
	send_level(&b, 0, 7);
	bench_run(&b, 32);
	assert_true(b.out[0][0] == 7.0f);
	while (fb_engine_frame(b.engine) < 100032) {
		bench_run(&b, 32);
		uint64_t end = fb_engine_frame(b.engine) - 1, last = (100000 - end + 9) / 10;
		if (end < 100000 && last < FB_WAITING_MAX) {
			assert_true(b.out[0][31] == (float)(last % 50) - 50);
		}
	}
	assert_true(b.out[0][31] == -50.0f);
	send_level(&b, 200000, 1); /* there is room again */
	assert_int_equal(counts(&b).events_lost, 5000 - FB_WAITING_MAX);
	assert_int_equal(counts(&b).events_late, 0);
	fb_engine_destroy(b.engine);
}

/* A plan may be sent while another fades in: it waits for its turn, and both are freed. */
static void test_plans_take_turns(void **state)
{
	(void)state;
	bench b;
	bench_open(&b, 32);
	bench_run(&b, 32);
	assert_true(fb_engine_settled(b.engine, 0));
	fb_plan *one =
		compile("{'stages': [{'type': 't_value', 'id': 'v'}, {'type': 'gain'}]}", b.plan, 5);
	fb_plan *two = compile("{'stages': [{'type': 't_value', 'id': 'v'}]}", one->next, 5);
	fb_event event = {.kind = FB_EVENT_PLAN, .plan = one};
	assert_true(fb_engine_send(b.engine, &event));
	event.plan = two;
	assert_true(fb_engine_send(b.engine, &event));
	send_level(&b, 0, 3);
	int ticks = 0;
	while (!fb_engine_settled(b.engine, 0)) {
		bench_run(&b, 32);
		assert_in_range(++ticks, 1, 50);
	}
	assert_in_range(ticks, 20, 30); /* 5 ms to enter, 5 to fade, 5 to fade back: 24 */
	bench_run(&b, 32);
	assert_true(b.out[0][31] == 3.0f);
	fb_engine_destroy(b.engine);
}

/* Plans that wait for their frame, in the ring, or in a group never ended are freed with the
   engine (a leak checker sees it). */
static void test_destroy_frees_all(void **state)
{
	(void)state;
	bench b;
	static const char slow[] = "{'stages': [{'type': 't_slow'}]}";
	bench_open(&b, 32);
	fb_event event = {.kind = FB_EVENT_PLAN, .station = 1, .frame = 9999};
	event.plan = compile(slow, NULL, 0);
	assert_true(fb_engine_send(b.engine, &event));
	bench_run(&b, 32);
	event.plan = compile(slow, NULL, 0);
	assert_true(fb_engine_send(b.engine, &event));
	fb_engine_begin(b.engine);
	event.plan = compile(slow, NULL, 0);
	assert_true(fb_engine_send(b.engine, &event));
	fb_engine_destroy(b.engine);
	fb_engine_destroy(NULL);
}

static void test_refused_options(void **state)
{
	(void)state;
	fb_engine *engine = NULL;
	fb_error error;
	fb_engine_options options = {.stations = 0, .rate_hz = 48000, .period = 64};
	assert_int_equal(fb_engine_create(&options, &engine, &error), FB_INVALID);
	assert_string_equal(error.where, "stations");
	options.stations = 65;
	assert_int_equal(fb_engine_create(&options, &engine, &error), FB_INVALID);
	assert_string_equal(error.text, "must be 1 to 64");
	options.stations = 1;
	options.rate_hz = 7999;
	assert_int_equal(fb_engine_create(&options, &engine, &error), FB_INVALID);
	assert_string_equal(error.where, "rate");
	options.rate_hz = (double)NAN;
	assert_int_equal(fb_engine_create(&options, &engine, &error), FB_INVALID);
	assert_null(engine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take_effect_with_their_tick),
		cmocka_unit_test(test_order_within_a_tick),
		cmocka_unit_test(test_equal_frames_keep_order),
		cmocka_unit_test(test_glide_times),
		cmocka_unit_test(test_group),
		cmocka_unit_test(test_orphans),
		cmocka_unit_test(test_full_ring),
		cmocka_unit_test(test_waiting_events_block_nobody),
		cmocka_unit_test(test_plans_take_turns),
		cmocka_unit_test(test_destroy_frees_all),
		cmocka_unit_test(test_refused_options),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
