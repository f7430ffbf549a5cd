/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plans are right to the sample: neutral chains pass audio unchanged, branches of different latency
   arrive together, and every shape of connection does what it says. */
#include "testing.h"

#include "../../../graph/offline.h"

#include "rig.h"
#include "stand.h"

enum { FRAMES = 12000 };

typedef struct take {
	float *in[2], *out[2];
	uint32_t latency;
} take;

static void take_open(take *t)
{
	for (int c = 0; c < 2; c++) {
		t->in[c] = sig_alloc(FRAMES);
		t->out[c] = sig_alloc(FRAMES);
		sig_noise(t->in[c], FRAMES, 0.5, 11u + (unsigned)c);
	}
}

static void take_close(take *t)
{
	for (int c = 0; c < 2; c++) {
		free(t->in[c]);
		free(t->out[c]);
	}
}

static void render(take *t, const char *json, bool late)
{
	fb_patch *patch = stand_patch(json);
	fb_error error;
	fb_offline job = {.patch = patch,
		.rate_hz = 48000,
		.period = 256,
		.in = {t->in[0], t->in[1]},
		.out = {t->out[0], t->out[1]},
		.frames = FRAMES,
		.late = late};
	if (fb_offline_render(&job, &error)) {
		fail_msg("%s: %s", error.where, error.text);
	}
	assert_int_equal(job.faults, 0);
	t->latency = job.latency;
	fb_patch_destroy(patch);
}

static void expect_input(const take *t, double gain, double tolerance)
{
	for (int c = 0; c < 2; c++) {
		for (size_t i = 0; i < FRAMES; i++) {
			if (fabs((double)t->out[c][i] - gain * (double)t->in[c][i]) > tolerance) {
				fail_msg("channel %d, frame %zu: %g, wanted %g", c, i, (double)t->out[c][i],
					gain * (double)t->in[c][i]);
			}
		}
	}
}

/* Neutral is not near, it is the same bits: nothing, a gain, ten gains, with latency taken out. */
static void test_null(void **state)
{
	(void)state;
	static const char *const patches[] = {"{}", "{'stages': [{'type': 'gain'}]}",
		"{'stages': [{'type': 'gain', 'id': 'a'}, {'type': 'gain', 'id': 'b'}, {'type': 'gain', "
		"'id': 'c'}, {'type': 'gain', 'id': 'd'}, {'type': 'gain', 'id': 'e'}, {'type': 'gain', "
		"'id': 'f'}, {'type': 'gain', 'id': 'g'}, {'type': 'gain', 'id': 'h'}, {'type': 'gain', "
		"'id': 'i'}, {'type': 'gain', 'id': 'j'}]}",
		"{'stages': [{'type': 't_delay', 'parameters': {'frames': 1001}}, {'type': 'gain'}]}",
		"{'stages': [{'type': 't_echo', 'bypass': true}, {'type': 'gain', 'bypass': true}]}"};
	take t;
	take_open(&t);
	for (size_t i = 0; i < sizeof patches / sizeof *patches; i++) {
		render(&t, patches[i], false);
		expect_input(&t, 1.0, 0.0);
	}
	take_close(&t);
}

/* An EQ with every band at 0 dB: within -140 dB. */
static void test_null_of_eq(void **state)
{
	(void)state;
	take t;
	if (!fb_nodes_find(stand_nodes(), "eq")) {
		skip();
	}
	take_open(&t);
	render(&t, "{'stages': [{'type': 'eq'}]}", false);
	expect_input(&t, 1.0, 1e-7);
	take_close(&t);
}

#define LATE(id, n) "{'type': 't_delay', 'id': '" id "', 'parameters': {'frames': " #n "}}"

/* Two ways of different latency, one turned over: what is left is exactly nothing. Each latency a
   case of its own: within a tick, a tick, beyond. */
static void test_branches_null(void **state)
{
	(void)state;
	take t;
	take_open(&t);
#define NULL_OF(n, m)                                                                              \
	render(&t,                                                                                     \
		"{'stages': [" LATE("a", n) "," LATE(                                                      \
			"b", m) "], 'connections': [{'from': 'in', 'to': 'a'}, {'from': 'in', 'to': 'b'}, "    \
					"{'from': 'a', 'to': 'out'}, {'from': 'b', 'to': 'out', 'weight': -1}]}",      \
		true);                                                                                     \
	assert_int_equal(t.latency, n > m ? n : m);                                                    \
	expect_input(&t, 0.0, 0.0)
	NULL_OF(0, 1);
	NULL_OF(1, 0);
	NULL_OF(31, 0);
	NULL_OF(0, 32);
	NULL_OF(33, 32);
	NULL_OF(100, 5000);
	take_close(&t);
}

/* Latencies of a tree: in -> a(100) -> c(7), in -> b(30) -> c, in -> c; c and in meet at out. */
static void test_tree_is_aligned(void **state)
{
	(void)state;
	take t;
	take_open(&t);
	render(&t,
		"{'stages': [" LATE("a", 100) "," LATE("b", 30) "," LATE("c",
			7) "], 'connections': [{'from': 'in', 'to': 'a'}, {'from': 'in', 'to': 'b'}, "
			   "{'from': 'a', 'to': 'c'}, {'from': 'b', 'to': 'c'}, {'from': 'in', 'to': 'c'}, "
			   "{'from': 'c', 'to': 'out', 'weight': 0.25}, {'from': 'in', 'to': 'out', 'weight': "
			   "0.25}]}",
		false);
	assert_int_equal(t.latency, 107);
	expect_input(&t, 1.0, 1e-6); /* four times a quarter, in floats */
	take_close(&t);
}

/* A way that leads nowhere delays nobody. */
static void test_dead_end_costs_no_latency(void **state)
{
	(void)state;
	take t;
	take_open(&t);
	render(&t,
		"{'stages': [" LATE("a", 100) "], 'connections': [{'from': 'in', 'to': 'a'}, {'from': "
									  "'in', 'to': 'out'}]}",
		true);
	assert_int_equal(t.latency, 0);
	expect_input(&t, 1.0, 0.0);
	take_close(&t);
}

/* A key arrives at the same time as the main signal, whatever each has come through. */
static void test_key_is_aligned(void **state)
{
	(void)state;
	take t;
	take_open(&t);
	memcpy(t.in[1], t.in[0], FRAMES * sizeof(float));
	render(&t,
		"{'stages': [" LATE("a", 55) ", {'type': 't_key', 'id': 'k'}], 'connections': ["
									 "{'from': 'in', 'to': 'a'}, {'from': 'a', 'to': 'k'}, "
									 "{'from': 'in', 'to': 'k:key', 'weight': -1}, {'from': 'k', "
									 "'to': 'out'}]}",
		true);
	assert_int_equal(t.latency, 55);
	expect_input(&t, 0.0, 0.0);
	take_close(&t);
}

/* Stereo to mono is the mean, mono to stereo is both, two outputs are two signals. */
static void test_channels(void **state)
{
	(void)state;
	take t;
	take_open(&t);
	render(&t, "{'stages': [{'type': 't_mono'}]}", false);
	for (size_t i = 0; i < FRAMES; i++) {
		assert_near(t.out[0][i], 0.5 * ((double)t.in[0][i] + (double)t.in[1][i]), 1e-7);
		assert_true(t.out[0][i] == t.out[1][i]);
	}
	render(&t,
		"{'stages': [{'type': 't_split', 'id': 's'}], 'connections': [{'from': 'in', 'to': 's'}, "
		"{'from': 's:side', 'to': 'out'}]}",
		false);
	for (size_t i = 0; i < FRAMES; i++) {
		assert_true(t.out[0][i] == t.in[0][i] - t.in[1][i] && t.out[1][i] == t.out[0][i]);
	}
	render(&t, "{'stages': [{'type': 't_source'}]}", false);
	for (size_t i = 0; i < FRAMES; i++) {
		assert_near(t.out[0][i], (double)t.in[0][i] + (double)(i % 100) / 400.0, 1e-6);
		assert_near(t.out[1][i], (double)t.in[1][i] - (double)(i % 100) / 400.0, 1e-6);
	}
	render(&t, "{'stages': [{'type': 'gain'}], 'connections': []}", false);
	expect_input(&t, 0.0, 0.0);
	take_close(&t);
}

/* Buffers are used again, never too soon: a chain of as many stages as may be, each tapped to the
   end, sums to what arithmetic says. */
static void test_many_taps(void **state)
{
	(void)state;
	char json[8000];
	size_t at = (size_t)snprintf(json, sizeof json, "{'stages': [");
	for (int i = 0; i < 32; i++) {
		at += (size_t)snprintf(json + at, sizeof json - at, "%s{'type': '%s', 'id': 's%d'}",
			i ? "," : "", i % 2 ? "t_split" : "t_delay", i);
	}
	at += (size_t)snprintf(json + at, sizeof json - at, "], 'connections': [");
	for (int i = 0; i < 32; i++) {
		char from[8] = "in";
		if (i) {
			snprintf(from, sizeof from, "s%d", i - 1);
		}
		at += (size_t)snprintf(json + at, sizeof json - at,
			"%s{'from': '%s', 'to': 's%d'}, {'from': 's%d', 'to': 'out', 'weight': 0.125}",
			i ? "," : "", from, i, i);
	}
	snprintf(json + at, sizeof json - at, "]}");
	take t;
	take_open(&t);
	render(&t, json, true);
	expect_input(&t, 4.0, 1e-5);
	take_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_null),
		cmocka_unit_test(test_null_of_eq),
		cmocka_unit_test(test_branches_null),
		cmocka_unit_test(test_tree_is_aligned),
		cmocka_unit_test(test_dead_end_costs_no_latency),
		cmocka_unit_test(test_key_is_aligned),
		cmocka_unit_test(test_channels),
		cmocka_unit_test(test_many_taps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
