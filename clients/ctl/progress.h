/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A line that tells how far something is, on standard error, and only if that is a terminal. */
#ifndef FB_CTL_PROGRESS_H
#define FB_CTL_PROGRESS_H

/** Show `what` and, if total > 0, the share done; redrawn ten times a second at most. */
void fb_progress_show(const char *what, double done, double total);
/** Take the line away. */
void fb_progress_end(void);
/** Seconds of a clock that only goes forward. */
double fb_progress_now(void);

#endif
