/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A session as people read it: a line as it goes on, a table of rounds, what was turned, what came
	of it. */
#ifndef FB_PRINT_H
#define FB_PRINT_H

#include "session.h"

/** The line on standard error that tells how far it is; drawn over itself on a terminal, else not
	at all. */
void fb_print_progress(const fb_session *session);
void fb_print_progress_end(void);

/** That a station has nothing to tune, and why. */
void fb_print_passed_over(int station, const char *why);
void fb_print_head(const fb_session *session);
void fb_print_round(const fb_session *session, const fb_round *round);
void fb_print_replay(const fb_session *session);
void fb_print_result(const fb_session *session);

#endif
