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

/* Groups of up to twice what is put aside until it is published, and single records among them. */
static void test_large_groups(void **state)
{
	(void)state;
	typedef struct record {
		int number, filling[15];
	} record;
	fb_ring *ring = fb_ring_create(256, sizeof(record));
	record out = {.number = 0}, in;
	int sent = 0, got = 0;
	for (int round = 0; round < 200; round++) {
		int n = 1 + round * 7 % 130;
		for (int i = 0; i < n; i++, out.number++) {
			assert_true(fb_ring_put(ring, &out));
		}
		assert_int_equal(fb_ring_space(ring), 256 - n);
		assert_int_equal(fb_ring_count(ring), 0);
		if (round % 3 == 0) {
			fb_ring_rollback(ring);
			out.number = sent;
			n = 0;
		}
		if (round % 5 == 0) {
			record *room = fb_ring_claim(ring);
			assert_non_null(room);
			room->number = out.number++;
			n++;
		}
		fb_ring_publish(ring);
		assert_int_equal(fb_ring_count(ring), n);
		for (sent += n; got < sent; got++) {
			assert_true(fb_ring_read(ring, &in));
			assert_int_equal(in.number, got);
		}
		assert_false(fb_ring_read(ring, &in));
	}
	assert_int_equal(fb_ring_lost(ring), 0);
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
		cmocka_unit_test(test_large_groups),
		cmocka_unit_test(test_two_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
