/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Steps that helped, taken farther. A probe's step is small, and what helps little near may help
	most far out (a noise reduction's strength): no model knows that from one step. */
#ifndef FB_REACH_H
#define FB_REACH_H

#include "engine.h"

/** Add, of each node's knobs, the one whose turning alone helped most since trial `from`: the best
	so far with that knob several times as far on as what helped most. */
void fb_reach_propose(const fb_trials *history, int from, int room, fb_batch *out);

#endif
