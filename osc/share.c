/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many may subscribe, and to how much: as long as there is room, anybody. Where there is none,
   the address that has most gives some of it back to one that has less, so that nobody can take all
   there is and keep the others out. thread: control */
#include "server_private.h"

static fb_account *account_of(const fb_osc_client *client)
{
	const fb_osc_transport *transport = client->transport;
	fb_osc *osc = client->osc;
	return transport->account ? transport->account(client->ctx, osc->accounts, osc->now_us)
							  : &osc->nowhere;
}

/* --- who has most */

static uint32_t clients_of(const fb_account *account)
{
	return account->connections[FB_SUBSCRIBES];
}

static uint32_t leaves_of(const fb_account *account)
{
	return account->leaves;
}

/** The client whose address has most, of its clients the one that came last. NULL: nobody has a
	subscription. */
static fb_osc_client *richest(const fb_osc *osc, uint32_t (*has)(const fb_account *))
{
	fb_osc_client *client, *most = NULL;
	for (client = LIST_FIRST(&osc->clients); client; client = LIST_NEXT(client, in_osc)) {
		if (client->n_subs && (!most || has(client->account) > has(most->account))) {
			most = client;
		}
	}
	return most;
}

static uint32_t leaves_of_client(const fb_osc_client *client)
{
	uint32_t n = 0;
	for (const fb_osc_sub *sub = LIST_FIRST(&client->subs); sub; sub = LIST_NEXT(sub, in_client)) {
		n += sub->n_watches;
	}
	return n;
}

/** Its subscriptions go, and it is told. */
static void displace(fb_osc_client *client)
{
	fb_error error;
	fb_fail(&error, FB_TOO_MANY, "/subscribe",
		"ended: others want to subscribe too, and your address has most (%u clients, %u leaves)",
		clients_of(client->account), leaves_of(client->account));
	fb_osc_client_unsubscribe_all(client);
	if (client->transport->displaced) {
		client->transport->displaced(client->ctx);
	} else {
		fb_osc_tell_error(client, &error, client->osc->now_us);
	}
}

/* --- coming and going */

fb_status fb_osc_admit(fb_osc_client *client, const char *pattern, fb_error *error)
{
	fb_osc *osc = client->osc;
	fb_account *account = account_of(client);
	if (!account) {
		return fb_fail(error, FB_TOO_MANY, pattern, "there are clients of too many addresses");
	}
	if (osc->n_subscribers >= osc->options.subscribers_max) {
		fb_osc_client *most = richest(osc, clients_of);
		if (!most || clients_of(most->account) <= clients_of(account) + 1) {
			return fb_fail(error, FB_TOO_MANY, pattern,
				"%u clients have subscribed already, %u of them of your address",
				osc->n_subscribers, clients_of(account));
		}
		displace(most);
	}
	client->account = account;
	account->connections[FB_SUBSCRIBES]++;
	osc->n_subscribers++;
	return FB_OK;
}

void fb_osc_dismiss(fb_osc_client *client)
{
	client->account->connections[FB_SUBSCRIBES]--;
	client->account = NULL;
	client->osc->n_subscribers--;
}

bool fb_osc_make_leaf_room(const fb_osc_client *client)
{
	fb_osc_client *most = richest(client->osc, leaves_of);
	/* what it has after that is still no less: or the two would displace each other for ever */
	if (!most || most->account == client->account ||
		leaves_of(most->account) < leaves_of(client->account) + leaves_of_client(most)) {
		return false;
	}
	displace(most);
	return true;
}
