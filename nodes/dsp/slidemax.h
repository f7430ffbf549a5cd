/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The largest of the last n values, tick by tick, in loops that become vector code. Windows of 1,
	2, 4 .. 32 values are each made of two of the one before; a longer one is made of windows of 32
	that end in this tick and in those before. */
#ifndef FB_DSP_SLIDEMAX_H
#define FB_DSP_SLIDEMAX_H

#include "delay_line.h"

enum { FB_SLIDEMAX_STEPS = 5 }; /**< log2 of FB_TICK */

typedef struct fb_slidemax {
	uint32_t n;          ///< the window
	float past[FB_TICK]; ///< the tick before
	fb_delay_line line;  ///< largest of 32 values to date, for windows longer than that
} fb_slidemax;

/** Floats that fb_slidemax_init() wants. */
static inline size_t fb_slidemax_room(uint32_t n)
{
	return fb_delay_line_room(fb_delay_line_frames(n));
}

/** At rest on a window. room: zeroed, [fb_slidemax_room(n)], FB_ALIGN aligned. rt: yes */
static inline void fb_slidemax_init(fb_slidemax *slide, uint32_t n, float *room)
{
	*slide = (fb_slidemax){.n = n};
	fb_delay_line_init(&slide->line, fb_delay_line_frames(n), room);
}

/** to[i] is the larger of from[i] and from[i - by]; inlined, so that `by` is known. */
static inline __attribute__((always_inline)) void fb_slidemax_widen(
	const float *restrict from, float *restrict to, uint32_t by)
{
	memcpy(to, from, by * sizeof *to);
	for (uint32_t i = by; i < 2 * FB_TICK; i++) {
		to[i] = from[i] > from[i - by] ? from[i] : from[i - by];
	}
}

static inline void fb_slidemax_also(float *restrict x, const float *restrict y)
{
	for (int i = 0; i < FB_TICK; i++) {
		x[i] = x[i] > y[i] ? x[i] : y[i];
	}
}

/** Values >= 0, in place of which the largest of the last n are written. rt: yes */
static inline void fb_slidemax_tick(fb_slidemax *slide, float x[FB_TICK])
{
	_Alignas(FB_ALIGN) float room[2][2 * FB_TICK], *a = room[0], *b = room[1];
	memcpy(a, slide->past, sizeof slide->past);
	memcpy(a + FB_TICK, x, sizeof slide->past);
	memcpy(slide->past, x, sizeof slide->past);
	uint32_t width = 1;
	for (int k = 0; k < FB_SLIDEMAX_STEPS && 2u << k <= slide->n; k++) {
		width = 2u << k;
		fb_slidemax_widen(a, b, 1u << k);
		float *made = b;
		b = a;
		a = made;
	}
	memcpy(x, a + FB_TICK, sizeof slide->past);
	if (slide->n <= FB_TICK) {
		fb_slidemax_also(x, a + FB_TICK - (slide->n - width));
		return;
	}
	fb_delay_line_write(&slide->line, 0, x, FB_TICK);
	for (uint32_t back = FB_TICK; back < slide->n - FB_TICK; back += FB_TICK) {
		fb_slidemax_also(x, fb_delay_line_read(&slide->line, 0, back));
	}
	fb_slidemax_also(x, fb_delay_line_read(&slide->line, 0, slide->n - FB_TICK));
	fb_delay_line_advance(&slide->line);
}

#endif
