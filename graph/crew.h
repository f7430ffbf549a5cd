/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A crew: threads that help the audio thread with work that falls into places which do not touch
	each other (stations). Whoever is free takes the next place, the dearest of its own share
	first. Which thread runs a place makes no difference to the result.

	A worker without work spins for some microseconds and then sleeps. To wake one, and to wait for
	one that is late, is a futex call: the only system call that the audio thread ever makes, and
	only with a crew. */
#ifndef FB_CREW_H
#define FB_CREW_H

#include "node.h"

#include <pthread.h>

typedef struct fb_crew fb_crew;

enum { FB_THREADS_MAX = 32, FB_PLACES_MAX = 64 };

/** Makes a thread, as pthread_create() does: returns 0, or what was wrong. */
typedef int fb_spawn(void *ctx, pthread_t *thread, void *(*run)(void *), void *arg);

typedef struct fb_crew_options {
	uint32_t threads; ///< 2..FB_THREADS_MAX, the caller's own among them
	uint32_t places;  ///< 1..FB_PLACES_MAX
	fb_spawn *spawn;  ///< NULL: pthread_create()
	void *spawn_ctx;
	void (*work)(void *ctx, uint32_t place); ///< in any thread of the crew
	void *ctx;
} fb_crew_options;

/** errors: NULL when out of memory, or of threads. thread: control */
fb_crew *fb_crew_create(const fb_crew_options *options);
/** Waits until every worker has ended. NULL is allowed. thread: control */
void fb_crew_destroy(fb_crew *crew);

/** The caller waits no longer than that for a worker; 0, as at first: for ever. thread: audio, or
	while it stands still */
void fb_crew_set_patience(fb_crew *crew, double ns) FB_RT;
/** Do all places that are at home, with all threads. Returns whether all are at home afterwards:
	a worker that was held up keeps its place, which is away until it has done it. thread: audio */
bool fb_crew_run(fb_crew *crew) FB_RT;
/** Does no worker hold this place? thread: audio */
bool fb_crew_home(const fb_crew *crew, uint32_t place) FB_RT;
/** What a place took last, in any unit. thread: who works on it */
void fb_crew_weigh(fb_crew *crew, uint32_t place, uint32_t cost) FB_RT;
uint64_t fb_crew_helped(const fb_crew *crew); ///< places done by workers, ever. thread: any

#endif
