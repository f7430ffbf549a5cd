/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "events.h"

#include "../../osc/json.h"
#include "../../osc/value.h"
#include "route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	WAITING_MAX = 16 * 1024, ///< bytes of changes, and of meters, that wait for a client
	RATE_DEFAULT_HZ = 10,
	RATE_MAX_HZ = 50,
	ALARMS_MAX = 512,
	RETRY_MS = 2000,
	SILENCE_S = 15 ///< after so long a comment shows that the connection lives
};

/** A leaf that stands for trouble, as it was last. */
typedef struct trouble {
	const fb_branch *leaf;
	double last;
} trouble;

struct fb_events {
	fb_server *server;
	struct lws *wsi;
	fb_osc_client *client;
	fb_events *next;
	bool wanted[FB_STATIONS_MAX];
	uint64_t sent_frame[FB_STATIONS_MAX]; ///< where the metrics that were sent last end
	double period_s, due_s, said_s;
	unsigned long id;
	char waiting[WAITING_MAX]; ///< whole events
	size_t used;
	fb_json meters; ///< the inside of an object
	trouble alarms[ALARMS_MAX];
	size_t n_alarms;
};

/* --- values, from the subscriptions */

/** An event of its own for a value. false: no room now. */
static bool put_event(fb_events *events, const char *kind, const fb_branch *leaf,
	const fb_value *value, const bool *active)
{
	fb_json json = {0};
	size_t len = 0;
	fb_json_open(&json, '{');
	fb_json_key(&json, "address");
	fb_json_string(&json, fb_branch_address(leaf));
	fb_json_key(&json, "value");
	fb_json_value(&json, value);
	if (active) {
		fb_json_key(&json, "active");
		fb_json_bool(&json, *active);
		fb_json_key(&json, "label");
		fb_json_string(&json, fb_branch_label(leaf));
	}
	fb_json_close(&json, '}');
	char *text = fb_json_finish(&json, &len);
	size_t room = sizeof events->waiting - events->used;
	int n = text ? snprintf(events->waiting + events->used, room,
					   "id: %lu\nevent: %s\ndata: %s\n\n", events->id + 1, kind, text)
				 : -1;
	free(text);
	if (n < 0 || (size_t)n >= room) {
		return false;
	}
	events->used += (size_t)n;
	events->id++;
	return true;
}

static trouble *alarm_of(fb_events *events, const fb_branch *leaf)
{
	for (size_t i = 0; i < events->n_alarms; i++) {
		if (events->alarms[i].leaf == leaf) {
			return &events->alarms[i];
		}
	}
	return NULL;
}

/** A switch is trouble for as long as it stands wrong; a number is when it rises. */
static bool take_alarm(fb_events *events, const fb_branch *leaf, const fb_value *value)
{
	double number = 0.0;
	const fb_leaf_spec *spec = fb_branch_leaf(leaf);
	bool is_switch = spec->kind == FB_LEAF_BOOL;
	trouble *known = alarm_of(events, leaf);
	fb_value_number(value, &number);
	bool active =
		is_switch ? (number != 0.0) == (spec->alarm == FB_ALARM_ON) : known && number > known->last;
	bool told = known ? number != known->last && (is_switch || active) : active;
	if (told && !put_event(events, "alarm", leaf, value, &active)) {
		return false;
	}
	if (!known && events->n_alarms < ALARMS_MAX) {
		known = &events->alarms[events->n_alarms++];
		known->leaf = leaf;
	}
	if (known) {
		known->last = number;
	}
	return true;
}

static bool take_value(void *ctx, const fb_branch *leaf)
{
	fb_events *events = ctx;
	const fb_leaf_spec *spec = fb_branch_leaf(leaf);
	fb_value value;
	if (strstr(fb_branch_address(leaf), "/metric/") || spec->kind == FB_LEAF_FLOATS) {
		return true; /* metrics go whole, with the frames they are of */
	}
	fb_tree_get(events->server->tree, leaf, &value);
	if (spec->alarm) {
		return take_alarm(events, leaf, &value);
	}
	if (!spec->meter) {
		return put_event(events, "change", leaf, &value, NULL);
	}
	if (events->meters.length > WAITING_MAX) {
		return false;
	}
	if (!events->meters.length) {
		fb_json_open(&events->meters, '{');
	}
	fb_json_key(&events->meters, fb_branch_address(leaf));
	fb_json_value(&events->meters, &value);
	return true;
}

static bool send_packet(void *ctx, const void *data, size_t size)
{
	(void)ctx, (void)data, (void)size;
	return true; /* it asks nothing by OSC that would be answered */
}

static fb_account *account(void *ctx, fb_accounts *accounts, int64_t now_us)
{
	(void)accounts, (void)now_us;
	return fb_peers_account(((const fb_events *)ctx)->wsi);
}

/** The stream ends; a browser comes again, and is told then why it cannot. */
static void displaced(void *ctx)
{
	fb_peers_end(((const fb_events *)ctx)->wsi);
}

static const fb_osc_transport transport = {.send = send_packet,
	.value = take_value,
	.account = account,
	.displaced = displaced,
	.packet_max = 1024,
	.reliable = true};

/* --- writing */

static void put_meters(fb_events *events, FILE *out)
{
	size_t len = 0;
	if (!events->meters.length) {
		return;
	}
	fb_json_close(&events->meters, '}');
	char *text = fb_json_finish(&events->meters, &len);
	if (text) {
		fprintf(out, "id: %lu\nevent: meters\ndata: %s\n\n", ++events->id, text);
	}
	free(text);
	events->meters = (fb_json){0};
}

static void put_metrics(fb_events *events, FILE *out)
{
	for (uint32_t i = 0; i < events->server->n_channels; i++) {
		const fb_channel *channel = &events->server->channel[i];
		if (!events->wanted[i] || channel->metrics.frame_end == events->sent_frame[i]) {
			continue;
		}
		json_t *json = fb_channel_metrics(channel);
		char *text = NULL;
		if (json && !json_object_set_new(json, "station", json_integer(i + 1))) {
			text = json_dumps(json, JSON_COMPACT);
		}
		json_decref(json);
		if (text) {
			fprintf(out, "id: %lu\nevent: metrics\ndata: %s\n\n", ++events->id, text);
			events->sent_frame[i] = channel->metrics.frame_end;
		}
		free(text);
	}
}

static int write_events(void *ctx)
{
	fb_events *events = ctx;
	double now_s = fb_now_s();
	if (lws_send_pipe_choked(events->wsi)) {
		return 0;
	}
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	if (!out) {
		return -1;
	}
	/* libwebsockets wants room in front of what it writes */
	fprintf(out, "%*s", LWS_PRE, "");
	if (events->said_s == 0.0) {
		fprintf(out, "retry: %d\n\n", RETRY_MS);
	}
	fwrite(events->waiting, 1, events->used, out);
	events->used = 0;
	put_metrics(events, out);
	put_meters(events, out);
	if (now_s - events->said_s > SILENCE_S) {
		fputs(": still here\n\n", out);
	}
	int end = ferror(out);
	end |= fclose(out);
	if (!end && len > LWS_PRE) {
		events->said_s = now_s;
		end = lws_write(
				  events->wsi, (unsigned char *)text + LWS_PRE, len - LWS_PRE, LWS_WRITE_HTTP) < 0;
	}
	free(text);
	events->due_s = now_s + events->period_s;
	return end ? -1 : 0;
}

void fb_events_service(fb_server *server)
{
	double now_s = fb_now_s();
	for (fb_events *events = server->events; events; events = events->next) {
		if (now_s >= events->due_s) {
			events->due_s = now_s + events->period_s;
			lws_callback_on_writable(events->wsi);
		}
	}
}

/* --- clients come and go */

static void close_events(void *ctx)
{
	fb_events *events = ctx;
	fb_events **at = &events->server->events;
	while (*at && *at != events) {
		at = &(*at)->next;
	}
	if (*at) {
		*at = events->next;
	}
	if (events->client && events->server->osc) {
		fb_osc_client_remove(events->server->osc, events->client);
	}
	free(events->meters.text);
	free(events);
}

/** "1,2,16", or nothing for all. false: no such list, or it names a station that is not there. */
static bool read_stations(fb_events *events, const fb_asked *asked)
{
	char list[256];
	uint32_t n = events->server->n_channels;
	if (!fb_asked_text(asked, "stations", list, sizeof list)) {
		memset(events->wanted, true, n * sizeof *events->wanted);
		return true;
	}
	for (char *at = list, *end = at;; at = end + 1) {
		unsigned long station = strtoul(at, &end, 10);
		if (end == at || station < 1 || station > n || (*end && *end != ',')) {
			return false;
		}
		events->wanted[station - 1] = true;
		if (!*end) {
			return true;
		}
	}
}

static fb_status follow(fb_events *events, const fb_asked *asked, fb_error *error)
{
	double rate_hz = (double)fb_asked_number(asked, "rate", RATE_DEFAULT_HZ);
	fb_server *server = events->server;
	events->period_s = 1.0 / rate_hz;
	events->client = fb_osc_client_add(server->osc, &transport, events, asked->origin.text);
	if (!events->client) {
		return fb_fail(error, FB_NO_MEMORY, asked->path, "out of memory");
	}
	fb_osc_client_read_only(events->client, true);
	fb_status status = fb_osc_follow(events->client, "/server", rate_hz, error);
	for (uint32_t i = 0; i < server->n_channels && !status; i++) {
		char pattern[32];
		snprintf(pattern, sizeof pattern, "/station/%u", i + 1);
		if (events->wanted[i]) {
			status = fb_osc_follow(events->client, pattern, rate_hz, error);
		}
	}
	return status;
}

static void get_events(fb_request *request, const fb_asked *asked)
{
	static const fb_stream_ops ops = {.write = write_events, .close = close_events};
	fb_error error;
	fb_events *events = calloc(1, sizeof *events);
	if (!events) {
		fb_refuse(request, FB_NO_MEMORY, asked->path, "out of memory");
		return;
	}
	events->server = asked->server;
	events->wsi = request->wsi;
	if (!read_stations(events, asked)) {
		fb_fail(&error, FB_INVALID, "stations", "must be numbers of stations, as 1,2");
		fb_http_answer_error(request, &error);
		close_events(events);
	} else if (follow(events, asked, &error)) {
		fb_http_answer_error(request, &error);
		close_events(events);
	} else {
		events->next = asked->server->events;
		asked->server->events = events;
		fb_http_answer_stream(request, "text/event-stream", &ops, events);
	}
}

static const fb_route routes[] = {
	{FB_GET, "/api/events", get_events,
		"Server-sent events: every value once, then what changes. `metrics` (as its route, with "
		"`station`), `meters` ({address: value}), `change` ({address, value}), `alarm` ({address, "
		"value, active, label}).",
		{{"stations", NULL, 0, 0, "Of these stations, as 1,2 (all)."},
			{"rate", NULL, 1, RATE_MAX_HZ, "At most so many times a second (10)."}},
		.answer_type = "text/event-stream"},
};

const fb_routes fb_event_routes = {"stations", routes, sizeof routes / sizeof *routes};
