/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A bounded stack of patches, for undo and redo. Owner: the control thread. */
#ifndef FB_HISTORY_H
#define FB_HISTORY_H

#include "patch.h"

typedef struct fb_history {
	fb_patch **patch; ///< [max], oldest first
	uint32_t count, max;
} fb_history;

bool fb_history_init(fb_history *history, uint32_t max); ///< false when out of memory
void fb_history_finish(fb_history *history);
void fb_history_push(fb_history *history, fb_patch *take); ///< the oldest goes when it is full
fb_patch *fb_history_pop(fb_history *history);             ///< NULL when empty; the caller's
void fb_history_clear(fb_history *history);

#endif
