/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Proposals: what a calibration found waits here until an engineer accepts it, or the station is
	armed. Nothing automatic touches audio that an audience hears otherwise. */
#include "server.h"

#include <stdio.h>

static void set_state(fb_channel *channel, const char *state, const fb_origin *origin)
{
	channel->proposal.state = state;
	fb_channel_touch(channel, "proposal/state", origin);
	fb_channel_touch(channel, "proposal/id", origin);
	json_t *document = json_pack("{s:i, s:s, s:s, s:O}", "station_id", (int)channel->index + 1,
		"run_id", channel->proposal.id, "state", state, "parameters", channel->proposal.parameters);
	if (document) {
		(void)fb_store_put(channel->server->store, "proposal", channel->proposal.id, document);
		json_decref(document);
	}
}

fb_status fb_proposal_offer(fb_channel *channel, const char *run_id, const json_t *parameters,
	const fb_origin *origin, fb_error *error)
{
	json_t *copy = json_deep_copy(parameters);
	if (!copy) {
		return fb_fail(error, FB_NO_MEMORY, "proposal", "out of memory");
	}
	json_decref(channel->proposal.parameters);
	channel->proposal.parameters = copy;
	snprintf(channel->proposal.id, sizeof channel->proposal.id, "%s", run_id);
	set_state(channel, "offered", origin);
	if (channel->proposal.armed && channel->mode == FB_MODE_AUTO) {
		return fb_proposal_accept(channel, origin, error);
	}
	return FB_OK;
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
	fb_patch *patch = fb_patch_copy(fb_station_patch(channel->station));
	if (!patch) {
		return fb_fail(error, FB_NO_MEMORY, "proposal", "out of memory");
	}
	fb_status status = fb_params_apply(patch, channel->proposal.parameters, error);
	if (!status) {
		status = fb_channel_load(channel, patch, channel->proposal.morph_s, origin, error);
	}
	if (status) {
		fb_patch_destroy(patch);
		return status;
	}
	set_state(channel, "accepted", origin);
	return FB_OK;
}

fb_status fb_proposal_reject(fb_channel *channel, const fb_origin *origin, fb_error *error)
{
	if (!waits(channel)) {
		return fb_fail(error, FB_EXISTS, "proposal", "no proposal waits to be rejected");
	}
	set_state(channel, "rejected", origin);
	return FB_OK;
}
