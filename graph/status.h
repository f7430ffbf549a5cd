/* SPDX-License-Identifier: GPL-3.0-or-later */
/** How everything in foldback reports failure: a status, and an error that names the place and the
	reason. Base header: every folder may include it. */
#ifndef FB_STATUS_H
#define FB_STATUS_H

#include <stddef.h>

#if defined(__GNUC__)
#define FB_MUST_CHECK __attribute__((warn_unused_result))
#define FB_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define FB_MUST_CHECK
#define FB_PRINTF(fmt, args)
#endif

typedef enum fb_status {
	FB_OK = 0,
	FB_INVALID,     ///< malformed or out of range: the asker's mistake (400)
	FB_FORBIDDEN,   ///< not allowed: read-only, or no right to it (403)
	FB_NOT_FOUND,   ///< no such thing (404)
	FB_WRONG_TYPE,  ///< the value has a type that does not fit (406)
	FB_EXISTS,      ///< there is one already, or the state does not allow it (409)
	FB_TOO_LARGE,   ///< beyond a limit of size (413)
	FB_TOO_MANY,    ///< beyond a limit of number or rate (429)
	FB_IO,          ///< the system refused: file, socket, database (500)
	FB_NO_MEMORY,   ///< out of memory (500)
	FB_UNAVAILABLE, ///< not now: busy, not connected, shutting down (503)
} fb_status;

/** What went wrong, for a person: printable UTF-8 whatever it quotes. Filled only on failure. */
typedef struct fb_error {
	fb_status status;
	char where[192]; ///< the place: a file and a path in it, an address, an option
	char text[384];  ///< one sentence without a full stop
} fb_error;

/** Fill an error and return its status, so that `return fb_fail(...)` reads well.
	range:  `error` may be NULL; texts too long are cut
	thread: any but audio */
fb_status fb_fail(fb_error *error, fb_status status, const char *where, const char *fmt, ...)
	FB_PRINTF(4, 5);

/** One sentence for a status. thread: any */
const char *fb_strerror(fb_status status);

/** The HTTP code that OSC and HTTP answer for a status. thread: any */
int fb_status_code(fb_status status);

#endif
