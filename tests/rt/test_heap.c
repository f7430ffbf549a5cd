/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Audio and its workers neither take memory nor give any back: through the whole show, calls of
   malloc and its kin from within fb_engine_process() are counted, those of nodes included. */
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

/** A worker's whole life is forbidden ground. */
typedef struct bound {
	void *(*run)(void *);
	void *arg;
} bound;

static void *run_bound(void *with)
{
	bound *work = with;
	forbid();
	void *end = work->run(work->arg);
	allow();
	free(work);
	return end;
}

static int spawn_bound(void *ctx, pthread_t *thread, void *(*run)(void *), void *arg)
{
	(void)ctx;
	bound *work = malloc(sizeof *work);
	*work = (bound){run, arg};
	return pthread_create(thread, NULL, run_bound, work);
}

/** Calls made in the audio thread and its workers. */
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
	static const struct {
		uint32_t period, threads;
	} shows[] = {{64, 1}, {100, 1}, {1024, 3}};
	for (size_t i = 0; i < sizeof shows / sizeof *shows; i++) {
		show_open(&s, shows[i].period, 10, shows[i].threads, spawn_bound);
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
	show_open(&s, 64, 3, 1, NULL);
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
