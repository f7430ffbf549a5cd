/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "param_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Factor from one unit to another of the same quantity, 0 if they are not. */
static double unit_factor(const char *from, const char *to)
{
	static const struct {
		const char *from, *to;
		double factor;
	} known[] = {{"s", "ms", 1000.0}, {"ms", "s", 0.001}, {"kHz", "Hz", 1000.0}};
	if (!strcmp(from, to)) {
		return 1.0;
	}
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (!strcmp(from, known[i].from) && !strcmp(to, known[i].to)) {
			return known[i].factor;
		}
	}
	return 0.0;
}

static fb_status read_choice(
	const fb_param_info *info, const char *where, const json_t *json, float *out, fb_error *error)
{
	const char *name = json_string_value(json);
	if (!name) {
		return fb_fail(error, FB_WRONG_TYPE, where, "needs the name of a choice, such as \"%s\"",
			info->choices[(int)info->def]);
	}
	for (int i = 0; i <= (int)info->max; i++) {
		if (!strcmp(info->choices[i], name)) {
			*out = (float)i;
			return FB_OK;
		}
	}
	return fb_fail(error, FB_INVALID, where, "has no choice \"%.64s\"", name);
}

static fb_status read_number(const fb_param_info *info, const char *where, const json_t *json,
	double factor, float *out, fb_error *error)
{
	if (!json_is_number(json)) {
		return fb_fail(error, FB_WRONG_TYPE, where, "needs a number");
	}
	double value = json_number_value(json) * factor;
	/* compare as floats: a limit such as 0.1 is not the same number as a double */
	if ((float)value < info->min || (float)value > info->max) {
		return fb_fail(error, FB_INVALID, where, "%g is out of range %g to %g %s", value,
			(double)info->min, (double)info->max, info->unit);
	}
	if (info->kind == FB_INT && (float)value != floorf((float)value)) {
		return fb_fail(error, FB_INVALID, where, "%g is no whole number", value);
	}
	*out = (float)value;
	return FB_OK;
}

/** Take {"value", "unit"} apart. */
static fb_status unwrap(const fb_param_info *info, const char *where, const json_t **json,
	double *factor, fb_error *error)
{
	const json_t *object = *json, *unit = json_object_get(object, "unit");
	*json = json_object_get(object, "value");
	if (!*json || json_object_size(object) != (unit ? 2 : 1)) {
		return fb_fail(error, FB_INVALID, where, "needs \"value\" and, if at all, \"unit\"");
	}
	if (unit) {
		*factor = json_is_string(unit) ? unit_factor(json_string_value(unit), info->unit) : 0.0;
		if (*factor == 0.0) {
			return fb_fail(error, FB_INVALID, where, "its unit is \"%s\"", info->unit);
		}
	}
	return FB_OK;
}

fb_status fb_param_from_json(
	const fb_param_info *info, const char *where, const json_t *json, float *out, fb_error *error)
{
	double factor = 1.0;
	if (json_is_object(json)) {
		fb_status status = unwrap(info, where, &json, &factor, error);
		if (status) {
			return status;
		}
	}
	switch (info->kind) {
	case FB_CHOICE:
		return read_choice(info, where, json, out, error);
	case FB_BOOL:
		if (!json_is_boolean(json)) {
			return fb_fail(error, FB_WRONG_TYPE, where, "needs true or false");
		}
		*out = json_is_true(json) ? 1.0f : 0.0f;
		return FB_OK;
	default:
		return read_number(info, where, json, factor, out, error);
	}
}

json_t *fb_float_to_json(float value)
{
	char text[32];
	for (int digits = 6; digits <= 9; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, (double)value);
		if (strtof(text, NULL) == value) {
			break;
		}
	}
	return json_real(strtod(text, NULL));
}

json_t *fb_param_to_json(const fb_param_info *info, float value)
{
	switch (info->kind) {
	case FB_CHOICE:
		return json_string(info->choices[(int)value]);
	case FB_BOOL:
		return json_boolean(value != 0.0f);
	case FB_INT:
		return json_integer((json_int_t)value);
	default:
		return fb_float_to_json(value);
	}
}
