/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The end of a session: the winner becomes a proposal. */
#include "record.h"
#include "session.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/** What people turned meanwhile stays when the proposal is accepted, unless that turns it too: they
	should know, for it was measured without. */
static fb_status find_turned_meanwhile(fb_session *session, fb_error *error)
{
	json_t *now = NULL, *was;
	const char *key;
	fb_status status = fb_link_settings(session->link, &now, error);
	if (status) {
		return status;
	}
	session->turned_meanwhile = json_array();
	json_object_foreach((json_t *)(uintptr_t)fb_link_start(session->link), key, was)
	{
		if (!json_equal(json_object_get(now, key), was)) {
			json_array_append_new(session->turned_meanwhile, json_string(key));
		}
	}
	json_decref(now);
	return FB_OK;
}

/** The winner once more, as a run of its own. */
static fb_status run_winner(fb_session *session, fb_error *error)
{
	json_t *report = NULL,
		   *changes = fb_values_json(&session->knobs, fb_session_after(session)->value);
	char notes[128];
	if (!changes) {
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	snprintf(notes, sizeof notes, "optimizer: winner of session %s", session->id);
	fb_status status = fb_link_final(session->link, changes, notes, &report, error);
	json_decref(changes);
	if (status) {
		return status;
	}
	const char *run_id = json_string_value(json_object_get(report, "run_id"));
	double score = json_number_value(json_object_get(report, "score"));
	if (!run_id || score != fb_session_after(session)->score) {
		status = fb_fail(error, FB_IO, "/api/calibration/run",
			"the winner's run scores %.6g, its audition %.6g: was the goal or the chain changed?",
			score, fb_session_after(session)->score);
	} else {
		snprintf(session->proposal, sizeof session->proposal, "%s", run_id);
	}
	json_decref(report);
	return status;
}

static fb_status offer(fb_session *session, fb_error *error)
{
	fb_status status = run_winner(session, error);
	if (!status) {
		status = fb_link_offer(session->link, session->proposal, error);
	}
	if (status) {
		session->proposal[0] = '\0';
		return status;
	}
	if (session->options.accept) {
		status = fb_link_accept(session->link, error);
		session->accepted = !status;
	}
	return status;
}

static fb_status store(fb_session *session, fb_error *error)
{
	json_t *document = fb_record_document(session);
	if (!document) {
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	fb_status status = fb_link_store(session->link, document, error);
	json_decref(document);
	return status;
}

fb_status fb_session_conclude(fb_session *session, fb_error *error)
{
	fb_error lost;
	session->wrapping_up = true;
	fb_status status = find_turned_meanwhile(session, error), stored;
	if (!status && session->history.best > 0) {
		status = offer(session, error);
	}
	/* a refused proposal is worth keeping too */
	stored = store(session, status ? &lost : error);
	return status ? status : stored;
}

void fb_session_abandon(fb_session *session, fb_error *error)
{
	session->wrapping_up = true;
	session->stopped = "failed";
	(void)store(session, error); /* its failure is told already */
}
