/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reply.h"

#include "plain.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 256 << 10 };

static void fault(fb_reply *reply, const char *what, const char *quote)
{
	char plain[200] = "";
	if (quote) {
		fb_plain(plain, sizeof plain, quote);
	}
	snprintf(reply->fault, sizeof reply->fault, "%s%s%s", what, quote ? ": " : "", plain);
}

static double tokens(const json_t *root, const char *key)
{
	const json_t *count = json_object_get(json_object_get(root, "usage"), key);
	double value = json_is_number(count) ? json_number_value(count) : -1.0;
	return value >= 0.0 && value < 1e9 ? value : -1.0;
}

/** Is this part of a message what the model says, not what it thinks? */
static bool is_said(const json_t *part)
{
	const char *type = json_string_value(json_object_get(part, "type"));
	return !type || !strcmp(type, "text") || !strcmp(type, "output_text");
}

/** The text of a message, in one piece or in parts. NULL: none. free() it. */
static char *text_of(const json_t *content)
{
	size_t at, len = 0;
	json_t *part;
	if (json_is_string(content)) {
		return strdup(json_string_value(content));
	}
	char *all = json_array_size(content) ? calloc(1, TEXT_MAX + 1) : NULL;
	json_array_foreach((json_t *)(uintptr_t)content, at, part)
	{
		const char *text = is_said(part) ? json_string_value(json_object_get(part, "text")) : NULL;
		size_t more = text ? strlen(text) : 0;
		if (all && text && len + more <= TEXT_MAX) {
			memcpy(all + len, text, more);
			len += more;
		}
	}
	return all;
}

static void read_message(fb_reply *reply, const json_t *choice)
{
	const json_t *message = json_object_get(choice, "message");
	const char *refusal = json_string_value(json_object_get(message, "refusal"));
	const char *ended = json_string_value(json_object_get(choice, "finish_reason"));
	char *text = text_of(json_object_get(message, "content"));
	if (!json_is_object(message)) {
		fault(reply, "the server's answer has no message in it", NULL);
	} else if (refusal && *refusal) {
		fault(reply, "the model refused", refusal);
	} else if (ended && !strcmp(ended, "content_filter")) {
		fault(reply, "the server's filter held the answer back", NULL);
	} else if (ended && !strcmp(ended, "length")) {
		fault(reply, "the answer was cut off: it is too long", NULL);
	} else if ((!text || !*text) && json_object_get(message, "tool_calls")) {
		fault(reply, "the model called a tool instead of answering", NULL);
	} else if (!text || !*text) {
		fault(reply, "the answer is empty", NULL);
	} else if (strlen(text) >= TEXT_MAX) {
		fault(reply, "the answer is longer than 256 KiB", NULL);
	} else {
		reply->text = text;
		return;
	}
	free(text);
}

void fb_reply_read(fb_reply *reply, const char *body)
{
	*reply = (fb_reply){.tokens_in = -1.0, .tokens_out = -1.0};
	json_t *root = json_loads(body, 0, NULL);
	const json_t *choices = json_object_get(root, "choices"),
				 *error = json_object_get(root, "error");
	if (!root && !strncmp(body, "data:", 5)) {
		fault(reply, "the server streams its answer, which was not asked for", NULL);
	} else if (!root) {
		fault(reply, "the server's answer is no JSON", *body ? body : NULL);
	} else if (json_is_string(json_object_get(error, "message"))) {
		fault(reply, "the server reports an error",
			json_string_value(json_object_get(error, "message")));
	} else if (!json_array_size(choices)) {
		fault(reply, "the server's answer is no chat completion", NULL);
	} else {
		reply->tokens_in = tokens(root, "prompt_tokens");
		reply->tokens_out = tokens(root, "completion_tokens");
		read_message(reply, json_array_get(choices, 0));
	}
	json_decref(root);
}

void fb_reply_finish(fb_reply *reply)
{
	free(reply->text);
	*reply = (fb_reply){0};
}
