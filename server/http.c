/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The control thread's loop, and the port that is open in it. */
#include "http.h"

#include "http/request.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	TICK_US = 5000,        ///< the server's housekeeping
	DESCRIPTORS_MAX = 512, ///< connections (peers.c), and our own
	HEAD_MAX = 8192,       ///< bytes of a request's head
	HEAD_S = 5,            ///< it has to be there after so long
	IDLE_S = 60            ///< a connection is kept without a request
};

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
		fb_server *server = fb_http_of(wsi)->server;
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
	fb_http_serve(http);
	fb_osc_flush(http->server->osc, now_us());
	lws_sul_schedule(http->context, 0, &http->tick, on_tick, TICK_US);
}

static const struct lws_protocols protocols[] = {
	{"http", fb_on_http, sizeof(fb_request), 0, 0, NULL, 0},
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
	http->peers = fb_peers_create();
	if (!http->peers) {
		fb_http_destroy(http);
		return fb_fail(error, FB_NO_MEMORY, "http", "out of memory");
	}
	lws_set_log_level(options->verbose ? LLL_ERR | LLL_WARN : 0, NULL);
	struct lws_context_creation_info info = {.port = options->http_port,
		.iface = options->listen,
		.protocols = protocols,
		.user = http,
		.fd_limit_per_thread = DESCRIPTORS_MAX,
		.max_http_header_pool2 = DESCRIPTORS_MAX,
		.max_http_header_data = HEAD_MAX,
		.timeout_secs = HEAD_S,
		.keepalive_timeout = IDLE_S,
		.pt_serv_buf_size = FB_WRITE_MAX,
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
		fb_peers_destroy(http->peers);
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
