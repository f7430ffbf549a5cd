/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Marks the loops that carry a node's load: the compiler makes them three times, for plain
	x86-64, for AVX2 and for AVX-512, and the loader picks; all give the same bits. clang 14 is left
	out: its clones do not link. Only for static functions: others would be exported from the node's
	shared object.
	(metrics/ has the like; nodes include nothing of it.)

	FB_WIDE_ALL is for a whole process(), with all that it calls made part of it. FB_PLAIN leaves
	all of it plain, for the test that holds the clones to its bits. */
#ifndef FB_DSP_WIDE_H
#define FB_DSP_WIDE_H

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__) && !defined(FB_DEBUG) &&  \
	!defined(FB_PLAIN)
#define FB_WIDE __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#define FB_WIDE_ALL FB_WIDE __attribute__((flatten))
/** Is there more than plain code, for what is quicker in another way without? */
#define FB_WIDE_HERE __builtin_cpu_supports("avx2")
#else
#define FB_WIDE
#define FB_WIDE_ALL
#if defined(__AVX2__)
#define FB_WIDE_HERE 1
#else
#define FB_WIDE_HERE 0
#endif
#endif

typedef float fb_v8 __attribute__((vector_size(32)));
typedef float fb_v8_unaligned __attribute__((vector_size(32), aligned(4), may_alias));

/** Eight floats from anywhere; a macro, since plain x86-64 cannot pass these types. */
#define FB_LOAD8(x) (*(const fb_v8_unaligned *)(x))

#endif
