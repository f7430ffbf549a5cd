/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A section at rest, four frames of a side at a time, in float: what a frame adds to the next
	three and to the state after them is worked out beforehand, so that none waits for the one
	before it. For corners from some 100 Hz on; section.h has the precise one, for all else and for
	glides. */
#ifndef FB_DSP_BLOCK_H
#define FB_DSP_BLOCK_H

#include "lanes.h"
#include "section.h"

/** The lanes are four frames; those of a state are s1, s2, s1, s2. `other` weighs the neighbour in
	a state. */
typedef struct fb_block {
	fb_lanes out_x[FB_LANES], out_own, out_other;       ///< what makes four frames of output
	fb_lanes state_x[FB_LANES], state_own, state_other; ///< and the state after them
} fb_block;

/** Four frames from a state on, in which frame `at` is 1 and the others are 0.
	s: the state, in and out. */
static inline void fb_block_respond(const fb_section *k, double s[2], int at, double y[FB_LANES])
{
	for (int i = 0; i < FB_LANES; i++) {
		double x = i == at ? 1.0 : 0.0, u = x - s[1], s1 = s[0];
		y[i] = k->d * x + k->e * s1 + k->f * s[1];
		s[0] = k->a * s1 + k->b * u;
		s[1] += k->b * s1 + k->c * u;
	}
}

/** rt: yes */
static inline void fb_block_make(fb_block *block, const fb_section *section)
{
	double y[FB_LANES];
	for (int at = 0; at < FB_LANES; at++) {
		double s[2] = {0.0, 0.0};
		fb_block_respond(section, s, at, y);
		for (int i = 0; i < FB_LANES; i++) {
			block->out_x[at][i] = (float)y[i];
			block->state_x[at][i] = (float)s[i % 2];
		}
	}
	for (int from = 0; from < 2; from++) {
		double s[2] = {from == 0, from == 1};
		fb_block_respond(section, s, -1, y);
		for (int i = 0; i < FB_LANES; i++) {
			bool own = i % 2 == from;
			(own ? &block->out_own : &block->out_other)[0][i] = (float)y[i];
			(own ? &block->state_own : &block->state_other)[0][i] = (float)s[i % 2];
		}
	}
}

/** Four frames of one side in place. */
static inline __attribute__((always_inline)) void fb_block_step(
	const fb_block *k, fb_lanes *state, float x[FB_LANES])
{
	fb_lanes in = fb_lanes_load(x), own = *state;
	fb_lanes x0 = __builtin_shufflevector(in, in, 0, 0, 0, 0);
	fb_lanes x1 = __builtin_shufflevector(in, in, 1, 1, 1, 1);
	fb_lanes x2 = __builtin_shufflevector(in, in, 2, 2, 2, 2);
	fb_lanes x3 = __builtin_shufflevector(in, in, 3, 3, 3, 3);
	fb_lanes other = __builtin_shufflevector(own, own, 1, 0, 3, 2);
	fb_lanes y = (k->out_x[0] * x0 + k->out_x[1] * x1) + (k->out_x[2] * x2 + k->out_x[3] * x3);
	fb_lanes next =
		(k->state_x[0] * x0 + k->state_x[1] * x1) + (k->state_x[2] * x2 + k->state_x[3] * x3);
	fb_lanes_store(x, y + (k->out_own * own + k->out_other * other));
	*state = next + (k->state_own * own + k->state_other * other);
}

/** Filter a tick of both sides in place. state: 0 at rest. rt: yes */
static inline __attribute__((always_inline)) void fb_block_run(
	const fb_block *k, fb_lanes state[2], float x[2][FB_TICK])
{
	fb_lanes left = state[0], right = state[1];
	for (int i = 0; i < FB_TICK; i += FB_LANES) {
		fb_block_step(k, &left, x[0] + i);
		fb_block_step(k, &right, x[1] + i);
	}
	state[0] = left;
	state[1] = right;
}

/** The precise form's state, for a tick in which the section moves, and back. rt: yes */
static inline fb_section_state fb_block_state(const fb_lanes state[2])
{
	return (fb_section_state){
		{(double)state[0][0], (double)state[1][0]}, {(double)state[0][1], (double)state[1][1]}};
}

static inline void fb_block_take(fb_lanes state[2], const fb_section_state *s)
{
	for (int c = 0; c < 2; c++) {
		float s1 = (float)s->s1[c], s2 = (float)s->s2[c];
		state[c] = (fb_lanes){s1, s2, s1, s2};
	}
}

#endif
