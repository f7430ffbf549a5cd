/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The tree's inside, for the files that make it up: tree.c (structure), set.c (values),
	coerce.c (what fits), pattern.c (matching). Nobody else includes this. */
#ifndef FB_TREE_PRIVATE_H
#define FB_TREE_PRIVATE_H

#include "tree.h"

enum {
	FB_ADDRESS_MAX = 255, ///< characters in an address, its twin's included
	FB_ARGS_MAX = 16,     ///< arguments of a command
	FB_TEXT_MAX = 4096,   ///< bytes of a text that is set or handed to a command
	FB_WATCHERS_MAX = 16,
};

struct fb_branch {
	fb_branch *parent, *first, *last, *next, *prev;
	fb_branch *twin; ///< the place under /norm that mirrors this one, or the other way round
	char *address;   ///< owned; `name` points into it
	const char *name;
	uint32_t length, hash; ///< of the address
	uint64_t version;
	fb_tree *tree;
	char *label, *doc; ///< from fb_tree_describe, owned, NULL if not described
	char *texts;       ///< what the spec's strings point into, owned
	fb_leaf_spec spec;
	bool leaf;
	bool norm; ///< below /norm, or /norm itself
	bool gone; ///< removed while somebody may still look at it
	fb_branch *grave;
};

typedef struct fb_slot {
	uint32_t hash;
	fb_branch *branch; ///< NULL: free
} fb_slot;

struct fb_tree {
	fb_branch *root;
	fb_slot *slots; ///< open addressing, linear probing; at most half full
	uint32_t n_slots, used;
	uint64_t version;
	uint32_t group; ///< depth of fb_tree_begin
	uint32_t busy;  ///< depth of calls that may come back to a branch: nothing is freed meanwhile
	fb_branch *grave;
	const fb_tree_watcher *watchers[FB_WATCHERS_MAX];
	uint32_t n_watchers;
};

/** fb_tree_find() for an address that is not terminated. */
fb_branch *fb_tree_find_n(const fb_tree *tree, const char *address, size_t length);

/** Between these two, removed branches stay readable (and `gone`). */
void fb_tree_hold(fb_tree *tree);
void fb_tree_release(fb_tree *tree);

/** fb_tree_check() for all arguments. fit: [FB_ARGS_MAX] */
fb_status fb_tree_coerce(const fb_branch *leaf, const fb_value *argv, uint32_t argc,
	fb_range_policy policy, fb_value *fit, fb_error *error);

/** How a twin is read and written: through its leaf. */
extern const fb_leaf_ops fb_twin_ops;

#endif
