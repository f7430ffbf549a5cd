/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The offline driver: the same engine over arrays, as fast as it goes. Renders, shadow stations
	and tests run through it. */
#ifndef FB_OFFLINE_H
#define FB_OFFLINE_H

#include "engine.h"

/** A parameter change at a frame. */
typedef struct fb_offline_event {
	uint64_t frame;
	const char *stage;
	uint32_t param;
	float value;
} fb_offline_event;

typedef struct fb_offline {
	const fb_patch *patch;
	double rate_hz;
	uint32_t period;    ///< frames per call, 1..8192; the result does not depend on it
	uint32_t threads;   ///< as in fb_engine_options; nor on this
	const float *in[2]; ///< [frames]; NULL is silence
	float *out[2];      ///< [frames]
	/** Instead of in and out, for what is too long to hold: called in turn, each for the next
		`frames` frames of both channels; a failure ends the render with it. NULL: in, out. */
	fb_status (*read)(void *ctx, float *const *to, uint32_t frames, fb_error *error);
	fb_status (*write)(void *ctx, const float *const *from, uint32_t frames, fb_error *error);
	void *ctx;
	float *reduction_db; ///< [frames / FB_TICK rounded up] or NULL
	uint64_t frames;
	const fb_offline_event *events; ///< by frame
	size_t n_events;
	bool late;        ///< leave the chain's latency in; else it is taken out
	uint32_t latency; ///< result: of the chain
	uint64_t faults;  ///< result: ticks in which a node failed
} fb_offline;

/** Render from a fresh state, without the guard: it protects those who listen, and is no part of
	the sound.
	errors: as fb_plan_compile and fb_engine_create; FB_INVALID (period); of events FB_NOT_FOUND
			(stage, parameter), FB_INVALID (FB_PARAM_REPREPARE), FB_TOO_MANY (in one period); what
			read and write return
	thread: any but audio */
FB_MUST_CHECK fb_status fb_offline_render(fb_offline *job, fb_error *error);

#endif
