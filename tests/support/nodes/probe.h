/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What the probe nodes share. They exist for tests alone: each does one thing that a test of the
	engine has to see, and does it exactly. */
#ifndef FB_PROBE_H
#define FB_PROBE_H

#include "../../../graph/node.h"

#include <string.h>

#define PROBE_STEREO(name)                                                                         \
	static const fb_port_info name[] = {                                                           \
		{.symbol = "main", .label = "Main", .doc = "Stereo", .channels = 2}}

/** The fields every probe fills alike. */
#define PROBE(type)                                                                                \
	FB_NODE_BUILT, .id = type, .label = type, .doc = "For tests", .category = "utility"

static inline void probe_copy(const fb_tick *tick, uint32_t channels)
{
	for (uint32_t c = 0; c < channels; c++) {
		memcpy(tick->out[c], tick->in[c], FB_TICK * sizeof(float));
	}
}

#endif
