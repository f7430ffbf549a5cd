/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ride NODE: what a node makes of noise while a wild hand rides all of its parameters, as raw
   floats on standard output. Compiled by test_wide.py against builds that must give the same
   bits. */
#include "../support/rig.h"

#include <math.h>
#include <stdio.h>

enum { TICKS = 1500 };

static uint32_t seed = 1;

static double dice(void)
{
	seed = seed * 1664525u + 1013904223u;
	return (double)(seed >> 8) / 0x1p24;
}

static void turn_one(fb_rig *rig)
{
	const fb_node_desc *desc = rig_desc(rig);
	const fb_param_info *info = &desc->params[(uint32_t)(dice() * desc->n_params)];
	double at = fmin(fmax(1.4 * dice() - 0.2, 0.0), 1.0); /* the ends as often as all else */
	double value = fb_scale_from_norm(info->scale, (double)info->min, (double)info->max, at);
	if (!(info->flags & FB_PARAM_REPREPARE)) {
		rig_set(rig, info->symbol, value);
	}
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		return 2;
	}
	fb_rig *rig = rig_open(argv[1], 48000);
	rig_sound sound = rig_sound_open(FB_TICK);
	for (uint64_t i = 0; i < TICKS; i++) {
		sig_noise(sound.in[0], FB_TICK, 0.9, 2 * i);
		sig_noise(sound.in[1], FB_TICK, 0.9, 2 * i + 1);
		if (dice() < 0.3) {
			turn_one(rig);
		}
		rig_sound_run(rig, &sound);
		fwrite(sound.out[0], sizeof(float), FB_TICK, stdout);
		fwrite(sound.out[1], sizeof(float), FB_TICK, stdout);
	}
	rig_sound_close(&sound);
	rig_close(rig);
	return 0;
}
