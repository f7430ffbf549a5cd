/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bundles that wait for their time: a binary heap. thread: control */
#include "server_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool earlier(const fb_osc_held *a, const fb_osc_held *b)
{
	return a->due_us != b->due_us ? a->due_us < b->due_us : a->order < b->order;
}

fb_status fb_osc_hold(fb_osc *osc, fb_osc_client *client, const char *origin, const void *data,
	size_t size, int64_t due_us, fb_error *error)
{
	uint32_t max = osc->options.held_max;
	if (osc->stats.held == max) {
		return fb_fail(error, FB_TOO_MANY, "", "%u bundles wait for their time already", max);
	}
	fb_osc_held *held = malloc(sizeof *held + size);
	if (!held) {
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	held->due_us = due_us;
	held->order = osc->held_order++;
	held->client = client;
	held->size = size;
	snprintf(held->origin, sizeof held->origin, "%s", origin);
	memcpy(held->data, data, size);
	uint32_t at = osc->stats.held++;
	for (; at && earlier(held, osc->held[(at - 1) / 2]); at = (at - 1) / 2) {
		osc->held[at] = osc->held[(at - 1) / 2];
	}
	osc->held[at] = held;
	return FB_OK;
}

static fb_osc_held *take_first(fb_osc *osc)
{
	fb_osc_held *first = osc->held[0], *last = osc->held[--osc->stats.held];
	uint32_t n = osc->stats.held, at = 0;
	for (uint32_t child = 1; child < n; child = 2 * at + 1) {
		if (child + 1 < n && earlier(osc->held[child + 1], osc->held[child])) {
			child++;
		}
		if (!earlier(osc->held[child], last)) {
			break;
		}
		osc->held[at] = osc->held[child];
		at = child;
	}
	osc->held[at] = last;
	return first;
}

int64_t fb_osc_release(fb_osc *osc)
{
	while (osc->stats.held && osc->held[0]->due_us <= osc->now_us) {
		fb_osc_held *held = take_first(osc);
		fb_osc_apply(osc, held->client, held->origin, held->data, held->size, true);
		free(held);
	}
	return osc->stats.held ? osc->held[0]->due_us : INT64_MAX;
}

void fb_osc_held_forget(fb_osc *osc, const fb_osc_client *client)
{
	for (uint32_t i = 0; i < osc->stats.held; i++) {
		if (osc->held[i]->client == client) {
			osc->held[i]->client = NULL;
		}
	}
}

void fb_osc_held_finish(fb_osc *osc)
{
	for (uint32_t i = 0; i < osc->stats.held; i++) {
		free(osc->held[i]);
	}
	free(osc->held);
}
