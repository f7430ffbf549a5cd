/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A batch: values, bypasses and switches of one station that reach audio as one event and take
	effect in one tick, at once or (a turn) at a frame to come.

	Control makes it, sends it, and frees it once `done` says that audio has no more use of it. What
	is touched by a hand meanwhile is put `off`; else what audio has been sent is not changed. */
#ifndef FB_BATCH_H
#define FB_BATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FB_BATCH_BYPASS UINT32_MAX /**< fb_batch_item.param: the node's bypass */

typedef struct fb_batch_item {
	uint32_t serial; ///< which instance; 0: a switch of the station
	uint32_t param;  ///< or FB_BATCH_BYPASS; of a switch, fb_switch
	float value;     ///< of a switch 0 or 1: it goes there if it stands at the other
	uint32_t ticks;  ///< of the glide; UINT32_MAX: the parameter's own smoothing
	_Atomic bool off;
} fb_batch_item;

typedef struct fb_batch {
	/* constant once sent */
	struct fb_batch *next; ///< control's: in its list
	uint64_t at;           ///< FB_EVENT_TURN: the frame it is due; 0: `after`
	uint32_t after;        ///< ticks from the one that the event takes effect with
	uint32_t n;
	/* written by audio */
	_Atomic uint64_t due; ///< FB_EVENT_TURN: the frame; 0: not taken yet
	_Atomic bool done;
	fb_batch_item item[];
} fb_batch;

/** Of station `station`: what to do at its turn has changed for this value. thread: control */
static inline void fb_batch_put_off(fb_batch *batch, uint32_t serial, uint32_t param)
{
	for (uint32_t i = 0; batch && i < batch->n; i++) {
		fb_batch_item *item = &batch->item[i];
		if (item->serial == serial && item->param == param) {
			atomic_store_explicit(&item->off, true, memory_order_release);
		}
	}
}

/** Audio is through with it, or has never taken it. */
static inline void fb_batch_end(fb_batch *batch)
{
	atomic_store_explicit(&batch->done, true, memory_order_release);
}

#endif
