/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Proposals: what a calibration found waits here until an engineer accepts it, or the station is
	armed. Nothing automatic touches audio that an audience hears otherwise. */
#include "../server.h"
#include "monitor.h"

#include <stdio.h>

void fb_proposal_init(fb_proposal *proposal)
{
	*proposal = (fb_proposal){
		.state = "none", .morph_s = 2.0, .allow = "*", .max_step = 1.0, .watchdog = {.drop = 15.0}};
}

void fb_proposal_finish(fb_proposal *proposal)
{
	json_decref(proposal->parameters);
	json_decref(proposal->heard);
	json_decref(proposal->watchdog.settings);
}

void fb_proposal_set_state(fb_channel *channel, const char *state, const fb_origin *origin)
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

/** The station's patch with a proposal's values, if the station lets it go there. */
static fb_status turned(
	const fb_channel *channel, const json_t *parameters, fb_patch **out, fb_error *error)
{
	const fb_patch *now = fb_station_patch(channel->station);
	fb_patch *then = fb_patch_copy(now);
	if (!then) {
		return fb_fail(error, FB_NO_MEMORY, "proposal", "out of memory");
	}
	fb_status status = fb_params_apply(then, parameters, error);
	status = status ? status : fb_proposal_check(&channel->proposal, now, then, error);
	if (status) {
		fb_patch_destroy(then);
		return status;
	}
	*out = then;
	return FB_OK;
}

fb_status fb_proposal_offer(fb_channel *channel, const char *run_id, const json_t *parameters,
	const fb_origin *origin, fb_error *error)
{
	json_t *copy = json_deep_copy(parameters);
	fb_patch *then = NULL;
	fb_status status = copy ? turned(channel, parameters, &then, error)
							: fb_fail(error, FB_NO_MEMORY, "proposal", "out of memory");
	fb_patch_destroy(then);
	if (status) {
		json_decref(copy);
		return status;
	}
	json_decref(channel->proposal.parameters);
	channel->proposal.parameters = copy;
	snprintf(channel->proposal.id, sizeof channel->proposal.id, "%s", run_id);
	fb_proposal_set_state(channel, "offered", origin);
	fb_proposal_deafen(channel, origin); /* what plays is another */
	if (channel->proposal.armed && channel->mode == FB_MODE_AUTO) {
		status = fb_proposal_accept(channel, origin, error);
		if (!status) {
			fb_watchdog_start(channel, fb_now_s());
		}
	}
	return status;
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
	fb_proposal_set_state(channel, "accepted", origin);
	return FB_OK;
}

fb_status fb_proposal_reject(fb_channel *channel, const fb_origin *origin, fb_error *error)
{
	if (!waits(channel)) {
		return fb_fail(error, FB_EXISTS, "proposal", "no proposal waits to be rejected");
	}
	fb_proposal_set_state(channel, "rejected", origin);
	return FB_OK;
}

void fb_proposals_service(fb_server *server)
{
	double now_s = fb_now_s();
	fb_monitor_service(server->monitor);
	for (uint32_t i = 0; i < server->n_channels; i++) {
		fb_watchdog_service(&server->channel[i], now_s);
	}
}
