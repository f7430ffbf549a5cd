/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The tree's inside, for the files that make it up: tree.c (structure), find.c (the hash), set.c
	(values), coerce.c (what fits), pattern.c (matching). Nobody else includes this. */
#ifndef FB_TREE_PRIVATE_H
#define FB_TREE_PRIVATE_H

#include "tree.h"

enum {
	FB_ADDRESS_MAX = 255, ///< characters in an address, its twin's included
	FB_ARGS_MAX = 16,     ///< arguments of a command
	FB_TEXT_MAX = 4096,   ///< bytes of a text that is set or handed to a command
	FB_WATCHERS_MAX = 16,
};

enum { FB_CACHE_LINE = 64 };

/** A set of a plain value touches two lines of it: the first, and the address. */
struct fb_branch {
	_Alignas(FB_CACHE_LINE) bool leaf;
	bool norm;       ///< below /norm, or /norm itself
	bool gone;       ///< removed while somebody may still look at it
	uint64_t serial; ///< never another's
	fb_leaf_spec spec;
	fb_branch *parent, *first, *last, *next, *prev;
	fb_branch *twin; ///< the place under /norm that mirrors this one, or the other way round
	fb_tree *tree;
	const char *name;  ///< points into the address
	char *label, *doc; ///< from fb_tree_describe, owned, NULL if not described
	char *texts;       ///< what the spec's strings point into, owned
	fb_branch *grave;
	uint32_t length, hash; ///< of the address
	_Alignas(FB_CACHE_LINE) char address[];
};

/** What tells most addresses apart without a look at them. */
typedef struct fb_slot {
	uint32_t hash, length;
	fb_branch *branch; ///< NULL: free
} fb_slot;

struct fb_tree {
	fb_branch *root;
	fb_slot *slots; ///< open addressing, linear probing; at most half full
	uint32_t n_slots, used;
	uint64_t made;  ///< places so far
	uint32_t group; ///< depth of fb_tree_begin
	uint32_t busy;  ///< depth of calls that may come back to a branch: nothing is freed meanwhile
	fb_branch *grave;
	const fb_tree_watcher *watchers[FB_WATCHERS_MAX];
	uint32_t n_watchers;
};

/* --- find.c */

/** Room for one more place, at half load. false: out of memory */
bool fb_tree_reserve(fb_tree *tree);
void fb_tree_enter(fb_tree *tree, fb_branch *branch); ///< there must be room
void fb_tree_strike(fb_tree *tree, const fb_branch *branch);

/** fb_tree_find() for an address that is not terminated. */
fb_branch *fb_tree_find_n(const fb_tree *tree, const char *address, size_t length);

/** An address to be found. */
typedef struct fb_wanted {
	const char *address;
	uint32_t length; ///< 0: there is none
	uint32_t hash;   ///< for fb_tree_find_all()
	fb_branch *found;
} fb_wanted;

/** Find several together, so that the cache misses of one are over when those of all are. */
void fb_tree_find_all(const fb_tree *tree, fb_wanted *wanted, uint32_t count);

/* --- tree.c */

/** Between these two, removed branches stay readable (and `gone`). */
static inline void fb_tree_hold(fb_tree *tree)
{
	tree->busy++;
}

void fb_tree_bury(fb_tree *tree); ///< free what was removed meanwhile

static inline void fb_tree_release(fb_tree *tree)
{
	if (--tree->busy == 0 && tree->grave) {
		fb_tree_bury(tree);
	}
}

/* --- coerce.c, set.c */

/** fb_tree_check() for all arguments. fit: [FB_ARGS_MAX] */
fb_status fb_tree_coerce(const fb_branch *leaf, const fb_value *argv, uint32_t argc,
	fb_range_policy policy, fb_value *fit, fb_error *error);

/** How a twin is read and written: through its leaf. */
extern const fb_leaf_ops fb_twin_ops;

#endif
