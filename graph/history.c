/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "history.h"

#include <stdlib.h>

#define WHOLE_PATCH UINT32_MAX /* no stage has this number */

bool fb_history_init(fb_history *history, uint32_t max)
{
	*history = (fb_history){.max = max,
		.step = calloc(max, sizeof *history->step),
		.about = calloc(2 * (size_t)max, sizeof *history->about)};
	return history->step && history->about;
}

static uint32_t key(uint32_t stage, uint32_t param)
{
	return stage << 16 | (param & 0xffff); /* a bypass is the last, which no parameter is */
}

static uint32_t about(const fb_undo *step)
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

/** The place of a step, marked as being about that. */
static fb_undo *mark(fb_history *history, uint32_t index, uint32_t what)
{
	uint32_t at = place(history, index);
	history->about[at] = history->about[at + history->max] = what;
	return &history->step[at];
}

static void make_room(fb_history *history)
{
	if (history->count == history->max) {
		fb_patch_destroy(step_at(history, 0)->patch);
		history->first = place(history, 1);
		history->count--;
	}
}

fb_undo *fb_history_push(fb_history *history, fb_undo step)
{
	make_room(history);
	fb_undo *at = mark(history, history->count++, about(&step));
	*at = step;
	return at;
}

fb_undo *fb_history_push_value(fb_history *history, uint32_t stage, uint32_t param, float value)
{
	make_room(history);
	fb_undo *at = mark(history, history->count++, key(stage, param));
	at->patch = NULL;
	at->stage = stage;
	at->param = param;
	at->value = value;
	at->touched_s = -1;
	return at;
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

/** Is neither in the row? Without a branch for each: mostly so. */
static bool has_neither(const uint32_t *row, uint32_t n, uint32_t one, uint32_t other)
{
	uint32_t found = 0;
	for (uint32_t i = 0; i < n; i++) {
		found |= (uint32_t)(row[i] == one) | (uint32_t)(row[i] == other);
	}
	return !found;
}

fb_undo *fb_history_find(fb_history *history, uint32_t stage, uint32_t param, uint32_t most)
{
	uint32_t n = history->count < most ? history->count : most, wanted = key(stage, param);
	const uint32_t *row = history->about + place(history, history->count - n);
	if (has_neither(row, n, wanted, WHOLE_PATCH)) {
		return NULL;
	}
	while (row[--n] != wanted) {
		if (row[n] == WHOLE_PATCH) {
			return NULL;
		}
	}
	uint32_t at = (uint32_t)(row - history->about) + n;
	return &history->step[at < history->max ? at : at - history->max];
}

void fb_history_drop(fb_history *history, uint32_t n)
{
	for (uint32_t at = history->count - 1 - n; at + 1 < history->count; at++) {
		const fb_undo *step = step_at(history, at + 1);
		*mark(history, at, about(step)) = *step;
	}
	history->count--;
}
