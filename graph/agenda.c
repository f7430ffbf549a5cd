/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agenda.h"

static bool before(const fb_agenda_item *a, const fb_agenda_item *b)
{
	return a->event.frame < b->event.frame ||
		   (a->event.frame == b->event.frame && a->order < b->order);
}

void fb_agenda_put(fb_agenda *agenda, const fb_event *event)
{
	fb_agenda_item *item = agenda->item, now = {agenda->arrived++, *event};
	uint32_t at = agenda->n++;
	while (at > 0 && before(&now, &item[(at - 1) / 2])) {
		item[at] = item[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	item[at] = now;
}

const fb_event *fb_agenda_due(const fb_agenda *agenda, uint64_t frame)
{
	return agenda->n && agenda->item[0].event.frame < frame ? &agenda->item[0].event : NULL;
}

uint64_t fb_agenda_next(const fb_agenda *agenda)
{
	return agenda->n ? agenda->item[0].event.frame : UINT64_MAX;
}

void fb_agenda_drop(fb_agenda *agenda)
{
	fb_agenda_item *item = agenda->item, *last = &item[--agenda->n];
	uint32_t at = 0, child;
	while ((child = 2 * at + 1) < agenda->n) {
		child += child + 1 < agenda->n && before(&item[child + 1], &item[child]);
		if (!before(&item[child], last)) {
			break;
		}
		item[at] = item[child];
		at = child;
	}
	item[at] = *last;
}
