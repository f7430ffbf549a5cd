/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The engineer's ear before an acceptance: the proposal's source, as the station is set and as
	proposed, on the monitor outputs. */
#include "../calibration.h"
#include "../server.h"
#include "monitor.h"

#include <stdio.h>
#include <string.h>

static void forget(fb_proposal *proposal)
{
	json_decref(proposal->heard);
	proposal->heard = NULL;
}

static void set_hearing(fb_channel *channel, fb_hearing hearing, const fb_origin *origin)
{
	fb_proposal *proposal = &channel->proposal;
	bool changed = proposal->audition != (int)hearing;
	proposal->audition = hearing;
	if (hearing == FB_HEAR_OFF) {
		forget(proposal);
	}
	if (changed) {
		fb_channel_touch(channel, "proposal/audition", origin);
	}
}

static int version_of(const fb_channel *channel)
{
	return channel->proposal.audition - 1; /* off is -1: silence */
}

/** Who listened to another station hears this one now. */
static void end_others(fb_channel *channel, const fb_origin *origin)
{
	fb_server *server = channel->server;
	for (uint32_t i = 0; i < server->n_channels; i++) {
		if (&server->channel[i] != channel) {
			set_hearing(&server->channel[i], FB_HEAR_OFF, origin);
		}
	}
}

static void rendered(void *ctx, fb_clip *take, const fb_error *error)
{
	static const fb_origin origin = {"calibration", NULL};
	fb_channel *channel = ctx;
	fb_monitor *monitor = channel->server->monitor;
	bool last = --channel->proposal.rendering == 0;
	if (error) {
		fb_log_error("the audition of a proposal", error);
		if (last) {
			set_hearing(channel, FB_HEAR_OFF, &origin);
		}
	} else if (channel->proposal.audition == FB_HEAR_OFF || !last) {
		fb_clip_destroy(take); /* nobody wants it any more */
	} else {
		fb_monitor_load(monitor, take);
		fb_monitor_select(monitor, version_of(channel));
	}
}

/** What the two versions are made of, to know whether they are at hand already. */
static json_t *versions(const fb_channel *channel, const fb_patch *now)
{
	return json_pack("{s:s, s:o}", "run", channel->proposal.id, "now", fb_params_to_json(now));
}

static fb_status render(fb_channel *channel, fb_error *error)
{
	const fb_patch *now = fb_station_patch(channel->station);
	fb_patch *version[2] = {fb_patch_copy(now), fb_patch_copy(now)};
	fb_status status = version[0] && version[1]
						   ? fb_params_apply(version[1], channel->proposal.parameters, error)
						   : fb_fail(error, FB_NO_MEMORY, "proposal", "out of memory");
	status = status ? status
					: fb_calibration_compare(channel->server->calibration, channel,
						  channel->proposal.id, version, rendered, channel, error);
	if (status) {
		fb_patch_destroy(version[0]);
		fb_patch_destroy(version[1]);
	}
	channel->proposal.rendering += !status;
	return status;
}

void fb_proposal_deafen(fb_channel *channel, const fb_origin *origin)
{
	if (channel->proposal.audition != FB_HEAR_OFF) {
		fb_monitor_select(channel->server->monitor, -1);
		set_hearing(channel, FB_HEAR_OFF, origin);
	}
}

fb_status fb_proposal_hear(
	fb_channel *channel, fb_hearing hearing, const fb_origin *origin, fb_error *error)
{
	fb_proposal *proposal = &channel->proposal;
	fb_monitor *monitor = channel->server->monitor;
	if (hearing == FB_HEAR_OFF) {
		fb_proposal_deafen(channel, origin);
		return FB_OK;
	}
	if (!proposal->parameters) {
		return fb_fail(error, FB_EXISTS, "proposal", "there is no proposal to hear");
	}
	json_t *wanted = versions(channel, fb_station_patch(channel->station));
	bool at_hand = proposal->heard && json_equal(wanted, proposal->heard);
	fb_status status = at_hand ? FB_OK : render(channel, error);
	if (status) {
		json_decref(wanted);
		return status;
	}
	end_others(channel, origin);
	forget(proposal);
	proposal->heard = wanted;
	set_hearing(channel, hearing, origin);
	/* while it is on its way what played before is no answer; its coming selects it */
	fb_monitor_select(monitor, proposal->rendering ? -1 : version_of(channel));
	return FB_OK;
}
