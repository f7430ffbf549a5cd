/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The control thread's loop, and the port that is open in it. */
#include "http.h"

#include "http/door.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	TICK_US = 5000,                           ///< the server's housekeeping
	DESCRIPTORS_MAX = FB_CONNECTIONS_MAX + 32 ///< connections, and our own
};

/* --- what is polled in the same loop beside connections */

static int64_t now_us(void)
{
	return (int64_t)(fb_now_s() * 1e6);
}

static void serve_osc(fb_http *http)
{
	fb_osc *osc = http->server->osc;
	http->osc_us = now_us();
	fb_osc_service(osc, http->osc_us);
	fb_osc_flush(osc, now_us());
}

static int on_osc(
	struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	(void)user, (void)in, (void)len;
	if (reason == LWS_CALLBACK_RAW_RX_FILE) {
		serve_osc(fb_http_of(wsi));
	}
	return 0;
}

static int on_door(
	struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	(void)user, (void)in, (void)len;
	if (reason == LWS_CALLBACK_RAW_RX_FILE) {
		fb_door_service(fb_http_of(wsi)->door);
	}
	return 0;
}

/** libwebsockets looks after what it polls in the order in which it got it, and closes what it has
	adopted: it gets a descriptor of its own. */
static fb_status adopt(fb_http *http, int polled, const char *protocol, fb_error *error)
{
	lws_sock_file_fd_type fd = {.filefd = dup(polled)};
	if (fd.filefd < 0 ||
		!lws_adopt_descriptor_vhost(http->vhost, LWS_ADOPT_RAW_FILE_DESC, fd, protocol, NULL)) {
		return fb_fail(error, FB_IO, protocol, "the socket cannot be polled");
	}
	return FB_OK;
}

bool fb_http_take(fb_http *http, int fd, fb_account *account)
{
	fb_peers_comes(http->peers, account);
	bool taken = lws_adopt_socket_vhost(http->vhost, fd) != NULL;
	fb_peers_comes(http->peers, NULL);
	return taken;
}

/* --- the loop */

static void on_tick(lws_sorted_usec_list_t *tick)
{
	fb_http *http = lws_container_of(tick, fb_http, tick);
	fb_server_tick(http->server);
	if (now_us() - http->osc_us >= TICK_US) {
		serve_osc(http);
	} else {
		fb_osc_flush(http->server->osc, now_us());
	}
	fb_door_service(http->door);
	if (!http->waiting) {
		http->busy_s = 0.0;
	}
	lws_sul_schedule(http->context, 0, &http->tick, on_tick, TICK_US);
}

static const struct lws_protocols protocols[] = {
	{"http", fb_on_http, sizeof(fb_request), 0, 0, NULL, 0},
	{"osc", on_osc, 0, 0, 0, NULL, 0},
	{"door", on_door, 0, 0, 0, NULL, 0},
	{NULL, NULL, 0, 0, 0, NULL, 0},
};

static fb_status create_context(fb_http *http, fb_error *error)
{
	struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.protocols = protocols,
		.user = http,
		.fd_limit_per_thread = DESCRIPTORS_MAX,
		.max_http_header_pool2 = DESCRIPTORS_MAX,
		.max_http_header_data = FB_HEAD_MAX,
		.timeout_secs = FB_HEAD_S,
		.keepalive_timeout = FB_IDLE_S,
		.pt_serv_buf_size = FB_WRITE_MAX,
		.gid = -1,
		.uid = -1,
		.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
				   LWS_SERVER_OPTION_HTTP_HEADERS_SECURITY_BEST_PRACTICES_ENFORCE};
	http->context = lws_create_context(&info);
	http->vhost = http->context ? lws_create_vhost(http->context, &info) : NULL;
	return http->vhost ? FB_OK : fb_fail(error, FB_NO_MEMORY, "http", "out of memory");
}

fb_status fb_http_create(fb_server *server, fb_http **out, fb_error *error)
{
	fb_http *http = calloc(1, sizeof *http);
	if (!http) {
		return fb_fail(error, FB_NO_MEMORY, "http", "out of memory");
	}
	http->server = server;
	http->peers = fb_peers_create();
	lws_set_log_level(server->options.verbose ? LLL_ERR | LLL_WARN : 0, NULL);
	fb_status status = http->peers ? FB_OK : fb_fail(error, FB_NO_MEMORY, "http", "out of memory");
	if (!status) {
		status = fb_door_open(http, &http->door, error);
	}
	if (!status) {
		status = create_context(http, error);
	}
	if (!status) {
		status = adopt(http, fb_osc_fd(server->osc), "osc", error);
	}
	if (!status) {
		status = adopt(http, fb_door_fd(http->door), "door", error);
	}
	if (status) {
		fb_http_destroy(http);
		return status;
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
		fb_door_close(http->door);
		fb_peers_destroy(http->peers);
		free(http);
	}
}

int fb_http_port(const fb_http *http)
{
	return fb_door_port(http->door);
}

void fb_http_run(fb_http *http)
{
	lws_sul_schedule(http->context, 0, &http->tick, on_tick, TICK_US);
	while (!http->ending && lws_service(http->context, 0) >= 0) {
	}
	lws_sul_schedule(http->context, 0, &http->tick, NULL, LWS_SET_TIMER_USEC_CANCEL);
	lws_sul_schedule(http->context, 0, &http->serve, NULL, LWS_SET_TIMER_USEC_CANCEL);
}

void fb_http_end(fb_http *http)
{
	http->ending = true;
}

void fb_http_get_stats(const fb_http *http, fb_http_stats *stats)
{
	*stats = http->stats;
	stats->connections = fb_peers_count(http->peers) + fb_door_guests(http->door);
	stats->waiting = http->n_waiting;
}

void fb_http_wake(fb_http *http)
{
	lws_cancel_service(http->context);
}
