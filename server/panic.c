/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The server's own switches and what has happened to its audio: panic, times forgotten, xruns with
	their times. */
#include "server.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const fb_origin engine_origin = {"engine", NULL};

static void panic_get(void *ctx, uint32_t index, fb_value *value)
{
	(void)index;
	*value = (fb_value){.tag = ((fb_server *)ctx)->panic ? 'T' : 'F'};
}

static fb_status panic_set(
	void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error)
{
	(void)index, (void)origin, (void)error;
	fb_server *server = ctx;
	server->panic = value->tag == 'T';
	fb_engine_panic(server->engine, server->panic);
	return FB_OK;
}

static fb_status reset_call(void *ctx, uint32_t index, const fb_value *argv, uint32_t argc,
	const fb_origin *origin, fb_answer *answer, fb_error *error)
{
	(void)index, (void)argv, (void)argc, (void)origin, (void)answer, (void)error;
	fb_engine_forget_worst(((fb_server *)ctx)->engine);
	return FB_OK;
}

static void xruns_get(void *ctx, uint32_t index, fb_value *value)
{
	(void)index;
	*value = (fb_value){.tag = 's', .s = ((fb_server *)ctx)->xruns.text};
}

fb_status fb_server_add_switches(fb_server *server, fb_error *error)
{
	static const fb_leaf_ops panic = {.get = panic_get, .set = panic_set},
							 reset = {.call = reset_call}, xruns = {.get = xruns_get};
	const fb_leaf_spec panic_leaf = {.kind = FB_LEAF_BOOL,
		.access = FB_READ_WRITE,
		.label = "Panic",
		.unit = "",
		.doc = "All stations silent within 5 ms, every echo and tail forgotten, until it is off "
			   "again.",
		.max = 1.0,
		.ops = &panic,
		.ctx = server};
	const fb_leaf_spec reset_leaf = {.kind = FB_LEAF_COMMAND,
		.access = FB_WRITE,
		.label = "Forget worst times",
		.unit = "",
		.doc =
			"Worst times of all stations and nodes, and the worst lateness of events, from now on.",
		.args = "",
		.ops = &reset,
		.ctx = server};
	const fb_leaf_spec xruns_leaf = {.kind = FB_LEAF_TEXT,
		.access = FB_READ,
		.label = "Times of xruns",
		.unit = "",
		.doc = "When the last eight came, the newest first, in UTC, to a twentieth of a second; "
			   "several "
			   "at once as \"3 x\".",
		.ops = &xruns,
		.ctx = server};
	fb_status status = fb_tree_add(server->tree, "/server/panic", &panic_leaf, error);
	if (!status) {
		status = fb_tree_add(server->tree, "/server/cpu/reset", &reset_leaf, error);
	}
	return status ? status : fb_tree_add(server->tree, "/server/xruns/times", &xruns_leaf, error);
}

/** One more time in front of those that are kept. */
static void note_xruns(fb_server *server, uint32_t n)
{
	fb_xruns *x = &server->xruns;
	char stamp[32];
	int64_t us = fb_unix_us();
	time_t seconds = (time_t)(us / 1000000);
	struct tm t;
	gmtime_r(&seconds, &t);
	strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &t);
	memmove(x->time[1], x->time[0], (FB_XRUNS_KEPT - 1) * sizeof x->time[0]);
	int len = n > 1 ? snprintf(x->time[0], sizeof x->time[0], "%u x ", n) : 0;
	snprintf(x->time[0] + len, sizeof x->time[0] - (size_t)len, "%s.%02dZ", stamp,
		(int)(us % 1000000 / 10000));
	x->text[0] = '\0';
	for (size_t i = 0, at = 0; i < FB_XRUNS_KEPT && *x->time[i]; i++) {
		at +=
			(size_t)snprintf(x->text + at, sizeof x->text - at, "%s%s", i ? ", " : "", x->time[i]);
	}
	fb_branch *leaf = fb_tree_find(server->tree, "/server/xruns/times");
	if (leaf) {
		fb_tree_touch(server->tree, leaf, &engine_origin);
	}
}

void fb_server_watch_xruns(fb_server *server)
{
	fb_driver_state driver;
	server->driver->ops->state(server->driver, &driver);
	if (driver.xruns != server->xruns.seen) {
		note_xruns(server, driver.xruns - server->xruns.seen);
		server->xruns.seen = driver.xruns;
	}
}
