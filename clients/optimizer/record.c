/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "record.h"

#include <stdint.h>

json_t *fb_record_changes(const fb_session *session)
{
	json_t *changes = json_object();
	const double *after = fb_session_after(session)->value;
	for (int k = 0; changes && k < session->knobs.count; k++) {
		const fb_knob *knob = &session->knobs.knob[k];
		if (after[k] != knob->start) {
			json_object_set_new(changes, knob->address,
				json_pack("[o, o]", fb_knob_json(knob, knob->start), fb_knob_json(knob, after[k])));
		}
	}
	return changes;
}

static json_t *rounds_json(const fb_session *session)
{
	json_t *list = json_array();
	for (int i = 0; list && i < session->rounds; i++) {
		const fb_round *round = &session->round[i];
		json_t *row = json_pack("{s:i, s:s, s:i, s:f, s:f, s:f}", "round", round->number, "kind",
			round->tidying ? "tidy" : "search", "auditions", round->auditions, "seconds",
			round->seconds, "score", round->score, "gain", round->gain);
		if (row && session->relay) {
			json_object_set_new(
				row, "tokens", json_real(round->spend.tokens_in + round->spend.tokens_out));
			json_object_set_new(row, "money", json_real(round->spend.money));
		}
		json_array_append_new(list, row);
	}
	return list;
}

static json_t *spend_json(const fb_session *session)
{
	fb_spend spend = fb_session_spend(session);
	return json_pack("{s:i, s:f, s:f, s:f, s:b}", "requests", spend.requests, "tokens_in",
		spend.tokens_in, "tokens_out", spend.tokens_out, "money", spend.money, "estimated",
		spend.estimated);
}

/** What the winner's parameters are worth: the points that go where one is put back. */
static json_t *why_json(const fb_session *session)
{
	json_t *why = json_object();
	const double *after = fb_session_after(session)->value;
	for (int k = 0; why && session->worth && k < session->knobs.count; k++) {
		const fb_knob *knob = &session->knobs.knob[k];
		const fb_worth *worth = &session->worth[k];
		if (after[k] != knob->start && worth->known) {
			json_object_set_new(why, knob->address,
				json_pack("{s:f, s:s}", "points", worth->points, "metric",
					session->history.metric_id[worth->metric]));
		}
	}
	return why;
}

json_t *fb_record_summary(const fb_session *session)
{
	const char *proposal = session->proposal[0] ? session->proposal : NULL;
	json_t *summary =
		json_pack("{s:s, s:i, s:s, s:f, s:f, s:o, s:i, s:f, s:o, s:s, s:s?, s:b, s:O?}", "session",
			session->id, "station", session->options.station, "engine",
			session->options.engine->name, "score_before", fb_session_before(session)->score,
			"score_after", fb_session_after(session)->score, "rounds", rounds_json(session),
			"auditions", session->history.count, "seconds", fb_session_seconds(session), "changes",
			fb_record_changes(session), "stopped", session->stopped, "proposal", proposal,
			"accepted", session->accepted, "turned_meanwhile", session->turned_meanwhile);
	if (summary) {
		json_object_set_new(summary, "why", why_json(session));
	}
	if (summary && session->relay) {
		json_object_set_new(summary, "spend", spend_json(session));
		json_object_set_new(
			summary, "gave_up", *session->gave_up ? json_string(session->gave_up) : json_null());
	}
	if (summary && session->replay) {
		json_object_set(summary, "replay", session->replay);
	}
	return summary;
}

static json_t *options_json(const fb_session *session)
{
	const fb_session_options *options = &session->options;
	json_t *out = json_pack("{s:f, s:i, s:i, s:i, s:f, s:I, s:s?, s:s?, s:b}", "epsilon",
		options->epsilon, "patience", options->patience, "rounds", options->rounds_max, "auditions",
		options->auditions_max, "seconds", options->seconds_max, "seed", (json_int_t)options->seed,
		"only", options->limits.only, "freeze", options->limits.freeze, "accept", options->accept);
	if (out && options->engine->asks) {
		const fb_relay_options *relay = &options->relay;
		json_object_update_new(out,
			json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:b}", "model", relay->model, "max_step",
				options->max_step, "token_budget", options->request_tokens_max, "tokens",
				relay->tokens_max, "money", relay->money_max, "price_in", relay->price_in,
				"price_out", relay->price_out, "send_audio", options->send_audio));
	}
	return out;
}

/** Every trial: what it changed against the start, what came of it, what it was to show. */
static json_t *trials_json(const fb_session *session)
{
	json_t *list = json_array();
	for (int i = 0; list && i < session->history.count; i++) {
		const fb_trial *trial = &session->history.trial[i];
		char measured[17];
		fb_trials_fingerprint(&session->history, i, measured);
		json_array_append_new(
			list, json_pack("{s:s, s:i, s:f, s:s, s:s, s:o}", "run_id", trial->run_id, "round",
					  trial->round, "score", trial->score, "measured", measured, "why", trial->why,
					  "changes", fb_values_json(&session->knobs, trial->value)));
	}
	return list;
}

static json_t *knobs_json(const fb_session *session)
{
	json_t *list = json_array();
	for (int k = 0; list && k < session->knobs.count; k++) {
		json_array_append_new(list, json_string(session->knobs.knob[k].key));
	}
	return list;
}

json_t *fb_record_document(const fb_session *session)
{
	json_t *document = fb_record_summary(session);
	json_t *more =
		json_pack("{s:s, s:o, s:O, s:O?, s:f, s:O, s:o, s:o}", "version", FB_VERSION, "options",
			options_json(session), "source", session->source, "source_hash", session->source_hash,
			"source_seconds", session->source_s, "start", fb_link_start(session->link), "turnable",
			knobs_json(session), "trials", trials_json(session));
	if (!document || !more || json_object_update(document, more)) {
		json_decref(document);
		document = NULL;
	}
	static const char *const kept[][2] = {
		{"reference", "reference_hash"}, {"goal", "goal"}, {"chain", "chain"}};
	for (size_t i = 0; document && i < sizeof kept / sizeof *kept; i++) {
		json_t *value = json_object_get(session->report, kept[i][0]);
		if (value) {
			json_object_set(document, kept[i][1], value);
		}
	}
	if (document && session->relay) {
		json_object_set(
			document, "exchanges", (json_t *)(uintptr_t)fb_relay_exchanges(session->relay));
	}
	json_decref(more);
	return document;
}
