/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "json.h"

#include "value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(fb_json *json, size_t more)
{
	if (json->length + more <= json->room) {
		return true;
	}
	size_t room = json->room ? json->room : 1024;
	while (room < json->length + more) {
		room *= 2;
	}
	char *text = json->failed ? NULL : realloc(json->text, room);
	if (!text) {
		json->failed = true;
		return false;
	}
	json->text = text;
	json->room = room;
	return true;
}

static void put(fb_json *json, const char *text, size_t length)
{
	if (reserve(json, length)) {
		memcpy(json->text + json->length, text, length);
		json->length += length;
	}
}

/** Before a value or a key: a comma, unless it is the first or follows its key. */
static void comma(fb_json *json)
{
	if (json->length && !strchr("{[:", json->text[json->length - 1])) {
		put(json, ",", 1);
	}
}

void fb_json_open(fb_json *json, char bracket)
{
	comma(json);
	put(json, &bracket, 1);
}

void fb_json_close(fb_json *json, char bracket)
{
	put(json, &bracket, 1);
}

/** Length of the well-formed UTF-8 sequence at `s`, 0 if it is none. */
static size_t utf8(const char *s)
{
	char one[5] = "";
	const unsigned char c = (unsigned char)*s;
	size_t n = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
	strncpy(one, s, n);
	return strlen(one) == n && fb_text_is_clean(one) ? n : 0;
}

static void escaped(fb_json *json, const char *s)
{
	char code[8];
	switch (*s) {
	case '"':
	case '\\':
		code[0] = '\\';
		code[1] = *s;
		put(json, code, 2);
		break;
	case '\n':
		put(json, "\\n", 2);
		break;
	default:
		snprintf(code, sizeof code, "\\u%04x", (unsigned)(unsigned char)*s);
		put(json, code, 6);
		break;
	}
}

void fb_json_string(fb_json *json, const char *text)
{
	comma(json);
	put(json, "\"", 1);
	while (*text) {
		size_t plain = 0;
		for (unsigned char c; (c = (unsigned char)text[plain]) >= 0x20 && c < 0x7F; plain++) {
			if (c == '"' || c == '\\') {
				break;
			}
		}
		put(json, text, plain);
		text += plain;
		if (!*text) {
			break;
		}
		if ((unsigned char)*text < 0x80) {
			escaped(json, text++);
			continue;
		}
		size_t n = utf8(text);
		put(json, n ? text : "\xEF\xBF\xBD", n ? n : 3);
		text += n ? n : 1;
	}
	put(json, "\"", 1);
}

void fb_json_key(fb_json *json, const char *key)
{
	fb_json_string(json, key);
	put(json, ":", 1);
}

void fb_json_float(fb_json *json, double value)
{
	char text[FB_NUMBER_TEXT];
	if (!isfinite(value)) {
		fb_json_null(json);
		return;
	}
	comma(json);
	size_t n = fb_float_text(value, text);
	put(json, text, n);
}

void fb_json_int(fb_json *json, int64_t value)
{
	char text[24];
	comma(json);
	int n = snprintf(text, sizeof text, "%lld", (long long)value);
	put(json, text, (size_t)n);
}

void fb_json_bool(fb_json *json, bool value)
{
	comma(json);
	put(json, value ? "true" : "false", value ? 4 : 5);
}

void fb_json_null(fb_json *json)
{
	comma(json);
	put(json, "null", 4);
}

void fb_json_value(fb_json *json, const fb_value *value)
{
	switch (value->tag) {
	case 'f':
		fb_json_float(json, value->f);
		break;
	case 'i':
		fb_json_int(json, value->i);
		break;
	case 's':
		fb_json_string(json, value->s);
		break;
	case 'v':
		for (uint32_t i = 0; i < value->count; i++) {
			fb_json_float(json, (double)value->v[i]);
		}
		break;
	case 'T':
	case 'F':
		fb_json_bool(json, value->tag == 'T');
		break;
	default:
		fb_json_null(json);
		break;
	}
}

char *fb_json_finish(fb_json *json, size_t *length)
{
	put(json, "", 1);
	if (json->failed) {
		free(json->text);
		json->text = NULL;
		return NULL;
	}
	*length = json->length - 1;
	return json->text;
}
