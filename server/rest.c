/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The REST routes. Everything that is no route is an address of the tree and answered as OSCQuery.
 */
#include "calibration.h"
#include "http.h"
#include "meters.h"
#include "samples.h"
#include "source.h"

#include "../osc/oscquery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_MAX = 1 << 20, ADDRESS_LEN = 160 };

/** A route's variable part, where its pattern has a '*'. */
typedef struct fb_part {
	char text[160];
} fb_part;

typedef void route_handler(fb_request *request, const fb_asked *asked, const fb_part *part);

static void refuse(fb_request *request, fb_status status, const char *where, const char *text)
{
	fb_error error;
	fb_fail(&error, status, where, "%s", text);
	fb_http_answer_error(request, &error);
}

/** The station a path names, NULL (and refused) if there is none. */
static fb_channel *find_channel(fb_request *request, const fb_asked *asked, const fb_part *part)
{
	char *end;
	unsigned long n = strtoul(part->text, &end, 10);
	if (*end || n < 1 || n > asked->server->n_channels) {
		refuse(request, FB_NOT_FOUND, asked->path, "there is no such station");
		return NULL;
	}
	return &asked->server->channel[n - 1];
}

static json_t *read_body(fb_request *request, const fb_asked *asked)
{
	json_error_t why;
	if (strncasecmp(asked->content_type, "application/json", 16)) {
		/* also keeps a web page elsewhere from writing through a visitor's browser unasked */
		refuse(request, FB_WRONG_TYPE, asked->path, "the body must be application/json");
		return NULL;
	}
	json_t *body = json_loadb(asked->body, asked->body_len, JSON_REJECT_DUPLICATES, &why);
	if (!body) {
		fb_error error;
		fb_fail(&error, FB_INVALID, asked->path, "line %d, column %d: %s", why.line, why.column,
			why.text);
		fb_http_answer_error(request, &error);
	}
	return body;
}

/* --- parameters */

static void get_params(fb_request *request, const fb_asked *asked, const fb_part *part)
{
	fb_channel *channel = find_channel(request, asked, part);
	if (channel) {
		fb_http_answer_json(request, 200, fb_params_to_json(fb_station_patch(channel->station)));
	}
}

static fb_value leaf_value(const json_t *json)
{
	if (json_is_string(json)) {
		return (fb_value){.tag = 's', .s = json_string_value(json)};
	}
	if (json_is_boolean(json)) {
		return (fb_value){.tag = json_is_true(json) ? 'T' : 'F'};
	}
	return json_is_integer(json) ? (fb_value){.tag = 'i', .i = json_integer_value(json)}
								 : (fb_value){.tag = 'f', .f = json_number_value(json)};
}

/** Set the leaves one by one, in one tick: all have been checked, so none is expected to fail. */
static fb_status set_leaves(
	fb_channel *channel, const json_t *values, const fb_origin *origin, fb_error *error)
{
	fb_tree *tree = channel->server->tree;
	fb_status status = FB_OK;
	fb_tree_begin(tree);
	for (void *it = json_object_iter((json_t *)(uintptr_t)values); it && !status;
		 it = json_object_iter_next((json_t *)(uintptr_t)values, it)) {
		char address[ADDRESS_LEN];
		int len = snprintf(address, sizeof address, "/station/%u/%s", channel->index + 1,
			json_object_iter_key(it));
		char *dot = len < (int)sizeof address ? strrchr(address, '.') : NULL;
		if (dot) {
			*dot = '/';
		}
		fb_branch *leaf = fb_tree_find(tree, address);
		fb_value value = leaf_value(json_object_iter_value(it));
		status = leaf ? fb_tree_set(tree, leaf, &value, 1, FB_STRICT, origin, NULL, error)
					  : fb_fail(error, FB_NOT_FOUND, address, "there is no such address");
	}
	fb_tree_end(tree);
	return status;
}

/** A POST that waits for the audit. */
static void params_on_disk(void *ctx, const json_t *rows, const fb_error *error)
{
	(void)rows;
	fb_request *request = fb_http_redeem(ctx);
	if (request && error) {
		fb_http_answer_error(request, error);
	} else if (request) {
		fb_http_answer_json(request, 200, json_pack("{s:b}", "stored", 1));
	}
}

/** Answer once what has been done is in the audit, on disk. */
static void answer_stored(
	fb_request *request, const fb_asked *asked, fb_status status, const fb_error *error)
{
	if (status) {
		fb_http_answer_error(request, error);
		return;
	}
	fb_ticket *ticket = fb_http_defer(request);
	if (ticket && fb_store_sync(asked->server->store, params_on_disk, ticket)) {
		params_on_disk(ticket, NULL, fb_store_refusal(asked->server->store));
	}
}

static void post_params(fb_request *request, const fb_asked *asked, const fb_part *part)
{
	fb_error error;
	fb_channel *channel = find_channel(request, asked, part);
	json_t *body = channel ? read_body(request, asked) : NULL;
	if (!body) {
		return;
	}
	fb_patch *trial = fb_patch_copy(fb_station_patch(channel->station));
	fb_status status = trial ? fb_params_apply(trial, body, &error)
							 : fb_fail(&error, FB_NO_MEMORY, "params", "out of memory");
	fb_patch_destroy(trial);
	if (!status) {
		status = set_leaves(channel, body, &asked->origin, &error);
	}
	json_decref(body);
	answer_stored(request, asked, status, &error);
}

/* --- patch and edits */

static void get_patch(fb_request *request, const fb_asked *asked, const fb_part *part)
{
	fb_channel *channel = find_channel(request, asked, part);
	if (channel) {
		fb_http_answer_json(request, 200, fb_patch_to_json(fb_station_patch(channel->station)));
	}
}

static void put_patch(fb_request *request, const fb_asked *asked, const fb_part *part)
{
	fb_error error;
	fb_channel *channel = find_channel(request, asked, part);
	json_t *body = channel ? read_body(request, asked) : NULL;
	if (body) {
		json_decref(body); /* it is JSON; what it says is read with its places */
		answer_stored(request, asked,
			fb_channel_put(channel, asked->body, asked->body_len, &asked->origin, &error), &error);
	}
}

static void post_edit(fb_request *request, const fb_asked *asked, const fb_part *part)
{
	fb_error error;
	fb_channel *channel = find_channel(request, asked, part);
	json_t *body = channel ? read_body(request, asked) : NULL;
	if (!body) {
		return;
	}
	const json_t *list = json_object_get(body, "edits");
	fb_status status =
		list && json_object_size(body) == 1
			? fb_channel_edit(channel, list, &asked->origin, &error)
			: fb_fail(&error, FB_INVALID, "edits", "the body must be {\"edits\": [...]}");
	json_decref(body);
	answer_stored(request, asked, status, &error);
}

/* --- metrics */

static void get_metrics(fb_request *request, const fb_asked *asked, const fb_part *part)
{
	fb_channel *channel = find_channel(request, asked, part);
	if (!channel) {
		return;
	}
	const fb_metric_set *set = &channel->metrics;
	json_t *metrics = json_object(), *invalid = json_array();
	for (int i = 0; i < FB_METRICS; i++) {
		json_object_set_new(metrics, fb_metric_catalogue[i].id, json_real(set->value[i]));
		if (!fb_metric_valid(set, i)) {
			json_array_append_new(invalid, json_string(fb_metric_catalogue[i].id));
		}
	}
	fb_http_answer_json(request, 200,
		json_pack("{s:I, s:I, s:f, s:o, s:o}", "frame_start", (json_int_t)set->frame_start,
			"frame_end", (json_int_t)set->frame_end, "sample_rate",
			fb_engine_rate(asked->server->engine), "metrics", metrics, "invalid", invalid));
}

/* --- calibration */

static void calibrated(void *ctx, const json_t *result, const fb_error *error)
{
	fb_request *request = fb_http_redeem(ctx);
	if (request && error) {
		fb_http_answer_error(request, error);
	} else if (request) {
		fb_http_answer_json(request, 200, json_incref((json_t *)(uintptr_t)result));
	}
}

static void start_calibration(fb_request *request, const fb_asked *asked, bool audition)
{
	fb_error error;
	json_t *body = read_body(request, asked);
	fb_ticket *ticket = body ? fb_http_defer(request) : NULL;
	if (ticket && fb_calibration_request(
					  asked->server->calibration, body, audition, calibrated, ticket, &error)) {
		calibrated(ticket, NULL, &error);
	}
	json_decref(body);
}

static void post_run(fb_request *request, const fb_asked *asked, const fb_part *part)
{
	(void)part;
	start_calibration(request, asked, false);
}

static void post_audition(fb_request *request, const fb_asked *asked, const fb_part *part)
{
	(void)part;
	start_calibration(request, asked, true);
}

/* --- what is stored */

static void rows_read(void *ctx, const json_t *rows, const fb_error *error)
{
	fb_request *request = fb_http_redeem(ctx);
	if (request && error) {
		fb_http_answer_error(request, error);
	} else if (request) {
		fb_http_answer_json(request, 200, json_incref((json_t *)(uintptr_t)rows));
	}
}

static unsigned long query_number(const fb_asked *asked, const char *key, unsigned long otherwise)
{
	const char *at = strstr(asked->query, key);
	size_t len = strlen(key);
	bool whole = at && (at == asked->query || at[-1] == '&') && at[len] == '=';
	return whole ? strtoul(at + len + 1, NULL, 10) : otherwise;
}

/** Ask the store; `posted` is what the asking returned. */
static void await_rows(const fb_asked *asked, fb_ticket *ticket, fb_status posted)
{
	if (posted) {
		rows_read(ticket, NULL, fb_store_refusal(asked->server->store));
	}
}

static void get_runs(fb_request *request, const fb_asked *asked, const fb_part *part)
{
	(void)part;
	fb_ticket *ticket = fb_http_defer(request);
	if (ticket) {
		await_rows(asked, ticket,
			fb_store_runs(asked->server->store, (uint32_t)query_number(asked, "station", 0),
				(uint32_t)query_number(asked, "limit", 100), rows_read, ticket));
	}
}

static void get_run(fb_request *request, const fb_asked *asked, const fb_part *part)
{
	fb_ticket *ticket = fb_http_defer(request);
	if (ticket) {
		await_rows(
			asked, ticket, fb_store_find_run(asked->server->store, part->text, rows_read, ticket));
	}
}

static void get_audit(fb_request *request, const fb_asked *asked, const fb_part *part)
{
	(void)part;
	fb_ticket *ticket = fb_http_defer(request);
	if (ticket) {
		await_rows(asked, ticket,
			fb_store_audit_rows(asked->server->store, NULL,
				(uint32_t)query_number(asked, "limit", 100), rows_read, ticket));
	}
}

static void audio_read(void *ctx, const float *interleaved, uint32_t channels, uint64_t frames,
	double rate_hz, const fb_error *error)
{
	fb_request *request = fb_http_redeem(ctx);
	if (!request || error) {
		if (request) {
			fb_http_answer_error(request, error);
		}
		return;
	}
	size_t len = 0;
	unsigned char *wav = fb_wav_from_interleaved(interleaved, channels, frames, rate_hz, &len);
	if (wav) {
		fb_http_answer_bytes(request, 200, "audio/wav", wav, len);
	} else {
		refuse(request, FB_NO_MEMORY, "snapshot.wav", "out of memory");
	}
}

static void get_snapshot(fb_request *request, const fb_asked *asked, const fb_part *part)
{
	fb_ticket *ticket = fb_http_defer(request);
	if (ticket && fb_store_audio(asked->server->store, part->text, audio_read, ticket)) {
		audio_read(ticket, NULL, 0, 0, 0.0, fb_store_refusal(asked->server->store));
	}
}

static void put_session(fb_request *request, const fb_asked *asked, const fb_part *part)
{
	json_t *body = read_body(request, asked);
	if (!body) {
		return;
	}
	fb_status status = fb_store_put(asked->server->store, "session", part->text, body);
	json_decref(body);
	fb_ticket *ticket = status ? NULL : fb_http_defer(request);
	if (!ticket) {
		fb_http_answer_error(request, fb_store_refusal(asked->server->store));
	} else if (fb_store_sync(asked->server->store, params_on_disk, ticket)) {
		params_on_disk(ticket, NULL, fb_store_refusal(asked->server->store));
	}
}

static void get_session(fb_request *request, const fb_asked *asked, const fb_part *part)
{
	fb_ticket *ticket = fb_http_defer(request);
	if (ticket) {
		await_rows(asked, ticket,
			fb_store_find(asked->server->store, "session", part->text, rows_read, ticket));
	}
}

/* --- samples */

static void put_sample(fb_request *request, const fb_asked *asked, const fb_part *part)
{
	fb_error error;
	json_t *about;
	if (fb_sample_put(asked->server->options.sample_dir, part->text, asked->body, asked->body_len,
			&about, &error)) {
		fb_http_answer_error(request, &error);
	} else {
		fb_http_answer_json(request, 201, about);
	}
}

static void get_sample(fb_request *request, const fb_asked *asked, const fb_part *part)
{
	fb_error error;
	void *data;
	size_t len;
	if (fb_sample_get(asked->server->options.sample_dir, part->text, &data, &len, &error)) {
		fb_http_answer_error(request, &error);
	} else {
		fb_http_answer_bytes(request, 200, "audio/wav", data, len);
	}
}

/* --- health */

static void get_healthz(fb_request *request, const fb_asked *asked, const fb_part *part)
{
	(void)asked, (void)part;
	fb_http_answer_json(request, 200, json_pack("{s:s}", "status", "ok"));
}

/** Ready: audio runs and what happens is recorded. */
static void get_readyz(fb_request *request, const fb_asked *asked, const fb_part *part)
{
	(void)part;
	fb_driver_state driver;
	fb_store_status store;
	asked->server->driver->ops->state(asked->server->driver, &driver);
	fb_store_health(asked->server->store, &store);
	bool ready = driver.running && store.recording;
	fb_http_answer_json(request, ready ? 200 : 503,
		json_pack("{s:b, s:b, s:b, s:s}", "ready", ready, "audio", driver.running, "recording",
			store.recording, "reason", store.reason));
}

/* --- the routes */

static const struct {
	fb_method method;
	const char *pattern; ///< one '*' stands for one part of the path
	route_handler *handler;
	size_t body_max;
} routes[] = {
	{FB_GET, "/api/stations/*/params", get_params, 0},
	{FB_POST, "/api/stations/*/params", post_params, BODY_MAX},
	{FB_GET, "/api/stations/*/patch", get_patch, 0},
	{FB_PUT, "/api/stations/*/patch", put_patch, BODY_MAX},
	{FB_POST, "/api/stations/*/edit", post_edit, BODY_MAX},
	{FB_GET, "/api/stations/*/metrics", get_metrics, 0},
	{FB_POST, "/api/calibration/run", post_run, BODY_MAX},
	{FB_POST, "/api/calibration/audition", post_audition, BODY_MAX},
	{FB_GET, "/api/runs", get_runs, 0},
	{FB_GET, "/api/runs/*", get_run, 0},
	{FB_GET, "/api/runs/*/snapshot.wav", get_snapshot, 0},
	{FB_GET, "/api/audit", get_audit, 0},
	{FB_PUT, "/api/sessions/*", put_session, BODY_MAX},
	{FB_GET, "/api/sessions/*", get_session, 0},
	{FB_PUT, "/api/samples/*", put_sample, FB_SAMPLE_FILE_MAX},
	{FB_GET, "/api/samples/*", get_sample, 0},
	{FB_GET, "/healthz", get_healthz, 0},
	{FB_GET, "/readyz", get_readyz, 0},
};

static bool matches(const char *pattern, const char *path, fb_part *part)
{
	const char *star = strchr(pattern, '*');
	if (!star) {
		return !strcmp(pattern, path);
	}
	size_t head = (size_t)(star - pattern), len;
	if (strncmp(pattern, path, head)) {
		return false;
	}
	len = strcspn(path + head, "/");
	if (!len || len >= sizeof part->text || strcmp(path + head + len, star + 1)) {
		return false;
	}
	memcpy(part->text, path + head, len);
	part->text[len] = '\0';
	return true;
}

size_t fb_rest_body_max(fb_method method, const char *path)
{
	fb_part part;
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
		if (routes[i].method == method && matches(routes[i].pattern, path, &part)) {
			return routes[i].body_max;
		}
	}
	return BODY_MAX; /* taken, to be told that there is no such route */
}

static void answer_oscquery(fb_request *request, const fb_asked *asked)
{
	fb_server *server = asked->server;
	fb_oscquery_host host = {.name = server->options.name, .osc_port = fb_osc_port(server->osc)};
	char *text;
	size_t len = 0;
	int code = fb_oscquery_get(server->tree, &host, asked->path, asked->query, &text, &len);
	fb_http_answer_bytes(request, code, "application/json", text, len);
}

void fb_rest_handle(fb_request *request, const fb_asked *asked)
{
	bool known_path = false;
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
		fb_part part = {""};
		if (!matches(routes[i].pattern, asked->path, &part)) {
			continue;
		}
		known_path = true;
		if (routes[i].method != asked->method) {
			continue;
		}
		if (asked->method != FB_GET && !asked->may_write) {
			refuse(request, FB_FORBIDDEN, asked->path,
				"writing from beyond this machine needs the bearer token");
			return;
		}
		routes[i].handler(request, asked, &part);
		return;
	}
	if (known_path || asked->method != FB_GET) {
		refuse(request, known_path ? FB_WRONG_TYPE : FB_NOT_FOUND, asked->path,
			known_path ? "not with this method" : "there is no such route");
	} else if (!strncmp(asked->path, "/api/", 5)) {
		refuse(request, FB_NOT_FOUND, asked->path, "there is no such route");
	} else {
		answer_oscquery(request, asked);
	}
}
