/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The server's own switches: panic, and worst times forgotten. */
#include "server.h"

static void panic_get(void *ctx, uint32_t index, fb_value *value)
{
	(void)index;
	*value = (fb_value){.tag = ((fb_server *)ctx)->panic ? 'T' : 'F'};
}

static fb_status panic_set(
	void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error)
{
	(void)index, (void)origin, (void)error;
	fb_server *server = ctx;
	server->panic = value->tag == 'T';
	fb_engine_panic(server->engine, server->panic);
	return FB_OK;
}

static fb_status reset_call(void *ctx, uint32_t index, const fb_value *argv, uint32_t argc,
	const fb_origin *origin, fb_answer *answer, fb_error *error)
{
	(void)index, (void)argv, (void)argc, (void)origin, (void)answer, (void)error;
	fb_engine_forget_worst(((fb_server *)ctx)->engine);
	return FB_OK;
}

fb_status fb_server_add_switches(fb_server *server, fb_error *error)
{
	static const fb_leaf_ops panic = {.get = panic_get, .set = panic_set},
							 reset = {.call = reset_call};
	const fb_leaf_spec panic_leaf = {.kind = FB_LEAF_BOOL,
		.access = FB_READ_WRITE,
		.label = "Panic",
		.unit = "",
		.doc = "All stations silent within 5 ms, every echo and tail forgotten, until it is off "
			   "again.",
		.max = 1.0,
		.ops = &panic,
		.ctx = server};
	const fb_leaf_spec reset_leaf = {.kind = FB_LEAF_COMMAND,
		.access = FB_WRITE,
		.label = "Forget worst times",
		.unit = "",
		.doc =
			"Worst times of all stations and nodes, and the worst lateness of events, from now on.",
		.args = "",
		.ops = &reset,
		.ctx = server};
	fb_status status = fb_tree_add(server->tree, "/server/panic", &panic_leaf, error);
	return status ? status : fb_tree_add(server->tree, "/server/cpu/reset", &reset_leaf, error);
}
