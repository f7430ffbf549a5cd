/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GET /metrics: all numbers of the tree that nobody sets, in Prometheus' text format. A leaf's
   address makes its name, the station's number is a label; units are the base ones where
   Prometheus knows some. What has no answer is NaN. */
#include "route.h"

#include "../../osc/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESS_LEN = 192, NAME_LEN = 160 };

/** How a unit ends a name, and what a value is multiplied with for it. */
typedef struct unit {
	const char *of, *suffix;
	double times;
} unit;

static const unit units[] = {{"dB", "_db", 1.0}, {"dBFS", "_dbfs", 1.0}, {"dBTP", "_dbtp", 1.0},
	{"LUFS", "_lufs", 1.0}, {"LU", "_lu", 1.0}, {"LU/min", "_lu_per_minute", 1.0},
	{"dB/oct", "_db_per_octave", 1.0}, {"Hz", "_hertz", 1.0}, {"ms", "_seconds", 1e-3},
	{"s", "_seconds", 1.0}, {"%", "_ratio", 1e-2}, {"events/s", "_events_per_second", 1.0},
	{"crossings/s", "_crossings_per_second", 1.0}, {"onsets/s", "_onsets_per_second", 1.0},
	{"bytes", "_bytes", 1.0}, {"frames", "_frames", 1.0}, {"ticks", "_ticks", 1.0},
	{"samples", "_samples", 1.0}, {"", "", 1.0}};

static const unit *unit_of(const char *name)
{
	const unit *plain = &units[sizeof units / sizeof *units - 1];
	for (const unit *u = units; u < plain; u++) {
		if (!strcmp(u->of, name)) {
			return u;
		}
	}
	return plain;
}

static bool ends_with(const char *text, const char *end)
{
	size_t a = strlen(text), b = strlen(end);
	return a >= b && !strcmp(text + a - b, end);
}

/** foldback_ and the address behind its first part, with the unit, and _total if it counts. */
static void name_of(const char *address, const fb_leaf_spec *spec, char name[NAME_LEN])
{
	const char *suffix = unit_of(spec->unit)->suffix;
	int len = snprintf(name, NAME_LEN, "foldback_%s", address);
	for (char *at = name; *at; at++) {
		*at = strchr("abcdefghijklmnopqrstuvwxyz0123456789_", *at) ? *at : '_';
	}
	if (len < NAME_LEN && !ends_with(name, suffix)) {
		len += snprintf(name + len, (size_t)(NAME_LEN - len), "%s", suffix);
	}
	if (len < NAME_LEN && spec->counter) {
		snprintf(name + len, (size_t)(NAME_LEN - len), "_total");
	}
}

/** Escaped as HELP and labels want it. */
static void put_text(FILE *out, const char *text, bool label)
{
	for (; *text; text++) {
		if (*text == '\\' || *text == '\n' || (label && *text == '"')) {
			fputc('\\', out);
		}
		fputc(*text == '\n' ? 'n' : *text, out);
	}
}

static bool is_told(const fb_branch *branch)
{
	const fb_leaf_spec *spec = fb_branch_leaf(branch);
	return spec && (spec->access & FB_READ) && (spec->access == FB_READ || spec->meter) &&
		   (spec->kind == FB_LEAF_FLOAT || spec->kind == FB_LEAF_INT || spec->kind == FB_LEAF_BOOL);
}

static void put_head(FILE *out, const fb_branch *leaf, const char *name)
{
	const fb_leaf_spec *spec = fb_branch_leaf(leaf);
	const char *in = unit_of(spec->unit)->times == 1.0 ? spec->unit : "";
	fprintf(out, "# HELP %s ", name);
	put_text(out, fb_branch_label(leaf), false);
	fputs(*in ? " (" : "", out);
	put_text(out, in, false);
	fputs(*in ? "): " : ": ", out);
	put_text(out, fb_branch_doc(leaf), false);
	fprintf(out, "\n# TYPE %s %s\n", name, spec->counter ? "counter" : "gauge");
}

static void put_value(FILE *out, fb_tree *tree, const fb_branch *leaf)
{
	fb_value value;
	double number = 0.0;
	fb_tree_get(tree, leaf, &value);
	fb_value_number(&value, &number);
	double times = unit_of(fb_branch_leaf(leaf)->unit)->times;
	if (fb_tree_valid(tree, leaf)) { /* as exact as a count of weeks or a measure needs to be */
		fprintf(out, value.tag == 'i' ? " %.17g\n" : " %.9g\n", number * times);
	} else {
		fputs(" NaN\n", out);
	}
}

/* --- one family: a leaf of every station, or one of the server */

static void put_server(FILE *out, fb_tree *tree, const fb_branch *leaf)
{
	char name[NAME_LEN];
	name_of(fb_branch_address(leaf) + 1, fb_branch_leaf(leaf), name);
	put_head(out, leaf, name);
	fputs(name, out);
	put_value(out, tree, leaf);
}

static void put_stations(FILE *out, const fb_server *server, const fb_branch *first)
{
	char name[NAME_LEN], address[ADDRESS_LEN];
	const char *below = fb_branch_address(first) + strlen("/station/1/");
	snprintf(address, sizeof address, "station/%s", below);
	name_of(address, fb_branch_leaf(first), name);
	put_head(out, first, name);
	for (uint32_t i = 0; i < server->n_channels; i++) {
		snprintf(address, sizeof address, "/station/%u/%s", i + 1, below);
		const fb_branch *leaf = fb_tree_find(server->tree, address);
		if (leaf) {
			fprintf(out, "%s{station=\"%u\"}", name, i + 1);
			put_value(out, server->tree, leaf);
		}
	}
}

static void put_below(FILE *out, const fb_server *server, fb_branch *branch, bool station)
{
	if (is_told(branch) && station) {
		put_stations(out, server, branch);
	} else if (is_told(branch)) {
		put_server(out, server->tree, branch);
	}
	for (fb_branch *child = fb_branch_first(branch); child; child = fb_branch_next(child)) {
		char bypass[ADDRESS_LEN];
		snprintf(bypass, sizeof bypass, "%s/bypass", fb_branch_address(child));
		if (!fb_tree_find(server->tree, bypass)) { /* nodes come and go, and differ by station */
			put_below(out, server, child, station);
		}
	}
}

static void put_info(FILE *out, const fb_server *server)
{
	fprintf(out,
		"# HELP foldback_info What serves this.\n# TYPE foldback_info gauge\n"
		"foldback_info{version=\"%s\",driver=\"%s\"} 1\n",
		FB_VERSION, server->driver->kind);
	fputs("# HELP foldback_station_info What people call a station, and the patch it plays.\n"
		  "# TYPE foldback_station_info gauge\n",
		out);
	for (uint32_t i = 0; i < server->n_channels; i++) {
		const fb_channel *channel = &server->channel[i];
		fprintf(out, "foldback_station_info{station=\"%u\",name=\"", i + 1);
		put_text(out, channel->name, true);
		fputs("\",patch=\"", out);
		put_text(out, fb_patch_name(fb_station_patch(channel->station)), true);
		fputs("\"} 1\n", out);
	}
}

static void get_metrics(fb_request *request, const fb_asked *asked)
{
	const fb_server *server = asked->server;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	fb_branch *places[] = {
		fb_tree_find(server->tree, "/server"), fb_tree_find(server->tree, "/station/1")};
	if (out) {
		put_info(out, server);
	}
	for (int i = 0; i < 2 && out; i++) {
		if (places[i]) {
			put_below(out, server, places[i], i == 1);
		}
	}
	bool good = out && !ferror(out);
	good = out && !fclose(out) && good;
	if (good) {
		fb_http_answer_bytes(request, 200, "text/plain; version=0.0.4; charset=utf-8", text, len);
	} else {
		free(text);
		fb_http_answer_json(request, 500, NULL);
	}
}

static const fb_route routes[] = {
	{FB_GET, "/metrics", get_metrics,
		"All metrics of all stations, scores, counts and the server's figures, for Prometheus.",
		.answer_type = "text/plain"},
};

const fb_routes fb_prometheus_routes = {"server", routes, sizeof routes / sizeof *routes};
