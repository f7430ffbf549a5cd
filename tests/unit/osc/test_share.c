/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clients of three addresses want all leaves there are, and there is room for two and a half. */
#include "desk.h"

#include "../../../osc/server.h"

static fb_osc *osc;

typedef struct guest {
	fb_account *account;
	int displaced;
	fb_osc_client *client;
} guest;

static fb_account *account_of(void *ctx, fb_accounts *accounts, int64_t at_us)
{
	(void)accounts;
	(void)at_us;
	return ((guest *)ctx)->account;
}

static bool swallow(void *ctx, const void *data, size_t size)
{
	(void)ctx;
	(void)data;
	return size > 0;
}

static void displaced(void *ctx)
{
	((guest *)ctx)->displaced++;
}

static fb_status wants_all(guest *g)
{
	static const fb_osc_transport transport = {.send = swallow,
		.account = account_of,
		.displaced = displaced,
		.packet_max = 1400,
		.reliable = true};
	fb_error error;
	if (!g->client) {
		g->client = fb_osc_client_add(osc, &transport, g, "guest");
	}
	return fb_osc_follow(g->client, "/cell", 30, &error);
}

static void test_leaves_are_shared(void **state)
{
	(void)state;
	fb_error error = {0};
	fb_osc_options options = {.leaves_max = 100};
	fb_tree *tree = desk_tree();
	assert_int_equal(fb_osc_open(tree, &options, &osc, &error), FB_OK);
	fb_account a = {0}, b = {0}, c = {0};
	guest guests[] = {
		{.account = &a}, {.account = &a}, {.account = &b}, {.account = &b}, {.account = &c}};
	add_cells(tree, "cell", 40, (fb_leaf_spec){.access = FB_READ});
	assert_int_equal(wants_all(&guests[0]), FB_OK);
	assert_int_equal(wants_all(&guests[1]), FB_OK);
	assert_int_equal(a.leaves, 80);
	/* the address that has most gives way, with the client that came last, and does not come back
	   for it */
	assert_int_equal(wants_all(&guests[2]), FB_OK);
	assert_int_equal(guests[1].displaced, 1);
	assert_int_equal(wants_all(&guests[1]), FB_TOO_MANY);
	assert_int_equal(a.leaves, 40);
	assert_int_equal(b.leaves, 40);
	/* nobody gives way to one who has as much, or so that he then has less than the other */
	assert_int_equal(wants_all(&guests[3]), FB_TOO_MANY);
	assert_int_equal(wants_all(&guests[4]), FB_TOO_MANY);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(guests[i].displaced, i == 1);
		fb_osc_client_remove(osc, guests[i].client);
	}
	assert_int_equal(a.leaves + b.leaves + c.leaves, 0);
	assert_int_equal(a.connections[FB_SUBSCRIBES] + b.connections[FB_SUBSCRIBES], 0);
	fb_osc_stats stats;
	fb_osc_get_stats(osc, &stats);
	assert_int_equal(stats.leaves, 0);
	fb_osc_close(osc);
	fb_tree_destroy(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaves_are_shared),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
