/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "../../../graph/ring.h"

#include <pthread.h>

static void test_order_and_full(void **state)
{
	(void)state;
	fb_ring *ring = fb_ring_create(4, sizeof(int));
	for (int i = 0; i < 4; i++) {
		assert_true(fb_ring_write(ring, &i));
	}
	int five = 5, got = -1;
	assert_false(fb_ring_write(ring, &five));
	assert_int_equal(fb_ring_lost(ring), 1);
	for (int i = 0; i < 4; i++) {
		assert_true(fb_ring_read(ring, &got));
		assert_int_equal(got, i);
	}
	assert_false(fb_ring_read(ring, &got));
	fb_ring_destroy(ring);
}

static void test_group_is_seen_whole(void **state)
{
	(void)state;
	fb_ring *ring = fb_ring_create(8, sizeof(int));
	int value = 1;
	assert_true(fb_ring_put(ring, &value));
	assert_true(fb_ring_put(ring, &value));
	assert_int_equal(fb_ring_count(ring), 0);
	fb_ring_rollback(ring);
	assert_int_equal(fb_ring_space(ring), 8);
	assert_true(fb_ring_put(ring, &value));
	fb_ring_publish(ring);
	assert_int_equal(fb_ring_count(ring), 1);
	fb_ring_destroy(ring);
}

enum { MANY = 200000 };

static void *write_many(void *arg)
{
	for (int i = 0; i < MANY;) {
		i += fb_ring_write(arg, &i) ? 1 : 0;
	}
	return NULL;
}

static void test_two_threads(void **state)
{
	(void)state;
	fb_ring *ring = fb_ring_create(64, sizeof(int));
	pthread_t writer;
	assert_int_equal(pthread_create(&writer, NULL, write_many, ring), 0);
	for (int i = 0, got; i < MANY;) {
		if (fb_ring_read(ring, &got)) {
			assert_int_equal(got, i);
			i++;
		}
	}
	pthread_join(writer, NULL);
	fb_ring_destroy(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_full),
		cmocka_unit_test(test_group_is_seen_whole),
		cmocka_unit_test(test_two_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
