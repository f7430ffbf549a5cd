/* SPDX-License-Identifier: GPL-3.0-or-later */
/** How long something takes, lately and at worst, in counts of the clock. Written by the thread
	that does it, read by any. */
#ifndef FB_LOAD_H
#define FB_LOAD_H

#include "clock.h"

#include <stdatomic.h>

typedef struct fb_load {
	_Atomic float mean;  ///< running
	_Atomic float worst; ///< of this era
	uint32_t era;        ///< the writer's
} fb_load;

/** `step` of the way of the mean to what it took this time; a new era forgets the worst. */
static inline void fb_load_add(fb_load *load, float counts, float step, uint32_t era)
{
	float mean = atomic_load_explicit(&load->mean, memory_order_relaxed);
	float worst = atomic_load_explicit(&load->worst, memory_order_relaxed);
	mean = mean > 0.0f ? mean + (counts - mean) * step : counts;
	worst = era != load->era || counts > worst ? counts : worst;
	load->era = era;
	atomic_store_explicit(&load->mean, mean, memory_order_relaxed);
	atomic_store_explicit(&load->worst, worst, memory_order_relaxed);
}

#endif
