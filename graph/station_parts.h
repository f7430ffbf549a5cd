/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The station's insides, shared by the station*.c files alone. Owner: the control thread. */
#ifndef FB_STATION_PARTS_H
#define FB_STATION_PARTS_H

#include "history.h"
#include "station.h"

struct fb_station {
	fb_engine *engine;
	uint32_t index;
	fb_patch *patch;
	uint32_t revision;    ///< how many patches there have been
	const fb_plan *heard; ///< what audio plays once the plans sent to it have faded in; or NULL
	fb_plan *waiting;     ///< of the patch, compiled against `heard`; NULL if that is of the patch
	bool stale;           ///< the patch has values that need a new instance, not yet compiled
	bool resend;          ///< the ring was full: values in audio may be behind the patch
	double fade_ms;
	uint64_t gliding_until; ///< frame: values may be on their way, by a glide that was asked for
	const fb_instance *node[FB_STAGES_MAX]; ///< of each stage, in `heard`; NULL: not there
	fb_history past, future;
	fb_station_refusal *refused; ///< NULL: nobody wants to know
	void *refused_ctx;
};

/* --- station_undo.c */
/** Values that rides have brought were refused later, and the patch is back at the one before: the
	steps since then, which only lead to where it is, go. */
void fb_station_unride(fb_station *station, uint32_t stage, uint32_t param);

#endif
