/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Proposals: what a calibration found waits here until an engineer accepts it, or the station is
	armed. Nothing automatic touches audio that an audience hears otherwise. */
#include "../server.h"
#include "monitor.h"

#include <stdio.h>

void fb_proposal_init(fb_proposal *proposal)
{
	*proposal = (fb_proposal){
		.state = "none", .morph_s = 2.0, .allow = "*", .max_step = 1.0, .watchdog = {.drop = 8.0}};
}

void fb_proposal_finish(fb_proposal *proposal)
{
	json_decref(proposal->parameters);
	json_decref(proposal->heard);
	json_decref(proposal->watchdog.settings);
}

/** Into the tree, the audit and the store. */
void fb_proposal_set_state(fb_channel *channel, const char *state, const fb_origin *origin)
{
	fb_tree *tree = channel->server->tree;
	const fb_branch *leaf = fb_channel_find(channel, "proposal/state");
	fb_value before = fb_text_value(channel->proposal.state), after = fb_text_value(state);
	channel->proposal.state = state;
	if (leaf) {
		fb_tree_record(tree, leaf, &before, &after, origin, NULL);
	}
	fb_channel_touch(channel, "proposal/state", origin);
	fb_channel_touch(channel, "proposal/id", origin);
	json_t *document = json_pack("{s:i, s:s, s:s, s:O}", "station_id", (int)channel->index + 1,
		"run_id", channel->proposal.id, "state", state, "parameters", channel->proposal.parameters);
	if (document) {
		(void)fb_store_put(channel->server->store, "proposal", channel->proposal.id, document);
		json_decref(document);
	}
}

/** The station's patch with a proposal's values, if the station lets it go there. */
static fb_status turned(
	const fb_channel *channel, const json_t *parameters, fb_patch **out, fb_error *error)
{
	const fb_patch *now = fb_station_patch(channel->station);
	fb_patch *then = fb_patch_copy(now);
	if (!then) {
		return fb_fail(error, FB_NO_MEMORY, "proposal", "out of memory");
	}
	fb_error inner;
	fb_status status = fb_params_apply(then, parameters, &inner);
	if (status) {
		fb_fail(error, status, "proposal",
			"it is of another chain than the station has now: %s: %s", inner.where, inner.text);
	} else {
		status = fb_proposal_check(&channel->proposal, now, then, error);
	}
	if (status) {
		fb_patch_destroy(then);
		return status;
	}
	*out = then;
	return FB_OK;
}

/** Of a run's parameters those that are not as they were when its source was first heard. */
static json_t *turns_of(const json_t *parameters, const json_t *began)
{
	const char *key;
	json_t *value, *turns = json_object();
	json_object_foreach((json_t *)(uintptr_t)parameters, key, value)
	{
		if (!began || !json_equal(value, json_object_get(began, key))) {
			json_object_set(turns, key, value);
		}
	}
	return turns;
}

/** The first of these parameters that somebody has turned since, to something else; or NULL. */
static const char *turned_since(const fb_channel *channel, const json_t *turns, const json_t *began)
{
	const char *key, *found = NULL;
	json_t *value, *now = fb_params_to_json(fb_station_patch(channel->station));
	json_object_foreach((json_t *)(uintptr_t)turns, key, value)
	{
		const json_t *is = json_object_get(now, key);
		if (!found && began && !json_equal(is, json_object_get(began, key)) &&
			!json_equal(is, value)) {
			found = key;
		}
	}
	json_decref(now);
	return found;
}

/** The station is armed: let it be heard, unless that would overrule a hand. */
static fb_status accept_armed(fb_channel *channel, const json_t *began, fb_error *error)
{
	static const fb_origin armed = {"armed", NULL};
	const char *key = turned_since(channel, channel->proposal.parameters, began);
	if (key) {
		char address[FB_LEAF_ADDRESS_LEN], what[256];
		fb_channel_address(channel, "proposal/armed", address);
		snprintf(what, sizeof what,
			"the proposal waits: somebody turned %s while it was being looked for", key);
		fb_audit_note(channel->server, armed.text, address, what);
		return FB_OK;
	}
	bool goes_on = fb_watchdog_judges(channel);
	fb_status status = fb_proposal_accept(channel, &armed, error);
	if (!status) {
		fb_watchdog_start(channel, goes_on);
	}
	return status;
}

fb_status fb_proposal_offer(
	fb_channel *channel, const fb_proposed *run, const fb_origin *origin, fb_error *error)
{
	fb_proposal *proposal = &channel->proposal;
	json_t *turns = turns_of(run->parameters, run->began);
	fb_patch *then = NULL;
	fb_status status = turns ? turned(channel, turns, &then, error)
							 : fb_fail(error, FB_NO_MEMORY, "proposal", "out of memory");
	fb_patch_destroy(then);
	if (status) {
		json_decref(turns);
		return status;
	}
	fb_proposal_deafen(channel, origin); /* what plays is another */
	json_decref(proposal->parameters);
	proposal->parameters = turns;
	proposal->of_live = run->of_live;
	snprintf(proposal->id, sizeof proposal->id, "%s", run->run_id);
	fb_proposal_set_state(channel, "offered", origin);
	return proposal->armed && channel->mode == FB_MODE_AUTO
			   ? accept_armed(channel, run->began, error)
			   : FB_OK;
}

static bool waits(const fb_channel *channel)
{
	return channel->proposal.parameters && channel->proposal.state[0] == 'o';
}

fb_status fb_proposal_accept(fb_channel *channel, const fb_origin *origin, fb_error *error)
{
	if (!waits(channel)) {
		return fb_fail(error, FB_EXISTS, "proposal", "no proposal waits to be accepted");
	}
	fb_patch *patch = NULL;
	fb_status status = turned(channel, channel->proposal.parameters, &patch, error);
	if (!status) {
		status = fb_channel_load(channel, patch, channel->proposal.morph_s, origin, error);
	}
	if (status) {
		fb_patch_destroy(patch);
		return status;
	}
	fb_proposal_deafen(channel, origin); /* there is nothing left to compare */
	fb_proposal_set_state(channel, "accepted", origin);
	return FB_OK;
}

fb_status fb_proposal_reject(fb_channel *channel, const fb_origin *origin, fb_error *error)
{
	if (!waits(channel)) {
		return fb_fail(error, FB_EXISTS, "proposal", "no proposal waits to be rejected");
	}
	fb_proposal_deafen(channel, origin);
	fb_proposal_set_state(channel, "rejected", origin);
	return FB_OK;
}

void fb_proposals_service(fb_server *server)
{
	fb_monitor_service(server->monitor);
	for (uint32_t i = 0; i < server->n_channels; i++) {
		fb_watchdog_service(&server->channel[i]);
		fb_proposal_follow(&server->channel[i]);
	}
	fb_proposals_keep(server, false);
}
