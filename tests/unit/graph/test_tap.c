/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A tap never disturbs audio: when nobody takes what it carries, ticks are lost and counted, and
   what is heard is the same to the bit. */
#include "testing.h"

#include "stand.h"

#include "../../graph/engine.h"

enum { PERIOD = 64, SECOND = 48000 };

#define PATCH "{'stages': [{'type': 't_echo'}, {'type': 'gain', 'parameters': {'gain': -6}}]}"

/** Take all that is in the tap; the frame after the last. Ticks must be in order and whole. */
static uint64_t take(const stand *s, uint64_t from, uint64_t *ticks)
{
	fb_tap_block block;
	while (fb_ring_read(fb_engine_tap(s->engine, 0), &block)) {
		assert_true(block.frame >= from && block.frame % FB_TICK == 0);
		for (int c = 0; c < 2; c++) {
			assert_memory_equal(block.in[c], s->in[c] + block.frame, sizeof block.in[c]);
			assert_memory_equal(block.out[c], s->out[c] + block.frame, sizeof block.out[c]);
		}
		from = block.frame + FB_TICK;
		(*ticks)++;
	}
	return from;
}

static void test_a_full_tap(void **state)
{
	(void)state;
	stand s, quiet;
	stand_open(&s, PATCH, PERIOD, 2 * SECOND);
	stand_open(&quiet, PATCH, PERIOD, 2 * SECOND);
	fb_engine_set_tap(s.engine, 0, true);
	stand_run(&quiet, 2 * SECOND); /* without a tap */
	uint64_t ticks = 0, next = 0;
	for (int i = 0; i < 100; i++) { /* somebody takes it */
		stand_run(&s, 7 * PERIOD);
		next = take(&s, next, &ticks);
	}
	assert_int_equal(next, s.at);
	assert_int_equal(fb_ring_lost(fb_engine_tap(s.engine, 0)), 0);
	stand_run(&s, SECOND / 2); /* nobody does: the ring holds a sixth of a second */
	uint64_t lost = fb_ring_lost(fb_engine_tap(s.engine, 0));
	assert_true(lost > 0);
	next = take(&s, next, &ticks);
	assert_int_equal((ticks + lost) * FB_TICK, s.at); /* every tick was taken or counted */
	stand_run(&s, SECOND / 4);
	take(&s, next, &ticks);
	assert_memory_equal(s.out[0], quiet.out[0], s.at * sizeof(float));
	assert_memory_equal(s.out[1], quiet.out[1], s.at * sizeof(float));
	stand_close(&s);
	stand_close(&quiet);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_full_tap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
