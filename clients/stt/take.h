/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A stretch of sound, from a station's tap or a file, as the recogniser takes it. */
#ifndef FB_TAKE_H
#define FB_TAKE_H

#include "../../graph/status.h"

#include <stdbool.h>
#include <stddef.h>

/** Mono (the mean of the channels) at FB_SPEECH_RATE. */
typedef struct fb_take {
	float *mono;
	size_t n;
	double start_s; ///< since the start of the file, or of the station's tap
} fb_take;

void fb_take_finish(fb_take *take);

/** Bring mono sound of any rate to FB_SPEECH_RATE.
	owns:   gives take->mono
	errors: FB_INVALID (a rate beyond 1000..1000000 Hz), FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_take_make(
	const float *mono, size_t frames, double rate_hz, fb_take *take, fb_error *error);

/** The next stretch of a file. take->n is 0 at the end, and take->mono NULL. */
typedef struct fb_take_file fb_take_file;
/** errors: FB_NOT_FOUND, FB_INVALID (no sound libsndfile knows), FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_take_file_open(const char *name, fb_take_file **out, fb_error *error);
void fb_take_file_close(fb_take_file *file); ///< NULL is allowed
FB_MUST_CHECK fb_status fb_take_file_next(
	fb_take_file *file, double seconds, fb_take *take, fb_error *error);

/** Where a tap is. */
typedef struct fb_take_tap {
	const char *host;
	int http_port, station;
	const char *point; ///< "in" or "out"
	/** Asked ten times a second; false gives up. */
	bool (*go_on)(void);
} fb_take_tap;

/** Record from a station's tap, connecting anew each time: what is played while the recogniser
	works is not heard, and the server has no slow listener. A hole begins the take again.
	errors: FB_UNAVAILABLE (nobody there, no such tap, given up, ended), FB_IO (not a tap),
	        FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_take_tap_record(
	const fb_take_tap *tap, double seconds, fb_take *take, fb_error *error);

#endif
