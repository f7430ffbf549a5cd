/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "status.h"

#include <stdarg.h>
#include <stdio.h>

/** Length of the well-formed UTF-8 sequence at c, 0 if there is none or it is a control character.
	source: Unicode 15, table 3-7 */
static size_t sequence_len(const unsigned char *c)
{
	if (c[0] < 0x80) {
		return c[0] >= 0x20 && c[0] != 0x7f;
	}
	if (c[0] < 0xc2 || c[0] > 0xf4) {
		return 0;
	}
	size_t len = c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;
	unsigned char low = c[0] == 0xe0 ? 0xa0 : c[0] == 0xf0 ? 0x90 : 0x80;
	unsigned char high = c[0] == 0xed ? 0x9f : c[0] == 0xf4 ? 0x8f : 0xbf;
	if (c[1] < low || c[1] > high || (len == 2 && c[0] == 0xc2 && c[1] < 0xa0)) {
		return 0;
	}
	for (size_t i = 2; i < len; i++) {
		if (c[i] < 0x80 || c[i] > 0xbf) {
			return 0;
		}
	}
	return len;
}

/** What a file or a peer wrote ends up in errors, and errors on terminals and in JSON: put a
	question mark for all that is no character, also where a text was cut in the middle of one. */
static void make_printable(char *text)
{
	unsigned char *c = (unsigned char *)text;
	while (*c) {
		size_t len = sequence_len(c);
		if (!len) {
			*c = '?';
			len = 1;
		}
		c += len;
	}
}

fb_status fb_fail(fb_error *error, fb_status status, const char *where, const char *fmt, ...)
{
	if (error) {
		va_list args;
		error->status = status;
		snprintf(error->where, sizeof error->where, "%s", where ? where : "");
		va_start(args, fmt);
		vsnprintf(error->text, sizeof error->text, fmt, args);
		va_end(args);
		make_printable(error->where);
		make_printable(error->text);
	}
	return status;
}

static const struct {
	int code;
	const char *text;
} statuses[] = {
	[FB_OK] = {200, "no error"},
	[FB_INVALID] = {400, "the request is malformed or out of range"},
	[FB_FORBIDDEN] = {403, "that is not allowed"},
	[FB_NOT_FOUND] = {404, "there is no such thing"},
	[FB_WRONG_TYPE] = {406, "the type does not fit"},
	[FB_EXISTS] = {409, "the present state does not allow it"},
	[FB_TOO_LARGE] = {413, "that is too large"},
	[FB_TOO_MANY] = {429, "there are too many"},
	[FB_IO] = {500, "the system refused"},
	[FB_NO_MEMORY] = {500, "out of memory"},
	[FB_UNAVAILABLE] = {503, "not available now"},
};

const char *fb_strerror(fb_status status)
{
	return statuses[status].text;
}

int fb_status_code(fb_status status)
{
	return statuses[status].code;
}
