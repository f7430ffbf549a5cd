/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool fb_value_same(const fb_value *a, const fb_value *b)
{
	if (a->tag != b->tag) {
		return false;
	}
	switch (a->tag) {
	case 'f':
		return memcmp(&a->f, &b->f, sizeof a->f) == 0;
	case 'i':
		return a->i == b->i;
	case 's':
		return strcmp(a->s, b->s) == 0;
	case 'v':
		return a->count == b->count && memcmp(a->v, b->v, a->count * sizeof *a->v) == 0;
	default:
		return true;
	}
}

static bool same_float(double a, double b)
{
	float x = (float)a, y = (float)b;
	return memcmp(&x, &y, sizeof x) == 0;
}

/** Write `scaled` / 10^places without trailing zeros. */
static size_t decimal_text(int64_t scaled, int places, char *text)
{
	char digits[FB_NUMBER_TEXT] = "";
	size_t n = 0, length = 0;
	uint64_t rest = (uint64_t)(scaled < 0 ? -scaled : scaled);
	while (places > 1 && rest % 10 == 0) {
		rest /= 10;
		places--;
	}
	while (rest || (int)n <= places) {
		digits[n++] = (char)('0' + rest % 10);
		rest /= 10;
	}
	if (scaled < 0) {
		text[length++] = '-';
	}
	while (n) {
		text[length++] = digits[--n];
		if ((int)n == places) {
			text[length++] = '.';
		}
	}
	text[length] = '\0';
	return length;
}

size_t fb_float_text(double value, char text[FB_NUMBER_TEXT])
{
	/* what people set has few decimals; printf is several times slower and only for the rest */
	if (fabs(value) < 1e6) {
		double scale = 10.0;
		for (int places = 1; places <= 6; places++, scale *= 10.0) {
			double scaled = nearbyint(value * scale);
			if (same_float(scaled / scale, value) && (scaled != 0.0 || value == 0.0)) {
				return decimal_text((int64_t)scaled, places, text);
			}
		}
	}
	int n = 0;
	for (int digits = 6; digits <= 9; digits++) {
		n = snprintf(text, FB_NUMBER_TEXT, "%.*g", digits, value);
		if (digits == 9 || same_float(strtod(text, NULL), value)) {
			break;
		}
	}
	if (isfinite(value) && !strpbrk(text, ".e")) {
		memcpy(text + n, ".0", 3);
		n += 2;
	}
	return (size_t)n;
}

static int row_text(const fb_value *row, char *text, size_t size)
{
	char number[FB_NUMBER_TEXT];
	size_t n = 0;
	text[0] = '\0';
	for (uint32_t i = 0; i < row->count && n < size; i++) {
		fb_float_text((double)row->v[i], number);
		n += (size_t)snprintf(text + n, size - n, "%s%s", i ? " " : "", number);
	}
	return (int)n;
}

size_t fb_value_text(const fb_value *value, char *text, size_t size)
{
	char number[FB_NUMBER_TEXT];
	int n = 0;
	switch (value->tag) {
	case 'f':
		fb_float_text(value->f, number);
		n = snprintf(text, size, "%s", number);
		break;
	case 'i':
		n = snprintf(text, size, "%lld", (long long)value->i);
		break;
	case 's':
		n = snprintf(text, size, "%s", value->s);
		break;
	case 'v':
		n = row_text(value, text, size);
		break;
	case 'T':
	case 'F':
		n = snprintf(text, size, "%s", value->tag == 'T' ? "true" : "false");
		break;
	default:
		n = snprintf(text, size, "%s", "");
		break;
	}
	return (size_t)n < size ? (size_t)n : size - 1;
}

size_t fb_values_text(const fb_value *values, uint32_t count, char *text, size_t size)
{
	size_t length = 0;
	text[0] = '\0';
	for (uint32_t i = 0; i < count && length + 1 < size; i++) {
		if (i) {
			text[length++] = ' ';
		}
		length += fb_value_text(&values[i], text + length, size - length);
	}
	return length;
}

/** Length of the well-formed UTF-8 sequence at `s`, 0 if it is none (RFC 3629). */
static size_t sequence(const unsigned char *s)
{
	if (s[0] < 0x80) {
		return 1;
	}
	size_t n = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
	if (s[0] < 0xC2 || s[0] > 0xF4) {
		return 0;
	}
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xC0) != 0x80) {
			return 0;
		}
	}
	bool overlong = (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xF0 && s[1] < 0x90);
	bool surrogate = s[0] == 0xED && s[1] > 0x9F;
	bool beyond = s[0] == 0xF4 && s[1] > 0x8F;
	return overlong || surrogate || beyond ? 0 : n;
}

bool fb_text_is_clean(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	while (*s) {
		size_t n = sequence(s);
		if (!n || s[0] == 0x7F || (s[0] < 0x20 && !strchr("\t\n\r", s[0]))) {
			return false;
		}
		s += n;
	}
	return true;
}
