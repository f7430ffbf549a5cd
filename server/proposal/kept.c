/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What a station lets proposals do is kept for the next start: a limit that falls with a restart
	is none. Whether it is armed is not: after a start nothing happens by itself. */
#include "../server.h"

#include <stdio.h>
#include <string.h>

#define DOCUMENT "proposal_limits"
#define OFTEN_S 0.25 /* a fader's ride is not written value by value */

static const char *const kept[] = {
	"proposal/allow", "proposal/max_step", "proposal/morph", "proposal/watchdog"};
enum { KEPT = sizeof kept / sizeof *kept };

static json_t *limits_of(const fb_channel *channel)
{
	json_t *out = json_object();
	for (int i = 0; i < KEPT; i++) {
		const fb_branch *leaf = fb_channel_find(channel, kept[i]);
		if (leaf) {
			json_object_set_new(out, kept[i], fb_leaf_to_json(channel->server->tree, leaf));
		}
	}
	return out;
}

void fb_proposals_keep(fb_server *server, bool at_once)
{
	double now_s = fb_now_s();
	if (!server->limits_changed || (!at_once && now_s < server->limits_kept_s + OFTEN_S)) {
		return;
	}
	json_t *document = json_object();
	for (uint32_t i = 0; i < server->n_channels; i++) {
		char number[16];
		snprintf(number, sizeof number, "%u", i + 1);
		json_object_set_new(document, number, limits_of(&server->channel[i]));
	}
	/* the store counts and tells what it cannot keep */
	(void)fb_store_put(server->store, "setting", DOCUMENT, document);
	json_decref(document);
	server->limits_changed = false;
	server->limits_kept_s = now_s;
}

static void restore(fb_channel *channel, const json_t *limits)
{
	static const fb_origin origin = {"start", NULL};
	fb_error error;
	for (int i = 0; i < KEPT; i++) {
		const json_t *json = json_object_get(limits, kept[i]);
		fb_branch *leaf = fb_channel_find(channel, kept[i]);
		fb_value value = fb_leaf_value(json);
		if (json && leaf &&
			fb_tree_set(channel->server->tree, leaf, &value, 1, FB_STRICT, &origin, NULL, &error)) {
			fb_log_error("a limit of proposals is left out", &error);
		}
	}
}

static void limits_read(void *ctx, const json_t *row, const fb_error *error)
{
	fb_server *server = ctx;
	if (error && error->status != FB_NOT_FOUND) {
		fb_log_error("the limits of proposals cannot be read", error);
	}
	for (uint32_t i = 0; i < server->n_channels && !error; i++) {
		char number[16];
		snprintf(number, sizeof number, "%u", i + 1);
		restore(&server->channel[i], json_object_get(json_object_get(row, "document"), number));
	}
	server->limits_changed = false;
}

fb_status fb_proposals_restore(fb_server *server, fb_error *error)
{
	if (fb_store_find(server->store, "setting", DOCUMENT, limits_read, server)) {
		*error = *fb_store_refusal(server->store);
		return error->status;
	}
	return FB_OK;
}
