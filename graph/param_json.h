/* SPDX-License-Identifier: GPL-3.0-or-later */
/** One parameter's value from and to JSON: the same in patches, REST and runs. */
#ifndef FB_PARAM_JSON_H
#define FB_PARAM_JSON_H

#include "node.h"
#include "status.h"

#include <jansson.h>

/** A number, a bool, the name of a choice, or {"value", "unit"} with a unit of the same quantity.
	errors: FB_WRONG_TYPE, FB_INVALID (out of range, no such choice, wrong unit), with `where`;
			*out untouched
	thread: any but audio */
FB_MUST_CHECK fb_status fb_param_from_json(
	const fb_param_info *info, const char *where, const json_t *json, float *out, fb_error *error);

/** The value in the form fb_param_from_json() reads back to the same float. NULL when out of
	memory. thread: any but audio */
json_t *fb_param_to_json(const fb_param_info *info, float value);

/** The shortest number that reads back as the same float. NULL when out of memory.
	thread: any but audio */
json_t *fb_float_to_json(float value);

#endif
