/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packets come out as they were put in, in their order, whatever their sizes; one too many is not
   taken. */
#include "testing.h"

#include "../../../osc/backlog.h"

#include <netinet/in.h>

enum { ROOM = 8192, LARGEST = 1500 };

static struct sockaddr_storage at_port(uint16_t port)
{
	struct sockaddr_storage any = {0};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = port};
	memcpy(&any, &in, sizeof in);
	return any;
}

/** The n-th packet: its size and bytes follow from n. */
static size_t packet_of(uint32_t n, unsigned char data[LARGEST])
{
	size_t size = n * 7919u % (LARGEST + 1);
	memset(data, (int)(n & 0xff), size);
	return size;
}

static bool put(fb_backlog *backlog, uint32_t n)
{
	unsigned char data[LARGEST];
	size_t size = packet_of(n, data);
	struct sockaddr_storage from = at_port((uint16_t)n);
	return fb_backlog_put(backlog, &from, sizeof(struct sockaddr_in), data, size);
}

static void expect(fb_backlog *backlog, uint32_t n)
{
	unsigned char data[LARGEST];
	size_t size = packet_of(n, data);
	const fb_backlog_packet *packet = fb_backlog_first(backlog);
	assert_non_null(packet);
	assert_int_equal(packet->size, size);
	assert_int_equal(packet->from_size, sizeof(struct sockaddr_in));
	assert_int_equal(((const struct sockaddr_in *)&packet->from)->sin_port, (uint16_t)n);
	assert_memory_equal(packet->data, data, size);
	fb_backlog_drop(backlog);
}

/** Many times round, from empty to full and back, by steps of every length. */
static void test_first_in_first_out(void **state)
{
	(void)state;
	fb_backlog *backlog = fb_backlog_create(ROOM);
	uint32_t in = 0, out = 0, full = 0;
	for (uint32_t step = 0; step < 20000; step++) {
		uint32_t puts = step * 31 % 9, drops = step * 17 % 10;
		for (; puts && put(backlog, in); puts--) {
			in++;
		}
		full += puts > 0;
		for (; drops && out < in; drops--) {
			expect(backlog, out++);
		}
	}
	while (out < in) {
		expect(backlog, out++);
	}
	assert_null(fb_backlog_first(backlog));
	assert_true(in > 20000 && full > 100);
	fb_backlog_destroy(backlog);
}

static void test_when_it_is_full(void **state)
{
	(void)state;
	unsigned char data[ROOM] = {0};
	struct sockaddr_storage from = at_port(1);
	fb_backlog *backlog = fb_backlog_create(ROOM);
	assert_false(fb_backlog_put(backlog, &from, sizeof from, data, ROOM));
	uint32_t n = 0;
	while (fb_backlog_put(backlog, &from, sizeof from, data, 100)) {
		n++;
	}
	assert_true(n >= ROOM / (100 + sizeof(fb_backlog_packet) + 8) && n < ROOM / 100);
	for (int i = 0; i < 1000; i++) { /* full all the time */
		fb_backlog_drop(backlog);
		assert_true(fb_backlog_put(backlog, &from, sizeof from, data, 100));
		assert_false(fb_backlog_put(backlog, &from, sizeof from, data, 100));
	}
	for (; n; n--) {
		assert_int_equal(fb_backlog_first(backlog)->size, 100);
		fb_backlog_drop(backlog);
	}
	assert_null(fb_backlog_first(backlog));
	fb_backlog_destroy(backlog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_in_first_out),
		cmocka_unit_test(test_when_it_is_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
