/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replay.h"

#include <string.h>

static double number(const json_t *options, const char *key, double otherwise)
{
	const json_t *value = json_object_get(options, key);
	return json_is_number(value) ? json_number_value(value) : otherwise;
}

fb_status fb_replay_read(const json_t *document, fb_session_options *options, fb_error *error)
{
	const json_t *given = json_object_get(document, "options");
	const char *name = json_string_value(json_object_get(document, "engine"));
	const fb_tuning_engine *engine = name ? fb_tuning_engine_find(name) : NULL;
	if (!engine || !json_is_object(given) || !json_is_object(json_object_get(document, "start")) ||
		!json_is_array(json_object_get(document, "trials")) ||
		!json_is_string(json_object_get(document, "source_hash")) ||
		(engine->asks && !json_is_array(json_object_get(document, "exchanges")))) {
		return fb_fail(error, FB_INVALID, "--replay",
			"what is stored of that session is not enough to do it again");
	}
	options->engine = engine;
	options->recorded = document;
	options->station = (int)number(document, "station", options->station);
	options->limits.only = json_string_value(json_object_get(given, "only"));
	options->limits.freeze = json_string_value(json_object_get(given, "freeze"));
	options->epsilon = number(given, "epsilon", options->epsilon);
	options->patience = (int)number(given, "patience", options->patience);
	options->rounds_max = (int)number(given, "rounds", options->rounds_max);
	options->auditions_max = (int)number(given, "auditions", options->auditions_max);
	options->seconds_max = 0.0; /* the clock cannot be done again: its record can */
	options->seed = (uint64_t)number(given, "seed", (double)options->seed);
	options->accept = false;
	options->max_step = number(given, "max_step", options->max_step);
	options->request_tokens_max = number(given, "token_budget", options->request_tokens_max);
	options->send_audio = json_is_true(json_object_get(given, "send_audio"));
	options->relay.model = json_string_value(json_object_get(given, "model"));
	options->relay.tokens_max = number(given, "tokens", 0.0);
	options->relay.money_max = number(given, "money", 0.0);
	options->relay.price_in = number(given, "price_in", 0.0);
	options->relay.price_out = number(given, "price_out", 0.0);
	return FB_OK;
}

static bool same_trial(const fb_session *session, int i, const json_t *recorded)
{
	char measured[17];
	json_t *changes = fb_values_json(&session->knobs, session->history.trial[i].value);
	const char *then = json_string_value(json_object_get(recorded, "measured"));
	fb_trials_fingerprint(&session->history, i, measured);
	bool same =
		then && !strcmp(then, measured) &&
		json_real_value(json_object_get(recorded, "score")) == session->history.trial[i].score &&
		json_equal(json_object_get(recorded, "changes"), changes);
	json_decref(changes);
	return same;
}

/** Another one than was recorded, as far as the record tells. */
static bool is_other(const json_t *then, const json_t *now)
{
	return then && !json_equal(then, now);
}

/** What is another than then, in words for people; NULL: nothing that the record tells. */
static const char *what_differs(const fb_session *session)
{
	const json_t *document = session->options.recorded, *report = session->report;
	const char *version = json_string_value(json_object_get(document, "version"));
	return is_other(json_object_get(document, "chain"), json_object_get(report, "chain"))
			   ? "the station's chain"
		   : is_other(json_object_get(document, "goal"), json_object_get(report, "goal"))
			   ? "the station's goal"
		   : version && strcmp(version, FB_VERSION) ? "the program's version"
													: NULL;
}

fb_status fb_replay_compare(fb_session *session, fb_error *error)
{
	const json_t *document = session->options.recorded,
				 *trials = json_object_get(document, "trials");
	int recorded = (int)json_array_size(trials), heard = session->history.count, i = 0;
	while (i < heard && i < recorded && same_trial(session, i, json_array_get(trials, (size_t)i))) {
		i++;
	}
	bool same = i == heard && i == recorded;
	session->replay =
		json_pack("{s:O, s:i, s:i, s:b, s:o, s:s?}", "of", json_object_get(document, "session"),
			"runs", heard, "recorded", recorded, "same", same, "first_difference",
			same ? json_null() : json_integer(i), "other", same ? NULL : what_differs(session));
	return session->replay ? FB_OK : fb_fail(error, FB_NO_MEMORY, "", "out of memory");
}
