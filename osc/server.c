/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The OSC service: its clients, and what it hears from the tree. thread: control */
#include "server_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
	TURN_US = 2500,   /* of one fb_osc_service(), for each transport */
	PORTS_TRIED = 50, /* until one is free in both transports */
};

static void on_changed(void *ctx, fb_branch *leaf, const fb_origin *origin)
{
	fb_osc_leaf_changed(ctx, leaf, origin);
}

static void on_added(void *ctx, fb_branch *branch)
{
	fb_osc_leaf_added(ctx, branch);
}

static void on_removing(void *ctx, fb_branch *branch)
{
	fb_osc_leaf_removing(ctx, branch);
}

static void set_default(uint32_t *value, uint32_t fallback)
{
	*value = *value ? *value : fallback;
}

/** UDP and TCP on one port. */
static fb_status open_ports(fb_osc *osc, fb_error *error)
{
	fb_status status = FB_OK;
	osc->wake = epoll_create1(EPOLL_CLOEXEC);
	osc->again = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct epoll_event more = {.events = EPOLLIN, .data.ptr = &osc->again};
	if (osc->wake < 0 || osc->again < 0 || epoll_ctl(osc->wake, EPOLL_CTL_ADD, osc->again, &more)) {
		return fb_fail(error, FB_IO, "OSC", "cannot wait for packets: %s", strerror(errno));
	}
	for (int tries = 0; tries < PORTS_TRIED; tries++) {
		struct sockaddr_storage address;
		socklen_t size;
		status = fb_osc_udp_open(osc, error);
		if (!status) {
			status = fb_osc_udp_address(osc, &address, &size, error);
		}
		if (!status) {
			status = fb_osc_tcp_open(osc, (struct sockaddr *)&address, size, error);
		}
		/* a free UDP port was given whose TCP twin is taken: another */
		if (status != FB_EXISTS || osc->options.port) {
			break;
		}
		fb_osc_tcp_close(osc);
		fb_osc_udp_close(osc);
	}
	return status == FB_EXISTS ? FB_IO : status;
}

fb_status fb_osc_open(fb_tree *tree, const fb_osc_options *options, fb_osc **out, fb_error *error)
{
	fb_osc *osc = calloc(1, sizeof *osc);
	if (!osc) {
		return fb_fail(error, FB_NO_MEMORY, "OSC", "out of memory");
	}
	fb_status status = FB_OK;
	osc->tree = tree;
	osc->wake = osc->again = -1;
	osc->options = *options;
	osc->accounts = options->accounts ? options->accounts : fb_accounts_create();
	set_default(&osc->options.subscribers_max, 64);
	set_default(&osc->options.patterns_max, 64);
	set_default(&osc->options.leaves_max, 200000);
	set_default(&osc->options.rate_max_hz, 200);
	set_default(&osc->options.held_max, 1024);
	set_default(&osc->options.connections_max, 256);
	set_default(&osc->options.connections_of_one, 64);
	osc->watcher = (fb_tree_watcher){
		.ctx = osc, .changed = on_changed, .added = on_added, .removing = on_removing};
	osc->n_buckets = FB_OSC_BUCKETS_AT_START;
	osc->buckets = calloc(osc->n_buckets, sizeof *osc->buckets);
	osc->held = calloc(osc->options.held_max, sizeof *osc->held);
	if (!osc->buckets || !osc->held || !osc->accounts) {
		status = fb_fail(error, FB_NO_MEMORY, "OSC", "out of memory");
	}
	if (!status) {
		status = open_ports(osc, error);
	}
	if (!status && fb_tree_watch(tree, &osc->watcher)) {
		status = fb_fail(error, FB_TOO_MANY, "OSC", "too many watch the tree");
	}
	if (status) {
		fb_osc_close(osc);
		return status;
	}
	*out = osc;
	return FB_OK;
}

void fb_osc_close(fb_osc *osc)
{
	fb_osc_client *client;
	if (!osc) {
		return;
	}
	fb_tree_unwatch(osc->tree, &osc->watcher);
	fb_osc_tcp_close(osc);
	fb_osc_udp_close(osc);
	if (osc->wake >= 0) {
		close(osc->wake);
	}
	if (osc->again >= 0) {
		close(osc->again);
	}
	while ((client = LIST_FIRST(&osc->clients))) {
		fb_osc_client_remove(osc, client);
	}
	fb_osc_held_finish(osc);
	if (!osc->options.accounts) {
		fb_accounts_destroy(osc->accounts);
	}
	free(osc->buckets);
	free(osc);
}

int fb_osc_fd(const fb_osc *osc)
{
	return osc->wake;
}

int64_t fb_osc_clock_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/** Keep the descriptor readable, or no longer. */
static void tell_again(fb_osc *osc, bool more)
{
	eventfd_t count;
	if (more != osc->again_told) {
		osc->again_told = more;
		(void)(more ? eventfd_write(osc->again, 1) : eventfd_read(osc->again, &count));
	}
}

uint32_t fb_osc_service(fb_osc *osc, int64_t now_us)
{
	static struct epoll_event ready[FB_OSC_READY_MAX];
	osc->now_us = now_us;
	osc->taken = 0;
	bool more = fb_osc_udp_take(osc, fb_osc_clock_us() + TURN_US);
	int n = epoll_wait(osc->wake, ready, FB_OSC_READY_MAX, 0);
	for (int i = 0; i < n; i++) {
		if (ready[i].data.ptr != osc->udp && ready[i].data.ptr != &osc->again) {
			fb_osc_tcp_ready(osc, ready[i].data.ptr, ready[i].events);
		}
	}
	fb_osc_tcp_serve(osc, fb_osc_clock_us() + TURN_US);
	fb_osc_tcp_look(osc);
	fb_osc_tcp_reap(osc);
	tell_again(osc, more);
	return osc->taken;
}

int64_t fb_osc_flush(fb_osc *osc, int64_t now_us)
{
	osc->now_us = now_us;
	int64_t held_us = fb_osc_release(osc), feed_us = fb_osc_feed(osc);
	return held_us < feed_us ? held_us : feed_us;
}

fb_oscquery_host fb_osc_host(const fb_osc *osc)
{
	const fb_osc_options *options = &osc->options;
	return (fb_oscquery_host){.name = options->name ? options->name : "foldback",
		.osc_port = fb_osc_port(osc),
		.websocket = options->websocket};
}

void fb_osc_get_stats(const fb_osc *osc, fb_osc_stats *stats)
{
	*stats = osc->stats;
}

fb_osc_client *fb_osc_client_add(
	fb_osc *osc, const fb_osc_transport *transport, void *ctx, const char *origin)
{
	fb_osc_client *client = calloc(1, sizeof *client);
	if (!client) {
		return NULL;
	}
	client->osc = osc;
	client->transport = transport;
	client->ctx = ctx;
	client->feedback = client;
	snprintf(client->origin, sizeof client->origin, "%s", origin);
	LIST_INSERT_HEAD(&osc->clients, client, in_osc);
	osc->stats.clients++;
	return client;
}

void fb_osc_client_remove(fb_osc *osc, fb_osc_client *client)
{
	fb_osc_client *other;
	fb_osc_client_unsubscribe_all(client);
	fb_osc_held_forget(osc, client);
	fb_osc_later_forget(client);
	LIST_REMOVE(client, in_osc);
	osc->stats.clients--;
	for (other = LIST_FIRST(&osc->clients); other; other = LIST_NEXT(other, in_osc)) {
		if (other->feedback == client) {
			other->feedback = other;
		}
	}
	free(client);
}

void fb_osc_client_read_only(fb_osc_client *client, bool read_only)
{
	client->read_only = read_only;
}
