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

enum { LEARNING, MAP, LAST, RECEIVED, SENT, REFUSED, PICKUP };

static void get(void *ctx, uint32_t index, fb_value *value)
{
	const fb_midi *midi = ctx;
	switch (index) {
	case LEARNING:
		*value = (fb_value){.tag = 's', .s = midi->learning};
		break;
	case MAP:
		*value = (fb_value){.tag = 's', .s = midi->text};
		break;
	case LAST:
		*value = (fb_value){.tag = 's', .s = midi->last};
		break;
	case PICKUP:
		*value = (fb_value){.tag = midi->pickup ? 'T' : 'F'};
		break;
	default:
		*value = (fb_value){.tag = 'i',
			.i = (int64_t)(index == RECEIVED ? midi->received
						   : index == SENT   ? midi->sent
											 : midi->refused)};
	}
}

static fb_status set_pickup(
	void *ctx, uint32_t index, const fb_value *value, const fb_origin *origin, fb_error *error)
{
	(void)index, (void)origin, (void)error;
	((fb_midi *)ctx)->pickup = value->tag == 'T';
	return FB_OK;
}

static const fb_leaf_ops calls = {.call = command}, reads = {.get = get},
						 switches = {.get = get, .set = set_pickup};

static const struct {
	const char *address;
	fb_leaf_spec spec;
} leaves[] = {
	{"/midi/learn",
		{.kind = FB_LEAF_COMMAND,
			.access = FB_WRITE,
			.label = "Learn",
			.doc = "ADDRESS [MODE]: the next controller that moves is bound to that address. MODE: "
				   "absolute, relative_twos, relative_offset, relative_sign, toggle, momentary.",
			.args = "s?s",
			.ops = &calls,
			.index = LEARN}},
	{"/midi/cancel", {.kind = FB_LEAF_COMMAND,
						 .access = FB_WRITE,
						 .label = "Cancel",
						 .doc = "Learn nothing after all.",
						 .args = "",
						 .ops = &calls,
						 .index = CANCEL}},
	{"/midi/forget", {.kind = FB_LEAF_COMMAND,
						 .access = FB_WRITE,
						 .label = "Forget",
						 .doc = "ADDRESS: its controller moves it no more. Answers how many did.",
						 .args = "s",
						 .ops = &calls,
						 .index = FORGET}},
	{"/midi/forget_all", {.kind = FB_LEAF_COMMAND,
							 .access = FB_WRITE,
							 .label = "Forget all",
							 .doc = "Empty the map. Answers how many bindings there were.",
							 .args = "",
							 .ops = &calls,
							 .index = FORGET_ALL}},
	{"/midi/refresh", {.kind = FB_LEAF_COMMAND,
						  .access = FB_WRITE,
						  .label = "Refresh",
						  .doc = "Send the position of everything to the surface again.",
						  .args = "",
						  .ops = &calls,
						  .index = REFRESH}},
	{"/midi/learning", {.kind = FB_LEAF_TEXT,
						   .access = FB_READ,
						   .label = "Learning",
						   .doc = "The address that waits for a controller; empty: none.",
						   .ops = &reads,
						   .index = LEARNING}},
	{"/midi/map", {.kind = FB_LEAF_TEXT,
					  .access = FB_READ,
					  .label = "Map",
					  .doc = "All bindings, as JSON.",
					  .ops = &reads,
					  .index = MAP}},
	{"/midi/pickup",
		{.kind = FB_LEAF_BOOL,
			.access = FB_READ_WRITE,
			.label = "Soft takeover",
			.doc = "What is learned from now on moves its value only after it has met it.",
			.max = 1,
			.ops = &switches,
			.index = PICKUP}},
	{"/midi/last", {.kind = FB_LEAF_TEXT,
					   .access = FB_READ,
					   .label = "Last message",
					   .doc = "The message that came last, in hexadecimal.",
					   .meter = true,
					   .ops = &reads,
					   .index = LAST}},
	{"/midi/received", {.kind = FB_LEAF_INT,
						   .access = FB_READ,
						   .label = "Received",
						   .doc = "Messages since start.",
						   .max = 1e15,
						   .meter = true,
						   .ops = &reads,
						   .index = RECEIVED}},
	{"/midi/sent", {.kind = FB_LEAF_INT,
					   .access = FB_READ,
					   .label = "Sent",
					   .doc = "Messages since start.",
					   .max = 1e15,
					   .meter = true,
					   .ops = &reads,
					   .index = SENT}},
	{"/midi/refused", {.kind = FB_LEAF_INT,
						  .access = FB_READ,
						  .label = "Refused",
						  .doc = "Moves that a leaf did not take.",
						  .max = 1e15,
						  .meter = true,
						  .ops = &reads,
						  .index = REFUSED}},
};

fb_status fb_midi_add_leaves(fb_midi *midi, fb_error *error)
{
	fb_status status = FB_OK;
	for (size_t i = 0; i < sizeof leaves / sizeof *leaves && !status; i++) {
		fb_leaf_spec spec = leaves[i].spec;
		spec.ctx = midi;
		spec.unit = "";
		status = fb_tree_add(midi->server->tree, leaves[i].address, &spec, error);
	}
	return status;
}
