/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What the server's parts make their leaves with: getters and setters of a line, tables of rows,
	and the addresses of a station. thread: control */
#ifndef FB_LEAVES_H
#define FB_LEAVES_H

#include "../osc/value.h"

typedef struct fb_channel fb_channel;

/** A get() of what an expression of `self` and `index` says; `self` is the leaf's ctx. */
#define FB_GETTER(owner, name, expression)                                                         \
	static void name(void *ctx, uint32_t index, fb_value *value)                                   \
	{                                                                                              \
		owner *self = ctx;                                                                         \
		(void)index, (void)self;                                                                   \
		*value = (expression);                                                                     \
	}

/** A set() that does something with `self`, `index` and `value`, and takes whatever comes. */
#define FB_SETTER(owner, name, statement)                                                          \
	static fb_status name(void *ctx, uint32_t index, const fb_value *value,                        \
		const fb_origin *origin, fb_error *error)                                                  \
	{                                                                                              \
		owner *self = ctx;                                                                         \
		(void)index, (void)origin, (void)error;                                                    \
		statement;                                                                                 \
		return FB_OK;                                                                              \
	}

/** Operations, in a table outside of functions: they have to last. */
#define FB_OPS(...)                                                                                \
	&(const fb_leaf_ops)                                                                           \
	{                                                                                              \
		__VA_ARGS__                                                                                \
	}

/** A leaf as its table has it. Its access is what its operations can do; whose it is (ctx) is said
	when the table is added. */
typedef struct fb_leaf_row {
	const char *leaf; ///< behind what all of the table have in front
	fb_leaf_spec spec;
} fb_leaf_row;

#define FB_ROW(leaf, ...)                                                                          \
	{                                                                                              \
		leaf,                                                                                      \
		{                                                                                          \
			__VA_ARGS__                                                                            \
		}                                                                                          \
	}
/** For the two functions below: a table and its length. */
#define FB_ROWS(table) table, sizeof table / sizeof *table

/** Add a table's leaves behind `front` ("" if they are whole addresses). errors: as fb_tree_add */
FB_MUST_CHECK fb_status fb_leaves_add(fb_tree *tree, const char *front, const fb_leaf_row *rows,
	size_t count, void *ctx, fb_error *error);
/** The same below /station/N/, owned by the channel. */
FB_MUST_CHECK fb_status fb_channel_add_leaves(
	fb_channel *channel, const fb_leaf_row *rows, size_t count, fb_error *error);

enum { FB_LEAF_ADDRESS_LEN = 192 }; ///< room for any address that the server makes

/** "/station/3/" with a leaf behind. */
void fb_channel_address(
	const fb_channel *channel, const char *leaf, char address[FB_LEAF_ADDRESS_LEN]);
/** What is at that address; NULL if nothing is. */
fb_branch *fb_channel_find(const fb_channel *channel, const char *leaf);
/** Tell that what is at an address has changed by itself; nothing if nothing is there. */
void fb_leaf_touch(fb_tree *tree, const char *address, const fb_origin *origin);
void fb_channel_touch(fb_channel *channel, const char *leaf, const fb_origin *origin);

#endif
