/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The engine `llm`: a language model proposes, one set a round. Before its first question it has
	the shadow station show what steps of the parameters do, so that the model need not guess. */
#include "advice.h"
#include "engine.h"
#include "package.h"
#include "plain.h"
#include "probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PROBES_SHARE = 3, /* of the auditions, this part at most shows what steps do */
	PLANNED_MAX = 64,
	USELESS_MAX = 3 /* answers in a row */
};

typedef struct llm {
	fb_tuning_task task;
	fb_probes *probes;
	bool own_probes;
	int probes_left; ///< -1: not begun
	bool asked;      ///< in this round
	bool useful;     ///< an answer was
	bool heard;      ///< the model has the audio
	int useless;     ///< answers in a row
	json_t *remarks; ///< on the last answer
	char ended[FB_FAULT_MAX + 120];
} llm;

static void destroy(void *ctx)
{
	llm *self = ctx;
	if (self) {
		if (self->own_probes) {
			fb_probes_destroy(self->probes);
		}
		json_decref(self->remarks);
		free(self);
	}
}

static fb_status create(const fb_tuning_task *task, void **out, fb_error *error)
{
	llm *self = calloc(1, sizeof *self);
	if (!self) {
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	self->task = *task;
	self->probes_left = -1;
	self->own_probes = !task->probes;
	self->probes = task->probes ? task->probes : fb_probes_create(task->history);
	if (!self->probes) {
		destroy(self);
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	*out = self;
	return FB_OK;
}

/* --- asking */

/** What the best so far and a recommendation have in their middle, knobs with a travel alone. */
static bool halfway(const fb_trials *history, const double *to, double *value)
{
	const double *from = history->trial[history->best].value;
	bool differs = false;
	for (int k = 0; k < history->knobs->count; k++) {
		const fb_knob *knob = &history->knobs->knob[k];
		value[k] = to[k];
		if (!fb_knob_is_switch(knob) && from[k] != to[k]) {
			value[k] = fb_knob_from_travel(
				knob, 0.5 * (fb_knob_to_travel(knob, from[k]) + fb_knob_to_travel(knob, to[k])));
			differs = true;
		}
	}
	return differs;
}

/** Its set, and the half of it: auditions cost next to nothing beside an answer. */
static void propose_advice(llm *self, const fb_advice *advice, int room, fb_batch *out)
{
	const fb_trials *history = self->task.history;
	char why[FB_WHY_MAX];
	const char *reasoning = json_string_value(advice->reasoning);
	double *half = malloc(((size_t)history->knobs->count + 1) * sizeof *half);
	fb_plain(why, sizeof why - 8, reasoning ? reasoning : "");
	fb_batch_add(out, history, advice->value, "model: %s", why);
	if (half && room > 1 && halfway(history, advice->value, half)) {
		fb_batch_add(out, history, half, "model, half of it");
	}
	free(half);
}

static void note_useless(llm *self, json_t *take_remarks)
{
	const char *first = json_string_value(json_array_get(take_remarks, 0));
	self->useless++;
	snprintf(self->ended, sizeof self->ended, "%s", "");
	if (self->useless >= USELESS_MAX) {
		snprintf(self->ended, sizeof self->ended,
			"the model's last %d answers were of no use; of the last: %.*s", USELESS_MAX,
			FB_FAULT_MAX, first ? first : "nothing in it");
	}
	json_decref(self->remarks);
	self->remarks = take_remarks;
}

static fb_status take_reply(
	llm *self, const fb_reply *reply, int room, fb_batch *out, fb_error *error)
{
	fb_advice advice = {0};
	if (!reply->text) {
		note_useless(self, json_pack("[s]", reply->fault));
		return FB_OK;
	}
	fb_status status =
		fb_advice_read(&advice, reply->text, self->task.history, self->task.brief->max_step, error);
	if (status) {
		return status;
	}
	if (advice.taken) {
		propose_advice(self, &advice, room, out);
		self->useful = true;
		self->useless = 0;
		json_decref(self->remarks);
		self->remarks = json_incref(advice.remarks);
	} else {
		note_useless(self, json_incref(advice.remarks));
	}
	fb_advice_finish(&advice);
	return FB_OK;
}

static double form_tokens(const json_t *schema)
{
	char *text = json_dumps(schema, JSON_COMPACT);
	double tokens = text ? fb_relay_tokens(strlen(text)) : 0.0;
	free(text);
	return tokens;
}

static fb_status ask(llm *self, int room, fb_batch *out, fb_error *error)
{
	fb_brief brief = *self->task.brief;
	json_t *messages = NULL, *schema = fb_advice_schema(self->task.history->knobs);
	fb_reply reply = {0};
	brief.audio = self->heard ? NULL : brief.audio;
	brief.form_tokens = form_tokens(schema);
	self->heard = true;
	fb_status status = schema ? fb_package(&brief, self->task.history, fb_probes_live(self->probes),
									self->remarks, &messages, error)
							  : fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	status = status ? status : fb_relay_ask(brief.relay, messages, schema, &reply, error);
	status = status ? status : take_reply(self, &reply, room, out, error);
	fb_reply_finish(&reply);
	json_decref(messages);
	json_decref(schema);
	return status;
}

/** A model that fails after it has been of use ends the search, not the session. */
static fb_status give_up(llm *self, fb_status status, fb_error *error)
{
	if (status == FB_TOO_MANY) { /* a budget: the session knows */
		return FB_OK;
	}
	if (status) {
		snprintf(self->ended, sizeof self->ended, "%s%s%.*s", error->where,
			*error->where ? ": " : "", FB_FAULT_MAX, error->text);
	} else {
		status = fb_fail(error, FB_UNAVAILABLE, "", "%s", self->ended);
	}
	return self->useful ? FB_OK : status;
}

static fb_status propose(void *ctx, int room, fb_batch *out, fb_error *error)
{
	llm *self = ctx;
	if (self->probes_left < 0) {
		self->probes_left = room / PROBES_SHARE;
		fb_probes_plan(self->probes, PLANNED_MAX, false);
	}
	fb_probes_propose(self->probes, room < self->probes_left ? room : self->probes_left, out);
	self->probes_left -= out->count;
	if (out->count || self->asked || *self->ended) {
		return FB_OK;
	}
	self->asked = true;
	fb_status status = FB_OK;
	while (!status && !out->count && !*self->ended) {
		status = ask(self, room, out, error);
	}
	return status || *self->ended ? give_up(self, status, error) : FB_OK;
}

static bool end_round(void *ctx)
{
	llm *self = ctx;
	self->asked = false;
	return !*self->ended;
}

static const char *gave_up(const void *ctx)
{
	return ((const llm *)ctx)->ended;
}

const fb_tuning_engine fb_tuning_llm = {"llm", true, create, propose, end_round, gave_up, destroy};
