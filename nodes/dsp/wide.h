/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Marks the loops that carry the load: the compiler makes them twice, for plain x86-64 and for
	AVX2, and the loader picks. No reassociation and no fused multiply-add are allowed (see
   wscript), so both give the same bits. */
#ifndef FB_DSP_WIDE_H
#define FB_DSP_WIDE_H

#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(FB_DEBUG)
#define FB_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define FB_WIDE
#endif

#endif
