/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relay.h"

#include "plain.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* English has 4 bytes a token, names of parameters 3, numbers 1.5; what is asked here 3 at most */
#define BYTES_PER_TOKEN 2.5
#define MILLION 1e6

/** How the form of an answer is asked for: servers understand more or less. */
typedef enum form { FORM_SCHEMA, FORM_JSON, FORM_PLAIN } form;

struct fb_relay {
	fb_relay_options options;
	fb_chat *chat; ///< NULL: from a recording
	form form;
	fb_spend spend;
	const char *spent;
	double longest; ///< tokens of an answer so far
	json_t *exchanges;
	size_t played; ///< of the recording
};

double fb_relay_tokens(size_t bytes)
{
	return (double)bytes / BYTES_PER_TOKEN;
}

fb_status fb_relay_open(const fb_relay_options *options, fb_relay **out, fb_error *error)
{
	fb_relay *relay = calloc(1, sizeof *relay);
	json_t *exchanges = json_array();
	if (!relay || !exchanges) {
		json_decref(exchanges);
		free(relay);
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	relay->options = *options;
	relay->exchanges = exchanges;
	fb_status status =
		options->recorded ? FB_OK : fb_chat_open(&options->chat, &relay->chat, error);
	if (status) {
		fb_relay_close(relay);
		return status;
	}
	*out = relay;
	return FB_OK;
}

void fb_relay_close(fb_relay *relay)
{
	if (relay) {
		fb_chat_close(relay->chat);
		json_decref(relay->exchanges);
		free(relay);
	}
}

const fb_spend *fb_relay_spend(const fb_relay *relay)
{
	return &relay->spend;
}

const char *fb_relay_spent(const fb_relay *relay)
{
	return relay->spent;
}

const json_t *fb_relay_exchanges(const fb_relay *relay)
{
	return relay->exchanges;
}

/* --- the request */

static json_t *make_request(const fb_relay *relay, const json_t *messages, const json_t *schema)
{
	json_t *request = json_pack(
		"{s:s, s:b, s:O}", "model", relay->options.model, "stream", 0, "messages", messages);
	json_t *format = NULL;
	if (relay->form == FORM_SCHEMA) {
		format = json_pack("{s:s, s:{s:s, s:b, s:O}}", "type", "json_schema", "json_schema", "name",
			"recommendation", "strict", 1, "schema", schema);
	} else if (relay->form == FORM_JSON) {
		format = json_pack("{s:s}", "type", "json_object");
	}
	if (request && format) {
		json_object_set_new(request, "response_format", format);
	}
	return request;
}

static void print_dry(const fb_relay *relay, const json_t *request)
{
	printf("POST %s\nContent-Type: application/json\n", fb_chat_url(relay->chat));
	if (relay->options.chat.key) {
		puts("Authorization: Bearer (the key)");
	}
	putchar('\n');
	json_dumpf(request, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	putchar('\n');
}

/** Would it be too much, should the answer be as long as the longest so far? */
static const char *over_budget(const fb_relay *relay, double tokens)
{
	const fb_relay_options *options = &relay->options;
	const fb_spend *spend = &relay->spend;
	double all = spend->tokens_in + spend->tokens_out + tokens + relay->longest,
		   cost = tokens * options->price_in + relay->longest * options->price_out,
		   money = spend->money + cost / MILLION;
	return options->tokens_max > 0.0 && all > options->tokens_max   ? "tokens"
		   : options->money_max > 0.0 && money > options->money_max ? "money"
																	: NULL;
}

static fb_status stop(fb_relay *relay, const char *spent, fb_error *error)
{
	relay->spent = spent;
	return fb_fail(error, FB_TOO_MANY, "", "no request was sent: %s", spent);
}

/** The same request without its audio, which the server keeps under the source's name. */
static json_t *without_audio(const json_t *request)
{
	size_t i, j;
	json_t *message, *part;
	json_t *copy = json_deep_copy(request);
	json_array_foreach(json_object_get(copy, "messages"), i, message)
	{
		json_array_foreach(json_object_get(message, "content"), j, part)
		{
			json_t *audio = json_object_get(part, "input_audio");
			if (audio) {
				json_object_set_new(audio, "data", json_string("(the source)"));
			}
		}
	}
	return copy;
}

/* --- sending */

/** Should it be asked in a plainer form? Servers say 400 or 422 to one that they do not know. Some
	that make a grammar of a schema answer 500 where they cannot, as often as they are asked: taken
	so while nothing else was ever answered. */
static bool wants_plainer(const fb_relay *relay, fb_status status, long http)
{
	bool refused = status == FB_INVALID && (http == 400 || http == 422);
	bool broke = status == FB_UNAVAILABLE && http == 500 && relay->spend.requests == 0;
	return relay->form != FORM_PLAIN && (refused || broke);
}

/** Send in the form the server understands. */
static fb_status send_request(fb_relay *relay, const json_t *messages, const json_t *schema,
	json_t **request, char **body, fb_error *error)
{
	for (;;) {
		long http = 0;
		json_decref(*request);
		*request = make_request(relay, messages, schema);
		char *text = *request ? json_dumps(*request, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
		if (!text) {
			return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
		}
		fb_status status = fb_chat_post(relay->chat, text, body, &http, error);
		free(text);
		if (!wants_plainer(relay, status, http)) {
			return status;
		}
		relay->form++;
	}
}

/** Bytes that JSON can hold; the same text is read, stored and, in a replay, read again. */
static void clean(char *body)
{
	json_t *fits = json_string(body);
	for (char *at = body; !fits && *at; at++) {
		*at = (unsigned char)*at < 0x80 ? *at : '?';
	}
	json_decref(fits);
}

static void account(fb_relay *relay, const fb_reply *reply, double asked, const char *body)
{
	fb_spend *spend = &relay->spend;
	bool counted = reply->tokens_in >= 0.0 && reply->tokens_out >= 0.0;
	double in = reply->tokens_in >= 0.0 ? reply->tokens_in : asked,
		   out = reply->tokens_out >= 0.0 ? reply->tokens_out : fb_relay_tokens(strlen(body));
	relay->longest = fmax(relay->longest, out);
	spend->requests++;
	spend->tokens_in += in;
	spend->tokens_out += out;
	spend->money += (in * relay->options.price_in + out * relay->options.price_out) / MILLION;
	spend->estimated = spend->estimated || !counted;
}

/** The form that a recorded request had in the end. */
static form form_of(const json_t *request)
{
	const json_t *format = json_object_get(request, "response_format");
	const char *type = json_string_value(json_object_get(format, "type"));
	return !type ? FORM_PLAIN : strcmp(type, "json_object") ? FORM_SCHEMA : FORM_JSON;
}

/** The next answer of the recording; what the server was found to understand is found again, so
	that all that is estimated comes out the same. */
static fb_status play(fb_relay *relay, char **body, fb_error *error)
{
	const json_t *one = json_array_get(relay->options.recorded, relay->played);
	const char *text = json_string_value(json_object_get(one, "body"));
	if (!text) {
		return fb_fail(error, FB_UNAVAILABLE, "", "the recorded answers have come to their end");
	}
	relay->played++;
	relay->form = form_of(json_object_get(one, "request"));
	*body = strdup(text);
	return *body ? FB_OK : fb_fail(error, FB_NO_MEMORY, "", "out of memory");
}

static void keep(fb_relay *relay, const json_t *request, const char *body)
{
	json_array_append_new(
		relay->exchanges, json_pack("{s:o?, s:s, s:f, s:f}", "request",
							  request ? without_audio(request) : NULL, "body", body, "tokens_in",
							  relay->spend.tokens_in, "tokens_out", relay->spend.tokens_out));
}

fb_status fb_relay_ask(
	fb_relay *relay, const json_t *messages, const json_t *schema, fb_reply *reply, fb_error *error)
{
	json_t *request = make_request(relay, messages, schema), *lean = without_audio(request);
	char *text = lean ? json_dumps(lean, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL,
		 *body = NULL;
	json_decref(lean);
	if (!text) {
		json_decref(request);
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	double asked = fb_relay_tokens(strlen(text));
	free(text);
	const char *over = over_budget(relay, asked);
	fb_status status;
	if (over) {
		status = stop(relay, over, error);
	} else if (relay->options.recorded) {
		status = play(relay, &body, error);
	} else if (relay->options.dry_run) {
		print_dry(relay, request);
		status = stop(relay, "dry run", error);
	} else {
		status = send_request(relay, messages, schema, &request, &body, error);
	}
	if (status == FB_TOO_LARGE) { /* as useless as any other nonsense, and told like it */
		body = strdup("(more than 4 MiB)");
		status = body ? FB_OK : status;
	}
	if (!status) {
		clean(body);
		fb_reply_read(reply, body);
		account(relay, reply, asked, body);
		keep(relay, request, body);
	}
	json_decref(request);
	free(body);
	return status;
}
