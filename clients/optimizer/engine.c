/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const fb_tuning_engine *fb_tuning_engine_find(const char *name)
{
	static const fb_tuning_engine *const all[] = {
		&fb_tuning_local, &fb_tuning_llm, &fb_tuning_hybrid};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (!strcmp(name, all[i]->name)) {
			return all[i];
		}
	}
	return NULL;
}

bool fb_batch_add(
	fb_batch *batch, const fb_trials *history, const double *value, const char *fmt, ...)
{
	const fb_knobs *knobs = history->knobs;
	size_t size = (size_t)knobs->count * sizeof(double);
	double *rounded = batch->count < FB_BATCH_MAX ? malloc(size + 1) : NULL;
	if (!rounded) {
		return false;
	}
	for (int k = 0; k < knobs->count; k++) {
		rounded[k] = fb_knob_round(&knobs->knob[k], value[k]);
	}
	bool known = fb_trials_find(history, rounded) >= 0;
	for (int i = 0; i < batch->count && !known; i++) {
		known = !memcmp(batch->value[i], rounded, size);
	}
	if (known) {
		free(rounded);
		return false;
	}
	va_list args;
	va_start(args, fmt);
	vsnprintf(batch->why[batch->count], FB_WHY_MAX, fmt, args);
	va_end(args);
	batch->value[batch->count++] = rounded;
	return true;
}

void fb_batch_clear(fb_batch *batch)
{
	for (int i = 0; i < batch->count; i++) {
		free(batch->value[i]);
	}
	batch->count = 0;
}
