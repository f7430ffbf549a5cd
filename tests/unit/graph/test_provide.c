/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that follows a parameter. Sanitizers have memory of their own beside it. */
/* pytest: plain */
#include "testing.h"

#include "../../../graph/instance.h"

#include "rig.h"
#include "stand.h"

#include <sys/resource.h>

enum { RATE = 48000, SECOND = RATE / FB_TICK };

static fb_instance *delay_of(fb_patch *patch)
{
	fb_instance *node;
	fb_error error;
	if (fb_instance_create(&patch->stage[0], RATE, &node, &error)) {
		fail_msg("%s: %s", error.where, error.text);
	}
	return node;
}

/** Pages that came into being while the node ran. */
static long faults(fb_instance *node, size_t ticks)
{
	_Alignas(FB_ALIGN) float in[FB_TICK], out[2][FB_TICK];
	sig_noise(in, FB_TICK, 1.0, 1);
	const float *ins[] = {in, in};
	float *outs[] = {out[0], out[1]};
	struct rusage before, after;
	getrusage(RUSAGE_THREAD, &before);
	for (size_t i = 0; i < ticks; i++) {
		fb_tick tick = {.frame = i * FB_TICK, .in = ins, .out = outs};
		assert_true(fb_instance_tick(node, &tick));
	}
	getrusage(RUSAGE_THREAD, &after);
	return after.ru_minflt - before.ru_minflt;
}

/* Two rings grow from 0.5 to 2 s, by 140 pages. 8 for what a first call of anything costs. */
static void test_memory_is_there_before_audio_wants_it(void **state)
{
	(void)state;
	fb_patch *patch = stand_patch("{'stages': [{'type': 'delay', 'parameters': {'time': 100}}]}");
	for (int provided = 0; provided < 2; provided++) {
		fb_instance *node = delay_of(patch);
		assert_true(faults(node, SECOND) <= 8);
		float values[] = {[0] = 2000.0f, [8] = 0.0f};
		memcpy(values + 1, patch->stage[0].values + 1, sizeof values - sizeof *values);
		if (provided) {
			fb_instance_provide(node, values);
		}
		fb_instance_set(node, 0, 2000.0f, 0);
		long grown = faults(node, (size_t)5 * SECOND);
		/* unprovided it is all the same sound, and takes memory only then */
		assert_true(provided ? grown <= 8 : grown >= 120);
		fb_instance_destroy(node);
	}
	fb_patch_destroy(patch);
}

/* A client's set goes through the station, which has the memory provided: none is left to audio. */
static void test_station_provides(void **state)
{
	(void)state;
	stand s;
	stand_open(&s, "{'stages': [{'id': 'd', 'type': 'delay', 'parameters': {'time': 100}}]}", 64,
		(size_t)8 * RATE);
	memset(s.out[0], 1, (size_t)8 * RATE * sizeof(float));
	memset(s.out[1], 1, (size_t)8 * RATE * sizeof(float));
	stand_run(&s, 2 * RATE);
	stand_set(&s, "d", "time", 2000);
	struct rusage before, after;
	getrusage(RUSAGE_THREAD, &before);
	stand_run(&s, (size_t)5 * RATE);
	getrusage(RUSAGE_THREAD, &after);
	assert_true(after.ru_minflt - before.ru_minflt <= 16);
	stand_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_is_there_before_audio_wants_it),
		cmocka_unit_test(test_station_provides),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
