/* SPDX-License-Identifier: GPL-3.0-or-later */
/** foldback runs, run show, snapshot: what the server has kept of runs. */
#include "report.h"
#include "wire.h"

#include <stdlib.h>

static struct {
	long station, limit;
} chosen = {.limit = 20};

static const char *text_of(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));
	return text ? text : "";
}

/** "/api/runs/ID" and what comes behind it; free() it. NULL when out of memory, which is told. */
static char *run_path(const char *id, const char *rest)
{
	char *escaped = fb_fetch_escape(id, ""), *path = NULL;
	if (!escaped || asprintf(&path, "/api/runs/%s%s", escaped, rest) < 0) {
		fb_say("out of memory");
		path = NULL;
	}
	free(escaped);
	return path;
}

/* --- runs */

enum { NOTE_LEN = 60 }; /* characters of a note in the table */

/** A note on one line: its beginning, without what moves the cursor. */
static void print_note(const char *note)
{
	int shown = 0;
	for (const unsigned char *at = (const unsigned char *)note; *at; at++) {
		bool begins = (*at & 0xc0) != 0x80; /* in UTF-8, a character */
		if (begins && ++shown > NOTE_LEN) {
			printf("…");
			break;
		}
		putchar(*at < ' ' || *at == 0x7f ? ' ' : *at);
	}
	putchar('\n');
}

static void print_row(const json_t *row)
{
	char when[32], mark[16] = "";
	double rate_hz = json_number_value(json_object_get(row, "sample_rate"));
	double frames = json_number_value(json_object_get(row, "frames"));
	const json_t *subjective = json_object_get(row, "subjective");
	if (json_is_number(subjective)) {
		snprintf(mark, sizeof mark, "%.1f", json_number_value(subjective));
	}
	printf("%-30s %3lld  %s  %6.1f  %4s  %7.2f s  ", text_of(row, "run_id"),
		json_integer_value(json_object_get(row, "station_id")),
		fb_time_text(json_integer_value(json_object_get(row, "time_us")), when),
		json_number_value(json_object_get(row, "score")), mark,
		rate_hz > 0.0 ? frames / rate_hz : 0.0);
	print_note(text_of(row, "notes"));
}

static int run_runs(const fb_ctl *ctl, int count, char **words)
{
	char path[96];
	size_t i;
	json_t *row;
	(void)count, (void)words;
	int len = snprintf(path, sizeof path, "/api/runs?limit=%ld", chosen.limit);
	if (chosen.station) {
		snprintf(path + len, sizeof path - (size_t)len, "&station=%ld", chosen.station);
	}
	json_t *rows = fb_wire_read(ctl, path);
	if (!rows) {
		return FB_EXIT_FAILED;
	}
	if (ctl->json) {
		return fb_print_json(rows);
	}
	if (json_array_size(rows)) {
		printf("%-30s %3s  %-19s  %6s  %4s  %9s  %s\n", "run", "st.", "time", "score", "mark",
			"length", "notes");
	}
	json_array_foreach(rows, i, row)
	{
		print_row(row);
	}
	json_decref(rows);
	return FB_EXIT_OK;
}

static const fb_arg runs_args[] = {
	{"station", "N", "of this station alone", FB_ARG_INT, 0, &chosen.station, 1, 64},
	{"limit", "N", "at most so many (20)", FB_ARG_INT, 0, &chosen.limit, 1, 10000},
	{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0},
};

const fb_command fb_cmd_runs = {
	"runs", "", "the runs that are kept, newest first", NULL, 0, 0, true, runs_args, run_runs};

/* --- run show */

static const fb_arg no_args[] = {{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0}};

static int run_show(const fb_ctl *ctl, int count, char **words)
{
	(void)count;
	char *path = run_path(words[0], "");
	json_t *report = path ? fb_wire_read(ctl, path) : NULL;
	free(path);
	if (!report) {
		return FB_EXIT_FAILED;
	}
	if (ctl->json) {
		return fb_print_json(report);
	}
	fb_report_print(report);
	json_decref(report);
	return FB_EXIT_OK;
}

const fb_command fb_cmd_run_show = {
	"run show", "RUN", "the report of a run that is kept", NULL, 1, 1, true, no_args, run_show};

/* --- snapshot */

int fb_snapshot_save(const fb_ctl *ctl, const char *run_id, const char *file)
{
	char *path = run_path(run_id, "/snapshot.wav");
	int code = path ? fb_wire_download(ctl, path, file) : FB_EXIT_FAILED;
	free(path);
	return code;
}

static int run_snapshot(const fb_ctl *ctl, int count, char **words)
{
	char path[96];
	long station;
	(void)count;
	if (!fb_station_number(&fb_cmd_snapshot, words[0], &station)) {
		return FB_EXIT_USAGE;
	}
	snprintf(path, sizeof path, "/api/runs?station=%ld&limit=1", station);
	json_t *rows = fb_wire_read(ctl, path);
	if (!rows) {
		return FB_EXIT_FAILED;
	}
	const char *id = text_of(json_array_get(rows, 0), "run_id");
	int code = FB_EXIT_FAILED;
	if (!*id) {
		fb_say("station %ld has no run yet (foldback run %ld makes one)", station, station);
	} else {
		code = fb_snapshot_save(ctl, id, words[1]);
	}
	if (!code && ctl->json) {
		fb_print_json(json_pack("{s:s, s:s}", "run_id", id, "file", words[1]));
	} else if (!code) {
		printf("%s: run %s\n", words[1], id);
	}
	json_decref(rows);
	return code;
}

const fb_command fb_cmd_snapshot = {"snapshot", "N OUT.wav",
	"what the newest run of station N sounded like", NULL, 2, 2, true, no_args, run_snapshot};
