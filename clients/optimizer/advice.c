/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "advice.h"

#include "package_parts.h"
#include "plain.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\r\n"
enum { REMARK_MAX = 400, REMARKS_MAX = 40, NAME_MAX_SHOWN = 80 };

/* --- the form */

static json_t *knob_schema(const fb_knob *knob)
{
	static const char *const types[] = {[FB_KNOB_FLOAT] = "number",
		[FB_KNOB_INT] = "integer",
		[FB_KNOB_BOOL] = "boolean",
		[FB_KNOB_CHOICE] = "string"};
	json_t *schema = json_pack("{s:[s, s]}", "type", types[knob->kind], "null");
	json_t *names = knob->kind == FB_KNOB_CHOICE ? json_array() : NULL;
	for (int i = 0; names && i < knob->n_choices; i++) {
		json_array_append_new(names, json_string(knob->choices[i]));
	}
	if (schema && names) {
		json_array_append_new(names, json_null());
		json_object_set_new(schema, "enum", names);
	}
	return schema;
}

json_t *fb_advice_schema(const fb_knobs *knobs)
{
	json_t *properties = json_object(), *required = json_array();
	for (int k = 0; k < knobs->count; k++) {
		json_object_set_new(properties, knobs->knob[k].key, knob_schema(&knobs->knob[k]));
		json_array_append_new(required, json_string(knobs->knob[k].key));
	}
	/* strict schemas name every key as required: null is how a parameter is left alone */
	return json_pack("{s:s, s:{s:{s:s, s:o, s:o, s:b}, s:{s:s}, s:{s:s}}, s:[s, s, s], s:b}",
		"type", "object", "properties", "recommended_parameters", "type", "object", "properties",
		properties, "required", required, "additionalProperties", 0, "reasoning", "type", "string",
		"expected_improvement", "type", "number", "required", "recommended_parameters", "reasoning",
		"expected_improvement", "additionalProperties", 0);
}

/* --- remarks */

static void remark(fb_advice *advice, const char *fmt, ...) FB_PRINTF(2, 3);

static void remark(fb_advice *advice, const char *fmt, ...)
{
	char raw[REMARK_MAX], plain[REMARK_MAX];
	va_list args;
	va_start(args, fmt);
	vsnprintf(raw, sizeof raw, fmt, args);
	va_end(args);
	fb_plain(plain, sizeof plain, raw);
	if (json_array_size(advice->remarks) < REMARKS_MAX) {
		json_array_append_new(advice->remarks, json_string(plain));
	}
}

/* --- one part */

static bool type_fits(const fb_knob *knob, const json_t *given)
{
	switch (knob->kind) {
	case FB_KNOB_BOOL:
		return json_is_boolean(given);
	case FB_KNOB_CHOICE:
		return json_is_string(given);
	case FB_KNOB_INT:
		return json_is_integer(given) ||
			   (json_is_real(given) && json_real_value(given) == floor(json_real_value(given)));
	default:
		return json_is_number(given);
	}
}

static int find_choice(const fb_knob *knob, const char *name)
{
	for (int i = 0; i < knob->n_choices; i++) {
		if (!strcmp(knob->choices[i], name)) {
			return i;
		}
	}
	return -1;
}

/** The nearest to `wanted` that lies no farther than max_step from `from`. */
static double within_step(const fb_knob *knob, double from, double wanted, double max_step)
{
	double was = fb_knob_to_travel(knob, from), to = fb_knob_to_travel(knob, wanted);
	if (fabs(to - was) <= max_step) {
		return wanted;
	}
	double value = fb_knob_from_travel(knob, was + (to > was ? max_step : -max_step));
	if (knob->kind == FB_KNOB_INT) { /* towards where it was: at least a step of one */
		value = to > was ? fmax(floor(value), from + 1.0) : fmin(ceil(value), from - 1.0);
	}
	return fb_clamp(value, knob->min, knob->max);
}

/** A value given back as it was told means what it was before its digits were cut. */
static double untold(const fb_knob *knob, double from, double given)
{
	const double known[] = {from, knob->min, knob->max};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (given == fb_part_told(known[i])) {
			return known[i];
		}
	}
	return given;
}

static void take_number(
	fb_advice *advice, const fb_knob *knob, int k, double given, double from, double max_step)
{
	char unit[48];
	double wanted = untold(knob, from, given);
	if (!isfinite(wanted) || wanted < knob->min || wanted > knob->max) {
		remark(advice, "%s: refused, %.6g is out of range (%.6g to %.6g)", knob->key, wanted,
			knob->min, knob->max);
		return;
	}
	double value = within_step(knob, from, wanted, max_step);
	if (value != wanted) {
		remark(advice,
			"%s: %.6g is too far in one round; cut back to %s (a step may be %.3g of the range)",
			knob->key, wanted, fb_knob_text(knob, fb_knob_round(knob, value), unit), max_step);
	}
	advice->value[k] = value == from ? from : fb_knob_round(knob, value);
}

static void take_part(fb_advice *advice, const fb_trials *history, const char *key,
	const json_t *given, double max_step)
{
	static const char *const types[] = {[FB_KNOB_FLOAT] = "a number",
		[FB_KNOB_INT] = "a whole number",
		[FB_KNOB_BOOL] = "true or false",
		[FB_KNOB_CHOICE] = "one of its choices"};
	int k = fb_knobs_find(history->knobs, key);
	if (k < 0) {
		remark(advice, "%.*s: refused, there is no such parameter to turn", NAME_MAX_SHOWN, key);
		return;
	}
	const fb_knob *knob = &history->knobs->knob[k];
	double from = history->trial[history->best].value[k];
	if (json_is_null(given)) {
		return;
	}
	if (!type_fits(knob, given)) {
		remark(advice, "%s: refused, needs %s", knob->key, types[knob->kind]);
	} else if (knob->kind == FB_KNOB_BOOL) {
		advice->value[k] = json_is_true(given) ? 1.0 : 0.0;
	} else if (knob->kind == FB_KNOB_CHOICE) {
		int choice = find_choice(knob, json_string_value(given));
		if (choice < 0) {
			remark(advice, "%s: refused, \"%.*s\" is none of its choices", knob->key,
				NAME_MAX_SHOWN, json_string_value(given));
		} else {
			advice->value[k] = choice;
		}
	} else {
		take_number(advice, knob, k, json_number_value(given), from, max_step);
	}
	advice->taken += advice->value[k] != from;
}

/* --- the whole */

/** The object that is all of a text, or all of one fenced block that is all of it. */
static json_t *parse_all(const char *text, json_error_t *why)
{
	size_t len = strlen(text), head = strspn(text, BLANKS);
	while (len > head && strchr(BLANKS, text[len - 1])) {
		len--;
	}
	const char *at = text + head, *end = text + len;
	if (end - at > 6 && !strncmp(at, "```", 3) && !strncmp(end - 3, "```", 3)) {
		const char *line = memchr(at, '\n', (size_t)(end - at));
		at = line && line < end - 3 ? line + 1 : at;
		end -= 3;
	}
	return json_loadb(at, (size_t)(end - at), JSON_REJECT_DUPLICATES, why);
}

/** The same, or behind what a model that reasons thinks aloud first: "<think> ... </think>", of
	which some servers take the opening away. */
static json_t *parse(const char *text, json_error_t *why)
{
	static const char thought[] = "</think>";
	json_t *root = parse_all(text, why);
	const char *end = root ? NULL : strstr(text, thought);
	return end ? parse_all(end + sizeof thought - 1, why) : root;
}

/** Does it have the form that was asked for? Nothing of it is used if it does not. */
static bool check_form(fb_advice *advice, const json_t *root)
{
	const char *key;
	json_t *value;
	const json_t *expected = json_object_get(root, "expected_improvement");
	if (!json_is_object(root)) {
		remark(advice, "the answer is no JSON object");
	} else if (!json_is_object(json_object_get(root, "recommended_parameters"))) {
		remark(advice, "recommended_parameters is missing, or no object");
	} else if (!json_is_string(json_object_get(root, "reasoning"))) {
		remark(advice, "reasoning is missing, or no text");
	} else if (!json_is_number(expected) || !isfinite(json_number_value(expected))) {
		remark(advice, "expected_improvement is missing, or no number");
	} else {
		json_object_foreach((json_t *)(uintptr_t)root, key, value)
		{
			if (strcmp(key, "recommended_parameters") && strcmp(key, "reasoning") &&
				strcmp(key, "expected_improvement")) {
				remark(advice, "unknown key \"%.*s\"", NAME_MAX_SHOWN, key);
				return false;
			}
		}
		return true;
	}
	return false;
}

static void take_all(
	fb_advice *advice, const json_t *root, const fb_trials *history, double max_step)
{
	const char *key;
	json_t *given;
	advice->reasoning = json_incref(json_object_get(root, "reasoning"));
	advice->expected = json_number_value(json_object_get(root, "expected_improvement"));
	json_object_foreach(json_object_get(root, "recommended_parameters"), key, given)
	{
		take_part(advice, history, key, given, max_step);
	}
	if (!advice->taken) {
		remark(advice, "nothing of the answer changes anything");
	} else if (fb_trials_find(history, advice->value) >= 0) {
		int trial = fb_trials_find(history, advice->value);
		remark(
			advice, "exactly this was tried already: it scores %.2f", history->trial[trial].score);
		advice->taken = 0;
	}
}

fb_status fb_advice_read(
	fb_advice *out, const char *text, const fb_trials *history, double max_step, fb_error *error)
{
	size_t size = (size_t)history->knobs->count * sizeof(double);
	json_error_t why;
	*out = (fb_advice){.value = malloc(size + 1), .remarks = json_array()};
	if (!out->value || !out->remarks) {
		fb_advice_finish(out);
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	memcpy(out->value, history->trial[history->best].value, size);
	json_t *root = parse(text, &why);
	if (!root) {
		remark(out, "the answer is no JSON (line %d: %s)", why.line, why.text);
	} else if (check_form(out, root)) {
		take_all(out, root, history, max_step);
	}
	json_decref(root);
	return FB_OK;
}

void fb_advice_finish(fb_advice *advice)
{
	free(advice->value);
	json_decref(advice->remarks);
	json_decref(advice->reasoning);
	*advice = (fb_advice){0};
}
