/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "http.h"

#include "tap.h"

#include <libwebsockets.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	TICK_US = 5000,        ///< the server's housekeeping
	WRITE_MAX = 32 * 1024, ///< bytes handed to a socket at once
	PATH_LEN = 512,
	CONNECTIONS_MAX = 512
};

struct fb_ticket {
	fb_request *request; ///< NULL once its connection has ended
};

/** One request, in the memory that libwebsockets keeps for a connection. */
struct fb_request {
	fb_http *http;
	struct lws *wsi;
	fb_method method;
	char path[PATH_LEN], query[PATH_LEN], type[64], origin[96];
	bool may_write;
	char *body;
	size_t body_len, body_max;
	bool body_too_large;
	/* the answer */
	int code;
	const char *answer_type;
	unsigned char *answer; ///< LWS_PRE bytes in front
	size_t answer_len, sent;
	bool head_sent;
	fb_ticket *ticket;
	fb_tap *tap; ///< once the connection has become a WebSocket
};

struct fb_http {
	fb_server *server;
	struct lws_context *context;
	struct lws_vhost *vhost;
	lws_sorted_usec_list_t tick;
	volatile bool ending;
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

void fb_http_answer_error(fb_request *request, const fb_error *error)
{
	int code = fb_status_code(error->status);
	json_t *body = json_pack("{s:i, s:s}", "code", code, "message", error->text);
	if (body && error->where[0]) {
		json_object_set_new(body, "address", json_string(error->where));
	}
	fb_http_answer_json(request, code, json_pack("{s:o}", "error", body));
}

fb_ticket *fb_http_defer(fb_request *request)
{
	fb_ticket *ticket = malloc(sizeof *ticket);
	if (ticket) {
		ticket->request = request;
		request->ticket = ticket;
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

/* --- one request */

static void forget(fb_request *request)
{
	if (request->ticket) {
		request->ticket->request = NULL;
	}
	free(request->body);
	free(request->answer);
	memset(request, 0, sizeof *request);
}

static fb_method method_of(struct lws *wsi)
{
	if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI)) {
		return FB_GET;
	}
	if (lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI)) {
		return FB_POST;
	}
	return lws_hdr_total_length(wsi, WSI_TOKEN_PUT_URI) ? FB_PUT : FB_OTHER;
}

/** Equal, in a time that does not tell where they differ. */
static bool same_secret(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	unsigned differ = la != lb;
	for (size_t i = 0; i < la && lb; i++) {
		differ |= (unsigned char)(a[i] ^ b[i % lb]);
	}
	return !differ;
}

static bool has_token(const fb_http *http, struct lws *wsi)
{
	char given[300];
	const char *token = http->server->token;
	int len = lws_hdr_copy(wsi, given, sizeof given, WSI_TOKEN_HTTP_AUTHORIZATION);
	return *token && len > 7 && !strncasecmp(given, "Bearer ", 7) && same_secret(given + 7, token);
}

static void read_peer(fb_request *request)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof peer;
	char text[INET6_ADDRSTRLEN] = "?";
	int port = 0;
	bool loopback = false;
	if (!getpeername(lws_get_socket_fd(request->wsi), (struct sockaddr *)&peer, &len)) {
		if (peer.ss_family == AF_INET) {
			const struct sockaddr_in *in = (const struct sockaddr_in *)&peer;
			inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
			port = ntohs(in->sin_port);
			loopback = (ntohl(in->sin_addr.s_addr) >> 24) == 127;
		} else {
			const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)&peer;
			inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof text);
			port = ntohs(in->sin6_port);
			loopback = IN6_IS_ADDR_LOOPBACK(&in->sin6_addr);
		}
	}
	snprintf(request->origin, sizeof request->origin, "http %s:%d", text, port);
	request->may_write = loopback || has_token(request->http, request->wsi);
}

/** libwebsockets takes the query apart at each '&': put it together again. */
static void read_query(struct lws *wsi, char *query, size_t size)
{
	char part[PATH_LEN];
	size_t len = 0;
	query[0] = '\0';
	for (int i = 0; lws_hdr_copy_fragment(wsi, part, sizeof part, WSI_TOKEN_HTTP_URI_ARGS, i) > 0 &&
					len < size;
		 i++) {
		len += (size_t)snprintf(query + len, size - len, "%s%s", len ? "&" : "", part);
	}
}

static void begin(fb_http *http, fb_request *request, struct lws *wsi, const char *path)
{
	memset(request, 0, sizeof *request);
	request->http = http;
	request->wsi = wsi;
	request->method = method_of(wsi);
	snprintf(request->path, sizeof request->path, "%s", path);
	read_query(wsi, request->query, sizeof request->query);
	if (lws_hdr_copy(wsi, request->type, sizeof request->type, WSI_TOKEN_HTTP_CONTENT_TYPE) < 0) {
		request->type[0] = '\0';
	}
	request->body_max = fb_rest_body_max(request->method, request->path);
	read_peer(request);
}

static void handle(fb_request *request)
{
	fb_error error;
	if (request->body_too_large) {
		fb_fail(&error, FB_TOO_LARGE, request->path, "the body is larger than %zu bytes",
			request->body_max);
		fb_http_answer_error(request, &error);
		return;
	}
	fb_asked asked = {.server = request->http->server,
		.method = request->method,
		.path = request->path,
		.query = request->query,
		.body = request->body ? request->body : "",
		.body_len = request->body_len,
		.content_type = request->type,
		.may_write = request->may_write,
		.origin = {request->origin, NULL}};
	fb_rest_handle(request, &asked);
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
	memcpy(grown + request->body_len, data, len);
	request->body = grown;
	request->body_len += len;
	grown[request->body_len] = '\0';
}

static int send_head(fb_request *request)
{
	unsigned char buffer[LWS_PRE + 1024], *at = buffer + LWS_PRE, *end = buffer + sizeof buffer - 1;
	const char *type = request->answer_type ? request->answer_type : "application/json";
	if (lws_add_http_common_headers(
			request->wsi, (unsigned)request->code, type, request->answer_len, &at, end) ||
		lws_add_http_header_by_name(request->wsi, (const unsigned char *)"x-content-type-options:",
			(const unsigned char *)"nosniff", 7, &at, end) ||
		lws_finalize_write_http_header(request->wsi, buffer + LWS_PRE, &at, end)) {
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
		if (request->answer_len) {
			lws_callback_on_writable(request->wsi);
			return 0;
		}
	}
	size_t left = request->answer_len - request->sent;
	if (left) {
		size_t n = left < WRITE_MAX ? left : WRITE_MAX;
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

static fb_http *http_of(struct lws *wsi)
{
	return lws_context_user(lws_get_context(wsi));
}

/** Which tap a WebSocket client asks for. */
static bool tap_asked(struct lws *wsi, uint32_t *station, bool *output)
{
	char path[PATH_LEN] = "", query[PATH_LEN];
	if (lws_hdr_copy(wsi, path, sizeof path, WSI_TOKEN_GET_URI) <= 0) {
		return false;
	}
	read_query(wsi, query, sizeof query);
	return fb_tap_path(http_of(wsi)->server, path, query, station, output);
}

/** WebSocket clients: audio taps. */
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
						   ? fb_tap_open(http_of(wsi)->server, wsi, station, output)
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

static int on_http(
	struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	fb_request *request = user;
	switch (reason) {
	case LWS_CALLBACK_HTTP:
		begin(http_of(wsi), request, wsi, in);
		if (request->method == FB_GET || request->method == FB_OTHER ||
			!lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH)) {
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
		fb_server_tick(http_of(wsi)->server);
		return 0;
	default:
		return 0;
	}
}

/* --- the OSC socket, in the same loop */

static int64_t now_us(void)
{
	return (int64_t)(fb_now_s() * 1e6);
}

static int on_osc(
	struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	(void)user, (void)in, (void)len;
	if (reason == LWS_CALLBACK_RAW_RX_FILE) {
		fb_server *server = http_of(wsi)->server;
		fb_osc_service(server->osc, now_us());
		fb_osc_flush(server->osc, now_us());
	}
	return 0;
}

fb_status fb_http_adopt_osc(fb_http *http, fb_error *error)
{
	/* libwebsockets closes what it has adopted: it gets a descriptor of its own */
	lws_sock_file_fd_type fd = {.filefd = dup(fb_osc_fd(http->server->osc))};
	if (fd.filefd < 0 ||
		!lws_adopt_descriptor_vhost(http->vhost, LWS_ADOPT_RAW_FILE_DESC, fd, "osc", NULL)) {
		return fb_fail(error, FB_IO, "osc", "the socket cannot be polled");
	}
	return FB_OK;
}

/* --- the loop */

static void on_tick(lws_sorted_usec_list_t *tick)
{
	fb_http *http = lws_container_of(tick, fb_http, tick);
	fb_server_tick(http->server);
	fb_osc_flush(http->server->osc, now_us());
	lws_sul_schedule(http->context, 0, &http->tick, on_tick, TICK_US);
}

static const struct lws_protocols protocols[] = {
	{"http", on_http, sizeof(fb_request), 0, 0, NULL, 0},
	{"osc", on_osc, 0, 0, 0, NULL, 0},
	{NULL, NULL, 0, 0, 0, NULL, 0},
};

fb_status fb_http_create(fb_server *server, fb_http **out, fb_error *error)
{
	const fb_options *options = &server->options;
	fb_http *http = calloc(1, sizeof *http);
	if (!http) {
		return fb_fail(error, FB_NO_MEMORY, "http", "out of memory");
	}
	http->server = server;
	lws_set_log_level(options->verbose ? LLL_ERR | LLL_WARN : 0, NULL);
	struct lws_context_creation_info info = {.port = options->http_port,
		.iface = options->listen,
		.protocols = protocols,
		.user = http,
		.fd_limit_per_thread = CONNECTIONS_MAX,
		.pt_serv_buf_size = WRITE_MAX,
		.gid = -1,
		.uid = -1,
		.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND |
				   LWS_SERVER_OPTION_HTTP_HEADERS_SECURITY_BEST_PRACTICES_ENFORCE};
	if (!strchr(options->listen, ':')) {
		info.options |= LWS_SERVER_OPTION_DISABLE_IPV6;
	}
	http->context = lws_create_context(&info);
	http->vhost = http->context ? lws_create_vhost(http->context, &info) : NULL;
	if (!http->vhost || lws_get_vhost_listen_port(http->vhost) <= 0) {
		fb_fail(error, FB_IO, "http", "%s port %d cannot be opened: it is taken, or not ours",
			options->listen, options->http_port);
		fb_http_destroy(http);
		return FB_IO;
	}
	*out = http;
	return FB_OK;
}

void fb_http_destroy(fb_http *http)
{
	if (http) {
		if (http->context) {
			lws_context_destroy(http->context);
		}
		free(http);
	}
}

int fb_http_port(const fb_http *http)
{
	return lws_get_vhost_listen_port(http->vhost);
}

void fb_http_run(fb_http *http)
{
	lws_sul_schedule(http->context, 0, &http->tick, on_tick, TICK_US);
	while (!http->ending && lws_service(http->context, 0) >= 0) {
	}
	lws_sul_schedule(http->context, 0, &http->tick, NULL, LWS_SET_TIMER_USEC_CANCEL);
}

void fb_http_end(fb_http *http)
{
	http->ending = true;
}

void fb_http_wake(fb_http *http)
{
	lws_cancel_service(http->context);
}
