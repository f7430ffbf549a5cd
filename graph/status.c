/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "status.h"

#include <stdarg.h>
#include <stdio.h>

fb_status fb_fail(fb_error *error, fb_status status, const char *where, const char *fmt, ...)
{
	if (error) {
		va_list args;
		error->status = status;
		snprintf(error->where, sizeof error->where, "%s", where ? where : "");
		va_start(args, fmt);
		vsnprintf(error->text, sizeof error->text, fmt, args);
		va_end(args);
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
