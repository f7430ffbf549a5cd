/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Asking a language model: requests in the form of OpenAI's chat completions, what they cost, and
	a record of each with its answer, from which a session can be done again. */
#ifndef FB_RELAY_H
#define FB_RELAY_H

#include "chat.h"
#include "reply.h"

#include <jansson.h>

typedef struct fb_relay fb_relay;

typedef struct fb_relay_options {
	fb_chat_options chat;
	const char *model;
	double price_in, price_out;   ///< money for a million tokens
	double tokens_max, money_max; ///< budgets; 0: no limit
	bool dry_run;                 ///< print the first request, send none
	const json_t *recorded; ///< exchanges of an earlier session instead of a server; NULL: none
} fb_relay_options;

/** What was spent so far. */
typedef struct fb_spend {
	int requests;
	double tokens_in, tokens_out, money;
	bool estimated; ///< the server did not count all tokens
} fb_spend;

FB_MUST_CHECK fb_status fb_relay_open(
	const fb_relay_options *options, fb_relay **out, fb_error *error);
void fb_relay_close(fb_relay *relay); ///< NULL is allowed

/** Ask. An answer that is of no use is no failure: reply->fault says why.
	range:  messages as chat completions have them; schema: of the answer (JSON schema)
	owns:   fills *reply (fb_reply_finish)
	errors: those of fb_chat_post but FB_TOO_LARGE; FB_UNAVAILABLE also at the end of a recording;
	        FB_TOO_MANY no more may be asked: a budget is used up, it was a dry run, or go_on said
	        so */
FB_MUST_CHECK fb_status fb_relay_ask(fb_relay *relay, const json_t *messages, const json_t *schema,
	fb_reply *reply, fb_error *error);

const fb_spend *fb_relay_spend(const fb_relay *relay);
/** Which budget is used up: "tokens", "money", "dry run"; NULL: none. */
const char *fb_relay_spent(const fb_relay *relay);
/** [{"request", "body", "tokens_in", "tokens_out"}], without keys and without audio. Borrowed. */
const json_t *fb_relay_exchanges(const fb_relay *relay);

/** Tokens that a text will take, more rather than less. */
double fb_relay_tokens(size_t bytes);

#endif
