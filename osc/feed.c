/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sending what subscribers wait for: the latest value of each leaf, parameters before meters, no
	faster than asked, no more at once than a receiver can take. thread: control */
#include "server_private.h"

enum {
	PACKETS_AT_ONCE = 8,
	MESSAGES_AT_ONCE = 256, /* where each packet is one message */
	PACE_US = 2000,         /* between two such turns */
	RETRY_US = 10000,       /* after the transport took nothing */
	VALUES_MAX = 256,       /* in a packet */
};

/** Hand values over, one by one. Returns how many went, -1 if the receiver takes no more. */
static int hand_over(fb_osc_sub *sub)
{
	int n = 0;
	for (int turn = 0; turn < 2; turn++) {
		fb_osc_queue *queue = turn == 0 ? &sub->params : &sub->meters;
		fb_osc_watch *watch;
		while ((watch = TAILQ_FIRST(queue))) {
			if (!sub->client->transport->value(sub->client->ctx, watch->leaf)) {
				return -1;
			}
			fb_osc_watch_sent(watch);
			n++;
		}
	}
	return n;
}

/** Fill one packet from both queues and send it. Returns how many values went, -1 if it failed. */
static int send_packet(fb_osc_sub *sub)
{
	fb_osc_watch *in_packet[VALUES_MAX], *watch;
	fb_osc_pack pack;
	int n = 0;
	bool full = false;
	fb_osc_pack_start(&pack, sub->client);
	for (int turn = 0; turn < 2 && !full; turn++) {
		for (watch = TAILQ_FIRST(turn == 0 ? &sub->params : &sub->meters); watch;
			 watch = TAILQ_NEXT(watch, in_queue)) {
			full = n == VALUES_MAX || !fb_osc_pack_add(&pack, watch->leaf);
			if (full) {
				break;
			}
			in_packet[n++] = watch;
		}
	}
	if (!fb_osc_pack_send(&pack)) {
		return -1;
	}
	for (int i = 0; i < n; i++) {
		fb_osc_watch_sent(in_packet[i]);
	}
	return n;
}

static bool waits(const fb_osc_sub *sub)
{
	return !TAILQ_EMPTY(&sub->params) || !TAILQ_EMPTY(&sub->meters);
}

static void send_due(fb_osc_sub *sub)
{
	int64_t now_us = sub->client->osc->now_us;
	const fb_osc_transport *transport = sub->client->transport;
	int n = 0, at_once = transport->bundles ? PACKETS_AT_ONCE : MESSAGES_AT_ONCE;
	for (int packets = 0; packets < at_once && waits(sub) && n >= 0; packets++) {
		n = transport->value ? hand_over(sub) : send_packet(sub);
	}
	if (n < 0) {
		/* a parameter must arrive in the end; of a meter only the next value matters */
		while (!TAILQ_EMPTY(&sub->meters)) {
			fb_osc_watch_sent(TAILQ_FIRST(&sub->meters));
		}
		sub->due_us = now_us + RETRY_US;
	} else {
		sub->due_us = now_us + (waits(sub) ? PACE_US : 1000000 / (int64_t)sub->rate_hz);
	}
}

int64_t fb_osc_feed(fb_osc *osc)
{
	int64_t next_us = INT64_MAX;
	fb_osc_sub *sub, *following;
	for (sub = LIST_FIRST(&osc->subs); sub; sub = following) {
		following = LIST_NEXT(sub, in_osc);
		if (sub->expires_us <= osc->now_us) {
			fb_osc_sub_remove(sub);
			continue;
		}
		if (waits(sub) && sub->due_us <= osc->now_us) {
			send_due(sub);
		}
		int64_t wants_us =
			waits(sub) && sub->due_us < sub->expires_us ? sub->due_us : sub->expires_us;
		next_us = wants_us < next_us ? wants_us : next_us;
	}
	return next_us;
}
