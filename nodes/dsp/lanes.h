/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Four floats side by side, where a loop is not turned into vector code by the compiler alone. */
#ifndef FB_DSP_LANES_H
#define FB_DSP_LANES_H

#include <stdint.h>
#include <string.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

enum { FB_LANES = 4 };

typedef float fb_lanes __attribute__((vector_size(16)));
typedef int32_t fb_lane_bits __attribute__((vector_size(16)));

static inline fb_lanes fb_lanes_load(const float *x)
{
	fb_lanes v;
	memcpy(&v, x, sizeof v);
	return v;
}

static inline void fb_lanes_store(float *x, fb_lanes v)
{
	memcpy(x, &v, sizeof v);
}

static inline fb_lanes fb_lanes_all(float x)
{
	return (fb_lanes){x, x, x, x};
}

static inline fb_lanes fb_lanes_abs(fb_lanes v)
{
	return (fb_lanes)((fb_lane_bits)v & 0x7fffffff);
}

/** Lane by lane the larger one; no NaN. */
static inline fb_lanes fb_lanes_max(fb_lanes a, fb_lanes b)
{
#if defined(__SSE__)
	return (fb_lanes)_mm_max_ps((__m128)a, (__m128)b);
#else
	fb_lane_bits more = a > b;
	return (fb_lanes)(((fb_lane_bits)a & more) | ((fb_lane_bits)b & ~more));
#endif
}

/** Lane by lane the smaller one; no NaN. */
static inline fb_lanes fb_lanes_min(fb_lanes a, fb_lanes b)
{
#if defined(__SSE__)
	return (fb_lanes)_mm_min_ps((__m128)a, (__m128)b);
#else
	fb_lane_bits less = a < b;
	return (fb_lanes)(((fb_lane_bits)a & less) | ((fb_lane_bits)b & ~less));
#endif
}

/** In each lane the largest of it and those before; values >= 0. */
static inline fb_lanes fb_lanes_largest_yet(fb_lanes v)
{
	const fb_lanes none = {0.0f};
	v = fb_lanes_max(v, __builtin_shufflevector(none, v, 0, 4, 5, 6));
	return fb_lanes_max(v, __builtin_shufflevector(none, v, 0, 1, 4, 5));
}

/** The last lane in all. */
static inline fb_lanes fb_lanes_last(fb_lanes v)
{
	return __builtin_shufflevector(v, v, 3, 3, 3, 3);
}

#endif
