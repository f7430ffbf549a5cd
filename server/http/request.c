/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One request from its head to the last byte of its answer. thread: control */
#include "request.h"

#include "../tap.h"
#include "route.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fb_ticket {
	fb_request *request; ///< NULL once its connection has ended
};

/* --- answering */

static void set_answer(
	fb_request *request, int code, const char *type, const void *data, size_t len)
{
	request->answer = malloc(LWS_PRE + len + 1);
	if (!request->answer) {
		code = 500;
		len = 0;
	} else if (len) {
		memcpy(request->answer + LWS_PRE, data, len);
	}
	request->code = code;
	request->answer_type = type;
	request->answer_len = len;
	lws_callback_on_writable(request->wsi);
}

void fb_http_answer_bytes(fb_request *request, int code, const char *type, void *take, size_t len)
{
	set_answer(request, code, type, take, len);
	free(take);
}

void fb_http_answer_json(fb_request *request, int code, json_t *take)
{
	char *text = take ? json_dumps(take, JSON_COMPACT) : NULL;
	json_decref(take);
	if (text) {
		set_answer(request, code, "application/json", text, strlen(text));
		free(text);
	} else {
		static const char sorry[] = "{\"error\":{\"code\":500,\"message\":\"out of memory\"}}";
		set_answer(request, 500, "application/json", sorry, sizeof sorry - 1);
	}
}

static void answer_refusal(fb_request *request, int code, const fb_error *error)
{
	json_t *body = json_pack("{s:i, s:s}", "code", code, "message", error->text);
	if (body && error->where[0]) {
		json_object_set_new(body, "address", json_string(error->where));
	}
	fb_http_answer_json(request, code, json_pack("{s:o}", "error", body));
}

void fb_http_answer_error(fb_request *request, const fb_error *error)
{
	answer_refusal(request, fb_status_code(error->status), error);
}

void fb_http_answer_fault(fb_request *request, int code, const char *where, const char *fmt, ...)
{
	char text[sizeof((fb_error *)NULL)->text];
	fb_error error;
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	fb_fail(&error, FB_INVALID, where, "%s", text); /* makes both printable */
	answer_refusal(request, code, &error);
}

void fb_http_add_header(fb_request *request, const char *name, const char *text)
{
	size_t used = 0, more = strlen(name) + strlen(text) + 2;
	while (request->headers[used]) {
		used += strlen(request->headers + used) + 1;
	}
	if (used + more < sizeof request->headers) {
		memcpy(request->headers + used, name, strlen(name) + 1);
		memcpy(request->headers + used + strlen(name) + 1, text, strlen(text) + 1);
	}
}

fb_ticket *fb_http_defer(fb_request *request)
{
	fb_ticket *ticket = malloc(sizeof *ticket);
	if (ticket) {
		ticket->request = request;
		request->ticket = ticket;
	} else {
		fb_http_answer_json(request, 500, NULL);
	}
	return ticket;
}

fb_request *fb_http_redeem(fb_ticket *ticket)
{
	fb_request *request = ticket->request;
	if (request) {
		request->ticket = NULL;
	}
	free(ticket);
	return request;
}

/* --- reading it */

static void forget(fb_request *request)
{
	if (request->ticket) {
		request->ticket->request = NULL;
	}
	free(request->body);
	free(request->answer);
	memset(request, 0, sizeof *request);
}

static void read_method(fb_request *request)
{
	static const struct {
		enum lws_token_indexes token;
		fb_method method;
	} methods[] = {{WSI_TOKEN_GET_URI, FB_GET}, {WSI_TOKEN_HEAD_URI, FB_GET},
		{WSI_TOKEN_POST_URI, FB_POST}, {WSI_TOKEN_PUT_URI, FB_PUT},
		{WSI_TOKEN_DELETE_URI, FB_DELETE}};
	request->method = FB_OTHER;
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
		if (lws_hdr_total_length(request->wsi, methods[i].token)) {
			request->method = methods[i].method;
		}
	}
	request->head = lws_hdr_total_length(request->wsi, WSI_TOKEN_HEAD_URI) > 0;
}

void fb_read_query(struct lws *wsi, char *query, size_t size)
{
	char part[FB_PATH_LEN];
	size_t len = 0;
	query[0] = '\0';
	for (int i = 0; lws_hdr_copy_fragment(wsi, part, sizeof part, WSI_TOKEN_HTTP_URI_ARGS, i) > 0 &&
					len < size;
		 i++) {
		len += (size_t)snprintf(query + len, size - len, "%s%s", len ? "&" : "", part);
	}
}

static void read_header(struct lws *wsi, enum lws_token_indexes token, char *text, size_t size)
{
	if (lws_hdr_copy(wsi, text, (int)size, token) < 0) {
		text[0] = '\0';
	}
}

static void begin(fb_request *request, struct lws *wsi, const char *path)
{
	memset(request, 0, sizeof *request);
	request->http = fb_http_of(wsi);
	request->wsi = wsi;
	read_method(request);
	snprintf(request->path, sizeof request->path, "%s", path);
	fb_read_query(wsi, request->query, sizeof request->query);
	read_header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, request->type, sizeof request->type);
	read_header(wsi, WSI_TOKEN_HTTP_ACCEPT, request->accept, sizeof request->accept);
	request->body_max = fb_route_body_max(request->method, request->path);
	fb_read_peer(request);
}

static void handle(fb_request *request)
{
	if (request->body_too_large) {
		fb_http_answer_fault(
			request, 413, request->path, "the body is larger than %zu bytes", request->body_max);
		return;
	}
	fb_asked asked = {.server = request->http->server,
		.method = request->method,
		.path = request->path,
		.query = request->query,
		.body = request->body ? request->body : "",
		.body_len = request->body_len,
		.content_type = request->type,
		.accept = request->accept,
		.may_write = request->may_write,
		.origin = {request->origin, NULL}};
	fb_route_handle(request, &asked);
}

/** Will LWS_CALLBACK_HTTP_BODY_COMPLETION come? */
static bool has_body(struct lws *wsi)
{
	char length[24];
	read_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, length, sizeof length);
	return !lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) && strtoull(length, NULL, 10) > 0;
}

static void take_body(fb_request *request, const void *data, size_t len)
{
	if (request->body_too_large || len > request->body_max - request->body_len) {
		request->body_too_large = true;
		return;
	}
	char *grown = realloc(request->body, request->body_len + len + 1);
	if (!grown) {
		request->body_too_large = true;
		return;
	}
	if (len) { /* data may be NULL then */
		memcpy(grown + request->body_len, data, len);
	}
	request->body = grown;
	request->body_len += len;
	grown[request->body_len] = '\0';
}

/* --- writing the answer */

static bool add_header(
	fb_request *request, const char *name, const char *text, unsigned char **at, unsigned char *end)
{
	char with_colon[64];
	snprintf(with_colon, sizeof with_colon, "%s:", name);
	return !lws_add_http_header_by_name(request->wsi, (const unsigned char *)with_colon,
		(const unsigned char *)text, (int)strlen(text), at, end);
}

static int send_head(fb_request *request)
{
	unsigned char buffer[LWS_PRE + 2048], *at = buffer + LWS_PRE, *end = buffer + sizeof buffer - 1;
	const char *type = request->answer_type ? request->answer_type : "application/json";
	bool good = !lws_add_http_common_headers(
		request->wsi, (unsigned)request->code, type, request->answer_len, &at, end);
	good = good && add_header(request, "x-content-type-options", "nosniff", &at, end);
	for (const char *name = request->headers; *name && good;) {
		const char *text = name + strlen(name) + 1;
		good = add_header(request, name, text, &at, end);
		name = text + strlen(text) + 1;
	}
	if (!good || lws_finalize_write_http_header(request->wsi, buffer + LWS_PRE, &at, end)) {
		return -1;
	}
	request->head_sent = true;
	return 0;
}

/** Write on; returns what libwebsockets wants back: nonzero ends the connection. */
static int write_on(fb_request *request)
{
	if (!request->code) {
		return 0;
	}
	if (!request->head_sent) {
		if (send_head(request)) {
			return -1;
		}
		if (request->answer_len && !request->head) {
			lws_callback_on_writable(request->wsi);
			return 0;
		}
	}
	size_t left = request->head ? 0 : request->answer_len - request->sent;
	if (left) {
		size_t n = left < FB_WRITE_MAX ? left : FB_WRITE_MAX;
		int flag = n == left ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP;
		if (lws_write(request->wsi, request->answer + LWS_PRE + request->sent, n,
				(enum lws_write_protocol)flag) < 0) {
			return -1;
		}
		request->sent += n;
		if (n < left) {
			lws_callback_on_writable(request->wsi);
			return 0;
		}
	}
	struct lws *wsi = request->wsi;
	forget(request);
	return lws_http_transaction_completed(wsi) ? -1 : 0;
}

/* --- WebSocket clients: audio taps */

/** Which tap a WebSocket client asks for. */
static bool tap_asked(struct lws *wsi, uint32_t *station, bool *output)
{
	char path[FB_PATH_LEN] = "", query[FB_PATH_LEN];
	if (lws_hdr_copy(wsi, path, sizeof path, WSI_TOKEN_GET_URI) <= 0) {
		return false;
	}
	fb_read_query(wsi, query, sizeof query);
	return fb_tap_path(fb_http_of(wsi)->server, path, query, station, output);
}

static int on_websocket(struct lws *wsi, enum lws_callback_reasons reason, fb_request *request)
{
	uint32_t station = 0;
	bool output = false;
	switch (reason) {
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
		if (!tap_asked(wsi, &station, &output)) {
			(void)lws_return_http_status(wsi, 404, NULL);
			return -1;
		}
		return 0;
	case LWS_CALLBACK_ESTABLISHED:
		request->tap = tap_asked(wsi, &station, &output)
						   ? fb_tap_open(fb_http_of(wsi)->server, wsi, station, output)
						   : NULL;
		return request->tap ? 0 : -1;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return fb_tap_write(request->tap);
	case LWS_CALLBACK_CLOSED:
		fb_tap_close(request->tap);
		request->tap = NULL;
		return 0;
	default: /* LWS_CALLBACK_RECEIVE: a tap has nothing to be told */
		return 0;
	}
}

int fb_on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	fb_request *request = user;
	switch (reason) {
	case LWS_CALLBACK_HTTP:
		begin(request, wsi, in);
		if (!has_body(wsi)) {
			handle(request);
		}
		return 0;
	case LWS_CALLBACK_HTTP_BODY:
		take_body(request, in, len);
		return 0;
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		handle(request);
		return 0;
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return write_on(request);
	case LWS_CALLBACK_CLOSED_HTTP:
		if (request && request->http) {
			forget(request);
		}
		return 0;
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
	case LWS_CALLBACK_ESTABLISHED:
	case LWS_CALLBACK_SERVER_WRITEABLE:
	case LWS_CALLBACK_CLOSED:
	case LWS_CALLBACK_RECEIVE:
		return on_websocket(wsi, reason, request);
	case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
		fb_server_tick(fb_http_of(wsi)->server);
		return 0;
	default:
		return 0;
	}
}
