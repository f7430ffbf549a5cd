/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define FADE_S 0.02
#define FILL_S 0.06 /* of live sound that has to be there before it is played */
enum { RETIRED_MAX = 16, ROOM_TICKS = 1024 /* of 192 kHz too there is room for more than that */ };

struct fb_monitor {
	/* control's way to audio */
	_Atomic(fb_clip *) next;
	_Atomic int version;
	_Atomic bool live;
	fb_ring *retired; ///< and audio's back
	/* the live shadow's way to audio */
	fb_ring *feed;           ///< of fb_monitor_block
	uint64_t fed;            ///< ever
	_Atomic uint64_t splice; ///< that block does not continue the one before
	_Atomic uint64_t eaten;  ///< audio's: the next one that it plays
	_Atomic uint64_t gaps;   ///< audio's
	/* audio's */
	fb_clip *clip;
	uint64_t at;
	bool plays_live;
	uint32_t frame;       ///< of the live block at hand
	bool flows;           ///< there is enough of it to be heard
	float flow;           ///< and how far that has faded in
	uint32_t fill;        ///< frames
	uint32_t low;         ///< frames that it takes to fade out
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
	monitor->fill = (uint32_t)ceil(FILL_S * rate_hz);
	monitor->low = (uint32_t)ceil(FADE_S * rate_hz) + FB_TICK;
}

fb_monitor *fb_monitor_create(double rate_hz)
{
	fb_monitor *monitor = calloc(1, sizeof *monitor);
	if (monitor) {
		fb_monitor_set_rate(monitor, rate_hz);
		monitor->retired = fb_ring_create(RETIRED_MAX, sizeof(fb_clip *));
		monitor->feed = fb_ring_create(ROOM_TICKS, sizeof(fb_monitor_block));
		atomic_store(&monitor->version, -1);
	}
	if (monitor && !(monitor->retired && monitor->feed)) {
		fb_ring_destroy(monitor->retired);
		fb_ring_destroy(monitor->feed);
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
		fb_ring_destroy(monitor->feed);
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

void fb_monitor_set_live(fb_monitor *monitor, bool live)
{
	atomic_store(&monitor->live, live);
}

uint64_t fb_monitor_gaps(const fb_monitor *monitor)
{
	return atomic_load_explicit(&monitor->gaps, memory_order_relaxed);
}

/* --- the live shadow's thread */

bool fb_monitor_feed(fb_monitor *monitor, const fb_monitor_block *block, bool goes_on)
{
	uint64_t splice = atomic_load_explicit(&monitor->splice, memory_order_relaxed);
	if (!goes_on && splice > atomic_load_explicit(&monitor->eaten, memory_order_acquire)) {
		return false; /* one at a time */
	}
	if (!fb_ring_put(monitor->feed, block)) {
		return false;
	}
	if (!goes_on) {
		atomic_store_explicit(&monitor->splice, monitor->fed, memory_order_release);
	}
	monitor->fed++;
	fb_ring_publish(monitor->feed);
	return true;
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

static bool is_silent(const fb_monitor *monitor)
{
	return monitor->level[0] <= 0.0f && monitor->level[1] <= 0.0f;
}

static void fade_levels(fb_monitor *monitor, int version)
{
	for (int v = 0; v < 2; v++) {
		monitor->level[v] = towards(monitor->level[v], v == version ? 1.0f : 0.0f, monitor->step);
	}
}

/** Take up what waits, once what played is silent. false: nothing to play */
static bool take_next(fb_monitor *monitor)
{
	if (is_silent(monitor) && atomic_load_explicit(&monitor->next, memory_order_relaxed)) {
		fb_clip *old = monitor->clip;
		if (!old || fb_ring_write(monitor->retired, &old)) {
			monitor->clip = atomic_exchange(&monitor->next, NULL);
			monitor->at = 0;
		}
	}
	return monitor->clip && monitor->clip->frames;
}

static void play_clip(fb_monitor *monitor, float *const out[2], uint32_t frames, int version)
{
	const fb_clip *clip = monitor->clip;
	version = atomic_load_explicit(&monitor->next, memory_order_relaxed) ? -1 : version;
	for (uint32_t i = 0; i < frames; i++) {
		float ends = edge(monitor);
		fade_levels(monitor, version);
		for (int v = 0; v < 2; v++) {
			float gain = monitor->level[v] * clip->gain[v] * ends;
			out[0][i] += gain * clip->audio[v][0][monitor->at];
			out[1][i] += gain * clip->audio[v][1][monitor->at];
		}
		monitor->at = monitor->at + 1 < clip->frames ? monitor->at + 1 : 0;
	}
}

static void drop_block(fb_monitor *monitor)
{
	fb_ring_drop(monitor->feed);
	atomic_fetch_add_explicit(&monitor->eaten, 1, memory_order_release);
	monitor->frame = 0;
}

/** How many blocks there are that continue each other. */
static uint64_t blocks_ahead(const fb_monitor *monitor)
{
	uint64_t there = fb_ring_count(monitor->feed);
	uint64_t eaten = atomic_load_explicit(&monitor->eaten, memory_order_relaxed),
			 splice = atomic_load_explicit(&monitor->splice, memory_order_acquire);
	return splice > eaten && splice - eaten < there ? splice - eaten : there;
}

/** Live sound is heard when there is enough of it, and fades out while there is enough for that:
	so that a gap is no click. */
static void look_at_flow(fb_monitor *monitor, uint32_t frames, bool wanted)
{
	bool still = !monitor->flows && monitor->flow <= 0.0f;
	uint64_t there = blocks_ahead(monitor);
	while (still && there < fb_ring_count(monitor->feed)) { /* what is before a gap */
		drop_block(monitor);
		there = blocks_ahead(monitor);
	}
	there = there * FB_TICK - (there ? monitor->frame : 0);
	if (still) {
		monitor->flows = there >= monitor->fill + frames;
	} else if (monitor->flows && there < monitor->low + frames) {
		monitor->flows = false;
		if (wanted) {
			atomic_fetch_add_explicit(&monitor->gaps, 1, memory_order_relaxed);
		}
	}
}

/** What is fed is used up whether somebody hears it or not: it is of now. */
static void play_live(fb_monitor *monitor, float *const out[2], uint32_t frames, int version)
{
	const fb_monitor_block *block = NULL;
	look_at_flow(monitor, frames, version >= 0);
	bool still = !monitor->flows && monitor->flow <= 0.0f;
	for (uint32_t i = 0; i < frames && !still && (block = fb_ring_peek(monitor->feed)); i++) {
		uint32_t at = monitor->frame;
		float way = ((float)at + 0.5f) / FB_TICK;
		monitor->flow = towards(monitor->flow, monitor->flows ? 1.0f : 0.0f, monitor->step);
		fade_levels(monitor, version);
		for (int v = 0; v < 2; v++) {
			float even = block->gain[v][0] + way * (block->gain[v][1] - block->gain[v][0]);
			float gain = monitor->level[v] * monitor->flow * even;
			out[0][i] += gain * block->audio[v][0][at];
			out[1][i] += gain * block->audio[v][1][at];
		}
		monitor->frame = at + 1;
		if (monitor->frame == FB_TICK) {
			drop_block(monitor);
		}
	}
}

/** Nothing of what was fed is to be heard any more. */
static void drop_feed(fb_monitor *monitor)
{
	while (fb_ring_peek(monitor->feed)) {
		drop_block(monitor);
	}
	monitor->flows = false;
	monitor->flow = 0.0f;
}

void fb_monitor_play(fb_monitor *monitor, float *const out[2], uint32_t frames)
{
	memset(out[0], 0, frames * sizeof(float));
	memset(out[1], 0, frames * sizeof(float));
	bool live = atomic_load_explicit(&monitor->live, memory_order_relaxed);
	if (live != monitor->plays_live && is_silent(monitor)) {
		monitor->plays_live = live;
	}
	if (!monitor->plays_live) {
		drop_feed(monitor);
	}
	bool any = monitor->plays_live || take_next(monitor);
	/* in this order: a version that was selected after a clip was loaded is of that clip */
	int version = atomic_load_explicit(&monitor->version, memory_order_acquire);
	version = live == monitor->plays_live ? version : -1;
	if (any && monitor->plays_live) {
		play_live(monitor, out, frames, version);
	} else if (any) {
		play_clip(monitor, out, frames, version);
	}
	if (monitor->plays_live && monitor->flow <= 0.0f) {
		monitor->level[0] = monitor->level[1] = 0.0f; /* nothing of it is heard */
	}
}
