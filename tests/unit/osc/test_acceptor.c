/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who comes is taken, or turned away; also while there is no descriptor to be had. */
#include "testing.h"

#include "../../../osc/acceptor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

enum { COME = 3 };

static fb_acceptor acceptor;
static int clients[COME], taken[COME], n_taken;

static bool take(void *ctx, int fd, const struct sockaddr_storage *from)
{
	(void)ctx;
	assert_int_equal(from->ss_family, AF_INET);
	taken[n_taken++] = fd;
	return true;
}

static bool refuse(void *ctx, int fd, const struct sockaddr_storage *from)
{
	(void)fd;
	(void)from;
	++*(int *)ctx;
	return false;
}

static bool is_readable(int fd)
{
	struct pollfd asked = {.fd = fd, .events = POLLIN};
	return poll(&asked, 1, 0) == 1;
}

static int open_all(void **state)
{
	(void)state;
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = 0};
	socklen_t size = sizeof at;
	acceptor = (fb_acceptor){-1, -1};
	n_taken = 0;
	if (fb_acceptor_open(&acceptor, (struct sockaddr *)&at, size) ||
		getsockname(acceptor.fd, (struct sockaddr *)&at, &size)) {
		return -1;
	}
	for (int i = 0; i < COME; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM, 0);
		struct timeval second = {.tv_sec = 5};
		setsockopt(clients[i], SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
		if (connect(clients[i], (struct sockaddr *)&at, size)) {
			return -1;
		}
	}
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	for (int i = 0; i < COME; i++) {
		close(clients[i]);
	}
	for (int i = 0; i < n_taken; i++) {
		close(taken[i]);
	}
	fb_acceptor_close(&acceptor);
	fb_acceptor_close(&acceptor); /* once more does nothing */
	assert_int_equal(acceptor.fd, -1);
	return 0;
}

/** What the other side reads: 0 is the end. */
static ssize_t hears(int fd)
{
	char byte;
	return recv(fd, &byte, 1, 0);
}

static void test_all_are_taken(void **state)
{
	(void)state;
	assert_int_equal(fb_acceptor_take(&acceptor, take, NULL), 0);
	assert_int_equal(n_taken, COME);
	assert_false(is_readable(acceptor.fd));
	for (int i = 0; i < COME; i++) {
		assert_true(fcntl(taken[i], F_GETFL) & O_NONBLOCK);
		assert_true(fcntl(taken[i], F_GETFD) & FD_CLOEXEC);
		assert_int_equal(send(taken[i], "x", 1, 0), 1);
	}
	char byte;
	for (int i = 0; i < COME; i++) {
		assert_int_equal(recv(clients[i], &byte, 1, 0), 1);
	}
}

static void test_who_is_refused_is_closed(void **state)
{
	(void)state;
	int asked = 0;
	assert_int_equal(fb_acceptor_take(&acceptor, refuse, &asked), COME);
	assert_int_equal(asked, COME);
	for (int i = 0; i < COME; i++) {
		assert_int_equal(hears(clients[i]), 0);
	}
}

/** Nobody is left in the queue, where he would wake us for ever; each is counted once. */
static void test_without_descriptors(void **state)
{
	(void)state;
	struct rlimit before;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	int highest = dup(0);
	close(highest);
	struct rlimit none = {.rlim_cur = (rlim_t)highest, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	uint32_t turned_away = fb_acceptor_take(&acceptor, take, NULL);
	uint32_t again = fb_acceptor_take(&acceptor, take, NULL);
	bool waits = is_readable(acceptor.fd);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(turned_away, COME);
	assert_int_equal(again, 0);
	assert_int_equal(n_taken, 0);
	assert_false(waits);
	assert_true(acceptor.spare >= 0); /* for the next time */
	for (int i = 0; i < COME; i++) {
		assert_int_equal(hears(clients[i]), 0);
	}
}

static void test_a_port_that_is_taken(void **state)
{
	(void)state;
	struct sockaddr_in at;
	socklen_t size = sizeof at;
	assert_int_equal(getsockname(acceptor.fd, (struct sockaddr *)&at, &size), 0);
	fb_acceptor other = {-1, -1};
	assert_int_equal(fb_acceptor_open(&other, (struct sockaddr *)&at, size), EADDRINUSE);
	fb_acceptor_close(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_are_taken, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_who_is_refused_is_closed, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_without_descriptors, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_a_port_that_is_taken, open_all, close_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
