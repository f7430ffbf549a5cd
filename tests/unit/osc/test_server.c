/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The OSC service over a real UDP socket, spoken to by liblo: queries, sets, commands, patterns,
   bundles, errors. */
#include "lo_peer.h"

#include "../../../osc/later.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static fb_tree *tree;
static fb_osc *osc;
static lo_peer *peer;
static const char *const status_leaves[] = {"/station/1/name", "/station/1/mute", "/gone", NULL};

static char audited[2000];

static void on_audit(void *ctx, const fb_branch *leaf, const char *address, const fb_value *before,
	const fb_value *after, const fb_origin *origin, fb_outcome outcome, const fb_error *error)
{
	size_t n = strlen(audited);
	(void)ctx;
	(void)leaf;
	(void)before;
	(void)after;
	snprintf(audited + n, sizeof audited - n, "%s %s %.14s %s\n", address,
		outcome == FB_ACCEPTED ? "ok" : "no", origin->text, error ? error->text : "");
}

static void on_begin(void *ctx)
{
	((desk *)ctx)->groups++;
}

static const fb_tree_watcher watcher = {.ctx = &board, .audit = on_audit, .begin = on_begin};

static int open_all(void **state)
{
	(void)state;
	fb_error error = {0};
	fb_osc_options options = {.name = "test desk", .status = status_leaves};
	tree = desk_tree();
	add(tree, "/undo", (fb_leaf_spec){.kind = FB_LEAF_COMMAND});
	clock_skew_us = 0;
	if (fb_osc_open(tree, &options, &osc, &error)) {
		fail_msg("%s: %s", error.where, error.text);
	}
	assert_int_equal(fb_tree_watch(tree, &watcher), FB_OK);
	peer = malloc(sizeof *peer);
	peer_open(peer, fb_osc_port(osc));
	audited[0] = '\0';
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	peer_close(peer);
	free(peer);
	fb_osc_close(osc);
	fb_tree_destroy(tree);
	return 0;
}

#define expect(text)                                                                               \
	do {                                                                                           \
		assert_string_equal(answers(osc, peer), text);                                             \
		forget(peer);                                                                              \
	} while (0)

static void test_queries(void **state)
{
	(void)state;
	board.level = -12.5;
	peer_send(peer, "/station/1/gain/level", "");
	expect("/station/1/gain/level ,f -12.5\n");
	peer_send(peer, "/station/1/mode", "");
	peer_send(peer, "/station/1/mute", "");
	peer_send(peer, "/station/1/chorus/voices", "");
	peer_send(peer, "/station/1/name", "");
	peer_send(peer, "/norm/station/1/gain/level", "");
	expect("/station/1/mode ,s auto\n/station/1/mute ,F\n/station/1/chorus/voices ,i 1\n"
		   "/station/1/name ,s one\n/norm/station/1/gain/level ,f 0.6597222\n");
	peer_send(peer, "/station/1", "");
	expect("/station/1 ,ssssssss gain/ eq/ chorus/ mode mute name meter/ do\n");
	peer_send(peer, "/", "");
	peer_send(peer, "/station/", "");
	peer_send(peer, "/undo/", "");
	expect("/ ,sss station/ norm/ undo\n/station/ ,s 1/\n/undo/ ,\n");
	peer_send(peer, "/station/2", "");
	peer_send(peer, "/station/2/", "");
	expect("/error ,siss /station/2 404 there is no such address ,\n"
		   "/error ,siss /station/2/ 404 there is no such address ,\n");
	assert_string_equal(audited, ""); /* asking is no event */
}

/** Old clients leave the type tag string out; liblo cannot, so these bytes are our own. */
static void test_query_without_type_tags(void **state)
{
	(void)state;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(fb_osc_port(osc))};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	unsigned char reply[64];
	assert_int_equal(sendto(fd, "/station/1/mode\0", 16, 0, (struct sockaddr *)&to, sizeof to), 16);
	pump(osc, NULL, 0, 2);
	assert_int_equal(recv(fd, reply, sizeof reply, 0), 28);
	assert_memory_equal(reply, "/station/1/mode\0,s\0\0auto\0\0\0", 28);
	close(fd);
}

static void test_sets(void **state)
{
	(void)state;
	peer_send(peer, "/station/1/gain/level", "f", -6.0);
	peer_send(peer, "/station/1/mode", "s", "manual");
	peer_send(peer, "/station/1/mute", "T");
	peer_send(peer, "/station/1/chorus/voices", "d", 5.0);
	peer_send(peer, "/station/1/name", "s", "Vocals");
	expect(""); /* what is applied as sent has no reply */
	assert_near(board.level, -6, 0);
	assert_int_equal(board.mode, 1);
	assert_true(board.mute);
	assert_int_equal(board.voices, 5);
	assert_string_equal(board.name, "Vocals");
	assert_int_equal(strncmp(audited, "/station/1/gain/level ok osc 127.0.0.1: \n", 41), 0);
	/* clipped or rounded: the sender hears what became of it */
	peer_send(peer, "/station/1/gain/level", "f", -99.0);
	peer_send(peer, "/station/1/chorus/voices", "h", (int64_t)99);
	peer_send(peer, "/norm/station/1/gain/level", "f", -0.5);
	expect("/station/1/gain/level ,f -60.0\n/station/1/chorus/voices ,i 8\n"
		   "/norm/station/1/gain/level ,f 0.0\n");
}

static void test_refusals(void **state)
{
	(void)state;
	audited[0] = '\0';
	peer_send(peer, "/station/1/gain/level", "f", (double)NAN);
	expect("/error ,siss /station/1/gain/level 400 takes a finite number ,f\n"
		   "/station/1/gain/level ,f 0.0\n");
	peer_send(peer, "/station/1/gain/level", "s", "loud");
	expect("/error ,siss /station/1/gain/level 406 takes a number, not a value of type 's' ,s\n"
		   "/station/1/gain/level ,f 0.0\n");
	peer_send(peer, "/station/1/gain/level", "ff", 1.0, 2.0);
	expect("/error ,siss /station/1/gain/level 400 takes one value, not 2 ,ff\n"
		   "/station/1/gain/level ,f 0.0\n");
	lo_blob blob = lo_blob_new(6, "abcdef");
	peer_send(peer, "/station/1/name", "b", blob);
	lo_blob_free(blob);
	expect("/error ,siss /station/1/name 406 takes text, not a value of type 'b' ,b\n"
		   "/station/1/name ,s one\n");
	peer_send(peer, "/station/1/meter/level", "f", 0.0);
	expect("/error ,siss /station/1/meter/level 403 is read-only ,f\n"
		   "/station/1/meter/level ,f 0.0\n");
	peer_send(peer, "/station/1", "f", 0.0);
	expect("/error ,siss /station/1 403 holds others and takes no value ,f\n");
	peer_send(peer, "/station/1/nothing", "f", 0.0);
	expect("/error ,siss /station/1/nothing 404 there is no such address ,f\n");
	assert_near(board.level, 0, 0);
	assert_string_equal(board.name, "one");
	const char *last = "/station/1/nothing no osc 127.0.0.1: there is no such address\n";
	assert_string_equal(audited + strlen(audited) - strlen(last), last);
	/* an error is never answered, or two servers would keep each other busy */
	peer_send(peer, "/error", "siss", "/x", 404, "y", ",f");
	peer_send(peer, "/error", "");
	expect("");
}

static void test_errors_are_limited(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		peer_send(peer, "/nothing", "f", 0.0);
	}
	peer_send(peer, "/sync", "i", 1);
	answers(osc, peer);
	/* how many were withheld is told once */
	assert_non_null(strstr(peer->heard, "/synced ,ii 1 1"));
	peer->messages--;
	fb_osc_stats stats;
	fb_osc_get_stats(osc, &stats);
	assert_int_equal(stats.refused, 200);
	assert_true(peer->messages - 1 >= 20 && peer->messages - 1 <= 23); /* 20, and 10 a second */
	assert_int_equal(stats.errors_withheld, 200 - (peer->messages - 1));
	/* a second later there are some again */
	clock_skew_us += 1000000;
	forget(peer);
	peer_send(peer, "/nothing", "f", 0.0);
	expect("/error ,siss /nothing 404 there is no such address ,f\n");
}

static fb_later *begun;

static fb_status begin(void *ctx, uint32_t index, const fb_value *argv, uint32_t argc,
	const fb_origin *origin, fb_answer *answer, fb_error *error)
{
	(void)ctx, (void)index, (void)argv, (void)argc, (void)origin, (void)error;
	begun = answer->later = fb_later_create();
	answer->values[answer->count++] = (fb_value){.tag = 's', .s = "work 1"};
	return FB_OK;
}

/** Work that a command begins is told of again when it ends, to who asked and nobody else. */
static void test_the_end_of_what_a_command_began(void **state)
{
	(void)state;
	static const fb_leaf_ops ops = {.call = begin};
	fb_error error;
	lo_peer other;
	add(tree, "/begin", (fb_leaf_spec){.kind = FB_LEAF_COMMAND, .ops = &ops});
	peer_open(&other, fb_osc_port(osc));
	peer_send(&other, "/xremote", "");
	answers(osc, &other);
	forget(&other);
	peer_send(peer, "/begin", "");
	expect("/begin ,s work 1\n");
	fb_later_end(begun, "work 1", NULL);
	expect("/done ,ss /begin work 1\n");
	peer_send(peer, "/begin", "");
	expect("/begin ,s work 1\n");
	fb_fail(&error, FB_UNAVAILABLE, "work", "the machine is on fire");
	fb_later_end(begun, "work 1", &error);
	expect("/fail ,sss /begin the machine is on fire work 1\n");
	assert_string_equal(answers(osc, &other), "");
	peer_close(&other);
	/* nobody asked over OSC */
	assert_int_equal(fb_tree_set(tree, fb_tree_find(tree, "/begin"), NULL, 0, FB_CLIP,
						 &(fb_origin){"x", NULL}, NULL, &error),
		FB_OK);
	fb_later_end(begun, "work 1", NULL);
	fb_later_end(NULL, "work 1", NULL); /* memory was out when it began */
	expect("");
}

static bool swallow(void *ctx, const void *data, size_t size)
{
	(void)data, (void)size;
	++*(int *)ctx;
	return true;
}

/** Who asked has gone when the work ends. */
static void test_the_end_comes_to_nobody(void **state)
{
	(void)state;
	static const fb_osc_transport transport = {.send = swallow, .packet_max = 1000};
	static const fb_leaf_ops ops = {.call = begin};
	int sent = 0;
	add(tree, "/begin", (fb_leaf_spec){.kind = FB_LEAF_COMMAND, .ops = &ops});
	fb_osc_client *client = fb_osc_client_add(osc, &transport, &sent, "test");
	fb_osc_packet(osc, client, "/begin\0\0,\0\0\0", 12, 0);
	assert_int_equal(sent, 1);
	fb_osc_client_remove(osc, client);
	fb_later_end(begun, "work 1", NULL);
	assert_int_equal(sent, 1);
}

static void test_commands(void **state)
{
	(void)state;
	peer_send(peer, "/station/1/do", "sf", "go", 2.0);
	expect("/station/1/do ,i 7\n");
	assert_string_equal(board.said, "go 2.0");
	peer_send(peer, "/station/1/do", "");
	expect("/error ,siss /station/1/do 400 takes the arguments \"s?fiT\" (after ? optional), not 0 "
		   ",\n");
	peer_send(peer, "/undo", "");
	expect("/done ,s /undo\n");
	assert_int_equal(board.commands, 2);
	/* buttons: a press runs it, a release does not */
	peer_send(peer, "/undo", "f", 1.0);
	peer_send(peer, "/undo", "f", 0.0);
	peer_send(peer, "/undo", "i", 1);
	peer_send(peer, "/undo", "T");
	peer_send(peer, "/undo", "F");
	peer_send(peer, "/undo", "N");
	peer_send(peer, "/undo", "I");
	answers(osc, peer);
	assert_int_equal(board.commands, 2 + 5);
	forget(peer);
	peer_send(peer, "/undo", "s", "x");
	answers(osc, peer);
	assert_int_equal(board.commands, 2 + 5);
}

static void test_patterns(void **state)
{
	(void)state;
	peer_send(peer, "/station/*/m{ode,ute}", "");
	expect("/station/1/mode ,s auto\n/station/1/mute ,F\n");
	/* a pattern never runs a command, nor stumbles over what cannot be written */
	peer_send(peer, "/*", "");
	peer_send(peer, "/station/1/d?", "s", "go");
	expect("/error ,siss /* 403 nothing that matches can be read ,\n"
		   "/error ,siss /station/1/d? 403 nothing that matches can be set by a pattern ,s\n");
	assert_int_equal(board.commands, 0);
	peer_send(peer, "/station/1/{gain,meter}/level", "f", -3.0);
	expect("");
	assert_near(board.level, -3, 0);
	assert_int_equal(board.groups > 0, 1);
	peer_send(peer, "/station/1/*/{level,hz}", "s", "x"); /* one error is enough */
	expect("/error ,siss /station/1/gain/level 406 takes a number, not a value of type 's' ,s\n"
		   "/station/1/gain/level ,f -3.0\n/station/1/eq/hz ,f 1000.0\n");
	peer_send(peer, "/station/1/no*", "f", -3.0);
	peer_send(peer, "/station/[", "f", -3.0);
	expect("/error ,siss /station/1/no* 404 there is no such address ,f\n"
		   "/error ,siss /station/[ 400 a bracket is empty or not closed ,f\n");
	/* many answers are packed, and all come */
	add_cells(tree, "cell", 1000, (fb_leaf_spec){.access = FB_READ_WRITE});
	fb_osc_stats before, after;
	fb_osc_get_stats(osc, &before);
	peer_send(peer, "/cell/*/*", "f", -7.0);
	peer_send(peer, "/cell/*/*", "");
	answers(osc, peer);
	fb_osc_get_stats(osc, &after);
	assert_int_equal(peer->messages, 1001);
	assert_true(after.sent - before.sent < 40);
	assert_non_null(strstr(peer->heard, "/cell/n49/v999 ,f -7.0\n"));
}

static void add_message(lo_bundle bundle, const char *path, double value)
{
	lo_message message = lo_message_new();
	lo_message_add_float(message, (float)value);
	lo_bundle_add_message(bundle, path, message);
}

static void send_bundle(lo_bundle bundle)
{
	assert_true(lo_send_bundle_from(peer->to, peer->server, bundle) > 0);
	lo_bundle_free_recursive(bundle);
}

static void test_bundles(void **state)
{
	(void)state;
	lo_bundle bundle = lo_bundle_new(LO_TT_IMMEDIATE), inner = lo_bundle_new(LO_TT_IMMEDIATE);
	add_message(bundle, "/station/1/gain/level", -1);
	add_message(inner, "/station/1/eq/hz", 500);
	lo_bundle_add_bundle(bundle, inner);
	add_message(bundle, "/station/1/gain/level", -2);
	board.groups = 0;
	send_bundle(bundle);
	pump(osc, &peer, 1, 5);
	assert_int_equal(board.groups, 1); /* one tick for all of it */
	assert_near(board.level, -2, 0);
	assert_near(board.hz, 500, 0);
	/* a time that is past is now */
	lo_timetag tag;
	lo_timetag_now(&tag);
	tag.sec -= 100;
	bundle = lo_bundle_new(tag);
	add_message(bundle, "/station/1/gain/level", -3);
	send_bundle(bundle);
	expect("");
	assert_near(board.level, -3, 0);
	/* nested deeper than anybody means it */
	bundle = lo_bundle_new(LO_TT_IMMEDIATE);
	add_message(bundle, "/station/1/gain/level", -9);
	for (int i = 0; i < 9; i++) {
		lo_bundle outer = lo_bundle_new(LO_TT_IMMEDIATE);
		lo_bundle_add_bundle(outer, bundle);
		bundle = outer;
	}
	send_bundle(bundle);
	expect("/error ,siss  400 malformed OSC packet: bundles nested too deep \n");
	assert_near(board.level, -3, 0);
}

/* Addresses are found some at a time: what an element takes away is gone for the next, what it
   changes is changed. */
static void test_bundle_in_order(void **state)
{
	(void)state;
	lo_bundle bundle = lo_bundle_new(LO_TT_IMMEDIATE);
	lo_message message = lo_message_new();
	for (int i = 1; i <= 40; i++) {
		add_message(bundle, i % 2 ? "/station/1/gain/level" : "/norm/station/1/gain/level",
			i % 2 ? -i : 0.5);
	}
	add_message(bundle, "/station/1/gain/leve", 1);
	add_message(bundle, "/station/1/gain/level", 12.5);
	add_message(bundle, "/station/1/gain/level", -33);
	lo_message_add_string(message, "remove");
	lo_bundle_add_message(bundle, "/station/1/do", message);
	add_message(bundle, "/station/1/gain/level", -44);
	board.groups = 0;
	send_bundle(bundle);
	pump(osc, &peer, 1, 5);
	assert_int_equal(board.groups, 1);
	expect("/error ,siss /station/1/gain/leve 404 there is no such address ,f\n"
		   "/error ,siss /station/1/gain/level 503 too loud for now ,f\n"
		   "/station/1/gain/level ,f -24.0\n"
		   "/station/1/do ,i 7\n"
		   "/error ,siss /station/1/gain/level 404 there is no such address ,f\n");
	assert_near(board.level, -33, 0);
}

static void future_bundle(double seconds, double value)
{
	lo_timetag tag;
	lo_timetag_now(&tag);
	double fraction = seconds + tag.frac / 4294967296.0;
	tag.sec += (uint32_t)fraction;
	tag.frac = (uint32_t)((fraction - floor(fraction)) * 4294967295.0);
	lo_bundle bundle = lo_bundle_new(tag);
	add_message(bundle, "/station/1/gain/level", value);
	send_bundle(bundle);
}

static void test_future_bundles(void **state)
{
	(void)state;
	fb_osc_stats stats;
	future_bundle(20, -20);
	future_bundle(10, -10);
	future_bundle(30, -30);
	expect("");
	assert_near(board.level, 0, 0);
	fb_osc_get_stats(osc, &stats);
	assert_int_equal(stats.held, 3);
	/* within a microsecond of the clock's and the tag's rounding, and what the test itself takes */
	assert_near((double)(fb_osc_flush(osc, now_us()) - now_us()), 10e6, 0.5e6);
	clock_skew_us += 11000000;
	pump(osc, &peer, 1, 2);
	assert_near(board.level, -10, 0);
	clock_skew_us += 10000000;
	pump(osc, &peer, 1, 2);
	assert_near(board.level, -20, 0);
	/* too far ahead */
	future_bundle(61, 1);
	expect("/error ,siss  400 the bundle's time is more than 60 s ahead \n");
	/* too many: 1,024 fit */
	for (int i = 0; i < 1024; i++) {
		future_bundle(1 + i % 50, -40);
		pump(osc, &peer, 1, 0);
	}
	answers(osc, peer);
	assert_non_null(strstr(peer->heard, " 429 1024 bundles wait for their time already \n"));
	fb_osc_get_stats(osc, &stats);
	assert_int_equal(stats.held, 1024);
	clock_skew_us += 60000000;
	pump(osc, &peer, 1, 2);
	fb_osc_get_stats(osc, &stats);
	assert_int_equal(stats.held, 0);
	assert_near(board.level, -40, 0);
}

static void test_verbs(void **state)
{
	(void)state;
	char expected[200];
	peer_send(peer, "/sync", "i", 5);
	peer_send(peer, "/version", "");
	peer_send(peer, "/info", "");
	peer_send(peer, "/status", "");
	snprintf(expected, sizeof expected,
		"/synced ,i 5\n/version ,ss foldback %s\n/info ,sssi test desk foldback %s %u\n"
		"/status ,sssF /station/1/name one /station/1/mute\n",
		FB_VERSION, FB_VERSION, fb_osc_port(osc));
	expect(expected);
	peer_send(peer, "/sync", "s", "x");
	peer_send(peer, "/subscribe", "");
	peer_send(peer, "/info", "i", 1);
	answers(osc, peer);
	assert_int_equal(peer->messages, 4);
	assert_non_null(
		strstr(peer->heard, "/error ,siss /subscribe 400 takes the arguments \"s?ii\""));
}

static void test_listing_of_many(void **state)
{
	(void)state;
	char address[64];
	for (int i = 0; i < 3000; i++) {
		snprintf(address, sizeof address, "/many/leaf%d", i);
		add(tree, address, (fb_leaf_spec){.kind = FB_LEAF_BOOL, .index = MUTE});
	}
	peer_send(peer, "/many", "");
	answers(osc, peer);
	assert_non_null(strstr(peer->heard, " leaf0 leaf1 "));
	assert_non_null(strstr(peer->heard, " leaf2999\n"));
}

static void test_opening(void **state)
{
	(void)state;
	fb_osc *second = NULL;
	fb_error error;
	char where[64];
	fb_osc_options options = {.port = fb_osc_port(osc)};
	assert_int_equal(fb_osc_open(tree, &options, &second, &error), FB_IO);
	snprintf(where, sizeof where, "127.0.0.1 UDP port %u", fb_osc_port(osc));
	assert_string_equal(error.where, where);
	assert_non_null(strstr(error.text, "Address already in use"));
	options = (fb_osc_options){.listen = "nowhere"};
	assert_int_equal(fb_osc_open(tree, &options, &second, &error), FB_INVALID);
	assert_string_equal(error.where, "nowhere UDP port 0");
	options = (fb_osc_options){.listen = "192.0.2.1"}; /* nobody's, by RFC 5737 */
	assert_int_equal(fb_osc_open(tree, &options, &second, &error), FB_IO);
	assert_null(second);
	fb_osc_close(NULL);
}

static void test_ipv6(void **state)
{
	(void)state;
	fb_osc *six = NULL;
	fb_osc_options options = {.listen = "::1"};
	fb_error error;
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	if (fd < 0 || fb_osc_open(tree, &options, &six, &error)) {
		skip(); /* a machine without IPv6 */
	}
	to.sin6_port = htons(fb_osc_port(six));
	unsigned char reply[64];
	assert_int_equal(sendto(fd, "/station/1/mode\0", 16, 0, (struct sockaddr *)&to, sizeof to), 16);
	pump(six, NULL, 0, 2);
	assert_int_equal(recv(fd, reply, sizeof reply, MSG_DONTWAIT), 28);
	close(fd);
	fb_osc_close(six);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_queries, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_query_without_type_tags, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_sets, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_refusals, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_errors_are_limited, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_commands, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_the_end_of_what_a_command_began, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_the_end_comes_to_nobody, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_patterns, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_bundles, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_bundle_in_order, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_future_bundles, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_verbs, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_listing_of_many, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_opening, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_ipv6, open_all, close_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
