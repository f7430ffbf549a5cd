/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The connections that our ports have, and should have again: after the JACK server's return, and
	if asked, when their other end comes back and at the next start.

	Owner: the link thread, but for reading and opening the file. */
#ifndef FB_JACK_PATCHBAY_H
#define FB_JACK_PATCHBAY_H

#include "../../graph/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct fb_jack fb_jack;

enum { FB_CABLES_MISSING_MAX = 1024 }; ///< beyond that those are forgotten that are gone longest

typedef struct fb_cable {
	char *own;      ///< our port, without the client's name
	char *peer;     ///< the other end, with its client's
	bool made;      ///< it was there in the last look, or is being doubted
	bool seen;      ///< in this look
	double doubt_s; ///< since when it is gone: 0 = it is not
	double seen_s;  ///< when it was there last; 0: never yet
	uint32_t tries; ///< to make it
} fb_cable;

typedef struct fb_patchbay {
	char *path; ///< of the file
	fb_cable *cable;
	uint32_t n, room;
	bool changed;     ///< since it was written
	double settled_s; ///< before that nothing is connected
} fb_patchbay;

/** path: of the file, which need not be there; `read`: take up what it holds.
	errors: FB_NO_MEMORY; FB_IO, FB_INVALID naming the file and what is wrong in it */
FB_MUST_CHECK fb_status fb_patchbay_init(
	fb_patchbay *bay, const char *path, bool read, fb_error *error);
void fb_patchbay_finish(fb_patchbay *bay);

/** Nothing is connected any more, and all of it should be again. */
void fb_patchbay_lose(fb_patchbay *bay, double now_s);
/** See what is connected, learn what is new, make what is missing, and forget what somebody took
	apart: but only after a while, for a server that ends takes all apart before it says so.
	Returns whether it has to look again soon. */
bool fb_patchbay_look(fb_jack *j, double now_s);
/** Forget what is not there. */
void fb_patchbay_forget(fb_patchbay *bay);
/** Write the file. false when that failed: told in `error`. */
bool fb_patchbay_write(fb_patchbay *bay, fb_error *error);

#endif
