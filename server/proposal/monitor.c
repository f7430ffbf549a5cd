/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define FADE_S 0.02
enum { RETIRED_MAX = 16 };

struct fb_monitor {
	/* control's way to audio */
	_Atomic(fb_clip *) next;
	_Atomic int version;
	fb_ring *retired; ///< and audio's back
	/* audio's */
	fb_clip *clip;
	uint64_t at;
	float level[2], step; ///< of the versions, 0..1; how fast a level moves, per frame
};

void fb_clip_destroy(fb_clip *clip)
{
	if (clip) {
		for (int i = 0; i < 4; i++) {
			free(clip->audio[i / 2][i % 2]);
		}
		free(clip);
	}
}

void fb_monitor_set_rate(fb_monitor *monitor, double rate_hz)
{
	monitor->step = (float)(1.0 / (FADE_S * rate_hz));
}

fb_monitor *fb_monitor_create(double rate_hz)
{
	fb_monitor *monitor = calloc(1, sizeof *monitor);
	if (monitor) {
		fb_monitor_set_rate(monitor, rate_hz);
		monitor->retired = fb_ring_create(RETIRED_MAX, sizeof(fb_clip *));
		atomic_store(&monitor->version, -1);
	}
	if (monitor && !monitor->retired) {
		free(monitor);
		return NULL;
	}
	return monitor;
}

void fb_monitor_service(fb_monitor *monitor)
{
	fb_clip *clip;
	while (fb_ring_read(monitor->retired, &clip)) {
		fb_clip_destroy(clip);
	}
}

void fb_monitor_destroy(fb_monitor *monitor)
{
	if (monitor) {
		fb_monitor_service(monitor);
		fb_clip_destroy(monitor->clip);
		fb_clip_destroy(atomic_load(&monitor->next));
		fb_ring_destroy(monitor->retired);
		free(monitor);
	}
}

void fb_monitor_load(fb_monitor *monitor, fb_clip *take)
{
	fb_clip_destroy(atomic_exchange(&monitor->next, take)); /* one that was never begun */
}

void fb_monitor_select(fb_monitor *monitor, int version)
{
	atomic_store(&monitor->version, version);
}

/* --- audio */

static float towards(float level, float target, float step)
{
	return target > level ? fminf(level + step, target) : fmaxf(level - step, target);
}

/** The ends of the stretch fade, so that it can go round. */
static float edge(const fb_monitor *monitor)
{
	uint64_t left = monitor->clip->frames - monitor->at,
			 near = monitor->at < left ? monitor->at : left;
	return fminf((float)near * monitor->step, 1.0f);
}

/** Take up what waits, once what played is silent. false: nothing to play */
static bool take_next(fb_monitor *monitor)
{
	bool silent = monitor->level[0] <= 0.0f && monitor->level[1] <= 0.0f;
	if (silent && atomic_load_explicit(&monitor->next, memory_order_relaxed)) {
		fb_clip *old = monitor->clip;
		if (!old || fb_ring_write(monitor->retired, &old)) {
			monitor->clip = atomic_exchange(&monitor->next, NULL);
			monitor->at = 0;
		}
	}
	return monitor->clip && monitor->clip->frames;
}

void fb_monitor_play(fb_monitor *monitor, float *const out[2], uint32_t frames)
{
	memset(out[0], 0, frames * sizeof(float));
	memset(out[1], 0, frames * sizeof(float));
	if (!take_next(monitor)) {
		return;
	}
	const fb_clip *clip = monitor->clip;
	/* in this order: a version that was selected after a clip was loaded is of that clip */
	int version = atomic_load_explicit(&monitor->version, memory_order_acquire);
	version = atomic_load_explicit(&monitor->next, memory_order_relaxed) ? -1 : version;
	for (uint32_t i = 0; i < frames; i++) {
		float ends = edge(monitor);
		for (int v = 0; v < 2; v++) {
			monitor->level[v] =
				towards(monitor->level[v], v == version ? 1.0f : 0.0f, monitor->step);
			float gain = monitor->level[v] * clip->gain[v] * ends;
			out[0][i] += gain * clip->audio[v][0][monitor->at];
			out[1][i] += gain * clip->audio[v][1][monitor->at];
		}
		monitor->at = monitor->at + 1 < clip->frames ? monitor->at + 1 : 0;
	}
}
