/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One request from its head to the last byte of its answer. thread: control */
#include "request.h"

#include "../tap.h"
#include "route.h"
#include "ws.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRESH_BYTES = 65536 }; ///< that wait in the kernel for a client of a stream

struct fb_ticket {
	fb_request *request; ///< NULL once its connection has ended
};

/* --- answering */

static void set_answer(
	fb_request *request, int code, const char *type, const void *data, size_t len)
{
	request->answer = request->http->held + len <= FB_HELD_MAX ? malloc(LWS_PRE + len + 1) : NULL;
	if (!request->answer) {
		code = 503;
		len = 0;
	} else if (len) {
		memcpy(request->answer + LWS_PRE, data, len);
	}
	request->code = code;
	request->answer_type = type;
	request->answer_len = len;
	request->http->held += len;
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

void fb_keep_fresh(struct lws *wsi)
{
	int bytes = FRESH_BYTES;
	setsockopt(lws_get_socket_fd(wsi), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

void fb_http_answer_stream(
	fb_request *request, const char *type, const fb_stream_ops *ops, void *ctx)
{
	request->code = 200;
	request->answer_type = type;
	if (request->head) {
		ops->close(ctx);
	} else {
		request->stream = ops;
		request->stream_ctx = ctx;
		fb_keep_fresh(request->wsi);
		fb_peers_streams(request->http->peers, request->wsi, FB_STREAM_EVENTS);
	}
	lws_callback_on_writable(request->wsi);
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
	fb_line_leave(request);
	if (request->stream) {
		request->stream->close(request->stream_ctx);
	}
	if (request->http) {
		request->http->held -= request->answer_len + request->body_room;
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
		{WSI_TOKEN_DELETE_URI, FB_DELETE}, {WSI_TOKEN_OPTIONS_URI, FB_OPTIONS}};
	request->method = FB_OTHER;
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
		if (lws_hdr_total_length(request->wsi, methods[i].token)) {
			request->method = methods[i].method;
		}
	}
	request->head = lws_hdr_total_length(request->wsi, WSI_TOKEN_HEAD_URI) > 0;
}

bool fb_read_query(struct lws *wsi, char *query, size_t size)
{
	char part[FB_PATH_LEN];
	size_t len = 0;
	query[0] = '\0';
	for (int i = 0; lws_hdr_copy_fragment(wsi, part, sizeof part, WSI_TOKEN_HTTP_URI_ARGS, i) > 0 &&
					len < size;
		 i++) {
		len += (size_t)snprintf(query + len, size - len, "%s%s", len ? "&" : "", part);
	}
	return len < size && lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS) < (int)size;
}

static void read_header(struct lws *wsi, enum lws_token_indexes token, char *text, size_t size)
{
	if (lws_hdr_copy(wsi, text, (int)size, token) < 0) {
		text[0] = '\0';
	}
}

/** What keeps a request from being looked at any further. */
static void examine(fb_request *request, struct lws *wsi, const char *path)
{
	char origin[FB_ORIGIN_URL_LEN];
	fb_visit visit = fb_visit_of(wsi, origin);
	bool write = request->method != FB_GET && request->method != FB_OPTIONS;
	if (strlen(path) >= sizeof request->path ||
		!fb_read_query(wsi, request->query, sizeof request->query)) {
		request->fault = 414;
		request->fault_text = "the path or the query is too long";
	} else if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING)) {
		request->fault = 411;
		request->fault_text = "a body needs its Content-Length";
		request->last = true;
	} else if (visit == FB_VISIT_MISLED) {
		request->fault = 421;
		request->fault_text = "the Host is none of ours (--host-name names more)";
	} else if (visit == FB_VISIT_FOREIGN && request->method != FB_GET) {
		request->fault = 403;
		request->fault_text = "asked by a web page of another origin (--cors-origin lets it)";
	} else if (fb_peers_spent_us(wsi) >= FB_ACCOUNT_MAX_US) {
		request->fault = 429;
		request->fault_text = "too often, or too much";
		fb_http_add_header(request, "retry-after", "1");
	} else if (write && !request->may_write) {
		request->fault = 401;
		request->fault_text = "writing from beyond this machine needs the bearer token";
		fb_http_add_header(request, "www-authenticate", "Bearer");
	}
	if (visit == FB_VISIT_INVITED) {
		fb_http_add_header(request, "access-control-allow-origin", origin);
		fb_http_add_header(request, "vary", "Origin");
	}
}

static void begin(fb_request *request, struct lws *wsi, const char *path)
{
	memset(request, 0, sizeof *request);
	request->http = fb_http_of(wsi);
	request->wsi = wsi;
	read_method(request);
	snprintf(request->path, sizeof request->path, "%s", path);
	read_header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, request->type, sizeof request->type);
	read_header(wsi, WSI_TOKEN_HTTP_ACCEPT, request->accept, sizeof request->accept);
	read_header(
		wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, request->if_none_match, sizeof request->if_none_match);
	request->may_write = fb_read_peer(wsi, "http", request->origin);
	examine(request, wsi, path);
	request->body_max = request->fault ? 0 : fb_route_body_max(request->method, request->path);
}

/** Is there a body, whose end LWS_CALLBACK_HTTP_BODY_COMPLETION will tell? What is far too large is
	refused without it. */
static void expect_body(fb_request *request)
{
	char text[24];
	read_header(request->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof text);
	unsigned long long length = strtoull(text, NULL, 10);
	request->awaits_body = !lws_hdr_total_length(request->wsi, WSI_TOKEN_GET_URI) && length > 0;
	request->body_due_s = fb_now_s() + FB_BODY_S + (double)length / FB_BODY_BYTES_PER_S;
	if (request->awaits_body && length > request->body_max + FB_DISCARD_MAX) {
		request->awaits_body = false;
		request->last = true;
		request->fault = request->fault ? request->fault : 413;
		request->fault_text =
			request->fault_text ? request->fault_text : "the body is larger than is taken here";
	}
}

/** Keep a piece of the body, as far as it may be. Returns nonzero to end the connection. */
static int take_body(fb_request *request, const void *data, size_t len)
{
	request->body_seen += len;
	if (fb_now_s() > request->body_due_s) {
		request->http->stats.dropped++;
		return -1;
	}
	if (request->fault || len > request->body_max - request->body_len) {
		request->fault = request->fault ? request->fault : 413;
		request->fault_text =
			request->fault_text ? request->fault_text : "the body is larger than is taken here";
		return request->body_seen > FB_DISCARD_MAX + request->body_max ? -1 : 0;
	}
	size_t whole = request->body_len + len + 1;
	if (whole > request->body_room) {
		size_t room = whole > 65536 ? whole * 2 : 65536;
		fb_http *http = request->http;
		char *grown = http->held + room - request->body_room <= FB_HELD_MAX
						  ? realloc(request->body, room)
						  : NULL;
		if (!grown) {
			request->fault = 503;
			request->fault_text = "there is no memory for the body now";
			return 0;
		}
		http->held += room - request->body_room;
		request->body = grown;
		request->body_room = room;
	}
	if (len) { /* data may be NULL then */
		memcpy(request->body + request->body_len, data, len);
	}
	request->body_len += len;
	request->body[request->body_len] = '\0';
	return 0;
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

static bool has_header(const fb_request *request, const char *wanted)
{
	for (const char *name = request->headers; *name;) {
		if (!strcmp(name, wanted)) {
			return true;
		}
		name += strlen(name) + 1;
		name += strlen(name) + 1;
	}
	return false;
}

static int send_head(fb_request *request)
{
	unsigned char buffer[LWS_PRE + 2048], *at = buffer + LWS_PRE, *end = buffer + sizeof buffer - 1;
	lws_filepos_t len = request->stream ? LWS_ILLEGAL_HTTP_CONTENT_LEN : request->answer_len;
	const char *type = request->answer_type ? request->answer_type : "application/json";
	bool good =
		!lws_add_http_common_headers(request->wsi, (unsigned)request->code, type, len, &at, end);
	if (!has_header(request, "cache-control")) {
		good = good && add_header(request, "cache-control", "no-store", &at, end);
	}
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
		if (request->stream) {
			lws_set_timeout(request->wsi, NO_PENDING_TIMEOUT, 0);
		}
		if ((request->answer_len && !request->head) || request->stream) {
			lws_callback_on_writable(request->wsi);
			return 0;
		}
	}
	if (request->stream) {
		return request->stream->write(request->stream_ctx);
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
		lws_set_timeout(request->wsi, PENDING_TIMEOUT_HTTP_CONTENT, FB_WRITE_S);
		if (n < left) {
			lws_callback_on_writable(request->wsi);
			return 0;
		}
	}
	struct lws *wsi = request->wsi;
	bool last = request->last;
	fb_peers_busy(request->http->peers, wsi, false);
	forget(request);
	return last || lws_http_transaction_completed(wsi) ? -1 : 0;
}

/* --- WebSocket clients */

/** What a WebSocket client asks for: 0, or the status to refuse it with. Opens it if `request`. */
static int websocket(struct lws *wsi, fb_request *request)
{
	char path[FB_PATH_LEN] = "", query[FB_PATH_LEN], origin[FB_ORIGIN_URL_LEN];
	fb_http *http = fb_http_of(wsi);
	fb_visit visit = fb_visit_of(wsi, origin);
	uint32_t station = 0;
	bool output = false;
	if (visit == FB_VISIT_MISLED || visit == FB_VISIT_FOREIGN) {
		return visit == FB_VISIT_MISLED ? 421 : 403; /* browsers let any page open one */
	}
	if (fb_peers_spent_us(wsi) >= FB_ACCOUNT_MAX_US) {
		return 429;
	}
	if (lws_hdr_copy(wsi, path, sizeof path, WSI_TOKEN_GET_URI) <= 0 ||
		!fb_read_query(wsi, query, sizeof query)) {
		return 414;
	}
	bool tap = strcmp(path, "/") != 0;
	if (tap && !fb_tap_path(http->server, path, query, &station, &output)) {
		return 404;
	}
	fb_stream kind = tap ? FB_STREAM_TAP : FB_STREAM_WEBSOCKET;
	if (!fb_peers_have_stream_room(http->peers, kind, wsi, request != NULL)) {
		return 503;
	}
	if (!request) {
		return 0;
	}
	fb_peers_streams(http->peers, wsi, kind);
	return tap ? fb_tap_open(request, wsi, station, output) : fb_ws_open(request, wsi);
}

static int on_websocket(
	struct lws *wsi, enum lws_callback_reasons reason, fb_request *request, void *in, size_t len)
{
	int code;
	switch (reason) {
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
		code = websocket(wsi, NULL);
		if (code) {
			(void)lws_return_http_status(wsi, (unsigned)code, NULL);
		}
		return code ? -1 : 0;
	case LWS_CALLBACK_ESTABLISHED:
		memset(request, 0, sizeof *request);
		request->http = fb_http_of(wsi);
		request->wsi = wsi;
		return websocket(wsi, request) ? -1 : 0;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return request->stream ? request->stream->write(request->stream_ctx) : 0;
	case LWS_CALLBACK_RECEIVE:
		return request->stream && request->stream->receive
				   ? request->stream->receive(request->stream_ctx, in, len)
				   : 0;
	default: /* LWS_CALLBACK_CLOSED */
		forget(request);
		return 0;
	}
}

int fb_on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	fb_request *request = user;
	switch (reason) {
	case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
		return fb_peers_add(fb_http_of(wsi)->peers, wsi);
	case LWS_CALLBACK_WSI_DESTROY:
		fb_peers_remove(fb_http_of(wsi)->peers, wsi);
		return 0;
	case LWS_CALLBACK_HTTP:
		begin(request, wsi, in);
		expect_body(request);
		if (!request->awaits_body) {
			fb_line_join(request);
		}
		return 0;
	case LWS_CALLBACK_HTTP_BODY:
		return take_body(request, in, len);
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		if (request->awaits_body) { /* it comes of a POST without a body too */
			request->awaits_body = false;
			fb_line_join(request);
		}
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
		return on_websocket(wsi, reason, request, in, len);
	case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
		fb_server_tick(fb_http_of(wsi)->server);
		return 0;
	default:
		return 0;
	}
}
