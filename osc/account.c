/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account.h"

#include <math.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	ADDRESSES_MAX = 2048,                /* remembered: more than there can be connections */
	DEBT_MAX_US = 2 * FB_ACCOUNT_MAX_US, /* so that who ends a flood is served again soon */
	IS_IPV6 = 6
};

/** What is spent fades, so that who takes more than another is told from it at any load: all of
	them together may take far less than there is, or far more than the machine gives. */
static const double MEMORY_US = 2e6;

struct fb_accounts {
	fb_account account[ADDRESSES_MAX];
};

static void key_of(const struct sockaddr *address, unsigned char key[16])
{
	memset(key, 0, 16);
	if (address->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, address, sizeof in);
		memcpy(key, &in.sin_addr, 4);
		return;
	}
	struct sockaddr_in6 in6;
	memcpy(&in6, address, sizeof in6);
	if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
		memcpy(key, in6.sin6_addr.s6_addr + 12, 4);
	} else {
		memcpy(key, &in6.sin6_addr, 8);
		key[15] = IS_IPV6;
	}
}

static bool has_connections(const fb_account *account)
{
	for (int via = 0; via < FB_VIAS; via++) {
		if (account->connections[via]) {
			return true;
		}
	}
	return false;
}

fb_account *fb_account_of(fb_accounts *accounts, const struct sockaddr *address, int64_t now_us)
{
	unsigned char key[16];
	fb_account *idle = NULL;
	int64_t least_us = INT64_MAX;
	key_of(address, key);
	for (fb_account *a = accounts->account; a < accounts->account + ADDRESSES_MAX; a++) {
		if (!memcmp(a->address, key, sizeof key)) {
			return a;
		}
		if (least_us && !has_connections(a)) {
			int64_t spent_us = fb_account_spent_us(a, now_us);
			if (spent_us < least_us) {
				least_us = spent_us;
				idle = a;
			}
		}
	}
	if (idle) {
		*idle = (fb_account){.since_us = now_us};
		memcpy(idle->address, key, sizeof key);
	}
	return idle;
}

int64_t fb_account_spent_us(const fb_account *account, int64_t now_us)
{
	double passed_us = (double)(now_us - account->since_us);
	return passed_us > 0.0 ? (int64_t)((double)account->spent_us * exp(-passed_us / MEMORY_US))
						   : account->spent_us;
}

void fb_account_spend(fb_account *account, int64_t cost_us, int64_t now_us)
{
	int64_t spent_us = fb_account_spent_us(account, now_us) + cost_us;
	account->spent_us = spent_us < DEBT_MAX_US ? spent_us : DEBT_MAX_US;
	account->since_us = now_us;
}

int64_t fb_account_clock_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

fb_accounts *fb_accounts_create(void)
{
	return calloc(1, sizeof(fb_accounts));
}

void fb_accounts_destroy(fb_accounts *accounts)
{
	free(accounts);
}
