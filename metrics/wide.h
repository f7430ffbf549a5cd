/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Marks the loops that carry the load: the compiler makes them twice, for plain x86-64 and for
	AVX2, and the loader picks. No reassociation and no fused multiply-add are allowed (see
	wscript), so both give the same bits. clang 14 is left out: its clones do not link. */
#ifndef FB_WIDE_H
#define FB_WIDE_H

#include <math.h>
#include <stdint.h>

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__) && !defined(FB_DEBUG)
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
/** Sum of the lanes, always in this order: halves, quarters, pairs. */
#define FB_FOLD8(v)                                                                                \
	(FB_FOLD2_(FB_FOLD4_((v) + __builtin_shufflevector((v), (v), 4, 5, 6, 7, 0, 1, 2, 3))))
#define FB_FOLD4_(v) ((v) + __builtin_shufflevector((v), (v), 2, 3, 0, 1, 6, 7, 4, 5))
#define FB_FOLD2_(v) ((v)[0] + (v)[1])

/** Every other lane of two vectors: eight complex numbers' real parts, and their imaginary ones. */
#define FB_EVEN8(a, b) __builtin_shufflevector((a), (b), 0, 2, 4, 6, 8, 10, 12, 14)
#define FB_ODD8(a, b) __builtin_shufflevector((a), (b), 1, 3, 5, 7, 9, 11, 13, 15)

/** The largest of eight magnitudes. */
#define FB_LARGEST8(v)                                                                             \
	fmaxf(fmaxf(fmaxf((v)[0], (v)[1]), fmaxf((v)[2], (v)[3])),                                     \
		fmaxf(fmaxf((v)[4], (v)[5]), fmaxf((v)[6], (v)[7])))

typedef float fb_v8_unaligned __attribute__((vector_size(32), aligned(4), may_alias));

#endif
