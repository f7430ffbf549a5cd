/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Time for the audio thread: the processor's counter, read in some nanoseconds and never by a
	system call, which the kernel's clocks may be. */
#ifndef FB_CLOCK_H
#define FB_CLOCK_H

#include "node.h"

#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
#elif !defined(__aarch64__)
#include <time.h>
#endif

/** Counts since some moment. thread: any; rt: yes */
static inline uint64_t fb_clock_now(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return __rdtsc();
#elif defined(__aarch64__)
	uint64_t counts;
	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(counts));
	return counts;
#else
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
#endif
}

/** How long a count is, the better known the longer the program runs; the first call of all takes
	half a millisecond. thread: any but audio
	units: nanoseconds */
double fb_clock_ns(void);

#endif
