/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "history.h"

#include <stdlib.h>
#include <string.h>

bool fb_history_init(fb_history *history, uint32_t max)
{
	history->count = 0;
	history->max = max;
	history->patch = calloc(max, sizeof(fb_patch *));
	return history->patch != NULL;
}

void fb_history_clear(fb_history *history)
{
	while (history->count) {
		fb_patch_destroy(history->patch[--history->count]);
	}
}

void fb_history_finish(fb_history *history)
{
	fb_history_clear(history);
	free(history->patch);
	history->patch = NULL;
}

void fb_history_push(fb_history *history, fb_patch *take)
{
	if (history->count == history->max) {
		fb_patch_destroy(history->patch[0]);
		history->count--;
		memmove(history->patch, history->patch + 1, history->count * sizeof(fb_patch *));
	}
	history->patch[history->count++] = take;
}

fb_patch *fb_history_pop(fb_history *history)
{
	return history->count ? history->patch[--history->count] : NULL;
}
