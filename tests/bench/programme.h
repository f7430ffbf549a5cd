/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The sound that every side of a benchmark hears: a stereo file, wholly in memory. */
#ifndef FB_BENCH_PROGRAMME_H
#define FB_BENCH_PROGRAMME_H

#include <stddef.h>

typedef struct programme {
	double rate_hz;
	size_t frames;
	float *channel[2]; ///< [frames]
} programme;

/** Ends the program with a sentence if it cannot. */
void programme_read(programme *p, const char *file);
void programme_free(programme *p);

/** The next `frames` of one of `count` listeners, who start at places of their own, from frame
	`at` on and round and round. */
void programme_take(const programme *p, size_t listener, size_t count, size_t at, size_t frames,
	float *left, float *right);

/** CPU time of this thread: a neighbour on the machine who takes turns does not count. */
double thread_seconds(void);

#endif
