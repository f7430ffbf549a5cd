/* SPDX-License-Identifier: GPL-3.0-or-later */
/* /midi in the tree. thread: control */
#include "parts.h"

enum { LEARN, CANCEL, FORGET, FORGET_ALL, REFRESH };

static fb_status command(void *ctx, uint32_t index, const fb_value *argv, uint32_t argc,
	const fb_origin *origin, fb_answer *answer, fb_error *error)
{
	fb_midi *midi = ctx;
	(void)origin;
	switch (index) {
	case LEARN:
		return fb_midi_start_learning(midi, argv[0].s, argc > 1 ? argv[1].s : NULL, error);
	case CANCEL:
		fb_midi_stop_learning(midi);
		return FB_OK;
	case REFRESH:
		fb_midi_refresh(midi);
		return FB_OK;
	default:
		answer->values[0] =
			(fb_value){.tag = 'i', .i = fb_midi_forget(midi, index == FORGET ? argv[0].s : NULL)};
		answer->count = 1;
		return FB_OK;
	}
}

FB_GETTER(fb_midi, learning_get, fb_text_value(self->learning))
FB_GETTER(fb_midi, map_get, fb_text_value(self->text))
FB_GETTER(fb_midi, last_get, fb_text_value(self->last))
FB_GETTER(fb_midi, received_get, fb_int_value(self->received))
FB_GETTER(fb_midi, sent_get, fb_int_value(self->sent))
FB_GETTER(fb_midi, refused_get, fb_int_value(self->refused))
FB_GETTER(fb_midi, pickup_get, fb_bool_value(self->pickup))
FB_SETTER(fb_midi, pickup_set, self->pickup = value->tag == 'T')

static const fb_leaf_row leaves[] = {
	FB_ROW("/midi/learn", .kind = FB_LEAF_COMMAND, .label = "Learn",
		.doc = "ADDRESS [MODE]: the next controller that moves is bound to that address. MODE: "
			   "absolute, relative_twos, relative_offset, relative_sign, toggle, momentary.",
		.args = "s?s", .ops = FB_OPS(.call = command), .index = LEARN),
	FB_ROW("/midi/cancel", .kind = FB_LEAF_COMMAND, .label = "Cancel",
		.doc = "Learn nothing after all.", .ops = FB_OPS(.call = command), .index = CANCEL),
	FB_ROW("/midi/forget", .kind = FB_LEAF_COMMAND, .label = "Forget",
		.doc = "ADDRESS: its controller moves it no more. Answers how many did.", .args = "s",
		.ops = FB_OPS(.call = command), .index = FORGET),
	FB_ROW("/midi/forget_all", .kind = FB_LEAF_COMMAND, .label = "Forget all",
		.doc = "Empty the map. Answers how many bindings there were.",
		.ops = FB_OPS(.call = command), .index = FORGET_ALL),
	FB_ROW("/midi/refresh", .kind = FB_LEAF_COMMAND, .label = "Refresh",
		.doc = "Send the position of everything to the surface again.",
		.ops = FB_OPS(.call = command), .index = REFRESH),
	FB_ROW("/midi/learning", .kind = FB_LEAF_TEXT, .label = "Learning",
		.doc = "The address that waits for a controller; empty: none.",
		.ops = FB_OPS(.get = learning_get)),
	FB_ROW("/midi/map", .kind = FB_LEAF_TEXT, .label = "Map", .doc = "All bindings, as JSON.",
		.ops = FB_OPS(.get = map_get)),
	FB_ROW("/midi/pickup", .kind = FB_LEAF_BOOL, .label = "Soft takeover",
		.doc = "What is learned from now on moves its value only after it has met it.", .max = 1,
		.ops = FB_OPS(.get = pickup_get, .set = pickup_set)),
	FB_ROW("/midi/last", .kind = FB_LEAF_TEXT, .label = "Last message",
		.doc = "The message that came last, in hexadecimal.", .meter = true,
		.ops = FB_OPS(.get = last_get)),
	FB_ROW("/midi/received", .kind = FB_LEAF_INT, .label = "Received",
		.doc = "Messages since start.", .max = 1e15, .meter = true,
		.ops = FB_OPS(.get = received_get)),
	FB_ROW("/midi/sent", .kind = FB_LEAF_INT, .label = "Sent", .doc = "Messages since start.",
		.max = 1e15, .meter = true, .ops = FB_OPS(.get = sent_get)),
	FB_ROW("/midi/refused", .kind = FB_LEAF_INT, .label = "Refused",
		.doc = "Moves that a leaf did not take.", .max = 1e15, .meter = true,
		.ops = FB_OPS(.get = refused_get)),
};

fb_status fb_midi_add_leaves(fb_midi *midi, fb_error *error)
{
	return fb_leaves_add(midi->server->tree, "", FB_ROWS(leaves), midi, error);
}
