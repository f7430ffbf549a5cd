/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "link.h"

#include "../common/fetch.h"
#include "discover.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* A minute of audio through a long chain, 64 times, on a busy machine. The user can give up. */
#define AUDITION_TIMEOUT_S 600.0
/* Learning a station by OSC takes hundreds of questions. Where a tenth of all datagrams is lost, a
   question, its answer or its /synced is in every fourth try, and no question may fail. An answer
   that comes late counts for the next try. */
enum { ANSWER_MS = 150, TRIES = 20 };

struct fb_link {
	fb_link_options options;
	fb_fetch *fetch;
	fb_client *osc;
	json_t *start;  ///< all settings at the beginning
	json_t *source; ///< {"run": id} of the baseline
};

static bool go_on(void *ctx)
{
	const fb_link *link = ctx;
	return link->options.go_on(link->options.ctx);
}

fb_status fb_link_open(const fb_link_options *options, fb_link **out, fb_error *error)
{
	fb_link *link = calloc(1, sizeof *link);
	if (!link ||
		!(link->fetch = fb_fetch_open(options->host, options->http_port, options->token))) {
		free(link);
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	link->options = *options;
	fb_fetch_on_progress(link->fetch, go_on, link);
	fb_status status =
		fb_client_open(options->host, (uint16_t)options->osc_port, &link->osc, error);
	if (status) {
		fb_link_close(link);
		return status;
	}
	fb_client_set_patience(link->osc, ANSWER_MS, TRIES);
	*out = link;
	return FB_OK;
}

void fb_link_close(fb_link *link)
{
	if (link) {
		fb_client_close(link->osc);
		fb_fetch_close(link->fetch);
		json_decref(link->start);
		json_decref(link->source);
		free(link);
	}
}

void fb_link_set_station(fb_link *link, int station)
{
	link->options.station = station;
}

fb_status fb_link_tree(fb_link *link, json_t **out, fb_error *error)
{
	char path[64];
	snprintf(path, sizeof path, "/station/%d", link->options.station);
	fb_status status = link->options.osc_only
						   ? fb_discover(link->osc, path, go_on, link, out, error)
						   : fb_fetch_json(link->fetch, "GET", path, NULL, 0.0, out, error);
	if (status == FB_NOT_FOUND) {
		return fb_fail(error, status, path, "the server has no such station");
	}
	return status;
}

/* --- runs */

/** Takes `body`. */
static fb_status post(
	fb_link *link, const char *path, json_t *body, double timeout_s, json_t **out, fb_error *error)
{
	if (!body) {
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	fb_status status = fb_fetch_json(link->fetch, "POST", path, body, timeout_s, out, error);
	json_decref(body);
	return status;
}

/** All settings of the beginning, with changes. */
static json_t *with_changes(const fb_link *link, const json_t *changes)
{
	json_t *all = json_copy(link->start);
	if (all && json_object_update(all, (json_t *)(uintptr_t)changes)) {
		json_decref(all);
		return NULL;
	}
	return all;
}

fb_status fb_link_begin(fb_link *link, const json_t *source, const json_t *settings, bool audio,
	double seconds, json_t **report, fb_error *error)
{
	json_t *body = json_pack("{s:i, s:O, s:s, s:b, s:s}", "station", link->options.station,
		"source", source, "session", link->options.session, "include_audio", audio, "notes",
		"optimizer: as the station was found");
	if (body && settings) {
		json_object_set(body, "parameters", (json_t *)(uintptr_t)settings);
	}
	json_t *answer = NULL;
	fb_status status =
		post(link, "/api/calibration/run", body, seconds + AUDITION_TIMEOUT_S, &answer, error);
	if (status) {
		return status;
	}
	json_t *after = json_object_get(answer, "params_after"),
		   *run_id = json_object_get(answer, "run_id");
	link->start = json_deep_copy(after);
	link->source = json_pack("{s:O}", "run", run_id);
	if (!link->start || !link->source) {
		json_decref(answer);
		return fb_fail(error, FB_IO, "/api/calibration/run",
			"the server's run report lacks its id or its parameters");
	}
	*report = answer;
	return FB_OK;
}

fb_status fb_link_audition(fb_link *link, const json_t *changes, json_t **results, fb_error *error)
{
	size_t at;
	json_t *one, *answer = NULL, *candidates = json_array();
	json_array_foreach(changes, at, one)
	{
		json_array_append_new(candidates, with_changes(link, one));
	}
	json_t *body = json_pack("{s:i, s:O, s:s, s:o}", "station", link->options.station, "source",
		link->source, "session", link->options.session, "candidates", candidates);
	fb_status status =
		post(link, "/api/calibration/audition", body, AUDITION_TIMEOUT_S, &answer, error);
	if (status) {
		return status;
	}
	json_t *list = json_object_get(answer, "results");
	if (json_array_size(list) != json_array_size(changes)) {
		status = fb_fail(error, FB_IO, "/api/calibration/audition",
			"%zu parameter sets were sent and %zu came back", json_array_size(changes),
			json_array_size(list));
	} else {
		*results = json_incref(list);
	}
	json_decref(answer);
	return status;
}

fb_status fb_link_final(
	fb_link *link, const json_t *changes, const char *notes, json_t **report, fb_error *error)
{
	json_t *body = json_pack("{s:i, s:O, s:s, s:b, s:s, s:o}", "station", link->options.station,
		"source", link->source, "session", link->options.session, "include_audio", 0, "notes",
		notes, "parameters", with_changes(link, changes));
	return post(link, "/api/calibration/run", body, AUDITION_TIMEOUT_S, report, error);
}

/* --- the station */

static fb_status command(fb_link *link, const char *leaf, const char *argument, fb_error *error)
{
	char address[64];
	fb_value value = {.tag = 's', .s = argument};
	snprintf(address, sizeof address, "/station/%d/%s", link->options.station, leaf);
	return fb_client_call(link->osc, address, &value, argument ? 1 : 0, NULL, NULL, error);
}

fb_status fb_link_offer(fb_link *link, const char *run_id, fb_error *error)
{
	return command(link, "proposal/offer", run_id, error);
}

fb_status fb_link_accept(fb_link *link, fb_error *error)
{
	return command(link, "proposal/accept", NULL, error);
}

fb_status fb_link_settings(fb_link *link, json_t **out, fb_error *error)
{
	char path[64];
	snprintf(path, sizeof path, "/api/stations/%d/params", link->options.station);
	return fb_fetch_json(link->fetch, "GET", path, NULL, 0.0, out, error);
}

const json_t *fb_link_start(const fb_link *link)
{
	return link->start;
}

fb_status fb_link_store(fb_link *link, const json_t *document, fb_error *error)
{
	char path[96];
	json_t *answer = NULL;
	snprintf(path, sizeof path, "/api/sessions/%s", link->options.session);
	fb_status status = fb_fetch_json(link->fetch, "PUT", path, document, 0.0, &answer, error);
	json_decref(answer);
	return status;
}

fb_status fb_link_find(fb_link *link, const char *session, json_t **out, fb_error *error)
{
	char path[160], *name = fb_fetch_escape(session, "");
	json_t *row = NULL;
	if (!name) {
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	snprintf(path, sizeof path, "/api/sessions/%.120s", name);
	free(name);
	fb_status status = fb_fetch_json(link->fetch, "GET", path, NULL, 0.0, &row, error);
	if (status) {
		return status;
	}
	*out = json_incref(json_object_get(row, "document"));
	json_decref(row);
	return *out ? FB_OK : fb_fail(error, FB_IO, path, "the server's answer holds no session");
}

static void count_one(void *ctx, const char *name, bool has_children)
{
	int *count = ctx;
	(void)name;
	(void)has_children;
	(*count)++;
}

fb_status fb_link_stations(fb_link *link, int *count, fb_error *error)
{
	json_t *tree = NULL;
	if (link->options.osc_only) {
		*count = 0;
		return fb_client_list(link->osc, "/station", count_one, count, error);
	}
	fb_status status = fb_fetch_json(link->fetch, "GET", "/station", NULL, 0.0, &tree, error);
	if (!status) {
		*count = (int)json_object_size(json_object_get(tree, "CONTENTS"));
		json_decref(tree);
	}
	return status;
}
