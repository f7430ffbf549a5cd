/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What fits a leaf, and what it becomes: the rules of sets. thread: control */
#include "tree_private.h"
#include "value.h"

#include <math.h>
#include <string.h>

static fb_status wrong_type(const fb_branch *leaf, char tag, const char *wants, fb_error *error)
{
	return fb_fail(
		error, FB_WRONG_TYPE, leaf->address, "takes %s, not a value of type '%c'", wants, tag);
}

/** A finite number, or why not. */
static fb_status number(
	const fb_branch *leaf, const fb_value *in, const char *wants, double *out, fb_error *error)
{
	if (in->tag != 'f' && in->tag != 'i') {
		return wrong_type(leaf, in->tag, wants, error);
	}
	*out = in->tag == 'f' ? in->f : (double)in->i;
	if (!isfinite(*out)) {
		return fb_fail(error, FB_INVALID, leaf->address, "takes a finite number");
	}
	return FB_OK;
}

static fb_status out_of_range(const fb_branch *leaf, double value, fb_error *error)
{
	const fb_leaf_spec *spec = &leaf->spec;
	char is[FB_NUMBER_TEXT], lo[FB_NUMBER_TEXT], hi[FB_NUMBER_TEXT];
	fb_float_text(value, is);
	fb_float_text(spec->min, lo);
	fb_float_text(spec->max, hi);
	return fb_fail(error, FB_INVALID, leaf->address, "%s is outside %s .. %s%s%s", is, lo, hi,
		spec->unit[0] ? " " : "", spec->unit);
}

static fb_status ranged(
	const fb_branch *leaf, double *value, fb_range_policy policy, fb_error *error)
{
	double inside = fb_clamp(*value, leaf->spec.min, leaf->spec.max);
	if (policy == FB_STRICT && (inside < *value || inside > *value)) {
		return out_of_range(leaf, *value, error);
	}
	*value = inside;
	return FB_OK;
}

static fb_status coerce_float(const fb_branch *leaf, const fb_value *in, fb_range_policy policy,
	fb_value *out, fb_error *error)
{
	double value = 0.0;
	fb_status status = number(leaf, in, "a number", &value, error);
	if (!status) {
		status = ranged(leaf, &value, policy, error);
	}
	if (!status) {
		*out = (fb_value){.tag = 'f', .f = value};
	}
	return status;
}

static fb_status coerce_int(const fb_branch *leaf, const fb_value *in, fb_range_policy policy,
	fb_value *out, fb_error *error)
{
	double value = 0.0;
	fb_status status = number(leaf, in, "a whole number", &value, error);
	if (!status && policy == FB_STRICT && rint(value) != value) {
		status = fb_fail(error, FB_INVALID, leaf->address, "takes a whole number");
	}
	if (!status) {
		value = rint(value);
		status = ranged(leaf, &value, policy, error);
	}
	if (!status) {
		*out = (fb_value){.tag = 'i', .i = (int64_t)value};
	}
	return status;
}

static fb_status coerce_bool(
	const fb_branch *leaf, const fb_value *in, fb_value *out, fb_error *error)
{
	double value = 0.0;
	if (in->tag == 'T' || in->tag == 'F') {
		out->tag = in->tag;
		return FB_OK;
	}
	fb_status status = number(leaf, in, "true, false, 0 or 1", &value, error);
	if (!status && value != 0.0 && value != 1.0) {
		status = fb_fail(error, FB_INVALID, leaf->address, "takes true, false, 0 or 1");
	}
	if (!status) {
		out->tag = value != 0.0 ? 'T' : 'F';
	}
	return status;
}

static fb_status unknown_choice(const fb_branch *leaf, const fb_value *in, fb_error *error)
{
	char is[64], choices[256] = "";
	size_t length = 0;
	for (uint32_t i = 0; i < leaf->spec.n_choices && length + 1 < sizeof choices; i++) {
		fb_value choice = {.tag = 's', .s = leaf->spec.choices[i]};
		if (i) {
			choices[length++] = ' ';
		}
		length += fb_value_text(&choice, choices + length, sizeof choices - length);
	}
	fb_value_text(in, is, sizeof is);
	return fb_fail(error, FB_INVALID, leaf->address, "\"%s\" is none of: %s", is, choices);
}

static fb_status coerce_choice(
	const fb_branch *leaf, const fb_value *in, fb_value *out, fb_error *error)
{
	const fb_leaf_spec *spec = &leaf->spec;
	if (in->tag == 's') {
		for (uint32_t i = 0; i < spec->n_choices; i++) {
			if (strcmp(in->s, spec->choices[i]) == 0) {
				*out = (fb_value){.tag = 'i', .i = i};
				return FB_OK;
			}
		}
		return unknown_choice(leaf, in, error);
	}
	double value = 0.0;
	fb_status status = number(leaf, in, "a choice by name or index", &value, error);
	if (!status && (value < 0.0 || value >= spec->n_choices || rint(value) != value)) {
		status = unknown_choice(leaf, in, error);
	}
	if (!status) {
		*out = (fb_value){.tag = 'i', .i = (int64_t)value};
	}
	return status;
}

static fb_status coerce_text(
	const fb_branch *leaf, const fb_value *in, fb_value *out, fb_error *error)
{
	if (in->tag != 's') {
		return wrong_type(leaf, in->tag, "text", error);
	}
	if (strlen(in->s) > FB_TEXT_MAX) {
		return fb_fail(error, FB_TOO_LARGE, leaf->address, "the text is too long: at most %d bytes",
			FB_TEXT_MAX);
	}
	if (!fb_text_is_clean(in->s)) {
		return fb_fail(
			error, FB_INVALID, leaf->address, "the text is not UTF-8 without control characters");
	}
	*out = *in;
	return FB_OK;
}

static fb_status coerce_args(
	const fb_branch *leaf, const fb_value *argv, uint32_t argc, fb_value *fit, fb_error *error)
{
	const char *tags = leaf->spec.args;
	uint32_t n = 0, required = 0;
	bool optional = false;
	char wanted[FB_ARGS_MAX];
	for (; *tags; tags++) {
		if (*tags == '?') {
			optional = true;
			continue;
		}
		wanted[n++] = *tags;
		required += optional ? 0 : 1;
	}
	if (argc < required || argc > n) {
		return fb_fail(error, FB_INVALID, leaf->address,
			"takes the arguments \"%s\" (after ? optional), not %u", leaf->spec.args, argc);
	}
	/* the same rules as for leaves of that kind, without a range */
	fb_status status = FB_OK;
	for (uint32_t i = 0; i < argc && !status; i++) {
		double value = 0.0;
		switch (wanted[i]) {
		case 's':
			status = coerce_text(leaf, &argv[i], &fit[i], error);
			break;
		case 'T':
			status = coerce_bool(leaf, &argv[i], &fit[i], error);
			break;
		case 'f':
			status = number(leaf, &argv[i], "a number", &value, error);
			fit[i] = (fb_value){.tag = 'f', .f = value};
			break;
		default:
			status = number(leaf, &argv[i], "a whole number", &value, error);
			if (!status && (rint(value) != value || fabs(value) > 0x1p53)) {
				status = fb_fail(error, FB_INVALID, leaf->address, "takes a whole number");
			}
			fit[i] = (fb_value){.tag = 'i', .i = status ? 0 : (int64_t)value};
			break;
		}
	}
	return status;
}

fb_status fb_tree_coerce(const fb_branch *leaf, const fb_value *argv, uint32_t argc,
	fb_range_policy policy, fb_value *fit, fb_error *error)
{
	if (!leaf->leaf) {
		return fb_fail(error, FB_FORBIDDEN, leaf->address, "holds others and takes no value");
	}
	const fb_leaf_spec *spec = &leaf->spec;
	if (!(spec->access & FB_WRITE)) {
		return fb_fail(error, FB_FORBIDDEN, leaf->address, "is read-only");
	}
	if (spec->kind == FB_LEAF_COMMAND) {
		return coerce_args(leaf, argv, argc, fit, error);
	}
	if (argc != 1) {
		return fb_fail(error, FB_INVALID, leaf->address, "takes one value, not %u", argc);
	}
	switch (spec->kind) {
	case FB_LEAF_FLOAT:
		return coerce_float(leaf, argv, policy, fit, error);
	case FB_LEAF_INT:
		return coerce_int(leaf, argv, policy, fit, error);
	case FB_LEAF_BOOL:
		return coerce_bool(leaf, argv, fit, error);
	case FB_LEAF_CHOICE:
		return coerce_choice(leaf, argv, fit, error);
	default:
		return coerce_text(leaf, argv, fit, error);
	}
}

fb_status fb_tree_check(fb_tree *tree, const fb_branch *leaf, const fb_value *argv, uint32_t argc,
	fb_range_policy policy, fb_value *fit, fb_error *error)
{
	(void)tree;
	fb_value all[FB_ARGS_MAX];
	fb_status status = fb_tree_coerce(leaf, argv, argc, policy, all, error);
	if (!status && leaf->spec.kind != FB_LEAF_COMMAND) {
		*fit = all[0];
	}
	return status;
}
