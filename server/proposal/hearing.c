/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The engineer's ear before an acceptance: the station as it is set and as proposed, on what comes
	in now or on the proposal's source, on the monitor outputs. */
#include "../calibration.h"
#include "../server.h"
#include "live.h"
#include "monitor.h"

#include <stdio.h>
#include <string.h>

#define FOLLOW_S 0.05 /* between two looks at what people turned */

static void forget(fb_proposal *proposal)
{
	json_decref(proposal->heard);
	proposal->heard = NULL;
	fb_live_stop(proposal->live);
	proposal->live = NULL;
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
		fb_leaf_touch(channel->server->tree, "/server/monitor/station", origin);
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
	return json_pack("{s:s, s:i, s:o}", "run", channel->proposal.id, "patch",
		(int)fb_station_revision(channel->station), "now", fb_params_to_json(now));
}

/** The station's patch as it is, and with the proposal's values. */
static fb_status make_versions(const fb_channel *channel, fb_patch *version[2], fb_error *error)
{
	const fb_patch *now = fb_station_patch(channel->station);
	version[0] = fb_patch_copy(now);
	version[1] = fb_patch_copy(now);
	fb_status status = version[0] && version[1]
						   ? fb_params_apply(version[1], channel->proposal.parameters, error)
						   : fb_fail(error, FB_NO_MEMORY, "proposal", "out of memory");
	if (status) {
		fb_patch_destroy(version[0]);
		fb_patch_destroy(version[1]);
	}
	return status;
}

static void destroy_versions(fb_patch *const version[2])
{
	fb_patch_destroy(version[0]);
	fb_patch_destroy(version[1]);
}

static fb_status render(fb_channel *channel, fb_error *error)
{
	fb_patch *version[2];
	fb_status status = make_versions(channel, version, error);
	if (status) {
		return status;
	}
	status = fb_calibration_compare(channel->server->calibration, channel, channel->proposal.id,
		version, rendered, channel, error);
	if (status) {
		destroy_versions(version);
	}
	channel->proposal.rendering += !status;
	return status;
}

static fb_status start_live(fb_channel *channel, fb_live **out, fb_error *error)
{
	fb_patch *version[2];
	fb_status status = make_versions(channel, version, error);
	if (!status) {
		status = fb_live_start(channel, (const fb_patch *const *)version, out, error);
		destroy_versions(version);
	}
	return status;
}

void fb_proposal_deafen(fb_channel *channel, const fb_origin *origin)
{
	if (channel->proposal.audition != FB_HEAR_OFF) {
		fb_monitor_select(channel->server->monitor, -1);
		set_hearing(channel, FB_HEAR_OFF, origin);
	}
}

static bool is_live(const fb_proposal *proposal)
{
	return proposal->source == FB_HEAR_LIVE ||
		   (proposal->source == FB_HEAR_AUTO && proposal->of_live);
}

/** Nothing that plays is of what is asked for: make it. */
static fb_status begin(fb_channel *channel, const fb_origin *origin, fb_error *error)
{
	fb_proposal *proposal = &channel->proposal;
	bool live = is_live(proposal);
	fb_live *made = NULL;
	fb_status status = live ? start_live(channel, &made, error) : render(channel, error);
	if (status) {
		return status;
	}
	/* until what is wanted comes, silence: what played before is another's, or of other settings */
	fb_monitor_select(channel->server->monitor, -1);
	end_others(channel, origin);
	forget(proposal);
	proposal->live = made;
	fb_monitor_set_live(channel->server->monitor, live);
	return FB_OK;
}

fb_status fb_proposal_hear(
	fb_channel *channel, fb_hearing hearing, const fb_origin *origin, fb_error *error)
{
	fb_proposal *proposal = &channel->proposal;
	if (hearing == FB_HEAR_OFF) {
		fb_proposal_deafen(channel, origin);
		return FB_OK;
	}
	if (!proposal->parameters) {
		return fb_fail(error, FB_EXISTS, "proposal", "there is no proposal to hear");
	}
	json_t *wanted = versions(channel, fb_station_patch(channel->station));
	bool at_hand = proposal->live || (proposal->heard && json_equal(wanted, proposal->heard));
	fb_status status = at_hand ? FB_OK : begin(channel, origin, error);
	if (status) {
		json_decref(wanted);
		return status;
	}
	json_decref(proposal->heard);
	proposal->heard = wanted;
	set_hearing(channel, hearing, origin);
	/* while it is on its way what played before is no answer; its coming selects it */
	bool waits = !proposal->live && proposal->rendering;
	fb_monitor_select(channel->server->monitor, waits ? -1 : version_of(channel));
	return FB_OK;
}

fb_status fb_proposal_set_source(
	fb_channel *channel, fb_hearing_source source, const fb_origin *origin, fb_error *error)
{
	fb_proposal *proposal = &channel->proposal;
	bool was_live = is_live(proposal);
	proposal->source = (int)source;
	fb_hearing hearing = (fb_hearing)proposal->audition;
	if (hearing == FB_HEAR_OFF || is_live(proposal) == was_live) {
		return FB_OK;
	}
	fb_proposal_deafen(channel, origin);
	return fb_proposal_hear(channel, hearing, origin, error);
}

void fb_proposal_follow(fb_channel *channel)
{
	static const fb_origin origin = {"engine", NULL};
	fb_proposal *proposal = &channel->proposal;
	double now_s = fb_now_s();
	fb_live_service(proposal->live);
	if (!proposal->live || now_s < proposal->followed_s + FOLLOW_S) {
		return;
	}
	proposal->followed_s = now_s;
	json_t *wanted = versions(channel, fb_station_patch(channel->station));
	if (json_equal(wanted, proposal->heard)) {
		json_decref(wanted);
		return;
	}
	fb_error error;
	fb_patch *version[2];
	json_decref(proposal->heard);
	proposal->heard = wanted;
	fb_status status = make_versions(channel, version, &error);
	if (!status) {
		status = fb_live_follow(proposal->live, (const fb_patch *const *)version, &error);
		destroy_versions(version);
	}
	if (status) {
		fb_log_error("the live audition of a proposal ends", &error);
		fb_proposal_deafen(channel, &origin);
	}
}
