/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "leaves.h"

#include "server.h"

#include <stdio.h>

fb_status fb_leaves_add(fb_tree *tree, const char *front, const fb_leaf_row *rows, size_t count,
	void *ctx, fb_error *error)
{
	fb_status status = FB_OK;
	for (size_t i = 0; i < count && !status; i++) {
		char address[FB_LEAF_ADDRESS_LEN];
		fb_leaf_spec spec = rows[i].spec;
		snprintf(address, sizeof address, "%s%s", front, rows[i].leaf);
		spec.access =
			(spec.ops->get ? FB_READ : 0) | (spec.ops->set || spec.ops->call ? FB_WRITE : 0);
		spec.ctx = ctx;
		status = fb_tree_add(tree, address, &spec, error);
	}
	return status;
}

fb_status fb_channel_add_leaves(
	fb_channel *channel, const fb_leaf_row *rows, size_t count, fb_error *error)
{
	char front[FB_LEAF_ADDRESS_LEN];
	fb_channel_address(channel, "", front);
	return fb_leaves_add(channel->server->tree, front, rows, count, channel, error);
}

void fb_channel_address(
	const fb_channel *channel, const char *leaf, char address[FB_LEAF_ADDRESS_LEN])
{
	snprintf(address, FB_LEAF_ADDRESS_LEN, "/station/%u/%s", channel->index + 1, leaf);
}

fb_branch *fb_channel_find(const fb_channel *channel, const char *leaf)
{
	char address[FB_LEAF_ADDRESS_LEN];
	fb_channel_address(channel, leaf, address);
	return fb_tree_find(channel->server->tree, address);
}

void fb_leaf_touch(fb_tree *tree, const char *address, const fb_origin *origin)
{
	fb_branch *branch = fb_tree_find(tree, address);
	if (branch) {
		fb_tree_touch(tree, branch, origin);
	}
}

void fb_channel_touch(fb_channel *channel, const char *leaf, const fb_origin *origin)
{
	char address[FB_LEAF_ADDRESS_LEN];
	fb_channel_address(channel, leaf, address);
	fb_leaf_touch(channel->server->tree, address, origin);
}
