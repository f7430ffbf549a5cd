/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Routes of what is stored: runs, sessions, the audit. */
#include "../rating.h"
#include "../source.h"
#include "route.h"

static void get_runs(fb_request *request, const fb_asked *asked)
{
	fb_ticket *ticket = fb_http_defer(request);
	if (ticket) {
		fb_await(asked, ticket,
			fb_store_runs(asked->server->store, (uint32_t)fb_asked_number(asked, "station", 0),
				(uint32_t)fb_asked_number(asked, "limit", 100), fb_answer_rows, ticket));
	}
}

static void get_run(fb_request *request, const fb_asked *asked)
{
	fb_ticket *ticket = fb_http_defer(request);
	if (ticket) {
		fb_await(asked, ticket,
			fb_store_find_run(asked->server->store, asked->part[0], fb_answer_rows, ticket));
	}
}

/** {"subjective": 0..5, "notes"?: text} */
static void post_rating(fb_request *request, const fb_asked *asked)
{
	fb_error error;
	json_t *body = fb_asked_body(request, asked);
	const json_t *mark = json_object_get(body, "subjective"),
				 *notes = json_object_get(body, "notes");
	if (!body) {
		return;
	}
	double value = json_number_value(mark);
	if (!json_is_number(mark) || !(value >= 0.0 && value <= FB_MARK_MAX) ||
		(notes && !json_is_string(notes)) || json_object_size(body) != (notes ? 2u : 1u)) {
		fb_refuse(
			request, FB_INVALID, "subjective", "needs {\"subjective\": 0 to 5, \"notes\"?: text}");
	} else {
		fb_ticket *ticket = fb_http_defer(request);
		if (ticket && fb_rating_give(asked->server, asked->part[0], 0, value,
						  json_string_value(notes), fb_answer_rows, ticket, &error)) {
			fb_answer_rows(ticket, NULL, &error);
		}
	}
	json_decref(body);
}

static void get_audit(fb_request *request, const fb_asked *asked)
{
	fb_ticket *ticket = fb_http_defer(request);
	if (ticket) {
		fb_await(asked, ticket,
			fb_store_audit_rows(asked->server->store, NULL,
				(uint32_t)fb_asked_number(asked, "limit", 100), fb_answer_rows, ticket));
	}
}

static void audio_read(void *ctx, const float *interleaved, uint32_t channels, uint64_t frames,
	double rate_hz, const fb_error *error)
{
	fb_request *request = fb_http_redeem(ctx);
	if (!request || error) {
		if (request) {
			fb_http_answer_error(request, error);
		}
		return;
	}
	size_t len = 0;
	unsigned char *wav = fb_wav_from_interleaved(interleaved, channels, frames, rate_hz, &len);
	if (wav) {
		fb_http_answer_bytes(request, 200, "audio/wav", wav, len);
	} else {
		fb_refuse(request, FB_NO_MEMORY, "snapshot.wav", "out of memory");
	}
}

static void get_snapshot(fb_request *request, const fb_asked *asked)
{
	fb_ticket *ticket = fb_http_defer(request);
	if (ticket && fb_store_audio(asked->server->store, asked->part[0], audio_read, ticket)) {
		audio_read(ticket, NULL, 0, 0, 0.0, fb_store_refusal(asked->server->store));
	}
}

static void put_session(fb_request *request, const fb_asked *asked)
{
	fb_store *store = asked->server->store;
	json_t *body = fb_asked_body(request, asked);
	fb_ticket *ticket = body ? fb_http_defer(request) : NULL;
	if (ticket) {
		fb_status status = fb_store_put(store, "session", asked->part[0], body);
		fb_await(asked, ticket, status ? status : fb_store_sync(store, fb_answer_stored, ticket));
	}
	json_decref(body);
}

static void get_session(fb_request *request, const fb_asked *asked)
{
	fb_ticket *ticket = fb_http_defer(request);
	if (ticket) {
		fb_await(asked, ticket,
			fb_store_find(asked->server->store, "session", asked->part[0], fb_answer_rows, ticket));
	}
}

#define LIMIT_PARAM                                                                                \
	{                                                                                              \
		"limit", NULL, 1, 10000, "At most so many, the newest first (100)."                        \
	}
#define RUN_PARAM                                                                                  \
	{                                                                                              \
		"run", NULL, 0, 0, "The run's id."                                                         \
	}
#define SESSION_PARAM                                                                              \
	{                                                                                              \
		"session", NULL, 0, 0, "The session's id, chosen by the client."                           \
	}

static const fb_route routes[] = {
	{FB_GET, "/api/runs", get_runs, "Stored runs, the newest first.",
		{{"station", NULL, 1, FB_STATIONS_MAX, "Only of this station."}, LIMIT_PARAM},
		.answer = "{'type': 'array', 'items': {'$ref': '#/components/schemas/RunSummary'}}",
		.refusals = "503"},
	{FB_GET, "/api/runs/{run}", get_run, "One run's report, without its audio.", {RUN_PARAM},
		.answer = "Run", .refusals = "404 503"},
	{FB_GET, "/api/runs/{run}/snapshot.wav", get_snapshot, "What came out in a run.", {RUN_PARAM},
		.answer_type = "audio/wav", .refusals = "404 503"},
	{FB_POST, "/api/runs/{run}/rating", post_rating,
		"What the engineer thinks of a run; its score follows where its goal weighs it.",
		{RUN_PARAM}, .body_max = FB_BODY_MAX, .body = "Rating", .answer = "Rating",
		.refusals = "404 503"},
	{FB_GET, "/api/audit", get_audit,
		"The newest rows of the audit: every set and command, accepted or refused.", {LIMIT_PARAM},
		.answer = "{'type': 'array', 'items': {'$ref': '#/components/schemas/AuditRow'}}",
		.refusals = "503"},
	{FB_PUT, "/api/sessions/{session}", put_session,
		"Keep what a client wants to know of a series of runs.", {SESSION_PARAM},
		.body_max = 16 * FB_BODY_MAX, .body = "{}", .answer = "Stored", .refusals = "503"},
	{FB_GET, "/api/sessions/{session}", get_session, "What was kept under this id.",
		{SESSION_PARAM}, .answer = "Document", .refusals = "404 503"},
};

const fb_routes fb_stored_routes = {"stored", routes, sizeof routes / sizeof *routes};
