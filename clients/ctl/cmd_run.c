/* SPDX-License-Identifier: GPL-3.0-or-later */
/** foldback run: a station's settings, or others, heard on a shadow of it. */
#include "progress.h"
#include "report.h"
#include "settings.h"
#include "wire.h"

#include <stdlib.h>
#include <string.h>

#define WORK_S 600.0 /**< that measuring may take beyond listening */

static struct {
	double live_s;
	const char *sample, *reference, *notes, *out;
	fb_arg_list sets;
	double started_s;
} chosen;

static bool show_progress(void *ctx)
{
	double passed_s = fb_progress_now() - chosen.started_s;
	(void)ctx;
	if (!chosen.sample && passed_s < chosen.live_s) {
		fb_progress_show("listening", passed_s, chosen.live_s);
	} else {
		fb_progress_show("measuring", passed_s, 0.0);
	}
	return true;
}

/* --- the request */

/** The values of --set, typed as the station has them: a choice may look like a number. */
static fb_status read_parameters(
	const json_t *now, const fb_arg_list *sets, json_t *out, fb_error *error)
{
	for (size_t i = 0; i < sets->count; i++) {
		char key[FB_SETTING_KEY];
		json_t *value = fb_setting_json(sets->item[i], false, key, sizeof key);
		if (!value) {
			return fb_fail(error, FB_INVALID, sets->item[i], "needs the form NODE.PARAM=VALUE");
		}
		if (json_is_string(json_object_get(now, key))) {
			json_decref(value);
			value = fb_setting_json(sets->item[i], true, key, sizeof key);
		}
		json_object_set_new(out, key, value);
	}
	return FB_OK;
}

static fb_status add_parameters(fb_fetch *fetch, long station, json_t *body, fb_error *error)
{
	char path[64];
	json_t *now = NULL, *parameters = json_object();
	snprintf(path, sizeof path, "/api/stations/%ld/params", station);
	fb_status status = fb_fetch_json(fetch, "GET", path, NULL, 0.0, &now, error);
	if (!status) {
		status = read_parameters(now, &chosen.sets, parameters, error);
	}
	json_decref(now);
	json_object_set_new(body, "parameters", parameters);
	return status;
}

static json_t *source_json(void)
{
	if (!chosen.sample) {
		return json_pack("{s:f}", "live", chosen.live_s > 0.0 ? chosen.live_s : 10.0);
	}
	json_t *source = json_pack("{s:s}", "sample", chosen.sample);
	if (chosen.reference) {
		json_object_set_new(source, "reference", json_string(chosen.reference));
	}
	return source;
}

static fb_status request(fb_fetch *fetch, long station, json_t **report, fb_error *error)
{
	json_t *body = json_pack(
		"{s:i, s:o, s:b}", "station", (int)station, "source", source_json(), "include_audio", 0);
	fb_status status = body ? FB_OK : fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	if (!status && chosen.sets.count) {
		status = add_parameters(fetch, station, body, error);
	}
	if (!status && chosen.notes) {
		json_object_set_new(body, "notes", json_string(chosen.notes));
	}
	if (!status) {
		chosen.started_s = fb_progress_now();
		fb_fetch_on_progress(fetch, show_progress, NULL);
		status = fb_fetch_json(
			fetch, "POST", "/api/calibration/run", body, chosen.live_s + WORK_S, report, error);
		fb_progress_end();
	}
	json_decref(body);
	return status;
}

/* --- */

static int run(const fb_ctl *ctl, int count, char **words)
{
	long station;
	fb_error error;
	json_t *report = NULL;
	(void)count;
	if (!fb_station_number(&fb_cmd_run, words[0], &station)) {
		return FB_EXIT_USAGE;
	}
	if (chosen.sample && chosen.live_s > 0.0) {
		return fb_say_usage(&fb_cmd_run, "--live and --sample exclude each other");
	}
	if (chosen.reference && !chosen.sample) {
		return fb_say_usage(&fb_cmd_run, "--reference goes with --sample");
	}
	fb_fetch *fetch = fb_wire_http(ctl);
	if (!fetch) {
		return FB_EXIT_FAILED;
	}
	fb_status status = request(fetch, station, &report, &error);
	fb_fetch_close(fetch);
	if (status) {
		return fb_say_error(&error);
	}
	const char *id = json_string_value(json_object_get(report, "run_id"));
	int code = chosen.out && id ? fb_snapshot_save(ctl, id, chosen.out) : FB_EXIT_OK;
	if (ctl->json) {
		fb_print_json(report);
	} else {
		fb_report_print(report);
		json_decref(report);
	}
	return code;
}

static const fb_arg args[] = {
	{"live", "S", "listen to the station's input for so many seconds (10)", FB_ARG_FLOAT, 0,
		&chosen.live_s, 0.1, 60},
	{"sample", "NAME", "take this sample of the server instead", FB_ARG_TEXT, 0, &chosen.sample, 0,
		0},
	{"reference", "NAME", "its clean original, for si_sdr and stoi", FB_ARG_TEXT, 0,
		&chosen.reference, 0, 0},
	{"set", "NODE.PARAM=V", "a setting to hear instead of the station's own; may be given again",
		FB_ARG_LIST, 0, &chosen.sets, 0, 0},
	{"notes", "T", "a remark to keep with the run", FB_ARG_TEXT, 0, &chosen.notes, 0, 0},
	{"out", "FILE.wav", "keep what was heard", FB_ARG_TEXT, 0, &chosen.out, 0, 0},
	{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0},
};

const fb_command fb_cmd_run = {"run", "N", "hear and measure station N on a shadow of it",
	"The audience hears nothing of it. Prints the score, its parts, what was set otherwise and all "
	"metrics.",
	1, 1, true, args, run};
