/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The largest of the last n values, in a few operations a value whatever n is.
	source: van Herk (1992), Gil and Werman (1993): the window is the tail of one block and the head
			of the next */
#ifndef FB_DSP_SLIDEMAX_H
#define FB_DSP_SLIDEMAX_H

#include <stdint.h>

typedef struct fb_slidemax {
	uint32_t n, at; ///< the window; how much of the block under way is filled
	float head;     ///< the largest of it
} fb_slidemax;

/** Take a value >= 0, give the largest of the last n, it included.
	shape: memory[n], zeroed at the start; before `at` values as they came, behind it the largest
		   from there to the end of the block before
	rt:    yes, once in n calls n steps */
static inline float fb_slidemax_push(fb_slidemax *slide, float *memory, float x)
{
	uint32_t last = slide->n - 1;
	memory[slide->at] = x;
	float head = x > slide->head ? x : slide->head;
	if (slide->at < last) {
		slide->head = head;
		float tail = memory[++slide->at];
		return head > tail ? head : tail;
	}
	float tail = x;
	for (uint32_t i = last; i-- > 0;) {
		tail = memory[i] > tail ? memory[i] : tail;
		memory[i] = tail;
	}
	slide->at = 0;
	slide->head = 0.0f;
	return head;
}

#endif
