/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The host's smoothing of one parameter: a line in the parameter's taper from the value in force
	to the new one, in whole ticks, exact at its end. Its ends are rounded, as the corners of a
	straight one would tick on a low tone; a new aim on the way goes on as fast as the old one went.
	It never leaves the stretch between where it starts and its aim. All nodes are click-free
	alike. */
#ifndef FB_GLIDE_H
#define FB_GLIDE_H

#include "node.h"

typedef struct fb_glide {
	double start, target; ///< travel 0..1 while gliding
	double round;         ///< ticks at either end in which the speed changes
	double speed0, speed; ///< travel a tick: at the start, and on the straight part
	float final;          ///< the value at the end
	uint32_t done, ticks; ///< ticks == 0: at rest
} fb_glide;

/** Clamp to the parameter's range (NaN: the least); whole numbers for all kinds but FB_FLOAT.
	rt: yes */
float fb_param_fit(const fb_param_info *info, float value);

/** Ticks the parameter's own smoothing takes, 0 = at once. rt: yes */
uint32_t fb_glide_ticks(const fb_param_info *info, double rate_hz);

/** Aim for a value, from `now`, in this many ticks (0: with the next tick). own: fb_glide_ticks();
	a glide as short is all bend, of a longer one each end in half of that time. rt: yes */
void fb_glide_aim(fb_glide *glide, const fb_param_info *info, float now, float value,
	uint32_t ticks, uint32_t own) FB_RT;

/** Advance one tick: *from is where the tick starts, *to where it ends. *to must come in as the
	value the last tick ended with. Returns false once both are at rest on the target. rt: yes */
bool fb_glide_tick(fb_glide *glide, const fb_param_info *info, float *from, float *to) FB_RT;

#endif
