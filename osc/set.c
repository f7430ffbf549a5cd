/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values: get, set, touch, and who is told. thread: control */
#include "tree_private.h"
#include "value.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- reading */

/** Whatever the owner hands over, in the kind's wire form. */
static void normalise(const fb_leaf_spec *spec, fb_value *value)
{
	double n = 0.0;
	if (spec->kind == FB_LEAF_FLOAT && value->tag == 'f' && isfinite(value->f)) {
		return; /* nearly all there is */
	}
	bool numeric = fb_value_number(value, &n);
	switch (spec->kind) {
	case FB_LEAF_FLOAT:
		*value = (fb_value){.tag = 'f', .f = numeric && isfinite(n) ? n : spec->min};
		break;
	case FB_LEAF_INT:
		if (value->tag != 'i') {
			*value = (fb_value){.tag = 'i', .i = numeric && isfinite(n) ? (int64_t)n : 0};
		}
		break;
	case FB_LEAF_BOOL:
		*value = (fb_value){.tag = numeric && n != 0.0 ? 'T' : 'F'};
		break;
	case FB_LEAF_CHOICE:
		if (value->tag != 's') {
			bool inside = numeric && n >= 0.0 && n < spec->n_choices;
			*value = (fb_value){.tag = 's', .s = spec->choices[inside ? (size_t)n : 0]};
		}
		break;
	case FB_LEAF_FLOATS: /* its owner gives finite ones */
		break;
	default:
		if (value->tag != 's' || !value->s) {
			*value = (fb_value){.tag = 's', .s = ""};
		}
		break;
	}
}

void fb_tree_get(fb_tree *tree, const fb_branch *leaf, fb_value *value)
{
	(void)tree;
	*value = (fb_value){.tag = 'N'};
	if (leaf->leaf && !leaf->gone && (leaf->spec.access & FB_READ)) {
		leaf->spec.ops->get(leaf->spec.ctx, leaf->spec.index, value);
		normalise(&leaf->spec, value);
	}
}

bool fb_tree_valid(fb_tree *tree, const fb_branch *leaf)
{
	(void)tree;
	const fb_leaf_ops *ops = leaf->leaf ? leaf->spec.ops : NULL;
	return !ops || !ops->valid || ops->valid(leaf->spec.ctx, leaf->spec.index);
}

/* --- twins */

static void twin_get(void *ctx, uint32_t index, fb_value *value)
{
	(void)index;
	fb_branch *leaf = ctx;
	const fb_leaf_spec *spec = &leaf->spec;
	fb_tree_get(leaf->tree, leaf, value);
	value->f = fb_scale_to_norm(spec->scale, spec->min, spec->max, value->f);
}

static fb_status twin_set(
	void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error)
{
	(void)index;
	fb_branch *leaf = ctx;
	const fb_leaf_spec *spec = &leaf->spec;
	fb_value native = {
		.tag = 'f', .f = fb_scale_from_norm(spec->scale, spec->min, spec->max, value->f)};
	return spec->ops->set(spec->ctx, spec->index, &native, origin, error);
}

static bool twin_valid(void *ctx, uint32_t index)
{
	(void)index;
	fb_branch *leaf = ctx;
	return fb_tree_valid(leaf->tree, leaf);
}

const fb_leaf_ops fb_twin_ops = {.get = twin_get, .set = twin_set, .valid = twin_valid};

/* --- telling */

static void changed(const fb_tree *tree, fb_branch *leaf, const fb_origin *origin)
{
	for (uint32_t i = 0; i < tree->n_watchers; i++) {
		if (tree->watchers[i]->changed) {
			tree->watchers[i]->changed(tree->watchers[i]->ctx, leaf, origin);
		}
	}
}

void fb_tree_touch(fb_tree *tree, fb_branch *leaf, const fb_origin *origin)
{
	fb_tree_hold(tree);
	changed(tree, leaf, origin);
	fb_tree_release(tree);
}

/** leaf: NULL where the address is none */
static void tell_audit(const fb_tree *tree, const fb_branch *leaf, const char *address,
	const fb_value *before, const fb_value *after, const fb_origin *origin, const fb_error *error)
{
	for (uint32_t i = 0; i < tree->n_watchers; i++) {
		if (tree->watchers[i]->audit) {
			tree->watchers[i]->audit(tree->watchers[i]->ctx, leaf, address, before, after, origin,
				error ? FB_REFUSED : FB_ACCEPTED, error);
		}
	}
}

void fb_tree_record(fb_tree *tree, const fb_branch *leaf, const fb_value *before,
	const fb_value *after, const fb_origin *origin, const fb_error *error)
{
	tell_audit(tree, leaf, leaf->address, before, after, origin, error);
}

void fb_tree_begin(fb_tree *tree)
{
	if (tree->group++ == 0) {
		for (uint32_t i = 0; i < tree->n_watchers; i++) {
			if (tree->watchers[i]->begin) {
				tree->watchers[i]->begin(tree->watchers[i]->ctx);
			}
		}
	}
}

void fb_tree_end(fb_tree *tree)
{
	assert(tree->group);
	if (--tree->group == 0) {
		for (uint32_t i = 0; i < tree->n_watchers; i++) {
			if (tree->watchers[i]->end) {
				tree->watchers[i]->end(tree->watchers[i]->ctx);
			}
		}
	}
}

/* --- setting */

/** What was asked for, as one value for the audit: its arguments as text. */
static fb_value asked(const fb_value *argv, uint32_t argc, char *text, size_t size)
{
	fb_value value = {.tag = argc ? 's' : 'N'};
	fb_values_text(argv, argc, text, size);
	value.s = text;
	return value;
}

static fb_status refuse(fb_branch *leaf, const fb_value *argv, uint32_t argc,
	const fb_origin *origin, const fb_error *error)
{
	char text[256];
	fb_value before, after = asked(argv, argc, text, sizeof text);
	fb_tree_get(leaf->tree, leaf, &before);
	tell_audit(leaf->tree, leaf, leaf->address, &before, &after, origin, error);
	return error->status;
}

fb_status fb_tree_refuse(fb_tree *tree, const char *address, const fb_origin *origin,
	fb_status status, const char *text, fb_error *error)
{
	fb_error own = {0};
	error = error ? error : &own;
	fb_fail(error, status, address, "%s", text);
	fb_value none = {.tag = 'N'};
	tell_audit(tree, fb_tree_find(tree, address), address, &none, &none, origin, error);
	return status;
}

fb_status fb_tree_refuse_unknown(
	fb_tree *tree, const char *address, const fb_origin *origin, fb_error *error)
{
	return fb_tree_refuse(tree, address, origin, FB_NOT_FOUND, "there is no such address", error);
}

/** Was what is there now asked for? Within what a float on the wire can tell apart. */
static bool as_asked(const fb_leaf_spec *spec, const fb_value *sent, const fb_value *applied)
{
	double a = 0.0, b = 0.0;
	if (applied->tag == 's' && sent->tag == 's') {
		return strcmp(sent->s, applied->s) == 0;
	}
	if (spec->kind == FB_LEAF_CHOICE) {
		return fb_value_number(sent, &a) && strcmp(spec->choices[(size_t)a], applied->s) == 0;
	}
	if (!fb_value_number(sent, &a) || !fb_value_number(applied, &b)) {
		return true;
	}
	/* a twin goes through the taper and back, so its error does not shrink towards 0 */
	double tolerance = spec->ops == &fb_twin_ops ? 1e-6 : 1e-6 * fabs(a);
	return fabs(a - b) <= tolerance;
}

/** A value that stays when the leaf changes. */
typedef struct kept {
	fb_value value;
	char *text; ///< owned, NULL if none
} kept;

static bool keep(const fb_branch *leaf, kept *out)
{
	fb_tree_get(leaf->tree, leaf, &out->value);
	out->text = NULL;
	/* the names of choices outlive the leaf */
	if (out->value.tag == 's' && leaf->spec.kind == FB_LEAF_TEXT) {
		out->text = strdup(out->value.s);
		out->value.s = out->text;
		return out->text != NULL;
	}
	return true;
}

static fb_status named(fb_status status, const fb_branch *leaf, fb_error *error)
{
	if (status && !error->text[0]) {
		return fb_fail(error, status, leaf->address, "%s", fb_strerror(status));
	}
	if (status && !error->where[0]) {
		strncpy(error->where, leaf->address, sizeof error->where - 1);
	}
	error->status = status;
	return status;
}

static fb_status run(fb_branch *leaf, const fb_value *fit, uint32_t argc, const fb_origin *origin,
	fb_answer *answer, fb_error *error)
{
	const fb_leaf_spec *spec = &leaf->spec;
	fb_tree_begin(leaf->tree);
	fb_status status = spec->ops->call(spec->ctx, spec->index, fit, argc, origin, answer, error);
	fb_tree_end(leaf->tree);
	status = named(status, leaf, error);
	if (!status && !spec->unaudited) {
		char text[512];
		fb_value none = {.tag = 'N'}, after = asked(fit, argc, text, sizeof text);
		tell_audit(leaf->tree, leaf, leaf->address, &none, &after, origin, NULL);
	}
	return status;
}

/** Have the owner take the value, in a group. before, after: of the real leaf. */
static fb_status put(fb_tree *tree, const fb_branch *leaf, const fb_branch *real,
	const fb_value *fit, const fb_origin *origin, kept *before, fb_value *after, fb_error *error)
{
	const fb_leaf_spec *spec = &leaf->spec;
	const fb_leaf_ops *ops = spec->ops;
	fb_status status;
	if (ops->exchange) { /* of a real leaf only: the twins' operations have none */
		double old, now;
		fb_tree_begin(tree);
		status = ops->exchange(spec->ctx, spec->index, fit->f, origin, &old, &now, error);
		fb_tree_end(tree);
		if (!status) {
			*before = (kept){.value = {.tag = 'f', .f = old}};
			*after = (fb_value){.tag = 'f', .f = now};
		}
		return status;
	}
	if (!keep(real, before)) {
		return fb_fail(error, FB_NO_MEMORY, leaf->address, "out of memory");
	}
	fb_tree_begin(tree);
	status = ops->set(spec->ctx, spec->index, fit, origin, error);
	fb_tree_end(tree);
	if (!status) {
		fb_tree_get(tree, real, after);
	}
	return status;
}

static fb_status apply(fb_tree *tree, fb_branch *leaf, const fb_value *sent, const fb_value *fit,
	const fb_origin *origin, fb_set_result *result, fb_error *error)
{
	const fb_leaf_spec *spec = &leaf->spec;
	/* a twin's set is a set of its leaf: compared and audited there, in real units */
	fb_branch *real = spec->ops == &fb_twin_ops ? leaf->twin : leaf;
	kept before = {.text = NULL};
	fb_value *after = &result->applied;
	fb_status status =
		named(put(tree, leaf, real, fit, origin, &before, after, error), leaf, error);
	if (!status) {
		bool readable = after->tag != 'N';
		result->changed = readable && !fb_value_same(&before.value, after);
		if (!spec->unaudited) {
			tell_audit(tree, real, real->address, &before.value, after, origin, NULL);
		}
		if (real != leaf) {
			fb_tree_get(tree, leaf, after);
		}
		result->adjusted = readable && !as_asked(spec, sent, after);
		if (result->changed) {
			changed(tree, leaf, origin);
		}
	}
	free(before.text);
	return status;
}

fb_status fb_tree_set(fb_tree *tree, fb_branch *leaf, const fb_value *argv, uint32_t argc,
	fb_range_policy policy, const fb_origin *origin, fb_set_result *result, fb_error *error)
{
	fb_error own_error;
	fb_set_result own_result;
	fb_value fit[FB_ARGS_MAX];
	if (!error) {
		error = &own_error;
	}
	if (!result) {
		result = &own_result;
	}
	error->where[0] = error->text[0] = '\0';
	result->applied = (fb_value){.tag = 'N'};
	result->adjusted = result->changed = false;
	result->answer.count = 0;
	result->answer.later = NULL;
	/* what is set may remove leaves, this one among them */
	fb_tree_hold(tree);
	fb_status status = fb_tree_coerce(leaf, argv, argc, policy, fit, error);
	if (!status && leaf->spec.kind == FB_LEAF_COMMAND) {
		status = run(leaf, fit, argc, origin, &result->answer, error);
	} else if (!status) {
		status = apply(tree, leaf, argv, fit, origin, result, error);
	}
	if (status) {
		refuse(leaf, argv, argc, origin, error);
	}
	fb_tree_release(tree);
	return status;
}
