/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Marks the loops that carry a node's load: the compiler makes them three times, for plain
	x86-64, for AVX2 and for AVX-512, and the loader picks; all give the same bits. clang 14 is left
	out: its clones do not link. Only for static functions: others would be exported from the node's
	shared object.
	(metrics/ has the like; nodes include nothing of it.)

	FB_WIDE_ALL is for a whole process(), with all that it calls made part of it. */
#ifndef FB_DSP_WIDE_H
#define FB_DSP_WIDE_H

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__) && !defined(FB_DEBUG)
#define FB_WIDE __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#define FB_WIDE_ALL FB_WIDE __attribute__((flatten))
#else
#define FB_WIDE
#define FB_WIDE_ALL
#endif

typedef float fb_v8 __attribute__((vector_size(32)));
typedef float fb_v8_unaligned __attribute__((vector_size(32), aligned(4), may_alias));

/* Macros, since plain x86-64 cannot pass these types to a function. */

/** Eight floats from anywhere. */
#define FB_LOAD8(x) (*(const fb_v8_unaligned *)(x))
/** Sum of the lanes, always in this order. */
#define FB_FOLD8(v)                                                                                \
	((((v)[0] + (v)[4]) + ((v)[2] + (v)[6])) + (((v)[1] + (v)[5]) + ((v)[3] + (v)[7])))

#endif
