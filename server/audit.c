/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Every accepted and refused set or command, from the tree into the store. And the group brackets
	of the tree, which make the engine take a group's events in one tick. */
#include "server.h"

#include "../osc/value.h"

#include <stdio.h>

enum { TEXT_LEN = 512 };

/* --- sets of numbers: nearly all there is, and they come in floods, so their text is made later */

void fb_audit_text(char tag, double value, char *text, size_t size)
{
	fb_value number = {.tag = tag};
	if (tag == 'f') {
		number.f = value;
	} else if (tag == 'i') {
		number.i = (int64_t)value;
	} else {
		number.tag = value != 0.0 ? 'T' : 'F';
	}
	fb_value_text(&number, text, size);
}

static char kind_of(const fb_value *value)
{
	return value->tag == 'F' ? 'T' : value->tag;
}

/** A number that a double holds whole. */
static bool is_plain(const fb_value *value, double *number)
{
	return value->tag != 's' && fb_value_number(value, number) && fabs(*number) < 0x1p53;
}

static bool record_number(fb_server *server, const fb_branch *leaf, const fb_value *before,
	const fb_value *after, const fb_origin *origin)
{
	fb_audit_set set = {.time_us = server->group_us ? server->group_us : fb_unix_us(),
		.frame = fb_engine_frame(server->engine),
		.origin = origin->text,
		.address = fb_branch_address(leaf),
		.place = fb_branch_serial(leaf),
		.tag = kind_of(after)};
	if (kind_of(before) != set.tag || !is_plain(before, &set.before) ||
		!is_plain(after, &set.after)) {
		return false;
	}
	(void)fb_store_set(server->store, &set); /* the store counts what it cannot keep */
	return true;
}

/* --- all others */

static void record_text(fb_server *server, const char *address, const fb_value *before,
	const fb_value *after, const fb_origin *origin, fb_outcome outcome, const fb_error *error)
{
	char old_text[TEXT_LEN], new_text[TEXT_LEN],
		reason[sizeof error->where + sizeof error->text + 4];
	double number = 0.0;
	if (outcome == FB_REFUSED) {
		snprintf(reason, sizeof reason, "%s: %s", error->where, error->text);
	}
	if (before->tag != 'N') {
		fb_value_text(before, old_text, sizeof old_text);
	}
	if (after->tag != 'N') {
		fb_value_text(after, new_text, sizeof new_text);
	}
	bool is_number = before->tag != 'N' && fb_value_number(after, &number);
	fb_audit_entry entry = {.time_us = fb_unix_us(),
		.frame = server->engine ? fb_engine_frame(server->engine) : 0,
		.origin = origin->text,
		.address = address,
		.before = before->tag != 'N' ? old_text : NULL,
		.after = after->tag != 'N' ? new_text : NULL,
		.outcome = outcome == FB_REFUSED ? reason : "ok",
		.mergeable = outcome == FB_ACCEPTED && is_number,
		.value = number};
	(void)fb_store_audit(server->store, &entry);
}

static void on_audit(void *ctx, const fb_branch *leaf, const char *address, const fb_value *before,
	const fb_value *after, const fb_origin *origin, fb_outcome outcome, const fb_error *error)
{
	if (outcome == FB_REFUSED || !leaf || !record_number(ctx, leaf, before, after, origin)) {
		record_text(ctx, address, before, after, origin, outcome, error);
	}
}

void fb_audit_note(fb_server *server, const char *origin, const char *address, const char *what)
{
	fb_audit_entry entry = {.time_us = fb_unix_us(),
		.frame = fb_engine_frame(server->engine),
		.origin = origin,
		.address = address,
		.outcome = what};
	(void)fb_store_audit(server->store, &entry);
}

static void on_begin(void *ctx)
{
	fb_server *server = ctx;
	server->group_us = fb_unix_us();
	server->group_s = fb_now_s();
	fb_engine_begin(server->engine);
}

static void on_end(void *ctx)
{
	fb_server *server = ctx;
	fb_engine_end(server->engine);
	server->group_us = 0;
}

fb_status fb_audit_start(fb_server *server, fb_error *error)
{
	server->watcher =
		(fb_tree_watcher){.ctx = server, .audit = on_audit, .begin = on_begin, .end = on_end};
	if (fb_tree_watch(server->tree, &server->watcher)) {
		return fb_fail(error, FB_NO_MEMORY, "audit", "out of memory");
	}
	return FB_OK;
}
