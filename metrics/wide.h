/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Marks the loops that carry the load: the compiler makes them twice, for plain x86-64 and for
	AVX2, and the loader picks. No reassociation and no fused multiply-add are allowed (see
   wscript), so both give the same bits. */
#ifndef FB_WIDE_H
#define FB_WIDE_H

#include <math.h>
#include <stdint.h>

#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(FB_DEBUG)
#define FB_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define FB_WIDE
#endif

typedef float fb_v8 __attribute__((vector_size(32)));
typedef int32_t fb_v8i __attribute__((vector_size(32)));
typedef double fb_v4d __attribute__((vector_size(32)));

/* Macros, since plain x86-64 cannot pass these types to a function. */

/** Eight floats from anywhere. */
#define FB_LOAD8(x) (*(const fb_v8_unaligned *)(x))
/** Magnitudes. */
#define FB_ABS8(x) ((fb_v8)((fb_v8i)(x)&0x7fffffff))
/** The larger ones; only for magnitudes, which compare as their bits do. */
#define FB_MAX8(a, b)                                                                              \
	((fb_v8)(((fb_v8i)(a) & ((fb_v8i)(a) > (fb_v8i)(b))) |                                         \
			 ((fb_v8i)(b) & ~((fb_v8i)(a) > (fb_v8i)(b)))))
/** Sum of the lanes, always in this order. */
#define FB_FOLD8(v)                                                                                \
	((((v)[0] + (v)[4]) + ((v)[2] + (v)[6])) + (((v)[1] + (v)[5]) + ((v)[3] + (v)[7])))

/** The largest of eight magnitudes. */
#define FB_LARGEST8(v)                                                                             \
	fmaxf(fmaxf(fmaxf((v)[0], (v)[1]), fmaxf((v)[2], (v)[3])),                                     \
		fmaxf(fmaxf((v)[4], (v)[5]), fmaxf((v)[6], (v)[7])))

typedef float fb_v8_unaligned __attribute__((vector_size(32), aligned(4), may_alias));

#endif
