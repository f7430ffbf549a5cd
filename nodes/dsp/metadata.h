/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What several nodes say of themselves in the same words. */
#ifndef FB_DSP_METADATA_H
#define FB_DSP_METADATA_H

#include "../../graph/node.h"

/** The meter of who turns down: what, and the most that it can be. */
#define FB_REDUCTION_METER(doc_, most)                                                             \
	{                                                                                              \
		.symbol = "reduction", .label = "Gain reduction", .unit = "dB", .doc = doc_, .max = most,  \
		.flags = FB_METER_REDUCTION                                                                \
	}

/** The port of an external key, and the parameter that says whether it is listened to. */
#define FB_SIDECHAIN_PORT                                                                          \
	{                                                                                              \
		"sidechain", "Sidechain", "An external key for the detector, heard by no one", 2           \
	}
#define FB_SIDECHAIN_PARAM                                                                         \
	{                                                                                              \
		.symbol = "sidechain", .label = "Sidechain", .unit = "",                                   \
		.doc = "What the detector hears: the signal itself, or the sidechain input if something "  \
			   "is connected there",                                                               \
		.kind = FB_CHOICE, .max = 1.0f, .choices = fb_key_choices                                  \
	}

#endif
