/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pulse.h"

#include "../osc/value.h"

#include <stdlib.h>
#include <string.h>

enum { EVERY_US = 50000 };

typedef struct watched {
	fb_branch *leaf;
	fb_value last; ///< numbers and switches only
} watched;

struct fb_pulse {
	fb_tree_watcher watcher;
	fb_tree *tree;
	watched *leaves;
	size_t count, room;
	int64_t due_us;
};

/** Metrics and scores are told by who measures them. */
static bool is_ours(const fb_branch *branch)
{
	const fb_leaf_spec *spec = fb_branch_leaf(branch);
	const char *address = fb_branch_address(branch);
	return spec && (spec->access & FB_READ) && spec->kind != FB_LEAF_TEXT &&
		   spec->kind != FB_LEAF_FLOATS && (spec->meter || !strncmp(address, "/server/", 8)) &&
		   !strstr(address, "/metric/") && !strstr(address, "/score/");
}

static void on_added(void *ctx, fb_branch *branch)
{
	fb_pulse *pulse = ctx;
	if (!is_ours(branch)) {
		return;
	}
	if (pulse->count == pulse->room) {
		size_t room = pulse->room ? pulse->room * 2 : 256;
		watched *leaves = realloc(pulse->leaves, room * sizeof *leaves);
		if (!leaves) {
			return; /* it is told when it is asked for */
		}
		pulse->leaves = leaves;
		pulse->room = room;
	}
	pulse->leaves[pulse->count++] = (watched){branch, {.tag = 'N'}};
}

static void on_removing(void *ctx, fb_branch *branch)
{
	fb_pulse *pulse = ctx;
	for (size_t i = 0; i < pulse->count; i++) {
		if (pulse->leaves[i].leaf == branch) {
			pulse->leaves[i] = pulse->leaves[--pulse->count];
			return;
		}
	}
}

static void add_below(fb_pulse *pulse, fb_branch *branch)
{
	on_added(pulse, branch);
	for (fb_branch *child = fb_branch_first(branch); child; child = fb_branch_next(child)) {
		add_below(pulse, child);
	}
}

void fb_pulse_service(fb_server *server)
{
	static const fb_origin origin = {"engine", NULL};
	fb_pulse *pulse = server->pulse;
	int64_t now_us = (int64_t)(fb_now_s() * 1e6);
	fb_osc_stats stats;
	if (now_us < pulse->due_us) {
		return;
	}
	pulse->due_us = now_us + EVERY_US;
	fb_osc_get_stats(server->osc, &stats);
	for (size_t i = 0; i < pulse->count && stats.leaves; i++) {
		watched *w = &pulse->leaves[i];
		fb_value value;
		fb_tree_get(pulse->tree, w->leaf, &value);
		if (!fb_value_same(&value, &w->last)) {
			w->last = value;
			fb_tree_touch(pulse->tree, w->leaf, &origin);
		}
	}
}

fb_status fb_pulse_start(fb_server *server, fb_error *error)
{
	fb_pulse *pulse = calloc(1, sizeof *pulse);
	if (pulse) {
		pulse->tree = server->tree;
		pulse->watcher =
			(fb_tree_watcher){.ctx = pulse, .added = on_added, .removing = on_removing};
	}
	if (!pulse || fb_tree_watch(server->tree, &pulse->watcher)) {
		free(pulse);
		return fb_fail(error, FB_NO_MEMORY, "pulse", "out of memory");
	}
	add_below(pulse, fb_tree_root(server->tree));
	server->pulse = pulse;
	return FB_OK;
}

void fb_pulse_stop(fb_server *server)
{
	if (server->pulse) {
		fb_tree_unwatch(server->tree, &server->pulse->watcher);
		free(server->pulse->leaves);
		free(server->pulse);
	}
}
