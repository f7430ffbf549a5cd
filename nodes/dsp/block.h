/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A section at rest, four frames of both sides at a time, in float: what a frame adds to the next
	three and to the state after them is worked out beforehand, so that none waits for the one
	before it. For corners from some 100 Hz on; section.h has the precise one, for all else and for
	glides. */
#ifndef FB_DSP_BLOCK_H
#define FB_DSP_BLOCK_H

#include "lanes.h"
#include "section.h"
#include "wide.h"

enum { FB_BLOCK = 4 };

/** Lanes 0 to 3 are four frames of the left side, 4 to 7 of the right; of a state they are s1, s2,
	s1, s2 of each side. `other` weighs the neighbour in a state. */
typedef struct fb_block {
	fb_v8 out_x[FB_BLOCK], out_own, out_other;       ///< what makes four frames of output
	fb_v8 state_x[FB_BLOCK], state_own, state_other; ///< and the state after them
} fb_block;

/** Four frames of one side from a state on, in which frame `at` is 1 and the others are 0.
	s: the state, in and out. */
static inline void fb_block_respond(const fb_section *k, double s[2], int at, double y[FB_BLOCK])
{
	for (int i = 0; i < FB_BLOCK; i++) {
		double x = i == at ? 1.0 : 0.0, u = x - s[1], s1 = s[0];
		y[i] = k->d * x + k->e * s1 + k->f * s[1];
		s[0] = k->a * s1 + k->b * u;
		s[1] += k->b * s1 + k->c * u;
	}
}

/** rt: yes */
static inline void fb_block_make(fb_block *block, const fb_section *section)
{
	double y[FB_BLOCK];
	for (int at = 0; at < FB_BLOCK; at++) {
		double s[2] = {0.0, 0.0};
		fb_block_respond(section, s, at, y);
		for (int i = 0; i < 2 * FB_BLOCK; i++) {
			block->out_x[at][i] = (float)y[i % FB_BLOCK];
			block->state_x[at][i] = (float)s[i % 2];
		}
	}
	for (int from = 0; from < 2; from++) {
		double s[2] = {from == 0, from == 1};
		fb_block_respond(section, s, -1, y);
		for (int i = 0; i < 2 * FB_BLOCK; i++) {
			bool own = i % 2 == from;
			(own ? &block->out_own : &block->out_other)[0][i] = (float)y[i % FB_BLOCK];
			(own ? &block->state_own : &block->state_other)[0][i] = (float)s[i % 2];
		}
	}
}

/** Filter a tick of both sides in place. state: 0 at rest. rt: yes */
static inline __attribute__((always_inline)) void fb_block_run(
	const fb_block *k, fb_v8 *state, float left[FB_TICK], float right[FB_TICK])
{
	fb_v8 own = *state;
	for (int i = 0; i < FB_TICK; i += FB_BLOCK) {
		fb_lanes a = fb_lanes_load(left + i), b = fb_lanes_load(right + i);
		fb_v8 x = __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
		fb_v8 x0 = __builtin_shufflevector(x, x, 0, 0, 0, 0, 4, 4, 4, 4);
		fb_v8 x1 = __builtin_shufflevector(x, x, 1, 1, 1, 1, 5, 5, 5, 5);
		fb_v8 x2 = __builtin_shufflevector(x, x, 2, 2, 2, 2, 6, 6, 6, 6);
		fb_v8 x3 = __builtin_shufflevector(x, x, 3, 3, 3, 3, 7, 7, 7, 7);
		fb_v8 other = __builtin_shufflevector(own, own, 1, 0, 3, 2, 5, 4, 7, 6);
		fb_v8 y = (k->out_x[0] * x0 + k->out_x[1] * x1) + (k->out_x[2] * x2 + k->out_x[3] * x3);
		y += k->out_own * own + k->out_other * other;
		fb_v8 in =
			(k->state_x[0] * x0 + k->state_x[1] * x1) + (k->state_x[2] * x2 + k->state_x[3] * x3);
		own = in + (k->state_own * own + k->state_other * other);
		fb_lanes_store(left + i, __builtin_shufflevector(y, y, 0, 1, 2, 3));
		fb_lanes_store(right + i, __builtin_shufflevector(y, y, 4, 5, 6, 7));
	}
	*state = own;
}

/** The precise form's state, for a tick in which the section moves, and back. rt: yes */
static inline fb_section_state fb_block_state(const fb_v8 *state)
{
	const fb_v8 s = *state;
	return (fb_section_state){{(double)s[0], (double)s[4]}, {(double)s[1], (double)s[5]}};
}

static inline void fb_block_take(fb_v8 *state, const fb_section_state *s)
{
	for (int i = 0; i < 8; i++) {
		(*state)[i] = (float)(i % 2 ? s->s2 : s->s1)[i / 4];
	}
}

#endif
