/* SPDX-License-Identifier: GPL-3.0-or-later */
/** foldback audit: who changed what, and what was refused. */
#include "report.h"
#include "wire.h"

#include <string.h>

static long limit = 50;

static const char *text_of(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));
	return text ? text : "";
}

static void print_row(const json_t *row)
{
	char when[32];
	const char *outcome = text_of(row, "outcome"), *old = text_of(row, "old");
	json_int_t entries = json_integer_value(json_object_get(row, "count"));
	printf("%s  %s  %s  %s%s%s",
		fb_time_text(json_integer_value(json_object_get(row, "time_us")), when),
		text_of(row, "origin"), text_of(row, "address"), old, *old ? " -> " : "",
		text_of(row, "new"));
	if (entries > 1) {
		printf("  (%lld sets)", (long long)entries);
	}
	if (strcmp(outcome, "ok")) {
		printf("  REFUSED: %s", outcome);
	}
	fputc('\n', stdout);
}

static int run(const fb_ctl *ctl, int count, char **words)
{
	char path[64];
	size_t i;
	json_t *row;
	(void)count, (void)words;
	snprintf(path, sizeof path, "/api/audit?limit=%ld", limit);
	json_t *rows = fb_wire_read(ctl, path);
	if (!rows) {
		return FB_EXIT_FAILED;
	}
	if (ctl->json) {
		return fb_print_json(rows);
	}
	json_array_foreach(rows, i, row)
	{
		print_row(row);
	}
	json_decref(rows);
	return FB_EXIT_OK;
}

static const fb_arg args[] = {
	{"limit", "N", "at most so many (50)", FB_ARG_INT, 0, &limit, 1, 10000},
	{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0},
};

const fb_command fb_cmd_audit = {
	"audit", "", "who changed what, newest first; refusals too", NULL, 0, 0, true, args, run};
