/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Who says what to try next. A session asks an engine for parameter sets, has them auditioned and
	tells it through the history; an engine never talks to the server. */
#ifndef FB_ENGINE_H
#define FB_ENGINE_H

#include "brief.h"
#include "trial.h"

#include <stdint.h>

enum { FB_BATCH_MAX = 64 };

/** Parameter sets to audition at once. */
typedef struct fb_batch {
	int count;
	double *value[FB_BATCH_MAX];        ///< [knobs] each
	char why[FB_BATCH_MAX][FB_WHY_MAX]; ///< what each is to show
} fb_batch;

/** Add a set, rounded to what a person would set; one that was tried before, or is in the batch
	already, is left out (false), as is one that finds no room. */
bool fb_batch_add(fb_batch *batch, const fb_trials *history, const double *value, const char *fmt,
	...) FB_PRINTF(4, 5);
void fb_batch_clear(fb_batch *batch);

/** What an engine is told about its task. */
typedef struct fb_tuning_task {
	const fb_trials *history; ///< grows from round to round
	uint64_t seed;
	const fb_brief *brief;    ///< for engines that ask a model
	struct fb_probes *probes; ///< shared by two engines that work together; NULL: make your own
} fb_tuning_task;

typedef struct fb_tuning_engine {
	const char *name;
	bool asks; ///< a model: its brief has a relay
	fb_status (*create)(const fb_tuning_task *task, void **self, fb_error *error);
	/** Fill `out` (empty) with at most `room` sets, which is all that the budget leaves. A round is
		as many proposals as the engine wants, each seeing the results of those before it; an empty
		one ends the round. */
	fb_status (*propose)(void *self, int room, fb_batch *out, fb_error *error);
	/** The round ended. false: there is nothing left to try. */
	bool (*end_round)(void *self);
	/** Why it gave up asking its model, "" if it did not. */
	const char *(*gave_up)(const void *self);
	void (*destroy)(void *self); ///< NULL is allowed
} fb_tuning_engine;

extern const fb_tuning_engine fb_tuning_local, fb_tuning_llm, fb_tuning_hybrid;
const fb_tuning_engine *fb_tuning_engine_find(const char *name); ///< NULL: there is none

#endif
