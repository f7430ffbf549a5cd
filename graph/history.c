/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "history.h"

#include <stdlib.h>

bool fb_history_init(fb_history *history, uint32_t max)
{
	*history = (fb_history){.max = max, .step = calloc(max, sizeof(fb_undo))};
	return history->step != NULL;
}

static fb_undo *step_at(const fb_history *history, uint32_t index)
{
	uint32_t at = history->first + index; /* a division would be most of what a set costs here */
	return &history->step[at < history->max ? at : at - history->max];
}

void fb_history_clear(fb_history *history)
{
	while (history->count) {
		fb_patch_destroy(step_at(history, --history->count)->patch);
	}
}

void fb_history_finish(fb_history *history)
{
	fb_history_clear(history);
	free(history->step);
	history->step = NULL;
}

void fb_history_push(fb_history *history, fb_undo step)
{
	if (history->count == history->max) {
		fb_patch_destroy(step_at(history, 0)->patch);
		history->first = (history->first + 1) % history->max;
		history->count--;
	}
	*step_at(history, history->count++) = step;
}

bool fb_history_pop(fb_history *history, fb_undo *out)
{
	if (!history->count) {
		return false;
	}
	*out = *step_at(history, --history->count);
	return true;
}

fb_undo *fb_history_recent(const fb_history *history, uint32_t n)
{
	return n < history->count ? step_at(history, history->count - 1 - n) : NULL;
}

fb_undo *fb_history_find(fb_history *history, uint32_t stage, uint32_t param, uint32_t most)
{
	uint32_t n = history->count < most ? history->count : most;
	for (uint32_t i = 1; i <= n; i++) {
		fb_undo *step = step_at(history, history->count - i);
		if (step->patch) {
			return NULL;
		}
		if (step->stage == stage && step->param == param) {
			return step;
		}
	}
	return NULL;
}

void fb_history_drop(fb_history *history, uint32_t n)
{
	for (uint32_t at = history->count - 1 - n; at + 1 < history->count; at++) {
		*step_at(history, at) = *step_at(history, at + 1);
	}
	history->count--;
}
