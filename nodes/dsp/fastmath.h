/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Logarithm and exponential to base 2 for signal paths, and decibels made of them. Branch-free, so
	that loops over a tick become vector code. The same bits on every machine.
	source: polynomials fitted by weighted least squares towards equal ripple, Horner's scheme */
#ifndef FB_DSP_FASTMATH_H
#define FB_DSP_FASTMATH_H

#include <stdint.h>
#include <string.h>

#define FB_DB_PER_LOG2 6.02059991f /**< 20 log10(2): dB in a factor of two of amplitude */
#define FB_LOG2_PER_DB 0.166096405f

/** log2(x).
	range:  any normal x > 0; 0 and denormals read as 2^-127 (-764 dB); no NaN, no infinity
	errors: within 2e-7 + one rounding of the result (1.2e-6 dB near 0 dB); log2(1) is exactly 0
	rt:     yes */
static inline float fb_log2(float x)
{
	int32_t bits;
	memcpy(&bits, &x, sizeof bits);
	int32_t above = bits - 0x3f3504f3; /* distance from sqrt(1/2), the least mantissa */
	int32_t exponent = above >> 23;
	bits -= exponent * (1 << 23);
	float m;
	memcpy(&m, &bits, sizeof m);
	float t = m - 1.0f;
	float p = -0.145990554f;
	p = p * t + 0.236746022f;
	p = p * t - 0.249923674f;
	p = p * t + 0.286727342f;
	p = p * t - 0.360103826f;
	p = p * t + 0.48093847f;
	p = p * t - 0.721356648f;
	p = p * t + 1.44269479f;
	return (float)exponent + p * t;
}

/** 2 to the x.
	range:  x clamped to -126..126; no NaN
	errors: relative 2.5e-7 (2.2e-6 dB); fb_exp2(0) is exactly 1
	rt:     yes */
static inline float fb_exp2(float x)
{
	x = x < -126.0f ? -126.0f : x;
	x = x > 126.0f ? 126.0f : x;
	int32_t whole = (int32_t)(x + 256.5f) - 256; /* to nearest: the cast cuts towards zero */
	float f = x - (float)whole;
	float p = 0.0013265226f;
	p = p * f + 0.00967123172f;
	p = p * f + 0.0555072848f;
	p = p * f + 0.240222481f;
	p = p * f + 0.693146986f;
	p = p * f + 1.0f;
	int32_t bits = (whole + 127) * (1 << 23);
	float scale;
	memcpy(&scale, &bits, sizeof scale);
	return p * scale;
}

/** Amplitude of a level in dB; exactly 1 at 0 dB. rt: yes */
static inline float fb_db_to_gain(float db)
{
	return fb_exp2(db * FB_LOG2_PER_DB);
}

/** Level in dB of an amplitude > 0; exactly 0 at 1. rt: yes */
static inline float fb_gain_to_db(float gain)
{
	return fb_log2(gain) * FB_DB_PER_LOG2;
}

#endif
