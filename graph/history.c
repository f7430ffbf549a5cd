/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "history.h"

#include <stdlib.h>

#define WHOLE_PATCH UINT64_MAX /* no stage has this number */

bool fb_history_init(fb_history *history, uint32_t max)
{
	*history = (fb_history){.max = max,
		.step = calloc(max, sizeof *history->step),
		.about = calloc(max, sizeof *history->about)};
	return history->step && history->about;
}

static uint64_t key(uint32_t stage, uint32_t param)
{
	return (uint64_t)stage << 32 | param;
}

static uint64_t about(const fb_undo *step)
{
	return step->patch ? WHOLE_PATCH : key(step->stage, step->param);
}

static uint32_t place(const fb_history *history, uint32_t index)
{
	uint32_t at = history->first + index; /* no division: a flood of sets comes by */
	return at < history->max ? at : at - history->max;
}

static fb_undo *step_at(const fb_history *history, uint32_t index)
{
	return &history->step[place(history, index)];
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
	free(history->about);
	history->step = NULL;
	history->about = NULL;
}

void fb_history_push(fb_history *history, fb_undo step)
{
	if (history->count == history->max) {
		fb_patch_destroy(step_at(history, 0)->patch);
		history->first = place(history, 1);
		history->count--;
	}
	uint32_t at = place(history, history->count++);
	history->step[at] = step;
	history->about[at] = about(&step);
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
	uint32_t at = place(history, history->count);
	uint64_t wanted = key(stage, param);
	for (; n; n--) {
		at = (at ? at : history->max) - 1;
		if (history->about[at] == wanted) {
			return &history->step[at];
		}
		if (history->about[at] == WHOLE_PATCH) {
			return NULL;
		}
	}
	return NULL;
}

void fb_history_drop(fb_history *history, uint32_t n)
{
	for (uint32_t at = history->count - 1 - n; at + 1 < history->count; at++) {
		uint32_t to = place(history, at), from = place(history, at + 1);
		history->step[to] = history->step[from];
		history->about[to] = history->about[from];
	}
	history->count--;
}
