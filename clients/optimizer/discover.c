/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "discover.h"

#include <stdio.h>

enum { ADDRESS_MAX = 256 };

typedef struct discovery {
	fb_client *client;
	bool (*go_on)(void *ctx);
	void *ctx;
	fb_error *error;
} discovery;

static fb_status whole(const discovery *d, const char *address, json_t **out);

/** Keeps the children's order; what they are is asked later. */
static void add_child(void *ctx, const char *name, bool has_children)
{
	(void)has_children;
	json_object_set_new(ctx, name, json_null());
}

/** Put what they are in the place of the nulls. */
static fb_status fill(const discovery *d, const char *address, json_t *children)
{
	const char *name;
	void *next;
	json_t *child;
	json_object_foreach_safe(children, next, name, child)
	{
		/* a tree without an end would be a mistake of the server's: addresses have one */
		char path[ADDRESS_MAX];
		int length = snprintf(path, sizeof path, "%s/%s", address, name);
		if (length >= (int)sizeof path) {
			return fb_fail(d->error, FB_IO, address, "the server names a place too long");
		}
		fb_status status = whole(d, path, &child);
		if (status == FB_NOT_FOUND) {
			json_object_del(children, name); /* a node that was removed since */
		} else if (status) {
			return status;
		} else if (json_object_set_new(children, name, child)) {
			return fb_fail(d->error, FB_NO_MEMORY, path, "out of memory");
		}
	}
	return FB_OK;
}

static fb_status whole(const discovery *d, const char *address, json_t **out)
{
	const char *text;
	if (!d->go_on(d->ctx)) {
		return fb_fail(d->error, FB_IO, address, "given up");
	}
	json_t *children = json_object(), *node = NULL;
	if (!children) {
		return fb_fail(d->error, FB_NO_MEMORY, address, "out of memory");
	}
	fb_status status = fb_client_describe(d->client, address, &text, add_child, children, d->error);
	if (!status) {
		node = json_loads(text, 0, NULL);
		if (!json_is_object(node)) {
			status = fb_fail(d->error, FB_IO, address, "the server describes it in no JSON");
		}
	}
	if (!status && json_object_size(children)) {
		status = fill(d, address, children);
		json_object_set(node, "CONTENTS", children);
	}
	json_decref(children);
	if (status) {
		json_decref(node);
		return status;
	}
	*out = node;
	return FB_OK;
}

fb_status fb_discover(fb_client *client, const char *address, bool (*go_on)(void *ctx), void *ctx,
	json_t **out, fb_error *error)
{
	const discovery d = {client, go_on, ctx, error};
	return whole(&d, address, out);
}
