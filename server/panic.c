/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The server's own switches: panic, and worst times forgotten. */
#include "server.h"

static void set_panic(fb_server *server, bool panic)
{
	server->panic = panic;
	fb_engine_panic(server->engine, panic);
}

FB_GETTER(fb_server, panic_get, fb_bool_value(self->panic))
FB_SETTER(fb_server, panic_set, set_panic(self, value->tag == 'T'))

static fb_status reset_call(void *ctx, uint32_t index, const fb_value *argv, uint32_t argc,
	const fb_origin *origin, fb_answer *answer, fb_error *error)
{
	(void)index, (void)argv, (void)argc, (void)origin, (void)answer, (void)error;
	fb_engine_forget_worst(((fb_server *)ctx)->engine);
	return FB_OK;
}

static const fb_leaf_row leaves[] = {
	FB_ROW("/server/panic", .kind = FB_LEAF_BOOL, .label = "Panic",
		.doc = "All stations silent within 5 ms, every echo and tail forgotten, until it is off "
			   "again.",
		.max = 1, .ops = FB_OPS(.get = panic_get, .set = panic_set)),
	FB_ROW("/server/cpu/reset", .kind = FB_LEAF_COMMAND, .label = "Forget worst times",
		.doc = "Worst times of all stations and nodes, and the worst lateness of events, from now "
			   "on.",
		.ops = FB_OPS(.call = reset_call)),
};

fb_status fb_server_add_switches(fb_server *server, fb_error *error)
{
	return fb_leaves_add(server->tree, "", FB_ROWS(leaves), server, error);
}
