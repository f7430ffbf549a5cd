/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What handlers of routes have in common. thread: control */
#include "route.h"

#include <stdlib.h>
#include <string.h>

void fb_refuse(fb_request *request, fb_status status, const char *where, const char *text)
{
	fb_error error;
	fb_fail(&error, status, where, "%s", text);
	fb_http_answer_error(request, &error);
}

fb_channel *fb_asked_channel(fb_request *request, const fb_asked *asked)
{
	char *end;
	unsigned long n = strtoul(asked->part[0], &end, 10);
	if (*end || n < 1 || n > asked->server->n_channels) {
		fb_refuse(request, FB_NOT_FOUND, asked->path, "there is no such station");
		return NULL;
	}
	return &asked->server->channel[n - 1];
}

json_t *fb_asked_body(fb_request *request, const fb_asked *asked)
{
	json_error_t why;
	json_t *body = json_loadb(asked->body, asked->body_len, JSON_REJECT_DUPLICATES, &why);
	if (!body) {
		fb_http_answer_fault(
			request, 400, asked->path, "line %d, column %d: %s", why.line, why.column, why.text);
	}
	return body;
}

bool fb_asked_text(const fb_asked *asked, const char *name, char *text, size_t size)
{
	size_t len = strlen(name);
	for (const char *at = asked->query; *at; at += *at == '&') {
		size_t whole = strcspn(at, "&");
		if (!strncmp(at, name, len) && at[len] == '=') {
			size_t n = whole - len - 1 < size ? whole - len - 1 : size - 1;
			memcpy(text, at + len + 1, n);
			text[n] = '\0';
			return true;
		}
		at += whole;
	}
	return false;
}

long fb_asked_number(const fb_asked *asked, const char *name, long otherwise)
{
	char text[32];
	return fb_asked_text(asked, name, text, sizeof text) ? strtol(text, NULL, 10) : otherwise;
}

void fb_answer_rows(void *ctx, const json_t *rows, const fb_error *error)
{
	fb_request *request = fb_http_redeem(ctx);
	if (request && error) {
		fb_http_answer_error(request, error);
	} else if (request) {
		fb_http_answer_json(request, 200, json_incref((json_t *)(uintptr_t)rows));
	}
}

void fb_answer_stored(void *ctx, const json_t *rows, const fb_error *error)
{
	(void)rows;
	fb_request *request = fb_http_redeem(ctx);
	if (request && error) {
		fb_http_answer_error(request, error);
	} else if (request) {
		fb_http_answer_json(request, 200, json_pack("{s:b}", "stored", 1));
	}
}

void fb_await(const fb_asked *asked, fb_ticket *ticket, fb_status posted)
{
	if (posted) {
		fb_answer_rows(ticket, NULL, fb_store_refusal(asked->server->store));
	}
}

void fb_answer_done(
	fb_request *request, const fb_asked *asked, fb_status status, const fb_error *error)
{
	if (status) {
		fb_http_answer_error(request, error);
		return;
	}
	fb_ticket *ticket = fb_http_defer(request);
	if (ticket) {
		fb_await(asked, ticket, fb_store_sync(asked->server->store, fb_answer_stored, ticket));
	}
}
