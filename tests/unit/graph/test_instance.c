/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One living node as the host runs it: parameters, bypass, faults, meters. */
#include "testing.h"

#include "../../../graph/instance.h"

#include "rig.h"
#include "stand.h"

enum { RATE = 48000, FRAMES = 4800, IN_MAX = 3, OUT_MAX = 3 };

typedef struct bench {
	fb_patch *patch;
	fb_instance *node;
	float *in[IN_MAX], *out[OUT_MAX];
	uint64_t frame;
} bench;

static void bench_open(bench *b, const char *json)
{
	fb_error error;
	*b = (bench){.patch = stand_patch(json)};
	if (fb_instance_create(&b->patch->stage[0], RATE, &b->node, &error)) {
		fail_msg("%s: %s", error.where, error.text);
	}
	for (int c = 0; c < IN_MAX; c++) {
		b->in[c] = sig_alloc(FRAMES);
		b->out[c] = sig_alloc(FRAMES);
		sig_sine(b->in[c], FRAMES, RATE, c ? 150 : 100, 0.25, 0.0);
	}
}

static void bench_close(bench *b)
{
	fb_instance_destroy(b->node);
	fb_patch_destroy(b->patch);
	for (int c = 0; c < IN_MAX; c++) {
		free(b->in[c]);
		free(b->out[c]);
	}
}

static bool bench_tick(bench *b, size_t tick)
{
	const float *in[FB_CHANNELS_MAX];
	float *out[FB_CHANNELS_MAX];
	for (int c = 0; c < IN_MAX; c++) {
		in[c] = b->in[c] + tick * FB_TICK;
		out[c] = b->out[c] + tick * FB_TICK;
	}
	fb_tick t = {.frame = b->frame, .in = in, .out = out};
	b->frame += FB_TICK;
	return fb_instance_tick(b->node, &t);
}

static void bench_run(bench *b, size_t first, size_t ticks)
{
	for (size_t i = 0; i < ticks; i++) {
		assert_true(bench_tick(b, first + i));
	}
}

static void test_finite(void **state)
{
	(void)state;
	const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};
	_Alignas(FB_ALIGN) float x[FB_TICK];
	for (int i = 0; i < FB_TICK; i++) {
		x[i] = i % 2 ? 3.4e38f : i % 3 ? -1e-44f : -0.0f;
	}
	assert_true(fb_tick_finite(x));
	for (int i = 0; i < FB_TICK; i++) {
		for (int k = 0; k < 4; k++) {
			float kept = x[i];
			x[i] = bad[k];
			assert_false(fb_tick_finite(x));
			x[i] = kept;
		}
	}
}

/* A value set again while it is there, or on the way there, disturbs nothing: station code sends
   all values again after an edit. */
static void test_same_value_again(void **state)
{
	(void)state;
	bench a, b;
	bench_open(&a, "{'stages': [{'type': 't_value'}]}");
	bench_open(&b, "{'stages': [{'type': 't_value'}]}");
	fb_instance_set(a.node, 0, -20.0f, 100);
	fb_instance_set(b.node, 0, -20.0f, 100);
	for (size_t i = 0; i < FRAMES / FB_TICK; i++) {
		fb_instance_set(b.node, 0, -20.0f, UINT32_MAX);
		fb_instance_set(b.node, 1, 1000.0f, UINT32_MAX);
		bench_run(&a, i, 1);
		bench_run(&b, i, 1);
	}
	assert_memory_equal(a.out[0], b.out[0], FRAMES * sizeof(float));
	assert_memory_equal(a.out[1], b.out[1], FRAMES * sizeof(float));
	assert_int_equal(b.node->n_moving, 0);
	bench_close(&a);
	bench_close(&b);
}

/* A value that the node was prepared with stays until there is another instance. t_delay yields NaN
   if it sees another. */
static void test_prepared_values_are_fixed(void **state)
{
	(void)state;
	bench b;
	bench_open(&b, "{'stages': [{'type': 't_delay', 'parameters': {'frames': 100}}]}");
	fb_instance_set(b.node, 0, 9600.0f, UINT32_MAX);
	fb_instance_set(b.node, 0, 9600.0f, 0);
	bench_run(&b, 0, 10);
	assert_true(b.node->to[0] == 100.0f);
	bench_close(&b);
}

static void test_serves(void **state)
{
	(void)state;
	bench b;
	bench_open(&b, "{'stages': [{'type': 't_delay', 'id': 'd', 'parameters': {'frames': 100}}]}");
	fb_stage *stage = &b.patch->stage[0];
	assert_true(fb_instance_serves(b.node, stage, RATE));
	assert_false(fb_instance_serves(b.node, stage, 44100));
	stage->values[0] = 100.2f; /* what the instance would be prepared with is 100 all the same */
	assert_true(fb_instance_serves(b.node, stage, RATE));
	stage->values[0] = 101.0f;
	assert_false(fb_instance_serves(b.node, stage, RATE));
	stage->values[0] = 100.0f;
	strcpy(stage->id, "e");
	assert_false(fb_instance_serves(b.node, stage, RATE));
	bench_close(&b);
}

static void test_refused(void **state)
{
	(void)state;
	fb_patch *patch =
		stand_patch("{'stages': [{'type': 't_refuse', 'id': 'r', 'parameters': {'limit': 6}}]}");
	fb_instance *node = NULL;
	fb_error error;
	assert_int_equal(fb_instance_create(&patch->stage[0], RATE, &node, &error), FB_INVALID);
	assert_string_equal(error.where, "r");
	assert_string_equal(error.text, "t_refuse cannot work with these settings at 48000 Hz");
	assert_null(node);
	fb_instance_destroy(NULL);
	fb_patch_destroy(patch);
}

/* Bypassed from the start, a node with latency is its input, as late. */
static void test_bypass_is_as_late(void **state)
{
	(void)state;
	bench b;
	bench_open(
		&b, "{'stages': [{'type': 't_delay', 'bypass': true, 'parameters': {'frames': 77}}]}");
	sig_noise(b.in[0], FRAMES, 1.0, 1);
	bench_run(&b, 0, 50);
	for (int c = 0; c < 2; c++) {
		for (size_t i = 0; i < 50 * FB_TICK; i++) {
			assert_true(b.out[c][i] == (i < 77 ? 0.0f : b.in[c][i - 77]));
		}
	}
	bench_close(&b);
}

/* 10 ms there and back. The bend is the sine's own, the corners of the crossfade and what it does
   to the sine's slope: below -80 dBFS beyond the sine's own. */
static void test_bypass_does_not_click(void **state)
{
	(void)state;
	bench b;
	bench_open(&b, "{'stages': [{'type': 'gain', 'parameters': {'gain': -60}}]}");
	double own[2] = {stand_bend(b.in[0], 0, FRAMES), stand_bend(b.in[1], 0, FRAMES)};
	bench_run(&b, 0, 20);
	fb_instance_bypass(b.node, true);
	bench_run(&b, 20, 50);
	fb_instance_bypass(b.node, false);
	bench_run(&b, 70, 50);
	for (int c = 0; c < 2; c++) {
		assert_true(sig_peak(b.out[c], 20 * FB_TICK) == 0.0);
		assert_memory_equal(
			b.out[c] + 36 * FB_TICK, b.in[c] + 36 * FB_TICK, 30 * FB_TICK * sizeof(float));
		assert_true(sig_peak(b.out[c] + 86 * FB_TICK, 30 * FB_TICK) == 0.0);
		assert_true(stand_bend(b.out[c], 0, 120 * FB_TICK) < own[c] + 1e-4);
	}
	bench_close(&b);
}

/* Turned back half way, it goes on from where it is. */
static void test_bypass_turned_round(void **state)
{
	(void)state;
	bench b;
	bench_open(&b, "{'stages': [{'type': 'gain', 'parameters': {'gain': -60}}]}");
	double own = stand_bend(b.in[0], 0, FRAMES);
	bench_run(&b, 0, 20);
	fb_instance_bypass(b.node, true);
	bench_run(&b, 20, 7);
	fb_instance_bypass(b.node, false);
	bench_run(&b, 27, 30);
	/* the corner of the turn: twice the steepest slope of the crossfade, 1.5 / 480, of 0.25 */
	assert_true(stand_bend(b.out[0], 0, 57 * FB_TICK) < own + 2 * 1.5 / 480 * 0.25);
	assert_true(sig_peak(b.out[0] + 35 * FB_TICK, 20 * FB_TICK) == 0.0);
	bench_close(&b);
}

/* Stereo in, mono out: bypassed it is what a connection of both to one would give. */
static void test_bypass_to_mono(void **state)
{
	(void)state;
	bench b;
	bench_open(&b, "{'stages': [{'type': 't_merge', 'bypass': true}]}");
	bench_run(&b, 0, 20);
	for (size_t i = 0; i < 20 * FB_TICK; i++) {
		assert_near(b.out[0][i], 0.5 * ((double)b.in[0][i] + (double)b.in[1][i]), 1e-7);
	}
	bench_close(&b);
	bench_open(&b, "{'stages': [{'type': 't_source', 'bypass': true}]}");
	bench_run(&b, 0, 20);
	assert_true(sig_peak(b.out[0], 20 * FB_TICK) == 0.0);
	bench_close(&b);
}

/* A NaN in the node's state: reset, and its input in its place, without a gap. Meanwhile it comes
   back within 10 ms by the same crossfade as from bypass. */
static void test_fault(void **state)
{
	(void)state;
	bench b;
	bench_open(&b, "{'stages': [{'type': 't_fail'}]}");
	double own = stand_bend(b.in[0], 0, FRAMES);
	for (int mode = 1; mode <= 2; mode++) {
		bench_run(&b, 0, 20);
		fb_instance_set(b.node, 0, (float)mode, 0);
		assert_false(bench_tick(&b, 20));
		fb_instance_set(b.node, 0, 0.0f, 0);
		bench_run(&b, 21, 60);
		assert_int_equal(atomic_load(&b.node->faults), mode);
		for (int c = 0; c < 2; c++) {
			assert_memory_equal(b.out[c], b.in[c], 20 * FB_TICK * sizeof(float));
			assert_true(sig_finite(b.out[c], 81 * FB_TICK));
			assert_true(stand_differ(b.out[c], b.in[c], 81 * FB_TICK) < 1e-6);
			assert_memory_equal(
				b.out[c] + 40 * FB_TICK, b.in[c] + 40 * FB_TICK, 40 * FB_TICK * sizeof(float));
		}
		assert_true(stand_bend(b.out[0], 0, 81 * FB_TICK) < own + 1e-6);
	}
	bench_close(&b);
}

static void test_meters(void **state)
{
	(void)state;
	bench b;
	bench_open(&b, "{'stages': [{'type': 't_key'}]}");
	/* before its first tick a meter reads the least it can */
	assert_near(atomic_load(&b.node->shown[0]), 0, 0);
	assert_near(atomic_load(&b.node->shown[1]), -120, 0);
	bench_run(&b, 0, 1);
	assert_near(atomic_load(&b.node->shown[1]), -20, 0);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finite),
		cmocka_unit_test(test_same_value_again),
		cmocka_unit_test(test_prepared_values_are_fixed),
		cmocka_unit_test(test_serves),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bypass_is_as_late),
		cmocka_unit_test(test_bypass_does_not_click),
		cmocka_unit_test(test_bypass_turned_round),
		cmocka_unit_test(test_bypass_to_mono),
		cmocka_unit_test(test_fault),
		cmocka_unit_test(test_meters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
