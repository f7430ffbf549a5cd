/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A bounded stack of steps, for undo and redo. A step of one value is as small as that, whatever
	the size of the patch: surfaces send thousands a second. Owner: the control thread. */
#ifndef FB_HISTORY_H
#define FB_HISTORY_H

#include "patch.h"

#define FB_UNDO_BYPASS UINT32_MAX /**< fb_undo.param: the stage's bypass */

/** What there was before a change. */
typedef struct fb_undo {
	fb_patch *patch; ///< all of it, owned; NULL: one value
	uint32_t stage, param;
	float value;
	double touched_s; ///< when the ride that the step stands for last moved; < 0: it is over
} fb_undo;

typedef struct fb_history {
	fb_undo *step;   ///< [max], a ring
	uint32_t *about; ///< [2 * max], what each step is about, twice over: any stretch lies in a row
	uint32_t first, count, max;
} fb_history;

bool fb_history_init(fb_history *history, uint32_t max); ///< false when out of memory
void fb_history_finish(fb_history *history);
/** Takes the step's patch; the oldest step goes when it is full. The step, where it is now. */
fb_undo *fb_history_push(fb_history *history, fb_undo step);
/** A step of one value, not on a ride yet. Written where it stands, for floods: a copy of what has
	just been put together would wait for it. */
fb_undo *fb_history_push_value(fb_history *history, uint32_t stage, uint32_t param, float value);
/** Gives the newest, its patch the caller's. false when empty. */
bool fb_history_pop(fb_history *history, fb_undo *out);
/** The n-th newest, from 0; NULL when there are not so many. */
fb_undo *fb_history_recent(const fb_history *history, uint32_t n);
/** The newest step about this value among the `most` newest, none of which, up to it, is of a whole
	patch; NULL if there is none. */
fb_undo *fb_history_find(fb_history *history, uint32_t stage, uint32_t param, uint32_t most);
/** Take the n-th newest out of the line; it must be of one value. */
void fb_history_drop(fb_history *history, uint32_t n);
void fb_history_clear(fb_history *history);

#endif
