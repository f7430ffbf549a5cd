/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The engineer's ear: a mark and a note, given to a run after the fact. thread: control */
#ifndef FB_RATING_H
#define FB_RATING_H

#include "server.h"

#define FB_NOTES_MAX 16384u /**< bytes of a run's notes: a page or two */

/** Give a stored run a mark (0..5; NAN: none) and a note (NULL: as it was). station: whose run it
	has to be, from 1; 0: anybody's. Where the run's goal,
	or that of its station now, weighs the mark ("subjective"), its score is made anew. `done` gets
	{"run_id", "subjective", "notes", "score"}.
	errors: FB_TOO_LARGE notes; what fb_store refuses; by done: FB_NOT_FOUND, FB_IO */
FB_MUST_CHECK fb_status fb_rating_give(fb_server *server, const char *run_id, uint32_t station,
	double mark, const char *notes, fb_store_done *done, void *ctx, fb_error *error);

#endif
