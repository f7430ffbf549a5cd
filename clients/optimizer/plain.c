/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plain.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SLASHES_MAX = 16 }; /* of an escape that was escaped four times over */

/** Bytes of the character at `s`, 0 if it is broken. source: RFC 3629, table 3-7 of Unicode */
static size_t decode(const unsigned char *s, uint32_t *code)
{
	size_t len = *s < 0x80 ? 1 : *s >= 0xc2 && *s < 0xe0 ? 2 : (*s & 0xf0) == 0xe0 ? 3 : 4;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	if ((*s >= 0x80 && *s < 0xc2) || *s > 0xf4) {
		return 0;
	}
	*code = len == 1 ? *s : (uint32_t)*s & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80) {
			return 0;
		}
		*code = *code << 6 | (s[i] & 0x3fu);
	}
	bool surrogate = *code >= 0xd800 && *code <= 0xdfff;
	return *code < least[len] || surrogate || *code > 0x10ffff ? 0 : len;
}

/** Control characters, and what is there to hide text or to turn its direction. */
static bool hides(uint32_t code)
{
	static const uint32_t ranges[][2] = {{0x00, 0x1f}, {0x7f, 0x9f}, {0xad, 0xad}, {0x61c, 0x61c},
		{0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff},
		{0xfff0, 0xffff}, {0xe0000, 0xe0fff}};
	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
		if (code >= ranges[i][0] && code <= ranges[i][1]) {
			return true;
		}
	}
	return false;
}

void fb_plain(char *out, size_t size, const char *text)
{
	size_t at = 0;
	const unsigned char *s = (const unsigned char *)text;
	while (*s) {
		uint32_t code = 0;
		size_t len = decode(s, &code);
		bool shown = len && !hides(code);
		size_t need = shown ? len : 1;
		if (at + need >= size) {
			break;
		}
		if (shown) {
			memcpy(out + at, s, len);
		} else {
			out[at] = strchr(" \t\n\r\v\f", (int)*s) ? ' ' : '?';
		}
		at += need;
		s += len ? len : 1;
	}
	out[at] = '\0';
}

static bool are_hex(const char *at, int n)
{
	int i = 0;
	while (i < n && isxdigit((unsigned char)at[i])) {
		i++;
	}
	return i == n;
}

/** Bytes that stand for a character in JSON: itself, or its escape, of which the backslash may have
	been escaped in turn. 0: something else stands there. Looks but a few bytes ahead, whatever
	stands there: a text of backslashes alone takes no longer than another. */
static size_t spells(const char *at, char c)
{
	size_t slashes = 0;
	while (slashes < SLASHES_MAX && at[slashes] == '\\') {
		slashes++;
	}
	const char *rest = at + slashes;
	if (slashes && *rest == 'u' && are_hex(rest + 1, 4)) {
		const char code[] = {rest[1], rest[2], rest[3], rest[4], '\0'};
		return strtoul(code, NULL, 16) == (unsigned char)c ? slashes + 5 : 0;
	}
	return *rest == c ? slashes + 1 : 0;
}

void fb_plain_hide(char *text, const char *secret)
{
	for (char *at = text; secret && *secret && *at;) {
		size_t len = 0, one = 1;
		for (const char *c = secret; *c && one; c++) {
			one = spells(at + len, *c);
			len += one;
		}
		if (one) {
			memset(at, '*', len);
		}
		at += one ? len : 1;
	}
}
