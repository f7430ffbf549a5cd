/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The engineer's ear: a mark and a note, given to a run after the fact. thread: control */
#ifndef FB_RATING_H
#define FB_RATING_H

#include "server.h"

/** Give a stored run a mark (0..5; NAN: none) and a note (NULL: as it was). Where the run's goal,
	or that of its station now, weighs the mark ("subjective"), its score is made anew. `done` gets
	{"run_id", "subjective", "notes", "score"}.
	errors: what fb_store refuses; by done: FB_NOT_FOUND, FB_IO */
FB_MUST_CHECK fb_status fb_rating_give(fb_server *server, const char *run_id, double mark,
	const char *notes, fb_store_done *done, void *ctx, fb_error *error);

#endif
