/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report.h"

#include "tables.h"

#include <time.h>

const char *fb_time_text(int64_t time_us, char text[32])
{
	time_t seconds = (time_t)(time_us / 1000000);
	struct tm local;
	if (!localtime_r(&seconds, &local) || !strftime(text, 32, "%Y-%m-%d %H:%M:%S", &local)) {
		text[0] = '\0';
	}
	return text;
}

static const char *text_of(const json_t *report, const char *key)
{
	const char *text = json_string_value(json_object_get(report, key));
	return text ? text : "";
}

static double number_of(const json_t *report, const char *key)
{
	return json_number_value(json_object_get(report, key));
}

/** A parameter's value, as a patch has it. */
static void print_value(const json_t *value)
{
	char number[32];
	if (json_is_number(value)) {
		fputs(fb_number_text(json_number_value(value), number), stdout);
	} else if (json_is_string(value)) {
		fputs(json_string_value(value), stdout);
	} else {
		fputs(json_is_true(value) ? "true" : "false", stdout);
	}
}

/** What this run had set otherwise than the station. */
static void print_changes(const json_t *report)
{
	const json_t *before = json_object_get(report, "params_before");
	json_t *after = json_object_get(report, "params_after"), *value;
	const char *key;
	json_object_foreach(after, key, value)
	{
		const json_t *old = json_object_get(before, key);
		if (old && !json_equal((json_t *)(uintptr_t)old, value)) {
			printf("  %-28s ", key);
			print_value(old);
			fputs(" -> ", stdout);
			print_value(value);
			fputc('\n', stdout);
		}
	}
}

static void print_parts(const json_t *report)
{
	json_t *parts = json_object_get(report, "score_parts"), *part;
	const char *key;
	json_object_foreach(parts, key, part)
	{
		printf("  %-28s %3.0f %%\n", key, 100.0 * json_number_value(part));
	}
}

void fb_report_print(const json_t *report)
{
	double frames = number_of(report, "frame_end") - number_of(report, "frame_start");
	double rate_hz = number_of(report, "sample_rate"), faults = number_of(report, "node_faults");
	printf("run %s: station %.0f, score %.1f of 100\n", text_of(report, "run_id"),
		number_of(report, "station_id"), number_of(report, "score"));
	printf("  %.3f s at %g Hz, frames %.0f to %.0f\n", rate_hz > 0.0 ? frames / rate_hz : 0.0,
		rate_hz, number_of(report, "frame_start"), number_of(report, "frame_end"));
	if (*text_of(report, "notes")) {
		printf("  notes: %s\n", text_of(report, "notes"));
	}
	if (faults > 0.0) {
		printf("  a node yielded no number in %.0f ticks\n", faults);
	}
	print_parts(report);
	print_changes(report);
	fb_print_metrics_json(json_object_get(report, "metrics"), json_object_get(report, "invalid"));
}

bool fb_station_number(const fb_command *command, const char *word, long *station)
{
	double number;
	if (!fb_args_number(word, 1, 64, &number) || number != (double)(long)number) {
		fb_say_usage(command, "\"%s\" is no station: they count from 1", word);
		return false;
	}
	*station = (long)number;
	return true;
}
