/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Events that wait for their frame, soonest first; equal frames in the order they came. A heap, so
	that a burst of them costs audio little in whatever order it comes. Owner: the audio thread. */
#ifndef FB_AGENDA_H
#define FB_AGENDA_H

#include "engine.h"

typedef struct fb_agenda_item {
	uint64_t order; ///< of arrival
	fb_event event;
} fb_agenda_item;

typedef struct fb_agenda {
	fb_agenda_item item[FB_WAITING_MAX]; ///< each no later than those at 2i + 1 and 2i + 2
	uint32_t n;
	uint64_t arrived;
} fb_agenda;

/** There must be room. rt: yes */
void fb_agenda_put(fb_agenda *agenda, const fb_event *event) FB_RT;
/** The next one if it is due before `frame`, else NULL. rt: yes */
const fb_event *fb_agenda_due(const fb_agenda *agenda, uint64_t frame) FB_RT;
/** The frame of the next one, UINT64_MAX if there is none. rt: yes */
uint64_t fb_agenda_next(const fb_agenda *agenda) FB_RT;
/** Drop the next one. rt: yes */
void fb_agenda_drop(fb_agenda *agenda) FB_RT;

#endif
