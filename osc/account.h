/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What each address takes of the control thread: connections, and time. All transports that have
	connections share it, so that who takes much by one stands in line at the others too. Who has
	taken little comes first; that is what keeps a thousand rude clients from making a polite one
	wait. thread: control */
#ifndef FB_ACCOUNT_H
#define FB_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

typedef enum fb_via {
	FB_VIA_DOOR, ///< HTTP, and has not said yet what it wants
	FB_VIA_HTTP,
	FB_VIA_OSC,    ///< over TCP
	FB_SUBSCRIBES, ///< to values, however it came; beside the above
	FB_WAITING,    ///< packets over UDP that wait for their turn
	FB_VIAS
} fb_via;

enum {
	FB_ACCOUNT_GOOD_US = 20000, ///< 1 % of the time: who has spent less of late is served at once
	FB_ACCOUNT_MAX_US = 1000000 ///< half of it: who has spent more is refused, or not read from
};

/** One address; of IPv6 its /64, which a host has to itself. */
typedef struct fb_account {
	unsigned char address[16];
	uint32_t connections[FB_VIAS];
	uint32_t leaves;            ///< that it has subscribed to
	int64_t spent_us, since_us; ///< use fb_account_spent_us()
} fb_account;

typedef struct fb_accounts fb_accounts;

fb_accounts *fb_accounts_create(void); ///< NULL when out of memory
void fb_accounts_destroy(fb_accounts *accounts);

/** The account of an address. It stays while it has connections; without, it may be given to
	another address by the next call. NULL: there is none to be had, all have connections. */
fb_account *fb_account_of(fb_accounts *accounts, const struct sockaddr *address, int64_t now_us);
/** Processor time of this thread: what an address takes. While something else has the processor,
	nobody pays. */
int64_t fb_account_clock_us(void);
/** Note that the address took so much time. */
void fb_account_spend(fb_account *account, int64_t cost_us, int64_t now_us);
/** How much it took of late: of the last two seconds, as it fades. Half of all the time: 1 s. */
int64_t fb_account_spent_us(const fb_account *account, int64_t now_us);
static inline bool fb_account_is_good(const fb_account *account, int64_t now_us)
{
	return fb_account_spent_us(account, now_us) < FB_ACCOUNT_GOOD_US;
}

#endif
