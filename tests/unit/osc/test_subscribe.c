/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Subscriptions: over real UDP with liblo's clients, and over a transport made here, as TCP and
   WebSocket will be. */
#include "lo_peer.h"

static fb_tree *tree;
static fb_osc *osc;
static lo_peer *one, *two;
static const fb_origin engine = {"engine", NULL};

static int open_with(fb_osc_options options)
{
	fb_error error = {0};
	tree = desk_tree();
	clock_skew_us = 0;
	if (fb_osc_open(tree, &options, &osc, &error)) {
		fail_msg("%s: %s", error.where, error.text);
	}
	one = malloc(sizeof *one);
	two = malloc(sizeof *two);
	peer_open(one, fb_osc_port(osc));
	peer_open(two, fb_osc_port(osc));
	return 0;
}

static int open_all(void **state)
{
	(void)state;
	return open_with((fb_osc_options){0});
}

static int open_small(void **state)
{
	(void)state;
	return open_with((fb_osc_options){.subscribers_max = 1, .patterns_max = 2, .leaves_max = 50});
}

static int close_all(void **state)
{
	(void)state;
	if (one->server) {
		peer_close(one);
	}
	peer_close(two);
	free(one);
	free(two);
	fb_osc_close(osc);
	fb_tree_destroy(tree);
	return 0;
}

static void both(int ms)
{
	pump(osc, (lo_peer *[]){one, two}, 2, ms);
}

/** What a peer heard so far, and forget it. */
static const char *heard(lo_peer *peer)
{
	static char text[sizeof peer->heard];
	memcpy(text, peer->heard, strlen(peer->heard) + 1);
	forget(peer);
	return text;
}

static fb_osc_stats stats(void)
{
	fb_osc_stats s;
	fb_osc_get_stats(osc, &s);
	return s;
}

static void touch(const char *address)
{
	fb_tree_touch(tree, fb_tree_find(tree, address), &engine);
}

static void test_feedback(void **state)
{
	(void)state;
	peer_send(one, "/subscribe", "s", "/station/1/gain/level");
	both(5);
	assert_string_equal(heard(one), "/subscribe ,siiii /station/1/gain/level 30 0 10 1\n"
									"/station/1/gain/level ,f 0.0\n");
	/* another's set is told, once, and nothing to the other */
	peer_send(two, "/station/1/gain/level", "f", -6.0);
	both(60);
	assert_string_equal(heard(one), "/station/1/gain/level ,f -6.0\n");
	assert_string_equal(heard(two), "");
	/* its own is not, nor the same value again */
	peer_send(one, "/station/1/gain/level", "f", -7.0);
	both(5);
	peer_send(two, "/station/1/gain/level", "f", -7.0);
	both(60);
	assert_string_equal(heard(one), "");
	/* but a correction is: at once, and once */
	peer_send(one, "/station/1/gain/level", "f", -70.0);
	both(60);
	assert_string_equal(heard(one), "/station/1/gain/level ,f -60.0\n");
	/* of two changes the last counts: here its own */
	peer_send(two, "/station/1/gain/level", "f", -1.0);
	peer_send(one, "/station/1/gain/level", "f", -2.0);
	both(60);
	assert_string_equal(heard(one), "");
	/* and here the other's */
	peer_send(one, "/station/1/gain/level", "f", -3.0);
	peer_send(two, "/station/1/gain/level", "f", -4.0);
	both(60);
	assert_string_equal(heard(one), "/station/1/gain/level ,f -4.0\n");
	/* what the server does by itself */
	board.level = -5;
	touch("/station/1/gain/level");
	both(60);
	assert_string_equal(heard(one), "/station/1/gain/level ,f -5.0\n");
}

/** The sender hears what else its message changed: the twin, what a command did. */
static void test_side_effects(void **state)
{
	(void)state;
	peer_send(one, "/subscribe", "s", "/{station,norm/station}/1/gain/level");
	peer_send(one, "/subscribe", "s", "/station/1/gain/level");
	peer_send(one, "/subscribe", "s", "/norm/station/1/gain/level");
	both(60);
	assert_non_null(strstr(heard(one), "/error ,siss /subscribe 400 a bracket is empty"));
	peer_send(one, "/norm/station/1/gain/level", "f", 0.5);
	both(60);
	assert_string_equal(heard(one), "/station/1/gain/level ,f -24.0\n");
	peer_send(one, "/station/1/gain/level", "f", 12.0 - 36.0);
	peer_send(one, "/station/1/gain/level", "f", -60.0);
	both(60);
	assert_string_equal(heard(one), "/norm/station/1/gain/level ,f 0.0\n");
	peer_send(one, "/station/1/do", "s", "recall");
	both(60);
	const char *text = heard(one);
	assert_non_null(strstr(text, "/station/1/do ,i 7\n"));
	assert_non_null(strstr(text, "/station/1/gain/level ,f -42.0\n"));
	assert_non_null(strstr(text, "/norm/station/1/gain/level ,f 0.25\n"));
}

static void test_leases(void **state)
{
	(void)state;
	peer_send(one, "/subscribe", "s", "/station/1/mute");
	both(5);
	heard(one);
	clock_skew_us += 9000000;
	peer_send(one, "/subscribe", "s", "/station/1/mute"); /* renewed: the value is not sent again */
	both(60);
	assert_string_equal(heard(one), "/subscribe ,siiii /station/1/mute 30 0 10 1\n");
	clock_skew_us += 9000000;
	peer_send(two, "/station/1/mute", "T");
	both(60);
	assert_string_equal(heard(one), "/station/1/mute ,T\n");
	clock_skew_us += 2000000;
	both(5);
	assert_int_equal(stats().subscriptions, 0);
	assert_int_equal(stats().leaves, 0);
	peer_send(two, "/station/1/mute", "F");
	both(60);
	assert_string_equal(heard(one), "");
}

static void test_unsubscribing(void **state)
{
	(void)state;
	peer_send(one, "/subscribe", "s", "/station/1/mute");
	peer_send(one, "/subscribe", "s", "/station/1/m*");
	peer_send(one, "/xremote", "");
	both(60);
	heard(one);
	assert_int_equal(stats().subscriptions, 3);
	peer_send(one, "/unsubscribe", "s", "/station/1/mute");
	peer_send(one, "/unsubscribe", "s", "/never");
	both(5);
	assert_string_equal(
		heard(one), "/unsubscribe ,si /station/1/mute 1\n/unsubscribe ,si /never 0\n");
	/* another pattern covers it still, and it is told once */
	peer_send(two, "/station/1/mute", "T");
	both(60);
	assert_string_equal(heard(one), "/station/1/mute ,T\n");
	peer_send(one, "/unsubscribe", "s", "/xremote");
	peer_send(one, "/unsubscribe", "");
	both(5);
	assert_string_equal(heard(one), "/unsubscribe ,si /xremote 1\n/unsubscribe ,si  1\n");
	peer_send(two, "/station/1/mute", "F");
	both(60);
	assert_string_equal(heard(one), "");
	assert_int_equal(stats().leaves, 0);
}

static void test_rate_and_coalescing(void **state)
{
	(void)state;
	peer_send(one, "/subscribe", "sii", "/station/1/gain/level", 20, 0);
	peer_send(two, "/subscribe", "sf", "/station/1/gain/level", 5000.0);
	both(60);
	assert_string_equal(heard(one), "/subscribe ,siiii /station/1/gain/level 20 0 10 1\n"
									"/station/1/gain/level ,f 0.0\n");
	assert_non_null(strstr(heard(two), "/subscribe ,siiii /station/1/gain/level 200 0 10 1\n"));
	for (int i = 1; i <= 100; i++) {
		board.level = -i * 0.5;
		touch("/station/1/gain/level");
		both(2);
	}
	both(60);
	/* 200 ms and a little: at 20 Hz some 5 messages of 100 changes, the last value among them */
	assert_true(one->messages >= 3 && one->messages <= 8);
	assert_true(two->messages > 2 * one->messages);
	const char *last = "/station/1/gain/level ,f -50.0\n";
	assert_string_equal(one->heard + strlen(one->heard) - strlen(last), last);
}

static void test_containers_and_later_leaves(void **state)
{
	(void)state;
	peer_send(one, "/subscribe", "s", "/station/*");
	peer_send(one, "/subscribe", "s", "/nothing/yet");
	both(60);
	const char *text = heard(one);
	assert_non_null(strstr(text, "/subscribe ,siiii /station/* 30 0 10 7\n"));
	assert_non_null(strstr(text, "/subscribe ,siiii /nothing/yet 30 0 10 0\n"));
	assert_non_null(strstr(text, "/station/1/gain/level ,f 0.0\n"));
	assert_non_null(strstr(text, "/station/1/meter/level ,f 0.0\n"));
	assert_null(strstr(text, "/norm"));
	assert_null(strstr(text, "/station/1/do"));
	add(tree, "/station/2/comp/mute", (fb_leaf_spec){.kind = FB_LEAF_BOOL, .index = MUTE});
	add(tree, "/nothing/yet", (fb_leaf_spec){.kind = FB_LEAF_BOOL, .index = MUTE});
	add(tree, "/other", (fb_leaf_spec){.kind = FB_LEAF_BOOL, .index = MUTE});
	both(60);
	text = heard(one);
	assert_non_null(strstr(text, "/station/2/comp/mute ,F\n"));
	assert_non_null(strstr(text, "/nothing/yet ,F\n"));
	assert_null(strstr(text, "/other"));
	touch("/station/2/comp/mute");
	fb_tree_remove(tree, "/station/2");
	both(60);
	assert_string_equal(heard(one), "");
	assert_int_equal(stats().leaves, 8);
	fb_tree_remove(tree, "/station");
	fb_tree_remove(tree, "/nothing");
	assert_int_equal(stats().leaves, 0);
}

static void test_many_leaves_are_paced(void **state)
{
	(void)state;
	add_cells(tree, "cell", 4000, (fb_leaf_spec){.access = FB_READ_WRITE});
	/* some 8 packets at a time, which any receiver's buffer holds */
	peer_send(one, "/subscribe", "si", "/cell", 100);
	while (!fb_osc_service(osc, now_us())) {
	}
	int64_t start = now_us(), next = fb_osc_flush(osc, start);
	assert_int_equal(stats().sent, 1 + 8);
	assert_true(next > start && next <= start + 2000);
	await(osc, one, 4001);
	assert_int_equal(one->messages, 4001);
	forget(one);
	peer_send(two, "/cell/*/*", "f", -7.5);
	await(osc, one, 4000);
	assert_int_equal(one->messages, 4000);
	assert_true(stats().sent < 500);
}

static void test_xremote(void **state)
{
	(void)state;
	peer_send(one, "/xremote", "");
	both(60);
	/* level, hz, voices, mode, mute, name */
	assert_string_equal(heard(one), "/xremote ,iiii 30 0 10 6\n");
	peer_send(two, "/norm/station/1/gain/level", "f", 1.0);
	peer_send(two, "/station/1/name", "s", "x");
	touch("/station/1/meter/level");
	both(60);
	const char *text = heard(one);
	assert_non_null(strstr(text, "/station/1/name ,s x\n"));
	assert_null(strstr(text, "/norm"));
	assert_null(strstr(text, "meter"));
}

static void test_another_port(void **state)
{
	(void)state;
	int port = lo_server_get_port(two->server);
	peer_send(one, "/subscribe", "sii", "/station/1/mute", 0, port);
	both(60);
	char granted[100];
	snprintf(granted, sizeof granted, "/subscribe ,siiii /station/1/mute 30 %d 10 1\n", port);
	assert_string_equal(heard(one), granted);
	assert_string_equal(heard(two), "/station/1/mute ,F\n");
	/* both ports are one client: what one sets the other need not hear */
	peer_send(one, "/station/1/mute", "T");
	both(60);
	assert_string_equal(heard(two), "");
	/* corrections go where feedback goes */
	peer_send(one, "/station/1/gain/level", "f", 99.0);
	both(60);
	assert_non_null(strstr(heard(one), "503 too loud"));
	assert_string_equal(heard(two), "/station/1/gain/level ,f 0.0\n");
	touch("/station/1/mute");
	both(60);
	assert_string_equal(heard(two), "/station/1/mute ,T\n");
	/* the same subscription, renewed from yet another port */
	peer_send(two, "/subscribe", "s", "/station/1/mute");
	both(60);
	assert_int_equal(stats().subscriptions, 1);
	peer_send(one, "/subscribe", "sii", "/station/1/mute", 0, 70000);
	both(5);
	assert_non_null(strstr(heard(one), "feedback cannot go to another port"));
}

static void test_nobody_listens_any_more(void **state)
{
	(void)state;
	peer_send(one, "/subscribe", "s", "/station/1/mute");
	peer_send(two, "/subscribe", "s", "/station/1/mute");
	both(60);
	assert_int_equal(stats().subscriptions, 2);
	peer_close(one);
	touch("/station/1/mute");
	/* the news makes the descriptor readable, never faulty: a loop may close what has an error */
	struct pollfd fd = {.fd = fb_osc_fd(osc), .events = POLLIN};
	for (int i = 0; i < 100 && !poll(&fd, 1, 10); i++) {
		fb_osc_flush(osc, now_us());
	}
	assert_int_equal(fd.revents, POLLIN);
	pump(osc, &two, 1, 20);
	touch("/station/1/mute");
	pump(osc, &two, 1, 60);
	/* the port answered "unreachable": that subscription ends, the other does not */
	assert_int_equal(stats().subscriptions, 1);
	assert_non_null(strstr(heard(two), "/station/1/mute ,F\n/station/1/mute ,F\n"));
	/* and the socket is quiet again: nothing waits to be read */
	assert_int_equal(poll(&fd, 1, 0), 0);
}

static void test_limits(void **state)
{
	(void)state;
	peer_send(one, "/subscribe", "s", "/station/1/mute");
	peer_send(one, "/subscribe", "s", "/station/1/mode");
	peer_send(one, "/subscribe", "s", "/station/1/name");
	peer_send(two, "/subscribe", "s", "/station/1/mute");
	both(60);
	assert_non_null(strstr(heard(one), "429 a client may have 2 subscriptions ,s\n"));
	assert_non_null(strstr(
		heard(two), "429 1 clients have subscribed already, 1 of them of your address ,s\n"));
	peer_send(one, "/unsubscribe", "");
	add_cells(tree, "cell", 60, (fb_leaf_spec){.access = FB_READ});
	peer_send(one, "/subscribe", "s", "/cell");
	both(60);
	const char *text = heard(one);
	assert_non_null(strstr(text, "429 there is no room for so many leaves ,s\n"));
	assert_null(strstr(text, "/cell/"));
	assert_int_equal(stats().leaves, 0);
	assert_int_equal(stats().subscriptions, 0);
}

/* --- a transport of our own: reliable, one message a packet, and stalling on demand */

static struct {
	int packets, params, meters, bundles;
	bool stalled;
} wire;

static bool wire_send(void *ctx, const void *data, size_t size)
{
	(void)ctx;
	if (wire.stalled) {
		return false;
	}
	assert_true(size % 4 == 0 && size > 8);
	wire.packets++;
	wire.bundles += memcmp(data, "#bundle", 8) == 0;
	wire.params += strncmp(data, "/param/", 7) == 0;
	wire.meters += strncmp(data, "/meter/", 7) == 0;
	return true;
}

static void wire_say(fb_osc_client *client, const char *pattern)
{
	unsigned char packet[256];
	size_t size = sizeof packet;
	lo_message message = lo_message_new();
	lo_message_add_string(message, pattern);
	lo_message_add_int32(message, 200);
	lo_message_serialise(message, "/subscribe", packet, &size);
	lo_message_free(message);
	fb_osc_packet(osc, client, packet, size, now_us());
}

static void test_other_transports(void **state)
{
	(void)state;
	const fb_osc_transport transport = {.send = wire_send, .packet_max = 1400, .reliable = true};
	memset(&wire, 0, sizeof wire);
	add_cells(tree, "param", 40, (fb_leaf_spec){.access = FB_READ_WRITE});
	add_cells(tree, "meter", 40, (fb_leaf_spec){.access = FB_READ, .meter = true});
	fb_osc_client *client = fb_osc_client_add(osc, &transport, NULL, "test wire");
	wire_say(client, "/param");
	wire_say(client, "/meter");
	both(100);
	assert_int_equal(wire.packets, 82);
	assert_int_equal(wire.params, 40);
	assert_int_equal(wire.meters, 40);
	assert_int_equal(wire.bundles, 0);
	/* no lease */
	clock_skew_us += 3600 * (int64_t)1000000;
	/* a stalled client: its parameters wait for it, in their last state; old meters do not */
	memset(&wire, 0, sizeof wire);
	wire.stalled = true;
	for (int n = 0; n < 3; n++) {
		for (int i = 0; i < 40; i++) {
			char address[32];
			snprintf(address, sizeof address, "/param/n%d/v%d", i / 20, i);
			touch(address);
			snprintf(address, sizeof address, "/meter/n%d/v%d", i / 20, i);
			touch(address);
		}
		both(20);
	}
	wire.stalled = false;
	both(100);
	assert_int_equal(wire.params, 40);
	assert_int_equal(wire.meters, 0);
	fb_osc_client_remove(osc, client);
	assert_int_equal(stats().leaves, 0);
}

/* --- one address, and values handed over */

static struct {
	char got[400];
	int left; /* so many it takes */
} sink;

static bool take_value(void *ctx, const fb_branch *leaf)
{
	(void)ctx;
	if (!sink.left) {
		return false;
	}
	sink.left--;
	strncat(sink.got, fb_branch_address(leaf), sizeof sink.got - strlen(sink.got) - 2);
	strcat(sink.got, " ");
	return true;
}

static const fb_osc_transport by_value = {
	.send = wire_send, .value = take_value, .packet_max = 1400, .reliable = true};

static const char *given(void)
{
	static char text[sizeof sink.got];
	both(60);
	memcpy(text, sink.got, sizeof text);
	sink.got[0] = '\0';
	return text;
}

static void test_listening(void **state)
{
	(void)state;
	static const char level[] = "/station/1/gain/level";
	fb_error error;
	memset(&sink, 0, sizeof sink);
	sink.left = 100;
	fb_osc_client *client = fb_osc_client_add(osc, &by_value, NULL, "test");
	assert_int_equal(fb_osc_listen(osc, client, "/nowhere", &error), FB_NOT_FOUND);
	assert_int_equal(fb_osc_listen(osc, client, "/station/1", &error), FB_FORBIDDEN);
	assert_int_equal(fb_osc_listen(osc, client, "/station/1/do", &error), FB_FORBIDDEN);
	assert_int_equal(fb_osc_listen(osc, client, level, &error), FB_OK);
	assert_string_equal(given(), "/station/1/gain/level ");
	touch(level);
	touch("/station/1/mute");
	assert_string_equal(given(), "/station/1/gain/level ");
	/* a pattern that covers it too, faster, comes and goes: it is still listened to */
	assert_int_equal(fb_osc_follow(client, "/station/1/gain", 200, &error), FB_OK);
	wire_say(client, "/station/1/gain");
	given();
	assert_int_equal(stats().subscriptions, 2);
	unsigned char packet[64];
	size_t size = sizeof packet;
	lo_message message = lo_message_new();
	lo_message_add_string(message, "/station/1/gain");
	lo_message_serialise(message, "/unsubscribe", packet, &size);
	lo_message_free(message);
	fb_osc_packet(osc, client, packet, size, now_us());
	assert_int_equal(stats().subscriptions, 1);
	touch(level);
	assert_string_equal(given(), "/station/1/gain/level ");
	fb_osc_ignore(osc, client, level);
	fb_osc_ignore(osc, client, level);
	fb_osc_ignore(osc, client, "/nowhere");
	touch(level);
	assert_string_equal(given(), "");
	assert_int_equal(stats().leaves, 0);
	fb_osc_client_remove(osc, client);
}

static void test_values_wait_for_a_sink_that_is_full(void **state)
{
	(void)state;
	fb_error error;
	memset(&sink, 0, sizeof sink);
	fb_osc_client *client = fb_osc_client_add(osc, &by_value, NULL, "test");
	assert_int_equal(fb_osc_follow(client, "/station/1/{mute,mode}", 50, &error), FB_OK);
	assert_string_equal(given(), "");
	sink.left = 1;
	assert_int_equal(strlen(given()), strlen("/station/1/mute "));
	sink.left = 100;
	assert_int_equal(strlen(given()), strlen("/station/1/mute "));
	assert_string_equal(given(), "");
	assert_int_equal(fb_osc_follow(client, "[", 50, &error), FB_INVALID);
	fb_osc_client_remove(osc, client);
}

static void test_a_client_that_may_only_read(void **state)
{
	(void)state;
	unsigned char packet[128];
	const fb_osc_transport transport = {.send = wire_send, .packet_max = 1400, .reliable = true};
	fb_osc_client *client = fb_osc_client_add(osc, &transport, NULL, "test");
	fb_osc_client_read_only(client, true);
	board.level = -1;
	for (int i = 0; i < 3; i++) {
		/* a set, a command, and a bundle for later */
		size_t size = sizeof packet;
		lo_message message = lo_message_new();
		lo_message_add_float(message, -20.0f);
		lo_message_serialise(
			message, i == 1 ? "/station/1/do" : "/station/1/gain/level", packet, &size);
		if (i == 2) {
			lo_timetag when;
			lo_timetag_now(&when);
			when.sec += 2;
			lo_bundle bundle = lo_bundle_new(when);
			lo_bundle_add_message(bundle, "/station/1/gain/level", message);
			size = sizeof packet;
			lo_bundle_serialise(bundle, packet, &size);
			lo_bundle_free_recursive(bundle); /* with the message */
			message = NULL;
		}
		lo_message_free(message);
		int before = board.commands;
		uint64_t refused = stats().refused;
		fb_osc_packet(osc, client, packet, size, now_us());
		assert_int_equal(stats().refused, refused + 1);
		assert_int_equal(board.commands, before);
		assert_int_equal(stats().held, 0);
	}
	assert_true(board.level == -1.0);
	fb_osc_client_remove(osc, client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_feedback, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_side_effects, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_leases, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_unsubscribing, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_rate_and_coalescing, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_containers_and_later_leaves, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_many_leaves_are_paced, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_xremote, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_another_port, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_nobody_listens_any_more, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_limits, open_small, close_all),
		cmocka_unit_test_setup_teardown(test_other_transports, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_listening, open_all, close_all),
		cmocka_unit_test_setup_teardown(
			test_values_wait_for_a_sink_that_is_full, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_a_client_that_may_only_read, open_all, close_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
