/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared objects that are no good as nodes, one kind per build (see tests/wscript). */
#include "../nodes/probe.h"

#if !defined(BAD_NO_ENTRY)

PROBE_STEREO(stereo);

static size_t size(double rate_hz, const float *params)
{
	(void)rate_hz;
	(void)params;
	return 1;
}

static bool prepare(void *self, double rate_hz, const float *params)
{
	(void)self;
	(void)rate_hz;
	(void)params;
	return true;
}

static void process(void *self, const fb_tick *tick)
{
	(void)self;
	probe_copy(tick, 2);
}

static void reset(void *self)
{
	(void)self;
}

/** A type that works, but for what the build spoils. */
#define TYPE(abi_, size_, id_)                                                                     \
	{                                                                                              \
		.abi = (abi_), .size = (size_), .id = (id_), .label = "Bad", .doc = "For tests",           \
		.category = "utility", .inputs = stereo, .outputs = stereo, .n_inputs = 1, .n_outputs = 1, \
		.instance_size = size, .prepare = prepare, .process = process, .reset = reset              \
	}

static const fb_node_desc types[] = {
#if defined(BAD_ABI)
	TYPE(FB_NODE_ABI + 1, sizeof(fb_node_desc), "b_abi"),
#elif defined(BAD_SIZE)
	TYPE(FB_NODE_ABI, sizeof(fb_node_desc) - 8, "b_size"),
#elif defined(BAD_HALF)
	TYPE(FB_NODE_ABI, sizeof(fb_node_desc), "Not a symbol"),
	TYPE(FB_NODE_ABI, sizeof(fb_node_desc), "b_good"),
#else
	/* a type of this name is among the probes too */
	TYPE(FB_NODE_ABI, sizeof(fb_node_desc), "t_mono"),
#endif
};

FB_NODE_EXPORT const fb_node_desc *fb_node_entry(uint32_t index)
{
#if defined(BAD_EMPTY)
	index += sizeof types / sizeof *types;
#endif
	return index < sizeof types / sizeof *types ? &types[index] : NULL;
}

#else

FB_NODE_EXPORT int not_an_entry(void);

FB_NODE_EXPORT int not_an_entry(void)
{
	return 0;
}

#endif
