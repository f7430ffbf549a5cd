/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The structure of the tree: places, their hash, who watches. thread: control */
#include "tree_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const char norm_root[] = "/norm";
enum { NORM_LENGTH = sizeof norm_root - 1 };

/* --- places */

static void free_branch(fb_branch *branch)
{
	free(branch->label);
	free(branch->doc);
	free(branch->texts);
	free(branch);
}

/** A new place, linked and hashed. The parent exists and there is room in the hash. */
static fb_branch *make(fb_tree *tree, fb_branch *parent, const char *address, size_t length)
{
	size_t size = (sizeof(fb_branch) + length) / FB_CACHE_LINE * FB_CACHE_LINE + FB_CACHE_LINE;
	fb_branch *branch = aligned_alloc(FB_CACHE_LINE, size);
	if (!branch) {
		return NULL;
	}
	memset(branch, 0, size);
	memcpy(branch->address, address, length);
	branch->serial = ++tree->made;
	branch->tree = tree;
	branch->length = (uint32_t)length;
	const char *slash = strrchr(branch->address, '/');
	branch->name = slash + 1;
	branch->norm = strncmp(branch->address, norm_root, NORM_LENGTH) == 0 &&
				   (branch->address[NORM_LENGTH] == '/' || branch->address[NORM_LENGTH] == '\0');
	fb_tree_enter(tree, branch);
	if (parent) {
		branch->parent = parent;
		branch->prev = parent->last;
		*(parent->last ? &parent->last->next : &parent->first) = branch;
		parent->last = branch;
	}
	return branch;
}

static void unlink_branch(fb_branch *branch)
{
	fb_branch *parent = branch->parent;
	*(branch->prev ? &branch->prev->next : &parent->first) = branch->next;
	*(branch->next ? &branch->next->prev : &parent->last) = branch->prev;
}

static void unhash_all(fb_branch *top)
{
	for (fb_branch *child = top->first; child; child = child->next) {
		unhash_all(child);
	}
	fb_tree_strike(top->tree, top);
	if (top->twin) {
		top->twin->twin = NULL;
		top->twin = NULL;
	}
	top->gone = true;
}

static void free_all(fb_branch *top)
{
	for (fb_branch *child = top->first, *next; child; child = next) {
		next = child->next;
		free_all(child);
	}
	free_branch(top);
}

/** Take a place and all below it out of the tree; freed now, or when nobody can look any more. */
static void drop(fb_branch *top)
{
	fb_tree *tree = top->tree;
	unlink_branch(top);
	unhash_all(top);
	if (tree->busy) {
		top->grave = tree->grave;
		tree->grave = top;
	} else {
		free_all(top);
	}
}

void fb_tree_bury(fb_tree *tree)
{
	while (tree->grave) {
		fb_branch *top = tree->grave;
		tree->grave = top->grave;
		free_all(top);
	}
}

fb_tree *fb_tree_create(void)
{
	fb_tree *tree = calloc(1, sizeof *tree);
	if (!tree || !fb_tree_reserve(tree) || !(tree->root = make(tree, NULL, "/", 1))) {
		fb_tree_destroy(tree);
		return NULL;
	}
	return tree;
}

void fb_tree_destroy(fb_tree *tree)
{
	if (!tree) {
		return;
	}
	assert(!tree->busy);
	if (tree->root) {
		free_all(tree->root);
	}
	free(tree->slots);
	free(tree);
}

/* --- adding */

static fb_status check_address(const char *address, fb_error *error)
{
	if (address[0] != '/' || address[1] == '\0') {
		return fb_fail(error, FB_INVALID, address, "an address starts with / and has a name");
	}
	if (strlen(address) > FB_ADDRESS_MAX - NORM_LENGTH) {
		return fb_fail(error, FB_INVALID, address, "the address is too long");
	}
	for (const char *c = address; *c; c++) {
		if (*c <= ' ' || *c > '~' || strchr("#*,?[]{}", *c) || (*c >= 'A' && *c <= 'Z')) {
			return fb_fail(error, FB_INVALID, address,
				"an address is lower case, without spaces and # * , ? [ ] { }");
		}
		if (*c == '/' && (c[1] == '/' || c[1] == '\0')) {
			return fb_fail(error, FB_INVALID, address, "a part of the address is empty");
		}
	}
	size_t n = NORM_LENGTH;
	if (strncmp(address, norm_root, n) == 0 && (address[n] == '/' || address[n] == '\0')) {
		return fb_fail(error, FB_INVALID, address, "what is under /norm is made by the tree");
	}
	return FB_OK;
}

static fb_status check_spec(const char *address, const fb_leaf_spec *spec, fb_error *error)
{
	const fb_leaf_ops *ops = spec->ops;
	bool command = spec->kind == FB_LEAF_COMMAND;
	if (!ops || (command && (!ops->call || spec->access != FB_WRITE)) ||
		(!command && (spec->access & FB_READ) && !ops->get) ||
		(!command && (spec->access & FB_WRITE) && !ops->set) || !(spec->access & FB_READ_WRITE)) {
		return fb_fail(error, FB_INVALID, address, "the leaf's operations do not fit its access");
	}
	if (ops->exchange && (spec->kind != FB_LEAF_FLOAT || spec->access != FB_READ_WRITE)) {
		return fb_fail(error, FB_INVALID, address, "only a float to be read and set is exchanged");
	}
	if (spec->kind == FB_LEAF_FLOATS && spec->access != FB_READ) {
		return fb_fail(error, FB_INVALID, address, "a row of numbers is only read");
	}
	if (spec->kind == FB_LEAF_FLOAT || spec->kind == FB_LEAF_INT) {
		if (!isfinite(spec->min) || !isfinite(spec->max) || spec->min > spec->max) {
			return fb_fail(error, FB_INVALID, address, "the leaf's range is not one");
		}
	}
	if (spec->kind == FB_LEAF_FLOAT && spec->scale == FB_SCALE_LOG && spec->min <= 0.0) {
		return fb_fail(error, FB_INVALID, address, "a logarithmic range starts above 0");
	}
	if (spec->kind == FB_LEAF_CHOICE && (!spec->choices || !spec->n_choices)) {
		return fb_fail(error, FB_INVALID, address, "the leaf has no choices");
	}
	uint32_t args = 0;
	for (const char *c = command && spec->args ? spec->args : ""; *c; c++) {
		args += *c != '?';
		if (!strchr("fisT?", *c) || args > FB_ARGS_MAX) {
			return fb_fail(
				error, FB_INVALID, address, "the command's arguments are not f, i, s, T");
		}
	}
	return FB_OK;
}

/** The spec with its strings copied into one block. */
static bool copy_spec(const fb_leaf_spec *from, fb_leaf_spec *to, char **texts)
{
	const char *in[4] = {from->label, from->unit, from->doc, from->args};
	size_t size = 0, length[4];
	for (int i = 0; i < 4; i++) {
		in[i] = in[i] ? in[i] : "";
		size += length[i] = strlen(in[i]) + 1;
	}
	char *at = malloc(size);
	if (!at) {
		return false;
	}
	*texts = at;
	*to = *from;
	const char **out[4] = {&to->label, &to->unit, &to->doc, &to->args};
	for (int i = 0; i < 4; i++) {
		*out[i] = memcpy(at, in[i], length[i]);
		at += length[i];
	}
	return true;
}

/** Make every place on the way to an address that is not there yet; *fresh is the topmost made.
	errors: NULL when out of memory; then nothing was made */
static fb_branch *place(fb_tree *tree, const char *address, fb_branch **fresh)
{
	fb_branch *branch = tree->root;
	*fresh = NULL;
	for (const char *end = address; *end && branch;) {
		end += 1 + strcspn(end + 1, "/");
		size_t length = (size_t)(end - address);
		fb_branch *next = fb_tree_find_n(tree, address, length);
		if (!next && fb_tree_reserve(tree)) {
			next = make(tree, branch, address, length);
			if (!*fresh) {
				*fresh = next;
			}
		}
		branch = next;
	}
	if (!branch && *fresh) {
		drop(*fresh);
	}
	return branch;
}

/** Pair every place on the way to a twin with what it mirrors. */
static void pair(fb_branch *branch, fb_branch *twin)
{
	for (; branch->parent && !branch->twin; branch = branch->parent, twin = twin->parent) {
		branch->twin = twin;
		twin->twin = branch;
	}
}

static void tell_added(fb_branch *branch, const fb_branch *fresh)
{
	const fb_tree *tree = branch->tree;
	if (branch != fresh) {
		tell_added(branch->parent, fresh);
	}
	for (uint32_t i = 0; i < tree->n_watchers; i++) {
		if (tree->watchers[i]->added) {
			tree->watchers[i]->added(tree->watchers[i]->ctx, branch);
		}
	}
}

static bool wants_twin(const fb_leaf_spec *spec)
{
	return spec->kind == FB_LEAF_FLOAT && spec->access == FB_READ_WRITE && spec->min < spec->max;
}

static fb_leaf_spec twin_spec(fb_branch *leaf)
{
	return (fb_leaf_spec){.kind = FB_LEAF_FLOAT,
		.access = FB_READ_WRITE,
		.label = leaf->spec.label,
		.unit = "",
		.doc = leaf->spec.doc,
		.args = "",
		.max = 1.0,
		.def = fb_scale_to_norm(leaf->spec.scale, leaf->spec.min, leaf->spec.max, leaf->spec.def),
		.meter = leaf->spec.meter,
		.unaudited = leaf->spec.unaudited,
		.ops = &fb_twin_ops,
		.ctx = leaf};
}

/** The twin of a leaf just made. errors: false when out of memory; then nothing was made */
static bool add_twin(fb_branch *leaf, fb_branch **fresh)
{
	char address[FB_ADDRESS_MAX + 1];
	memcpy(address, norm_root, NORM_LENGTH);
	memcpy(address + NORM_LENGTH, leaf->address, leaf->length + 1);
	fb_branch *twin = place(leaf->tree, address, fresh);
	if (!twin) {
		return false;
	}
	pair(leaf, twin);
	twin->spec = twin_spec(leaf);
	twin->leaf = true;
	return true;
}

fb_status fb_tree_add(fb_tree *tree, const char *address, const fb_leaf_spec *spec, fb_error *error)
{
	fb_status status = check_address(address, error);
	if (!status) {
		status = check_spec(address, spec, error);
	}
	if (status) {
		return status;
	}
	fb_branch *leaf = fb_tree_find(tree, address), *fresh = NULL, *fresh_twin = NULL;
	if (leaf && leaf->leaf) {
		return fb_fail(error, FB_EXISTS, address, "there is a leaf at this address already");
	}
	fb_leaf_spec copy;
	char *texts;
	if (!copy_spec(spec, &copy, &texts)) {
		return fb_fail(error, FB_NO_MEMORY, address, "out of memory");
	}
	leaf = place(tree, address, &fresh);
	if (!leaf) {
		free(texts);
		return fb_fail(error, FB_NO_MEMORY, address, "out of memory");
	}
	leaf->spec = copy;
	if (wants_twin(&copy) && !add_twin(leaf, &fresh_twin)) {
		if (fresh) {
			drop(fresh);
		}
		free(texts);
		return fb_fail(error, FB_NO_MEMORY, address, "out of memory");
	}
	leaf->texts = texts;
	leaf->leaf = true;
	tell_added(leaf, fresh ? fresh : leaf);
	if (leaf->twin && leaf->twin->leaf) {
		tell_added(leaf->twin, fresh_twin ? fresh_twin : leaf->twin);
	}
	return FB_OK;
}

fb_status fb_tree_describe(fb_tree *tree, const char *address, const char *label, const char *doc)
{
	fb_branch *branch = fb_tree_find(tree, address), *fresh = NULL;
	if (!branch) {
		fb_status status = check_address(address, NULL);
		if (status) {
			return status;
		}
	}
	char *new_label = strdup(label ? label : ""), *new_doc = strdup(doc ? doc : "");
	if (!new_label || !new_doc || !(branch = place(tree, address, &fresh))) {
		free(new_label);
		free(new_doc);
		return FB_NO_MEMORY;
	}
	free(branch->label);
	free(branch->doc);
	branch->label = new_label;
	branch->doc = new_doc;
	if (fresh) {
		tell_added(branch, fresh);
	}
	return FB_OK;
}

/* --- removing */

static void tell_removing(fb_branch *branch)
{
	const fb_tree *tree = branch->tree;
	for (uint32_t i = 0; i < tree->n_watchers; i++) {
		if (tree->watchers[i]->removing) {
			tree->watchers[i]->removing(tree->watchers[i]->ctx, branch);
		}
	}
	for (fb_branch *child = branch->first; child; child = child->next) {
		tell_removing(child);
	}
}

/** The highest place that would be left empty and undescribed without `branch`. */
static fb_branch *top_of(fb_branch *branch)
{
	for (fb_branch *up = branch->parent; up->parent && !up->leaf && !up->label; up = up->parent) {
		if (up->first != branch || up->last != branch) {
			break;
		}
		branch = up;
	}
	return branch;
}

void fb_tree_remove(fb_tree *tree, const char *address)
{
	fb_branch *branch = fb_tree_find(tree, address);
	if (!branch || !branch->parent || branch->norm) {
		return;
	}
	branch = top_of(branch);
	fb_branch *twin = branch->twin ? top_of(branch->twin) : NULL;
	if (twin) {
		tell_removing(twin);
		drop(twin);
	}
	tell_removing(branch);
	drop(branch);
}

/* --- looking */

fb_branch *fb_tree_root(const fb_tree *tree)
{
	return tree->root;
}

fb_branch *fb_branch_first(const fb_branch *branch)
{
	return branch->first;
}

fb_branch *fb_branch_next(const fb_branch *branch)
{
	return branch->next;
}

fb_branch *fb_branch_parent(const fb_branch *branch)
{
	return branch->parent;
}

fb_branch *fb_branch_twin(const fb_branch *leaf)
{
	fb_branch *twin = leaf->twin;
	return twin && twin->leaf && !twin->gone ? twin : NULL;
}

const char *fb_branch_address(const fb_branch *branch)
{
	return branch->address;
}

const char *fb_branch_name(const fb_branch *branch)
{
	return branch->name;
}

const char *fb_branch_label(const fb_branch *branch)
{
	if (branch->label) {
		return branch->label;
	}
	if (branch->leaf) {
		return branch->spec.label;
	}
	if (branch->norm) {
		return branch->twin ? fb_branch_label(branch->twin) : "Normalised";
	}
	return "";
}

const char *fb_branch_doc(const fb_branch *branch)
{
	if (branch->doc) {
		return branch->doc;
	}
	if (branch->leaf) {
		return branch->spec.doc;
	}
	if (branch->norm && !branch->twin) {
		return "Every continuous parameter by its travel from 0 to 1, through its own taper";
	}
	return "";
}

const fb_leaf_spec *fb_branch_leaf(const fb_branch *branch)
{
	return branch->leaf ? &branch->spec : NULL;
}

uint64_t fb_branch_serial(const fb_branch *branch)
{
	return branch->serial;
}

/* --- watching */

fb_status fb_tree_watch(fb_tree *tree, const fb_tree_watcher *watcher)
{
	if (tree->n_watchers == FB_WATCHERS_MAX) {
		return FB_TOO_MANY;
	}
	tree->watchers[tree->n_watchers++] = watcher;
	return FB_OK;
}

void fb_tree_unwatch(fb_tree *tree, const fb_tree_watcher *watcher)
{
	for (uint32_t i = 0; i < tree->n_watchers; i++) {
		if (tree->watchers[i] == watcher) {
			tree->n_watchers--;
			memmove(&tree->watchers[i], &tree->watchers[i + 1],
				(tree->n_watchers - i) * sizeof tree->watchers[0]);
			return;
		}
	}
}
