/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The leaves of a station's proposal. */
#include "../calibration.h"
#include "../server.h"
#include "live.h"
#include "monitor.h"

#include <stdio.h>
#include <string.h>

/** Set what is kept for the next start. */
static void limit(fb_channel *channel, double *limit, double value)
{
	*limit = value;
	channel->server->limits_changed = true;
}

FB_GETTER(fb_channel, state_get, fb_text_value(self->proposal.state))
FB_GETTER(fb_channel, id_get, fb_text_value(self->proposal.id))
FB_GETTER(fb_channel, armed_get, fb_bool_value(self->proposal.armed))
FB_SETTER(fb_channel, armed_set, self->proposal.armed = value->tag == 'T')
FB_GETTER(fb_channel, morph_get, fb_float_value(self->proposal.morph_s))
FB_SETTER(fb_channel, morph_set, limit(self, &self->proposal.morph_s, value->f))
FB_GETTER(fb_channel, max_step_get, fb_float_value(self->proposal.max_step))
FB_SETTER(fb_channel, max_step_set, limit(self, &self->proposal.max_step, value->f))
FB_GETTER(fb_channel, watchdog_get, fb_float_value(self->proposal.watchdog.drop))
FB_SETTER(fb_channel, watchdog_set, limit(self, &self->proposal.watchdog.drop, value->f))
FB_GETTER(fb_channel, allow_get, fb_text_value(self->proposal.allow))

static fb_status allow_set(
	void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error)
{
	(void)index, (void)origin;
	fb_channel *channel = ctx;
	channel->server->limits_changed = true;
	return fb_proposal_read_allow(value->s, channel->proposal.allow, error);
}

static const char *const hearings[] = {"off", "current", "proposed"};

FB_GETTER(fb_channel, audition_get, fb_text_value(hearings[self->proposal.audition]))

static fb_status audition_set(
	void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error)
{
	(void)index;
	return fb_proposal_hear(ctx, (fb_hearing)value->i, origin, error);
}

static const char *const sources[] = {"auto", "live", "captured"};

FB_GETTER(fb_channel, source_get, fb_text_value(sources[self->proposal.source]))

static fb_status source_set(
	void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error)
{
	(void)index;
	return fb_proposal_set_source(ctx, (fb_hearing_source)value->i, origin, error);
}

static fb_status offer_call(void *ctx, uint32_t index, const fb_value *argv, uint32_t argc,
	const fb_origin *origin, fb_answer *answer, fb_error *error)
{
	(void)index, (void)argc, (void)answer;
	fb_channel *channel = ctx;
	fb_proposed run;
	if (!fb_calibration_find_run(channel->server->calibration, argv[0].s, channel->index, &run)) {
		return fb_fail(error, FB_NOT_FOUND, argv[0].s, "this station has no such run of late");
	}
	return fb_proposal_offer(channel, &run, origin, error);
}

static fb_status accept_call(void *ctx, uint32_t index, const fb_value *argv, uint32_t argc,
	const fb_origin *origin, fb_answer *answer, fb_error *error)
{
	(void)index, (void)argv, (void)argc, (void)answer;
	return fb_proposal_accept(ctx, origin, error);
}

static fb_status reject_call(void *ctx, uint32_t index, const fb_value *argv, uint32_t argc,
	const fb_origin *origin, fb_answer *answer, fb_error *error)
{
	(void)index, (void)argv, (void)argc, (void)answer;
	return fb_proposal_reject(ctx, origin, error);
}

/* --- the list */

static const fb_leaf_row leaves[] = {
	FB_ROW("proposal/state", .kind = FB_LEAF_TEXT, .label = "Proposal",
		.doc = "none, offered, accepted, rejected or taken back.", .ops = FB_OPS(.get = state_get)),
	FB_ROW("proposal/id", .kind = FB_LEAF_TEXT, .label = "Proposal's run",
		.doc = "The run whose parameters are proposed.", .ops = FB_OPS(.get = id_get)),
	FB_ROW("proposal/armed", .kind = FB_LEAF_BOOL, .label = "Armed", .max = 1,
		.doc = "Accept proposals at once while the mode is auto.",
		.ops = FB_OPS(.get = armed_get, .set = armed_set)),
	FB_ROW("proposal/morph", .kind = FB_LEAF_FLOAT, .label = "Morph", .unit = "s",
		.doc = "How long accepting glides from the old values to the new.", .max = 60, .def = 2,
		.ops = FB_OPS(.get = morph_get, .set = morph_set)),
	FB_ROW("proposal/allow", .kind = FB_LEAF_TEXT, .label = "May turn",
		.doc = "What a proposal may turn: patterns such as comp.*,eq.b?_gain; a name without a "
			   "dot is a whole node, * is all, nothing is nothing. Kept for the next start, as "
			   "max_step, morph and watchdog are.",
		.ops = FB_OPS(.get = allow_get, .set = allow_set)),
	FB_ROW("proposal/max_step", .kind = FB_LEAF_FLOAT, .label = "How far",
		.doc = "Share of its travel by which a proposal may move a parameter from where it stands.",
		.max = 1, .def = 1, .ops = FB_OPS(.get = max_step_get, .set = max_step_set)),
	FB_ROW("proposal/watchdog", .kind = FB_LEAF_FLOAT, .label = "Watchdog",
		.doc = "An armed change is taken back if the live quality falls by more points than this "
			   "within 10 s of sound; 0 is off.",
		.max = 100, .def = 8, .ops = FB_OPS(.get = watchdog_get, .set = watchdog_set)),
	FB_ROW("proposal/audition", .kind = FB_LEAF_CHOICE, .label = "Audition",
		.doc = "Play the station on the monitor outputs as it is set or as proposed, alike in "
			   "loudness. The audience hears none of it.",
		.choices = hearings, .n_choices = 3,
		.ops = FB_OPS(.get = audition_get, .set = audition_set)),
	FB_ROW("proposal/source", .kind = FB_LEAF_CHOICE, .label = "Heard on",
		.doc = "What an audition plays: live is what the station is fed at this moment; captured "
			   "the stretch that the proposal was found on, round and round; auto live if that "
			   "was its input, else captured.",
		.choices = sources, .n_choices = 3, .ops = FB_OPS(.get = source_get, .set = source_set)),
	FB_ROW("proposal/offer", .kind = FB_LEAF_COMMAND, .label = "Offer",
		.doc = "RUN: propose the parameters of a run.", .args = "s",
		.ops = FB_OPS(.call = offer_call)),
	FB_ROW("proposal/accept", .kind = FB_LEAF_COMMAND, .label = "Accept",
		.doc = "Let the proposal be heard; undo brings the old values back.",
		.ops = FB_OPS(.call = accept_call)),
	FB_ROW("proposal/reject", .kind = FB_LEAF_COMMAND, .label = "Reject",
		.doc = "Put the proposal aside.", .ops = FB_OPS(.call = reject_call)),
};

/* --- the monitor's, which is one for all stations */

static const fb_channel *heard_channel(const fb_server *server)
{
	uint32_t i = 0;
	while (i < server->n_channels && server->channel[i].proposal.audition == FB_HEAR_OFF) {
		i++;
	}
	return i < server->n_channels ? &server->channel[i] : NULL;
}

static uint32_t heard_station(const fb_server *server)
{
	const fb_channel *channel = heard_channel(server);
	return channel ? channel->index + 1 : 0;
}

static double live_share(const fb_server *server)
{
	const fb_channel *channel = heard_channel(server);
	return channel ? fb_live_share(channel->proposal.live) : 0.0;
}

FB_GETTER(fb_server, station_get, fb_int_value(heard_station(self)))
FB_GETTER(fb_server, share_get, fb_float_value(100.0 * live_share(self)))
FB_GETTER(fb_server, gaps_get, fb_int_value(fb_monitor_gaps(self->monitor)))

static const fb_leaf_row monitor_leaves[] = {
	FB_ROW("/server/monitor/station", .kind = FB_LEAF_INT, .label = "On the monitor",
		.doc = "The station whose proposal is heard on the monitor outputs, 0: none.",
		.max = FB_STATIONS_MAX, .ops = FB_OPS(.get = station_get)),
	FB_ROW("/server/monitor/share", .kind = FB_LEAF_FLOAT, .label = "Live shadow", .unit = "%",
		.doc = "Of the time there is, what a live audition takes, in a thread of its own.",
		.max = 1e6, .meter = true, .ops = FB_OPS(.get = share_get)),
	FB_ROW("/server/monitor/gaps", .kind = FB_LEAF_INT, .label = "Gaps",
		.doc = "How often a live audition was interrupted, faded, because its sound came late.",
		.max = 1e15, .meter = true, .counter = true, .ops = FB_OPS(.get = gaps_get)),
};

fb_status fb_monitor_add_leaves(fb_server *server, fb_error *error)
{
	return fb_leaves_add(server->tree, "", FB_ROWS(monitor_leaves), server, error);
}

/* --- a station's */

fb_status fb_proposal_add_leaves(fb_channel *channel, fb_error *error)
{
	return fb_channel_add_leaves(channel, FB_ROWS(leaves), error);
}
