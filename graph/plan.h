/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A plan: a patch compiled for audio, flat and ready: nodes in order, where each reads and writes,
	what is mixed and delayed on the way. Control compiles it, audio runs it and hands it back.

	An edit becomes two plans. The first is the union of before and after: nodes that stay run once,
	what feeds them crossfades from the old connections to the new, new and dying nodes run beside.
	New nodes run unheard first: their input fades in, for an echo would repeat its abrupt start,
	and their delays fill. When the fade is over audio goes on to `next`, which holds what stays. So
	tails of nodes that survive are kept, and nothing clicks. doc/engine.md tells it at length. */
#ifndef FB_PLAN_H
#define FB_PLAN_H

#include "instance.h"

enum { FB_SLOTS_MAX = 2 * FB_STAGES_MAX };

/** The delay of a connection, shared by the plans on both sides of an edit. */
typedef struct fb_edge {
	uint32_t plans; ///< control's: that hold it
	fb_align align; ///< audio's
} fb_edge;

/** One channel of a connection, as control keeps it to compare with the next edit. */
typedef struct fb_wire {
	uint32_t from_serial, to_serial; ///< of the instances; 0: the station's own end
	uint32_t from_channel;
	uint32_t to_channel; ///< of the station's end: 0 and 1 are out, 2 and 3 dry
	uint32_t delay;      ///< frames
	float start, end;    ///< weight at the start and at the end of the fade
	bool entry;          ///< it feeds a new node: its fade is the one before
	fb_edge *edge;       ///< NULL if delay is 0
} fb_wire;

/** dst (+)= weight * delayed src; the weight goes from start to end during the plan's fade. */
typedef struct fb_mix {
	const float *src;
	float *dst;
	fb_edge *edge; ///< NULL: no delay
	float start, end;
	bool entry;
	bool first; ///< overwrites dst instead of adding to it
} fb_mix;

typedef struct fb_step {
	fb_instance *node;
	uint32_t mix_first, mix_count; ///< done before the node runs
	const float *in[FB_CHANNELS_MAX];
	float *out[FB_CHANNELS_MAX];
	uint32_t connected;
} fb_step;

typedef struct fb_plan {
	/* constant */
	uint32_t n_steps, n_mixes, n_wires, n_buffers;
	fb_step *step;
	fb_mix *mix;
	fb_wire *wire;        ///< control's
	float *buffers;       ///< [n_buffers][FB_TICK]; 0 and 1 hold the station's input, 2 is silence
	const float *out[2];  ///< the station's processed output
	const float *dry[2];  ///< its input, as late as the processed output
	uint32_t mix_last;    ///< mixes from here on make out and dry
	uint32_t latency;     ///< frames, in to out
	uint32_t entry_ticks; ///< the input of new nodes fades in
	uint32_t fill_ticks;  ///< from the first tick on, until all new delays are full too
	uint32_t fade_ticks;  ///< from then on: the crossfade
	double rate_hz;
	struct fb_plan *next; ///< what audio goes on to after the fade; NULL: this is no fade
	/* audio's */
	uint32_t done;         ///< ticks of filling and fading
	uint32_t faulty;       ///< serial of the node that failed last, 0: none has
	struct fb_plan *after; ///< in line behind this one
} fb_plan;

/** Compile. `live` is the plan in force (not a fading one), or NULL for none: then no fade.
	range:  fade_ms 0..10000
	errors: FB_INVALID (a loop, a node that refuses), FB_NO_MEMORY, FB_TOO_MANY
	thread: control */
FB_MUST_CHECK fb_status fb_plan_compile(const fb_patch *patch, double rate_hz, const fb_plan *live,
	double fade_ms, fb_plan **out, fb_error *error);

/** Frees the plan (not `next`) and every instance and edge that no other plan holds.
	thread: control, once audio has handed it back; NULL is allowed */
void fb_plan_destroy(fb_plan *plan);

/** The instance of a stage, NULL if there is none. thread: control */
fb_instance *fb_plan_find(const fb_plan *plan, const char *id);

/** Is the fade over, so that audio should go on to `next`? thread: audio */
static inline bool fb_plan_faded(const fb_plan *plan)
{
	return plan->next && plan->done >= plan->fill_ticks + plan->fade_ticks;
}

/** Run one tick: reads buffers 0 and 1, leaves the result where out and dry point. Returns false
	if a node failed (fb_instance_tick). *reduction_db: sum over nodes. One tick in 7 the time of
	each node is taken; 7, for what nodes do now and then they do every so many ticks of a power
	of two. era: of the worst times (fb_load_add). thread: audio */
bool fb_plan_tick(
	fb_plan *plan, uint64_t frame, float tempo, uint32_t era, float *reduction_db) FB_RT;
/** Forget the history of the node of step `at`, or with n_steps of the delays between nodes.
	thread: audio */
void fb_plan_clear(fb_plan *plan, uint32_t at) FB_RT;
/** End a fade that nobody hears. thread: audio */
static inline void fb_plan_skip_fade(fb_plan *plan)
{
	plan->done = plan->fill_ticks + plan->fade_ticks;
}

#endif
