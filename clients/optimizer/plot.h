/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A session as a picture: the score and the goal's main metrics over the auditions. */
#ifndef FB_PLOT_H
#define FB_PLOT_H

#include "session.h"

/** Write an SVG file. errors: FB_IO naming the file */
FB_MUST_CHECK fb_status fb_plot_write(const fb_session *session, const char *file, fb_error *error);

#endif
