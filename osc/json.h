/* SPDX-License-Identifier: GPL-3.0-or-later */
/** JSON written straight into a growing buffer: for the tree as a whole, where building it in
	memory first would take several times as long. Commas are set by themselves. */
#ifndef FB_JSON_H
#define FB_JSON_H

#include "tree.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct fb_json {
	char *text; ///< owned; not terminated until fb_json_finish()
	size_t length, room;
	bool failed; ///< out of memory: what follows is ignored
} fb_json;

void fb_json_open(fb_json *json, char bracket);  ///< '{' or '['
void fb_json_close(fb_json *json, char bracket); ///< '}' or ']'
void fb_json_key(fb_json *json, const char *key);
/** Escaped as JSON wants it; bytes that are not UTF-8 become U+FFFD. */
void fb_json_string(fb_json *json, const char *text);
void fb_json_float(fb_json *json, double value); ///< always with a fraction; null if not finite
void fb_json_int(fb_json *json, int64_t value);
void fb_json_bool(fb_json *json, bool value);
void fb_json_null(fb_json *json);
void fb_json_value(fb_json *json, const fb_value *value);

/** The text, terminated; the caller frees it. NULL when out of memory. */
char *fb_json_finish(fb_json *json, size_t *length);

#endif
