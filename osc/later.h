/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What a command began and goes on after its answer: who asked is told how it ended, as
	/done ,ss ADDRESS WHAT or /fail ,sss ADDRESS REASON WHAT. thread: control */
#ifndef FB_LATER_H
#define FB_LATER_H

#include "../graph/status.h"

typedef struct fb_later fb_later;

/** For a command to put into its answer: an OSC client that asked is then told of the end, anybody
	else is not. owns: the command's, until fb_later_end(). NULL when out of memory */
fb_later *fb_later_create(void);

/** It ended. what: its name, as the command answered; error: NULL if all went well. NULL is
	allowed. */
void fb_later_end(fb_later *take, const char *what, const fb_error *error);

#endif
