/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The leaves of a station's proposal. */
#include "../calibration.h"
#include "../server.h"

#include <stdio.h>
#include <string.h>

enum { ADDRESS_LEN = 128 };

static fb_value text_value(const char *text)
{
	return (fb_value){.tag = 's', .s = text};
}

static void proposal_get(void *ctx, uint32_t index, fb_value *value)
{
	const fb_proposal *proposal = &((fb_channel *)ctx)->proposal;
	*value = text_value(index ? proposal->id : proposal->state);
}

static void armed_get(void *ctx, uint32_t index, fb_value *value)
{
	(void)index;
	*value = (fb_value){.tag = ((fb_channel *)ctx)->proposal.armed ? 'T' : 'F'};
}

static fb_status armed_set(
	void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error)
{
	(void)index, (void)origin, (void)error;
	((fb_channel *)ctx)->proposal.armed = value->tag == 'T';
	return FB_OK;
}

enum { NUMBER_MORPH, NUMBER_MAX_STEP, NUMBER_WATCHDOG };

static double *number(fb_channel *channel, uint32_t index)
{
	fb_proposal *proposal = &channel->proposal;
	return index == NUMBER_MORPH      ? &proposal->morph_s
		   : index == NUMBER_MAX_STEP ? &proposal->max_step
									  : &proposal->watchdog.drop;
}

static void number_get(void *ctx, uint32_t index, fb_value *value)
{
	*value = (fb_value){.tag = 'f', .f = *number(ctx, index)};
}

static fb_status number_set(
	void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error)
{
	(void)origin, (void)error;
	*number(ctx, index) = value->f;
	return FB_OK;
}

static void allow_get(void *ctx, uint32_t index, fb_value *value)
{
	(void)index;
	*value = text_value(((fb_channel *)ctx)->proposal.allow);
}

static fb_status allow_set(
	void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error)
{
	(void)index, (void)origin;
	fb_proposal *proposal = &((fb_channel *)ctx)->proposal;
	if (strlen(value->s) >= sizeof proposal->allow) {
		return fb_fail(
			error, FB_TOO_LARGE, "allow", "at most %zu bytes", sizeof proposal->allow - 1);
	}
	snprintf(proposal->allow, sizeof proposal->allow, "%s", value->s);
	return FB_OK;
}

static const char *const hearings[] = {"off", "current", "proposed"};

static void audition_get(void *ctx, uint32_t index, fb_value *value)
{
	(void)index;
	*value = text_value(hearings[((fb_channel *)ctx)->proposal.audition]);
}

static fb_status audition_set(
	void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error)
{
	(void)index;
	return fb_proposal_hear(ctx, (fb_hearing)value->i, origin, error);
}

enum { PROPOSAL_OFFER, PROPOSAL_ACCEPT, PROPOSAL_REJECT };

static fb_status proposal_call(void *ctx, uint32_t index, const fb_value *argv, uint32_t argc,
	const fb_origin *origin, fb_answer *answer, fb_error *error)
{
	(void)argc, (void)answer;
	fb_channel *channel = ctx;
	if (index == PROPOSAL_ACCEPT) {
		return fb_proposal_accept(channel, origin, error);
	}
	if (index == PROPOSAL_REJECT) {
		return fb_proposal_reject(channel, origin, error);
	}
	const json_t *parameters =
		fb_calibration_run_parameters(channel->server->calibration, argv[0].s, channel->index);
	if (!parameters) {
		return fb_fail(error, FB_NOT_FOUND, argv[0].s, "this station has no such run of late");
	}
	return fb_proposal_offer(channel, argv[0].s, parameters, origin, error);
}

/* --- the list */

#define OPS(...)                                                                                   \
	&(const fb_leaf_ops)                                                                           \
	{                                                                                              \
		__VA_ARGS__                                                                                \
	}

static const struct {
	const char *leaf;
	fb_leaf_spec spec;
} leaves[] = {
	{"state", {.kind = FB_LEAF_TEXT,
				  .access = FB_READ,
				  .label = "Proposal",
				  .doc = "none, offered, accepted, rejected or taken back.",
				  .ops = OPS(.get = proposal_get),
				  .index = 0}},
	{"id", {.kind = FB_LEAF_TEXT,
			   .access = FB_READ,
			   .label = "Proposal's run",
			   .doc = "The run whose parameters are proposed.",
			   .ops = OPS(.get = proposal_get),
			   .index = 1}},
	{"armed", {.kind = FB_LEAF_BOOL,
				  .access = FB_READ_WRITE,
				  .label = "Armed",
				  .max = 1,
				  .doc = "Accept proposals at once while the mode is auto.",
				  .ops = OPS(.get = armed_get, .set = armed_set)}},
	{"morph", {.kind = FB_LEAF_FLOAT,
				  .access = FB_READ_WRITE,
				  .label = "Morph",
				  .unit = "s",
				  .doc = "How long accepting glides from the old values to the new.",
				  .min = 0,
				  .max = 60,
				  .def = 2,
				  .ops = OPS(.get = number_get, .set = number_set),
				  .index = NUMBER_MORPH}},
	{"allow",
		{.kind = FB_LEAF_TEXT,
			.access = FB_READ_WRITE,
			.label = "May turn",
			.doc = "What a proposal may turn: patterns such as comp.*,eq.b?_gain; a name without "
				   "a dot is a whole node, * is all.",
			.ops = OPS(.get = allow_get, .set = allow_set)}},
	{"max_step",
		{.kind = FB_LEAF_FLOAT,
			.access = FB_READ_WRITE,
			.label = "How far",
			.doc = "Share of its travel by which a proposal may move a parameter from where it "
				   "stands.",
			.min = 0,
			.max = 1,
			.def = 1,
			.ops = OPS(.get = number_get, .set = number_set),
			.index = NUMBER_MAX_STEP}},
	{"watchdog",
		{.kind = FB_LEAF_FLOAT,
			.access = FB_READ_WRITE,
			.label = "Watchdog",
			.doc = "An armed change is taken back if the live quality falls by more points "
				   "than this within 10 s; 0 is off.",
			.min = 0,
			.max = 100,
			.def = 15,
			.ops = OPS(.get = number_get, .set = number_set),
			.index = NUMBER_WATCHDOG}},
	{"audition",
		{.kind = FB_LEAF_CHOICE,
			.access = FB_READ_WRITE,
			.label = "Audition",
			.doc = "Play the proposal's source on the monitor outputs, as the station is set "
				   "or as proposed, alike in loudness. The audience hears none of it.",
			.choices = hearings,
			.n_choices = 3,
			.ops = OPS(.get = audition_get, .set = audition_set)}},
	{"offer", {.kind = FB_LEAF_COMMAND,
				  .access = FB_WRITE,
				  .label = "Offer",
				  .doc = "RUN: propose the parameters of a run.",
				  .args = "s",
				  .ops = OPS(.call = proposal_call),
				  .index = PROPOSAL_OFFER}},
	{"accept", {.kind = FB_LEAF_COMMAND,
				   .access = FB_WRITE,
				   .label = "Accept",
				   .doc = "Let the proposal be heard; undo brings the old values back.",
				   .args = "",
				   .ops = OPS(.call = proposal_call),
				   .index = PROPOSAL_ACCEPT}},
	{"reject", {.kind = FB_LEAF_COMMAND,
				   .access = FB_WRITE,
				   .label = "Reject",
				   .doc = "Put the proposal aside.",
				   .args = "",
				   .ops = OPS(.call = proposal_call),
				   .index = PROPOSAL_REJECT}},
};

fb_status fb_proposal_add_leaves(fb_channel *channel, fb_error *error)
{
	char address[ADDRESS_LEN];
	fb_status status = FB_OK;
	for (size_t i = 0; i < sizeof leaves / sizeof *leaves && !status; i++) {
		fb_leaf_spec spec = leaves[i].spec;
		spec.ctx = channel;
		spec.unit = spec.unit ? spec.unit : "";
		snprintf(
			address, sizeof address, "/station/%u/proposal/%s", channel->index + 1, leaves[i].leaf);
		status = fb_tree_add(channel->server->tree, address, &spec, error);
	}
	return status;
}
