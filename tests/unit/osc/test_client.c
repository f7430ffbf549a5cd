/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The client library against the service, over real UDP; the service runs in a thread of its own,
   partly behind a relay that loses packets. */
#include "lo_peer.h"

#include "../../../osc/client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

static fb_tree *tree;
static fb_osc *osc;
static pthread_t thread;
static atomic_bool stop;
static fb_client *client;
static fb_error error;
static char long_story[70000]; ///< more than a packet holds

/* --- a relay that drops the first packets of each direction */

static struct {
	int in, out; ///< towards the client, towards the server
	uint16_t port;
	struct sockaddr_in client;
	atomic_int drop_to_server, drop_to_client, to_server;
} relay;

static void relay_open(uint16_t server_port)
{
	struct sockaddr_in at = {.sin_family = AF_INET}, to = at;
	socklen_t size = sizeof at;
	at.sin_addr.s_addr = to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons(server_port);
	relay.in = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	relay.out = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(relay.in, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(getsockname(relay.in, (struct sockaddr *)&at, &size), 0);
	assert_int_equal(connect(relay.out, (struct sockaddr *)&to, sizeof to), 0);
	relay.port = ntohs(at.sin_port);
}

static void relay_serve(void)
{
	static unsigned char packet[65536];
	socklen_t size = sizeof relay.client;
	ssize_t n;
	while ((n = recvfrom(relay.in, packet, sizeof packet, 0, (struct sockaddr *)&relay.client,
				&size)) >= 0) {
		relay.to_server++;
		if (relay.drop_to_server-- <= 0) {
			assert_int_equal(send(relay.out, packet, (size_t)n, 0), n);
		}
	}
	while ((n = recv(relay.out, packet, sizeof packet, 0)) >= 0) {
		if (relay.drop_to_client-- <= 0) {
			sendto(relay.in, packet, (size_t)n, 0, (struct sockaddr *)&relay.client,
				sizeof relay.client);
		}
	}
}

static void *serve(void *arg)
{
	(void)arg;
	while (!stop) {
		struct pollfd fds[3] = {{.fd = fb_osc_fd(osc), .events = POLLIN},
			{.fd = relay.in, .events = POLLIN}, {.fd = relay.out, .events = POLLIN}};
		poll(fds, 3, 1);
		relay_serve();
		fb_osc_service(osc, now_us());
		fb_osc_flush(osc, now_us());
	}
	return NULL;
}

static int open_all(void **state)
{
	(void)state;
	fb_osc_options options = {0};
	tree = desk_tree();
	add(tree, "/undo", (fb_leaf_spec){.kind = FB_LEAF_COMMAND});
	add_cells(tree, "cell", 3000, (fb_leaf_spec){.access = FB_READ_WRITE});
	memset(long_story, '.', sizeof long_story - 1);
	add(tree, "/verbose", (fb_leaf_spec){.kind = FB_LEAF_COMMAND, .doc = long_story});
	assert_int_equal(fb_osc_open(tree, &options, &osc, &error), FB_OK);
	relay_open(fb_osc_port(osc));
	relay.drop_to_server = relay.drop_to_client = relay.to_server = 0;
	stop = false;
	assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
	assert_int_equal(fb_client_open("localhost", fb_osc_port(osc), &client, &error), FB_OK);
	memset(&error, 0, sizeof error);
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	fb_client_close(client);
	stop = true;
	pthread_join(thread, NULL);
	close(relay.in);
	close(relay.out);
	fb_osc_close(osc);
	fb_tree_destroy(tree);
	return 0;
}

static void test_get(void **state)
{
	(void)state;
	fb_value value;
	assert_int_equal(fb_client_get(client, "/station/1/eq/hz", &value, &error), FB_OK);
	assert_int_equal(value.tag, 'f');
	assert_near(value.f, 1000, 0);
	assert_int_equal(fb_client_get(client, "/station/1/mode", &value, &error), FB_OK);
	assert_string_equal(value.s, "auto");
	assert_int_equal(fb_client_get(client, "/station/1/mute", &value, &error), FB_OK);
	assert_int_equal(value.tag, 'F');
	assert_int_equal(fb_client_get(client, "/station/2", &value, &error), FB_NOT_FOUND);
	assert_string_equal(error.where, "/station/2");
	assert_string_equal(error.text, "there is no such address");
	assert_int_equal(fb_client_get(client, "/station/1", &value, &error), FB_FORBIDDEN);
}

static void test_set(void **state)
{
	(void)state;
	fb_value value = f(-6.5), applied;
	assert_int_equal(
		fb_client_set(client, "/station/1/gain/level", &value, &applied, &error), FB_OK);
	assert_near(applied.f, -6.5, 0);
	value = f(-99);
	assert_int_equal(
		fb_client_set(client, "/station/1/gain/level", &value, &applied, &error), FB_OK);
	assert_near(applied.f, -60, 0);
	/* it is done when the call returns */
	assert_int_equal(fb_client_get(client, "/station/1/gain/level", &value, &error), FB_OK);
	assert_near(value.f, -60, 0);
	value = f(9);
	assert_int_equal(
		fb_client_set(client, "/station/1/gain/level", &value, NULL, &error), FB_UNAVAILABLE);
	assert_string_equal(error.text, "too loud for now");
	value = s("nonsense");
	assert_int_equal(fb_client_set(client, "/station/1/mode", &value, NULL, &error), FB_INVALID);
	assert_string_equal(error.text, "\"nonsense\" is none of: auto manual bypass");
	assert_int_equal(
		fb_client_set(client, "/station/1/gain/level", &value, NULL, &error), FB_WRONG_TYPE);
	value = f(-7);
	assert_int_equal(fb_client_set(client, "/cell/*/*", &value, &applied, &error), FB_OK);
	assert_int_equal(fb_client_get(client, "/cell/n0/v0", &value, &error), FB_OK);
	assert_near(value.f, -7, 0);
	value = s("x");
	assert_int_equal(fb_client_set(client, "/cell/n1/*", &value, NULL, &error), FB_WRONG_TYPE);
	assert_int_equal(fb_client_set(client, "/cell/[", &value, NULL, &error), FB_INVALID);
	/* a refusal is seen even where the server withholds its reason */
	for (int i = 0; i < 40; i++) {
		fb_status status = fb_client_set(client, "/none", &value, NULL, &error);
		assert_true(status == FB_NOT_FOUND || (i > 10 && status == FB_TOO_MANY));
	}
}

static void test_call(void **state)
{
	(void)state;
	fb_value args[2] = {s("go"), f(2)}, answer[FB_CLIENT_VALUES_MAX];
	uint32_t count = 99;
	assert_int_equal(
		fb_client_call(client, "/station/1/do", args, 2, answer, &count, &error), FB_OK);
	assert_int_equal(count, 1);
	assert_int_equal(answer[0].i, 7);
	assert_int_equal(fb_client_call(client, "/undo", NULL, 0, answer, &count, &error), FB_OK);
	assert_int_equal(count, 0);
	assert_int_equal(
		fb_client_call(client, "/station/1/do", NULL, 0, NULL, NULL, &error), FB_INVALID);
	assert_non_null(strstr(error.text, "takes the arguments"));
}

static void list_child(void *ctx, const char *name, bool has_children)
{
	char *text = ctx;
	size_t n = strlen(text);
	snprintf(text + n, 60000 - n, "%s%s ", name, has_children ? "+" : "");
}

static void test_list(void **state)
{
	(void)state;
	char *text = calloc(1, 60000);
	assert_int_equal(fb_client_list(client, "/station/1", list_child, text, &error), FB_OK);
	assert_string_equal(text, "gain+ eq+ chorus+ mode mute name meter+ do ");
	text[0] = '\0';
	assert_int_equal(fb_client_list(client, "/", list_child, text, &error), FB_OK);
	assert_string_equal(text, "station+ norm+ undo cell+ verbose ");
	text[0] = '\0';
	assert_int_equal(fb_client_list(client, "/cell", list_child, text, &error), FB_OK);
	assert_non_null(strstr(text, "n0+ "));
	assert_non_null(strstr(text, "n149+ "));
	text[0] = '\0';
	assert_int_equal(fb_client_list(client, "/undo", list_child, text, &error), FB_OK);
	assert_string_equal(text, "");
	assert_int_equal(fb_client_list(client, "/none", list_child, text, &error), FB_NOT_FOUND);
	free(text);
}

static void test_describe(void **state)
{
	(void)state;
	const char *json;
	char names[1000] = "";
	fb_status status = fb_client_describe(client, "/station/1", &json, list_child, names, &error);
	assert_int_equal(status, FB_OK);
	assert_string_equal(json, "{\"FULL_PATH\":\"/station/1\",\"DESCRIPTION\":\"1\",\"ACCESS\":0}");
	assert_string_equal(names, "gain+ eq+ chorus+ mode mute name meter+ do ");
	names[0] = '\0';
	status = fb_client_describe(client, "/station/1/mode", &json, list_child, names, &error);
	assert_int_equal(status, FB_OK);
	assert_non_null(strstr(json, "\"RANGE\":[{\"VALS\":[\"auto\",\"manual\",\"bypass\"]}]"));
	assert_string_equal(names, "");
	status = fb_client_describe(client, "/none", &json, list_child, names, &error);
	assert_int_equal(status, FB_NOT_FOUND);
	assert_string_equal(error.where, "/none");
	assert_string_equal(error.text, "there is no such address");
	status = fb_client_describe(client, "/verbose", &json, list_child, names, &error);
	assert_int_equal(status, FB_TOO_LARGE);
	assert_string_equal(error.text, "the answer is too large for a packet");
}

static char told[200];
static int values_told;

static void on_value(void *ctx, const char *address, const fb_value *argv, uint32_t argc)
{
	(void)ctx;
	values_told++;
	size_t n = (size_t)snprintf(told, sizeof told, "%s ", address);
	fb_values_text(argv, argc, told + n, sizeof told - n);
}

static void run_until(int values)
{
	for (int i = 0; i < 2000 && values_told < values; i++) {
		assert_int_equal(fb_client_run(client, 1, &error), FB_OK);
	}
	assert_int_equal(values_told, values);
}

static void test_subscribe(void **state)
{
	(void)state;
	uint32_t leaves = 0;
	fb_client *other;
	fb_value value = s("Vocals");
	assert_int_equal(fb_client_open("127.0.0.1", fb_osc_port(osc), &other, &error), FB_OK);
	values_told = 0;
	fb_client_listen(client, on_value, NULL);
	assert_int_equal(fb_client_subscribe(client, "/station/1/name", 100, &leaves, &error), FB_OK);
	assert_int_equal(leaves, 1);
	run_until(1);
	assert_string_equal(told, "/station/1/name one");
	assert_int_equal(fb_client_set(other, "/station/1/name", &value, NULL, &error), FB_OK);
	run_until(2);
	assert_string_equal(told, "/station/1/name Vocals");
	assert_int_equal(fb_client_subscribe(client, "/cell", 100, &leaves, &error), FB_OK);
	assert_int_equal(leaves, 3000);
	run_until(3002);
	assert_int_equal(fb_client_subscribe(client, "/[", 100, &leaves, &error), FB_INVALID);
	/* without anything to hear, a call of run() ends in its time */
	int64_t start = now_us();
	assert_int_equal(fb_client_run(client, 30, &error), FB_OK);
	assert_true(now_us() - start >= 29000);
	fb_client_unsubscribe(client);
	value = s("Bass");
	assert_int_equal(fb_client_set(other, "/station/1/name", &value, NULL, &error), FB_OK);
	assert_int_equal(fb_client_run(client, 60, &error), FB_OK);
	assert_string_equal(told + strlen(told) - 3, "0.0"); /* the last cell, no Bass */
	fb_client_close(other);
}

static void test_lost_packets(void **state)
{
	(void)state;
	fb_client *far;
	fb_value value = f(-3), applied;
	assert_int_equal(fb_client_open("127.0.0.1", relay.port, &far, &error), FB_OK);
	fb_client_set_patience(far, 150, 3);
	relay.drop_to_server = 2;
	assert_int_equal(fb_client_get(far, "/station/1/mode", &value, &error), FB_OK);
	assert_string_equal(value.s, "auto");
	value = f(-3);
	relay.drop_to_client = 1;
	assert_int_equal(fb_client_set(far, "/station/1/gain/level", &value, &applied, &error), FB_OK);
	assert_near(applied.f, -3, 0);
	/* the answer alone is lost, what says that there was one comes */
	const char *json;
	char names[1000] = "";
	relay.drop_to_client = 1;
	assert_int_equal(fb_client_describe(far, "/station", &json, list_child, names, &error), FB_OK);
	assert_string_equal(
		json, "{\"FULL_PATH\":\"/station\",\"DESCRIPTION\":\"station\",\"ACCESS\":0}");
	assert_string_equal(names, "1+ ");
	/* all lost: an error, in the time that was given */
	int64_t start = now_us();
	relay.drop_to_server = 100;
	assert_int_equal(fb_client_get(far, "/station/1/mode", &value, &error), FB_UNAVAILABLE);
	/* by how much later depends on the machine; ten times as long is what nobody waits for */
	assert_true(now_us() - start > 440000 && now_us() - start < 10000000);
	assert_string_equal(error.text, "no answer; is foldbackd running there?");
	/* a command goes out once only */
	relay.drop_to_client = 100;
	relay.drop_to_server = relay.to_server = 0;
	assert_int_equal(fb_client_call(far, "/undo", NULL, 0, NULL, NULL, &error), FB_UNAVAILABLE);
	assert_int_equal(relay.to_server, 1);
	relay.drop_to_client = 0;
	fb_client_close(far);
}

static void test_nobody_there(void **state)
{
	(void)state;
	fb_client *lonely;
	fb_value value;
	/* a port that was just free */
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t size = sizeof at;
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	close(fd);
	assert_int_equal(fb_client_open("127.0.0.1", ntohs(at.sin_port), &lonely, &error), FB_OK);
	int64_t start = now_us();
	assert_int_equal(fb_client_get(lonely, "/x", &value, &error), FB_UNAVAILABLE);
	assert_true(now_us() - start < 400000); /* told at once, not after the patience */
	char where[64];
	snprintf(where, sizeof where, "127.0.0.1 port %u", ntohs(at.sin_port));
	assert_string_equal(error.where, where);
	fb_client_close(lonely);
	assert_int_equal(fb_client_open("no such host.invalid", 7770, &lonely, &error), FB_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_get, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_set, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_call, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_list, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_describe, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_subscribe, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_lost_packets, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_nobody_there, open_all, close_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
