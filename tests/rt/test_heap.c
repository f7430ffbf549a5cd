/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The audio thread neither takes memory nor gives any back: through the whole show, calls of malloc
   and its kin from within fb_engine_process() are counted, those of nodes included. */
/* pytest: alone */
/* pytest: slow */
#include "heap.h"
#include "show.h"

static void forbid(void)
{
	heap_forbidden = true;
}

static void allow(void)
{
	heap_forbidden = false;
}

static void *audio(void *with)
{
	show_audio(with);
	return NULL;
}

/** Calls made in the audio thread. */
static unsigned long run(show *s)
{
	atomic_store(&heap_trespass, 0);
	s->begin = forbid;
	s->end = allow;
	assert_true(show_run(s, audio));
	return atomic_load(&heap_trespass);
}

static void test_no_allocation(void **state)
{
	(void)state;
	static show s;
	if (!heap_watched) {
		skip();
	}
	for (uint32_t period = 64; period <= 100; period += 36) {
		show_open(&s, period, 10);
		assert_int_equal(run(&s), 0);
		show_check(&s);
		show_close(&s);
	}
}

/* The guard guards: malloc and free in a node are seen, a pair a tick. */
static void test_the_guard_itself(void **state)
{
	(void)state;
	static show s;
	if (!heap_watched) {
		skip();
	}
	show_open(&s, 64, 3);
	s.misdeed = "malloc";
	assert_in_range(run(&s), 4, 1000000);
	show_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_guard_itself),
		cmocka_unit_test(test_no_allocation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
