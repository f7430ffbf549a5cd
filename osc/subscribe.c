/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who wants to hear of which leaf. thread: control */
#include "pattern.h"
#include "server_private.h"
#include "value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RATE_DEFAULT_HZ = 30, LISTEN_HZ = 60, LEASE_S = 10 };

/* --- watches: one leaf of one client, found by the leaf */

static fb_osc_watches *bucket(const fb_osc *osc, const fb_branch *leaf)
{
	uint64_t h = (uint64_t)(uintptr_t)leaf * 0x9E3779B97F4A7C15u;
	return &osc->buckets[(h >> 32) & (osc->n_buckets - 1)];
}

/** Keep the chains short. When memory is out they only grow longer. */
static void grow(fb_osc *osc)
{
	uint32_t n = osc->n_buckets * 2;
	fb_osc_watches *old = osc->buckets, *fresh = calloc(n, sizeof *fresh);
	if (!fresh) {
		return;
	}
	osc->buckets = fresh;
	osc->n_buckets = n;
	for (uint32_t i = 0; i < n / 2; i++) {
		fb_osc_watch *watch;
		while ((watch = LIST_FIRST(&old[i]))) {
			LIST_REMOVE(watch, in_bucket);
			LIST_INSERT_HEAD(bucket(osc, watch->leaf), watch, in_bucket);
		}
	}
	free(old);
}

static fb_osc_queue *queue_of(const fb_osc_watch *watch)
{
	return fb_branch_leaf(watch->leaf)->meter ? &watch->sub->meters : &watch->sub->params;
}

static void enqueue(fb_osc_watch *watch)
{
	if (!watch->queued) {
		watch->queued = true;
		TAILQ_INSERT_TAIL(queue_of(watch), watch, in_queue);
	}
}

void fb_osc_watch_sent(fb_osc_watch *watch)
{
	if (watch->queued) {
		watch->queued = false;
		TAILQ_REMOVE(queue_of(watch), watch, in_queue);
	}
}

static void watch_remove(fb_osc_watch *watch)
{
	fb_osc_watch_sent(watch);
	LIST_REMOVE(watch, in_bucket);
	LIST_REMOVE(watch, in_sub);
	watch->sub->n_watches--;
	watch->sub->client->account->leaves--;
	watch->sub->client->osc->stats.leaves--;
	free(watch);
}

static fb_osc_watch *watch_of(const fb_osc_client *client, const fb_branch *leaf)
{
	fb_osc_watch *watch;
	for (watch = LIST_FIRST(bucket(client->osc, leaf)); watch;
		 watch = LIST_NEXT(watch, in_bucket)) {
		if (watch->leaf == leaf && watch->sub->client == client) {
			return watch;
		}
	}
	return NULL;
}

static void join(fb_osc_watch *watch, fb_osc_sub *sub)
{
	watch->sub = sub;
	LIST_INSERT_HEAD(&sub->watches, watch, in_sub);
	sub->n_watches++;
}

/** Leave a watch to another subscription of its client, waiting value and all. */
static void hand_over(fb_osc_watch *watch, fb_osc_sub *sub)
{
	bool queued = watch->queued;
	fb_osc_watch_sent(watch);
	LIST_REMOVE(watch, in_sub);
	watch->sub->n_watches--;
	join(watch, sub);
	if (queued) {
		enqueue(watch);
	}
}

/** Let a subscription cover a leaf; of two that do, the faster sends it.
	errors: FB_TOO_MANY, FB_NO_MEMORY */
static fb_status cover(fb_osc_sub *sub, fb_branch *leaf)
{
	fb_osc *osc = sub->client->osc;
	fb_osc_watch *watch = watch_of(sub->client, leaf);
	if (watch && watch->sub != sub && watch->sub->rate_hz < sub->rate_hz) {
		hand_over(watch, sub);
	}
	if (!watch) {
		if (osc->stats.leaves >= osc->options.leaves_max) {
			return FB_TOO_MANY;
		}
		watch = calloc(1, sizeof *watch);
		if (!watch) {
			return FB_NO_MEMORY;
		}
		watch->leaf = leaf;
		join(watch, sub);
		LIST_INSERT_HEAD(bucket(osc, leaf), watch, in_bucket);
		sub->client->account->leaves++;
		if (++osc->stats.leaves > osc->n_buckets) {
			grow(osc);
		}
	}
	if (!sub->all) {
		enqueue(watch);
	}
	return FB_OK;
}

/** The same for a subscription that is new: others may lose theirs for it. */
static fb_status cover_new(fb_osc_sub *sub, fb_branch *leaf)
{
	fb_status status = cover(sub, leaf);
	while (status == FB_TOO_MANY && fb_osc_make_leaf_room(sub->client)) {
		status = cover(sub, leaf);
	}
	return status;
}

/* --- which leaves a subscription is about */

static bool is_twin(const fb_branch *leaf)
{
	return strncmp(fb_branch_address(leaf), "/norm/", 6) == 0;
}

static bool wanted(const fb_osc_sub *sub, const fb_branch *leaf)
{
	const fb_leaf_spec *spec = fb_branch_leaf(leaf);
	if (!spec || !(spec->access & FB_READ)) {
		return false;
	}
	return !sub->all || (spec->access == FB_READ_WRITE && !spec->meter && !is_twin(leaf));
}

static bool covers(const fb_osc_sub *sub, const fb_branch *leaf)
{
	long budget = FB_PATTERN_BUDGET;
	if (sub->listen || !wanted(sub, leaf)) {
		return false;
	}
	const fb_branch *place = leaf;
	while (place && !fb_pattern_match(sub->pattern, fb_branch_address(place), &budget)) {
		place = fb_branch_parent(place);
	}
	return place != NULL;
}

typedef struct covering {
	fb_osc_sub *sub;
	fb_status status;
} covering;

static bool cover_place(void *ctx, fb_branch *branch)
{
	covering *c = ctx;
	if (wanted(c->sub, branch)) {
		c->status = cover_new(c->sub, branch);
	}
	fb_branch *child = fb_branch_first(branch);
	for (; child && !c->status; child = fb_branch_next(child)) {
		cover_place(ctx, child);
	}
	return !c->status;
}

static fb_status cover_all(fb_osc_sub *sub, fb_error *error)
{
	covering c = {sub, FB_OK};
	fb_osc *osc = sub->client->osc;
	fb_status status = fb_tree_match_places(osc->tree, sub->pattern, cover_place, &c, error);
	if (c.status) {
		return fb_fail(error, c.status, sub->pattern, "there is no room for so many leaves");
	}
	/* what is not there yet may come: a station is edited, a scene is loaded */
	return status == FB_NOT_FOUND ? FB_OK : status;
}

/* --- subscriptions */

static fb_osc_sub *sub_listen(const fb_osc_client *client)
{
	fb_osc_sub *sub = LIST_FIRST(&client->subs);
	while (sub && !sub->listen) {
		sub = LIST_NEXT(sub, in_client);
	}
	return sub;
}

static fb_osc_sub *sub_find(fb_osc_client *client, const char *pattern, bool all)
{
	fb_osc_sub *sub;
	for (sub = LIST_FIRST(&client->subs); sub; sub = LIST_NEXT(sub, in_client)) {
		if (sub->all == all && !sub->listen && strcmp(sub->pattern, pattern) == 0) {
			return sub;
		}
	}
	return NULL;
}

/** Leave a watch to another of its client's subscriptions that covers it too, or end it. */
static void leave(fb_osc_watch *watch)
{
	const fb_osc_client *client = watch->sub->client;
	fb_osc_sub *other, *best = watch->listened ? sub_listen(client) : NULL;
	for (other = LIST_FIRST(&client->subs); other; other = LIST_NEXT(other, in_client)) {
		if ((!best || other->rate_hz > best->rate_hz) && other != watch->sub &&
			covers(other, watch->leaf)) {
			best = other;
		}
	}
	if (best) {
		hand_over(watch, best);
	} else {
		watch_remove(watch);
	}
}

void fb_osc_sub_remove(fb_osc_sub *sub)
{
	fb_osc_client *client = sub->client;
	fb_osc *osc = client->osc;
	LIST_REMOVE(sub, in_client);
	LIST_REMOVE(sub, in_osc);
	osc->stats.subscriptions--;
	client->n_subs--;
	while (!LIST_EMPTY(&sub->watches)) {
		leave(LIST_FIRST(&sub->watches));
	}
	free(sub);
	if (!client->n_subs) {
		fb_osc_dismiss(client);
	}
}

void fb_osc_client_unsubscribe_all(fb_osc_client *client)
{
	fb_osc_sub *sub;
	/* first all watches: one that is left to the next subscription, and again to the one after it,
	   takes seconds where they all cover the whole tree */
	for (sub = LIST_FIRST(&client->subs); sub; sub = LIST_NEXT(sub, in_client)) {
		while (!LIST_EMPTY(&sub->watches)) {
			watch_remove(LIST_FIRST(&sub->watches));
		}
	}
	while ((sub = LIST_FIRST(&client->subs))) {
		fb_osc_sub_remove(sub);
	}
}

static fb_osc_sub *sub_create(fb_osc_client *client, const char *pattern, bool all, fb_error *error)
{
	fb_osc *osc = client->osc;
	if (client->n_subs == osc->options.patterns_max) {
		fb_fail(error, FB_TOO_MANY, pattern, "a client may have %u subscriptions",
			osc->options.patterns_max);
		return NULL;
	}
	size_t length = strlen(pattern) + 1;
	fb_osc_sub *sub = calloc(1, sizeof *sub + length);
	if (!sub) {
		fb_fail(error, FB_NO_MEMORY, pattern, "out of memory");
		return NULL;
	}
	if (!client->n_subs && fb_osc_admit(client, pattern, error)) {
		free(sub);
		return NULL;
	}
	memcpy(sub->pattern, pattern, length);
	sub->client = client;
	sub->all = all;
	TAILQ_INIT(&sub->params);
	TAILQ_INIT(&sub->meters);
	LIST_INSERT_HEAD(&client->subs, sub, in_client);
	LIST_INSERT_HEAD(&osc->subs, sub, in_osc);
	client->n_subs++;
	osc->stats.subscriptions++;
	return sub;
}

static void set_terms(fb_osc_sub *sub, double rate_hz)
{
	const fb_osc *osc = sub->client->osc;
	double rate =
		rate_hz > 0.0 ? fb_clamp(rate_hz, 1.0, osc->options.rate_max_hz) : RATE_DEFAULT_HZ;
	sub->rate_hz = (uint32_t)rate;
	bool leased = !sub->client->transport->reliable;
	sub->expires_us = leased ? osc->now_us + LEASE_S * (int64_t)1000000 : INT64_MAX;
}

/** The client that a port argument names; the asker itself without one. NULL: refused. */
static fb_osc_client *target(fb_osc_client *client, double port, fb_error *error)
{
	const fb_osc_transport *transport = client->transport;
	if (!(port > 0.0)) {
		return client;
	}
	fb_osc_client *other = NULL;
	if (transport->redirect && port <= UINT16_MAX) {
		other = transport->redirect(client->ctx, (uint16_t)port);
	}
	if (!other) {
		fb_fail(error, FB_INVALID, "", "feedback cannot go to another port");
	}
	return other;
}

static double numeric_arg(const fb_osc_message *message, uint32_t i)
{
	double number = 0.0;
	if (i < message->argc) {
		fb_value_number(&message->argv[i], &number);
	}
	return number;
}

static void reply_granted(
	fb_osc_client *asker, const fb_osc_message *message, const fb_osc_sub *sub, double port)
{
	bool leased = sub->expires_us != INT64_MAX;
	fb_value granted[5] = {{.tag = 's', .s = sub->pattern}, {.tag = 'i', .i = sub->rate_hz},
		{.tag = 'i', .i = (int64_t)port}, {.tag = 'i', .i = leased ? LEASE_S : 0},
		{.tag = 'i', .i = sub->n_watches}};
	fb_osc_reply(asker, message->address, sub->all ? granted + 1 : granted, sub->all ? 4 : 5);
}

/** Begin or renew a subscription. */
static fb_status subscribe(fb_osc_client *client, const char *pattern, bool all, double rate_hz,
	fb_osc_sub **out, fb_error *error)
{
	fb_osc_sub *sub = sub_find(client, pattern, all);
	fb_status status = FB_OK;
	if (sub) {
		set_terms(sub, rate_hz);
	} else {
		sub = sub_create(client, pattern, all, error);
		if (!sub) {
			return error->status;
		}
		set_terms(sub, rate_hz);
		status = cover_all(sub, error);
		if (status) {
			fb_osc_sub_remove(sub);
			return status;
		}
	}
	*out = sub;
	return status;
}

fb_status fb_osc_follow(fb_osc_client *client, const char *pattern, double rate_hz, fb_error *error)
{
	fb_osc_sub *sub;
	fb_status status = fb_pattern_check(pattern, error);
	return status ? status : subscribe(client, pattern, false, rate_hz, &sub, error);
}

void fb_osc_subscribe(fb_osc_client *client, const fb_osc_message *message, bool all)
{
	fb_error error;
	const char *pattern = all ? "/" : message->argv[0].s;
	double rate_hz = numeric_arg(message, all ? 0 : 1), port = numeric_arg(message, all ? 1 : 2);
	fb_osc_client *to = NULL;
	fb_osc_sub *sub = NULL;
	fb_status status = fb_pattern_check(pattern, &error);
	if (!status) {
		to = target(client, port, &error);
		status = to ? FB_OK : error.status;
	}
	if (!status) {
		status = subscribe(to, pattern, all, rate_hz, &sub, &error);
	}
	if (status) {
		client->osc->stats.refused++;
		fb_osc_reply_error(client, message, &error);
	} else {
		client->feedback = to;
		reply_granted(client, message, sub, port > 0.0 ? port : 0.0);
	}
}

void fb_osc_unsubscribe(fb_osc_client *client, const fb_osc_message *message)
{
	fb_osc_client *to = client->feedback;
	uint32_t before = to->n_subs;
	const char *pattern = message->argc ? message->argv[0].s : "";
	if (message->argc) {
		bool all = strcmp(pattern, "/xremote") == 0;
		fb_osc_sub *sub = sub_find(to, all ? "/" : pattern, all);
		if (sub) {
			fb_osc_sub_remove(sub);
		}
	} else {
		fb_osc_client_unsubscribe_all(to);
	}
	fb_value values[2] = {
		{.tag = 's', .s = pattern}, {.tag = 'i', .i = (int64_t)before - to->n_subs}};
	fb_osc_reply(client, message->address, values, 2);
}

/* --- single addresses */

fb_status fb_osc_listen(fb_osc *osc, fb_osc_client *client, const char *address, fb_error *error)
{
	fb_branch *leaf = fb_tree_find(osc->tree, address);
	const fb_leaf_spec *spec = leaf ? fb_branch_leaf(leaf) : NULL;
	if (!leaf) {
		return fb_fail(error, FB_NOT_FOUND, address, "there is no such address");
	}
	if (!spec || !(spec->access & FB_READ)) {
		return fb_fail(error, FB_FORBIDDEN, address, "has no value to listen to");
	}
	fb_osc_sub *sub = sub_listen(client), *fresh = NULL;
	if (!sub) {
		sub = fresh = sub_create(client, "", false, error);
		if (!sub) {
			return error->status;
		}
		sub->listen = true;
		set_terms(sub, LISTEN_HZ);
	}
	fb_status status = cover_new(sub, leaf);
	if (status) {
		if (fresh) {
			fb_osc_sub_remove(fresh);
		}
		return fb_fail(error, status, address, "there is no room for so many leaves");
	}
	watch_of(client, leaf)->listened = true;
	return FB_OK;
}

void fb_osc_ignore(fb_osc *osc, fb_osc_client *client, const char *address)
{
	const fb_branch *leaf = fb_tree_find(osc->tree, address);
	fb_osc_watch *watch = leaf ? watch_of(client, leaf) : NULL;
	if (watch && watch->listened) {
		watch->listened = false;
		if (watch->sub->listen) {
			leave(watch);
		}
	}
}

/* --- what happens in the tree */

static void tell(const fb_osc *osc, const fb_branch *leaf, const fb_origin *origin)
{
	fb_osc_watch *watch;
	for (watch = LIST_FIRST(bucket(osc, leaf)); watch; watch = LIST_NEXT(watch, in_bucket)) {
		if (watch->leaf != leaf) {
			continue;
		}
		bool own = leaf == osc->setting && origin && origin->client == watch->sub->client;
		if (own) {
			fb_osc_watch_sent(
				watch); /* what waited is older than what the client itself just sent */
		} else {
			enqueue(watch);
		}
	}
}

void fb_osc_leaf_changed(fb_osc *osc, fb_branch *leaf, const fb_origin *origin)
{
	if (!osc->stats.leaves) {
		return;
	}
	tell(osc, leaf, origin);
	const fb_branch *twin = fb_branch_twin(leaf);
	if (twin) {
		tell(osc, twin, origin);
	}
}

void fb_osc_leaf_added(fb_osc *osc, fb_branch *leaf)
{
	fb_osc_sub *sub;
	for (sub = LIST_FIRST(&osc->subs); sub; sub = LIST_NEXT(sub, in_osc)) {
		if (covers(sub, leaf) && cover(sub, leaf) != FB_OK) {
			osc->stats.send_failed++; /* no room: counted as what it leads to */
		}
	}
}

void fb_osc_leaf_removing(fb_osc *osc, fb_branch *leaf)
{
	fb_osc_watch *watch, *next;
	if (!osc->stats.leaves) {
		return;
	}
	for (watch = LIST_FIRST(bucket(osc, leaf)); watch; watch = next) {
		next = LIST_NEXT(watch, in_bucket);
		if (watch->leaf == leaf) {
			watch_remove(watch);
		}
	}
}
