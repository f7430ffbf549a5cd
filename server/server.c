/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Start, housekeeping and end of the server. */
#include "server.h"

#include "announce.h"
#include "calibration.h"
#include "http.h"
#include "http/events.h"
#include "http/ws.h"
#include "meters.h"
#include "midi/midi.h"
#include "proposal/monitor.h"
#include "pulse.h"
#include "scene.h"
#include "tap.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static volatile sig_atomic_t end_asked, reload_asked;

static void on_signal(int signal)
{
	if (signal == SIGHUP) {
		reload_asked = 1;
	} else {
		end_asked = 1;
	}
}

double fb_now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int64_t fb_unix_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void fb_log(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	fputs("foldbackd: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
}

void fb_log_error(const char *what, const fb_error *error)
{
	fb_log("%s%s%s: %s", what, *what ? ": " : "", error->where, error->text);
}

static void warn_of_node(const fb_error *why)
{
	fb_log_error("a node is left out", why);
}

/* --- folders and token */

static fb_status make_folder(const char *path, fb_error *error)
{
	char part[1024];
	snprintf(part, sizeof part, "%s", path);
	for (char *at = part + 1; *at; at++) {
		if (*at == '/') {
			*at = '\0';
			if (mkdir(part, 0700) && errno != EEXIST) {
				break;
			}
			*at = '/';
		}
	}
	if (mkdir(part, 0700) && errno != EEXIST) {
		return fb_fail(error, FB_IO, path, "the folder cannot be made: %s", strerror(errno));
	}
	return FB_OK;
}

static fb_status make_folders(const fb_server *server, fb_error *error)
{
	char folder[1024];
	snprintf(folder, sizeof folder, "%s", server->options.database);
	char *slash = strrchr(folder, '/');
	fb_status status = FB_OK;
	if (slash && slash != folder) {
		*slash = '\0';
		status = make_folder(folder, error);
	}
	return status ? status : make_folder(server->options.sample_dir, error);
}

static fb_status read_token(fb_server *server, fb_error *error)
{
	const char *name = server->options.token_file;
	if (!name) {
		return fb_is_loopback(server->options.listen)
				   ? FB_OK
				   : fb_fail(error, FB_FORBIDDEN, server->options.listen,
						 "listening beyond loopback needs --token-file");
	}
	FILE *file = fopen(name, "r");
	if (!file) {
		return fb_fail(error, FB_IO, name, "the token cannot be read: %s", strerror(errno));
	}
	bool got = fgets(server->token, sizeof server->token, file) != NULL;
	fclose(file);
	size_t len = got ? strcspn(server->token, "\r\n") : 0;
	server->token[len] = '\0';
	if (len < 16 || len + 1 == sizeof server->token) {
		return fb_fail(error, FB_INVALID, name, "a token needs 16 to %zu characters",
			sizeof server->token - 2);
	}
	return FB_OK;
}

/* --- stations */

static fb_status load_patch(fb_channel *channel, fb_patch **out, fb_error *error)
{
	const char *file = channel->server->options.patch[channel->index];
	if (file) {
		return fb_patch_read(file, channel->server->nodes, out, error);
	}
	*out = fb_patch_create("empty");
	return *out ? FB_OK : fb_fail(error, FB_NO_MEMORY, "patch", "out of memory");
}

static fb_status start_channel(fb_server *server, uint32_t index, fb_error *error)
{
	static const fb_origin origin = {"start", NULL};
	fb_channel *channel = &server->channel[index];
	channel->server = server;
	channel->index = index;
	channel->mode = FB_MODE_MANUAL;
	fb_proposal_init(&channel->proposal);
	snprintf(channel->name, sizeof channel->name, "Station %u", index + 1);
	fb_patch *patch;
	fb_status status = load_patch(channel, &patch, error);
	if (status) {
		return status;
	}
	status = fb_channel_load(channel, patch, -1.0, &origin, error);
	if (status) {
		fb_patch_destroy(patch);
		return status;
	}
	return fb_channel_add(channel, error);
}

/* --- start */

static fb_status open_store(fb_server *server, fb_error *error)
{
	fb_store_options options = {.path = server->options.database, .text = fb_audit_text};
	return fb_store_open(&options, &server->store, error);
}

static fb_status open_osc(fb_server *server, fb_error *error)
{
	static const char *const status_leaves[] = {"/server/running", "/server/xruns",
		"/server/dsp_load", "/server/uptime", "/server/audit/recording", NULL};
	fb_osc_options options = {.listen = server->options.listen,
		.port = (uint16_t)server->options.osc_port,
		.allow = &server->options.osc_allow,
		.accounts = server->accounts,
		.name = server->options.name,
		.websocket = true,
		.status = status_leaves};
	return fb_osc_open(server->tree, &options, &server->osc, error);
}

/** From the meter thread: listeners have something to read. The meters start before HTTP does, but
    nobody listens before. */
static void wake(void *ctx)
{
	fb_http_wake(((fb_server *)ctx)->http);
}

static fb_status start_engine(fb_server *server, fb_error *error)
{
	fb_engine_options options = {.stations = server->options.stations,
		.rate_hz = server->driver->rate_hz,
		.period = server->driver->period,
		.taps = true,
		.threads = server->options.threads,
		.spawn = server->driver->ops->spawn,
		.spawn_ctx = server->driver};
	fb_status status = fb_engine_create(&options, &server->engine, error);
	if (!status) {
		status = fb_meters_create(server->engine, wake, server, &server->meters, error);
	}
	for (uint32_t i = 0; i < server->options.stations && !status; i++) {
		server->n_channels = i + 1;
		status = start_channel(server, i, error);
	}
	return status;
}

static fb_status start_services(fb_server *server, fb_error *error)
{
	fb_status status = fb_server_add_leaves(server, error);
	if (!status) {
		status = fb_audio_add_leaves(server, error);
	}
	if (!status) {
		status = fb_monitor_add_leaves(server, error);
	}
	if (!status) {
		status = fb_proposals_restore(server, error); /* there when the scenes are read */
	}
	if (!status) {
		status = fb_scenes_create(server, &server->scenes, error);
	}
	if (!status) {
		status = fb_audit_start(server, error);
	}
	if (!status) {
		status = fb_midi_create(server, &server->midi, error);
	}
	if (!status) {
		status = open_osc(server, error);
	}
	if (!status) {
		status = fb_pulse_start(server, error);
	}
	if (!status) {
		status = fb_ws_start(server, error);
	}
	if (!status) {
		status = fb_http_create(server, &server->http, error);
	}
	if (!status) {
		status = fb_calibration_create(server, &server->calibration, error);
	}
	if (!status) {
		status = fb_announce_start(server->options.name, server->options.listen,
			(uint16_t)fb_http_port(server->http), fb_osc_port(server->osc), &server->announce,
			error);
	}
	return status;
}

fb_status fb_server_start(fb_server *server, fb_error *error)
{
	server->started_s = fb_now_s();
	fb_status status = read_token(server, error);
	if (!status) { /* first, for JACK takes its time to answer */
		status = server->options.dummy ? fb_driver_dummy(&server->options, &server->driver, error)
									   : fb_driver_jack(&server->options, &server->driver, error);
	}
	if (!status) {
		status = fb_nodes_open(server->options.node_path, warn_of_node, &server->nodes, error);
	}
	if (!status) {
		status = make_folders(server, error);
	}
	if (!status) {
		status = open_store(server, error);
	}
	if (!status) {
		status = server->driver->ops->open(server->driver, error);
	}
	server->tree = fb_tree_create();
	server->accounts = fb_accounts_create();
	if (!status && !(server->tree && server->accounts)) {
		status = fb_fail(error, FB_NO_MEMORY, "tree", "out of memory");
	}
	if (!status) {
		status = start_engine(server, error);
	}
	if (!status) {
		status = start_services(server, error);
	}
	if (!status) {
		server->driver->monitor = server->monitor = fb_monitor_create(server->driver->rate_hz);
		status = server->monitor ? FB_OK : fb_fail(error, FB_NO_MEMORY, "monitor", "out of memory");
	}
	if (!status) {
		status = fb_audio_start(server, error);
	}
	return status ? status : fb_meters_await(server->meters, error);
}

/* --- housekeeping */

static void take_reading(fb_server *server, const fb_meter_report *report)
{
	static const fb_origin origin = {"engine", NULL};
	fb_channel *channel = &server->channel[report->station];
	fb_metric_set before = channel->metrics;
	channel->metrics = report->set;
	if (report->stt_old) { /* who wrote the leaf reads what was written, not what it was before */
		channel->metrics.value[FB_M_STT_CONFIDENCE] = before.value[FB_M_STT_CONFIDENCE];
		channel->metrics.valid |= 1ull << FB_M_STT_CONFIDENCE;
	}
	for (int i = 0; i < FB_METRICS; i++) {
		if ((float)before.value[i] != (float)channel->metrics.value[i]) {
			fb_tree_touch(server->tree, channel->metric_leaf[i], &origin);
		}
	}
	fb_channel_touch(channel, "meter/metrics", &origin);
	fb_channel_rate(channel, &origin);
	fb_channel_tell_counts(channel, &origin);
}

static void take_reports(fb_server *server)
{
	fb_meter_report report;
	while (fb_meters_poll(server->meters, &report)) {
		if (report.listener) {
			fb_listener_destroy(report.listener);
		} else if (report.capture) {
			fb_calibration_captured(server->calibration, report.capture);
		} else {
			take_reading(server, &report);
		}
	}
}

#define ROWS_S 0.04 /**< between two looks at the rows of node meters: as often as an eye follows */
#define BUDGETS_S 1.0 /**< between two looks at what stations take of the time */

static void tell_rows(fb_server *server)
{
	static const fb_origin origin = {"engine", NULL};
	double now_s = fb_now_s();
	if (now_s >= server->tell_rows_s) {
		server->tell_rows_s = now_s + ROWS_S;
		for (uint32_t i = 0; i < server->n_channels; i++) {
			fb_channel_tell_rows(&server->channel[i], &origin);
			fb_channel_watch(&server->channel[i]);
		}
	}
	if (now_s >= server->budgets_s) {
		server->budgets_s = now_s + BUDGETS_S;
		for (uint32_t i = 0; i < server->n_channels; i++) {
			fb_channel_watch_budget(&server->channel[i]);
		}
	}
}

void fb_server_tick(fb_server *server)
{
	if (end_asked) {
		fb_http_end(server->http);
	}
	if (reload_asked) {
		reload_asked = 0;
		for (uint32_t i = 0; i < server->n_channels; i++) {
			fb_channel_reread(&server->channel[i]);
		}
	}
	fb_engine_service(server->engine);
	for (uint32_t i = 0; i < server->n_channels; i++) {
		fb_station_service(server->channel[i].station);
	}
	fb_scenes_service(server->scenes);
	fb_midi_service(server->midi);
	take_reports(server);
	fb_calibration_service(server->calibration);
	fb_proposals_service(server);
	fb_taps_service(server);
	fb_pulse_service(server);
	fb_ws_service(server);
	fb_events_service(server);
	fb_store_poll(server->store);
	fb_audio_service(server);
	tell_rows(server);
	server->ticks++;
}

void fb_server_run(fb_server *server)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	double answered_s = atomic_load(&server->driver->answered_s);
	server->start_ms = 1e3 * (fb_now_s() - (answered_s > 0 ? answered_s : server->started_s));
	printf("ready osc=%d http=%d stations=%u rate=%g period=%u driver=%s\n",
		(int)fb_osc_port(server->osc), fb_http_port(server->http), server->n_channels,
		fb_engine_rate(server->engine), server->driver->period, server->driver->kind);
	fflush(stdout);
	fb_http_run(server->http);
}

/* --- end */

void fb_server_stop(fb_server *server)
{
	if (server->driver) {
		server->driver->ops->stop(server->driver);
	}
	fb_proposals_stop(server);
	if (server->watcher.ctx) {
		fb_tree_unwatch(server->tree, &server->watcher);
	}
	fb_announce_stop(server->announce);
	fb_osc_close(server->osc);
	server->osc = NULL;            /* its WebSocket clients are still there */
	fb_store_close(server->store); /* tells those who wait for it, while they still live */
	fb_calibration_destroy(server->calibration);
	fb_scenes_destroy(server->scenes);
	fb_midi_destroy(server->midi);
	fb_meters_destroy(server->meters);
	fb_http_destroy(server->http);
	fb_accounts_destroy(server->accounts);
	fb_ws_stop(server);
	fb_pulse_stop(server);
	for (uint32_t i = 0; i < server->n_channels; i++) {
		fb_channel_remove(&server->channel[i]);
		fb_proposal_finish(&server->channel[i].proposal);
	}
	fb_engine_destroy(server->engine);
	for (uint32_t i = 0; i < server->n_channels; i++) {
		fb_station_destroy(server->channel[i].station);
	}
	fb_tree_destroy(server->tree);
	if (server->driver) {
		server->driver->ops->close(server->driver);
	}
	fb_monitor_destroy(server->monitor);
	fb_nodes_close(server->nodes);
}
