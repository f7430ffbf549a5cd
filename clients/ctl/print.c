/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Words for people, JSON for machines. */
#include "ctl.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 96 };

int fb_say_error(const fb_error *error)
{
	fprintf(stderr, "foldback: %s%s%s\n", error->where, error->where[0] ? ": " : "", error->text);
	return FB_EXIT_FAILED;
}

int fb_say_usage(const fb_command *command, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	fprintf(stderr, "foldback %s: ", command->name);
	vfprintf(stderr, fmt, args);
	fprintf(stderr, "\nTry: foldback %s --help\n", command->name);
	va_end(args);
	return FB_EXIT_USAGE;
}

void fb_say(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	fputs("foldback: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
}

int fb_print_json(json_t *take)
{
	if (!take || json_dumpf(take, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY)) {
		json_decref(take);
		fb_say("out of memory");
		return FB_EXIT_FAILED;
	}
	fputc('\n', stdout);
	json_decref(take);
	return FB_EXIT_OK;
}

void fb_print_wrapped(const char *text, int indent)
{
	int column = 0;
	while (*text) {
		int len = (int)strcspn(text, " \n");
		if (column && column + 1 + len > COLUMNS) {
			fputc('\n', stdout);
			column = 0;
		}
		if (len) {
			printf("%*s%.*s", column ? 1 : indent, "", len, text);
			column += len + (column ? 1 : indent);
		}
		text += len;
		if (*text == '\n') {
			fputc('\n', stdout);
			column = 0;
		}
		text += *text != '\0';
	}
	if (column) {
		fputc('\n', stdout);
	}
}

const char *fb_number_text(double value, char text[32])
{
	for (int digits = 6; digits <= 9; digits++) {
		snprintf(text, 32, "%.*g", digits, value);
		if (strtof(text, NULL) == (float)value) {
			break;
		}
	}
	return text;
}

json_t *fb_number_json(double value)
{
	char text[32];
	return json_real(strtod(fb_number_text(value, text), NULL));
}
