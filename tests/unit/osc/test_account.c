/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an address takes: it fades, it is one for all its connections, and who takes more is told
   from who takes less at any load. */
#include "testing.h"

#include "../../../osc/account.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static const int64_t second_us = 1000000;

static fb_account *at(fb_accounts *accounts, const char *text, int64_t now_us)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
		return fb_account_of(accounts, (const struct sockaddr *)&in, now_us);
	}
	assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	return fb_account_of(accounts, (const struct sockaddr *)&in6, now_us);
}

/** Somebody who is connected, and so not forgotten. */
static fb_account *connected_at(fb_accounts *accounts, const char *text)
{
	fb_account *account = at(accounts, text, 0);
	account->connections[FB_VIA_HTTP] = 1;
	return account;
}

static void test_one_address_has_one(void **state)
{
	(void)state;
	fb_accounts *accounts = fb_accounts_create();
	fb_account *a = connected_at(accounts, "192.168.1.7");
	assert_ptr_equal(at(accounts, "192.168.1.7", second_us), a);
	assert_ptr_equal(at(accounts, "::ffff:192.168.1.7", 0), a); /* as a socket for both has it */
	assert_ptr_not_equal(at(accounts, "192.168.1.8", 0), a);
	fb_account *host = connected_at(accounts, "2001:db8:0:1::7");
	assert_ptr_equal(at(accounts, "2001:db8:0:1:ffff::8", 0), host); /* it has the /64 to itself */
	assert_ptr_not_equal(at(accounts, "2001:db8:0:2::7", 0), host);
	fb_accounts_destroy(accounts);
}

/** Half of the time is what may be taken, however long it goes on; afterwards it fades. */
static void test_what_is_spent(void **state)
{
	(void)state;
	fb_accounts *accounts = fb_accounts_create();
	fb_account *half = connected_at(accounts, "10.0.0.1");
	fb_account *most = connected_at(accounts, "10.0.0.2");
	int64_t now = 0;
	for (; now < 60 * second_us; now += 1000) {
		fb_account_spend(half, 500, now);
		fb_account_spend(most, 900, now);
	}
	/* each time part of a microsecond is lost */
	assert_near((double)fb_account_spent_us(half, now), FB_ACCOUNT_MAX_US, 0.005e6);
	assert_true((double)fb_account_spent_us(most, now) > 1.7 * FB_ACCOUNT_MAX_US);
	assert_near((double)fb_account_spent_us(half, now + 2 * second_us), 0.368e6, 0.003e6); /* 1/e */
	assert_false(fb_account_is_good(half, now + 2 * second_us));
	assert_true(fb_account_is_good(half, now + 10 * second_us));
	/* who floods is served again soon after */
	for (; now < 120 * second_us; now += 1000) {
		fb_account_spend(most, 5000, now);
	}
	assert_true(fb_account_spent_us(most, now + 3 * second_us / 2) < FB_ACCOUNT_MAX_US);
	fb_accounts_destroy(accounts);
}

/** With many who take a little each, the one that takes less still comes before them. */
static void test_less_is_less_at_any_load(void **state)
{
	(void)state;
	fb_accounts *accounts = fb_accounts_create();
	char text[32];
	for (int64_t now = 0; now < 5 * second_us; now += 10000) {
		for (int i = 0; i < 100; i++) {
			snprintf(text, sizeof text, "10.1.0.%d", i);
			fb_account_spend(at(accounts, text, now), 30, now);
		}
		fb_account_spend(at(accounts, "10.2.0.1", now), 10, now);
	}
	int64_t polite_us = fb_account_spent_us(at(accounts, "10.2.0.1", 5 * second_us), 5 * second_us);
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof text, "10.1.0.%d", i);
		assert_true(
			fb_account_spent_us(at(accounts, text, 5 * second_us), 5 * second_us) > 2 * polite_us);
	}
	fb_accounts_destroy(accounts);
}

/** More addresses than are remembered: who has a connection, or spent much, is not forgotten. */
static void test_who_is_forgotten(void **state)
{
	(void)state;
	fb_accounts *accounts = fb_accounts_create();
	fb_account *connected = connected_at(accounts, "10.0.0.1");
	fb_account *spender = at(accounts, "10.0.0.2", 0);
	char text[32];
	fb_account_spend(spender, FB_ACCOUNT_MAX_US, 0);
	for (int i = 0; i < 10000; i++) {
		snprintf(text, sizeof text, "10.9.%d.%d", i / 250, 1 + i % 250);
		fb_account *a = at(accounts, text, 1000);
		assert_non_null(a);
		assert_true(a != connected && a != spender);
		assert_int_equal(fb_account_spent_us(a, 1000), 0);
	}
	assert_ptr_equal(at(accounts, "10.0.0.1", 1000), connected);
	assert_ptr_equal(at(accounts, "10.0.0.2", 1000), spender);
	fb_accounts_destroy(accounts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_address_has_one),
		cmocka_unit_test(test_what_is_spent),
		cmocka_unit_test(test_less_is_less_at_any_load),
		cmocka_unit_test(test_who_is_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
