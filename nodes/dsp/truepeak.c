/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "truepeak.h"

#include "wide.h"

enum { HALF = FB_TRUEPEAK_TAPS / 2, PAIRS = 3 };

/* An interpolator and the one at the mirrored point are h and its reverse. Of the even part of h on
   sums of mirrored samples and the odd part on differences, one is the sum, the other the
   difference; the larger magnitude of the two is the sum of both magnitudes. */
typedef struct mirrored {
	float even[HALF], odd[HALF];
} mirrored;

#define EVEN(a, b) (0.5f * ((a) + (b)))
#define ODD(a, b) (0.5f * ((a) - (b)))
#define MIRRORED(h0, h1, h2, h3, h4, h5, h6, h7, h8, h9, h10, h11)                                 \
	{                                                                                              \
		{EVEN(h0, h11), EVEN(h1, h10), EVEN(h2, h9), EVEN(h3, h8), EVEN(h4, h7), EVEN(h5, h6)},    \
		{                                                                                          \
			ODD(h0, h11), ODD(h1, h10), ODD(h2, h9), ODD(h3, h8), ODD(h4, h7), ODD(h5, h6)         \
		}                                                                                          \
	}

static const mirrored pairs[PAIRS] = {
	/* the standard's phases 0 and 3 */
	MIRRORED(0.0017089843750f, 0.0109863281250f, -0.0196533203125f, 0.0332031250000f,
		-0.0594482421875f, 0.1373291015625f, 0.9721679687500f, -0.1022949218750f, 0.0476074218750f,
		-0.0266113281250f, 0.0148925781250f, -0.0083007812500f),
	/* phases 1 and 2 */
	MIRRORED(-0.0291748046875f, 0.0292968750000f, -0.0517578125000f, 0.0891113281250f,
		-0.1665039062500f, 0.4650878906250f, 0.7797851562500f, -0.2003173828125f, 0.1015625000000f,
		-0.0582275390625f, 0.0330810546875f, -0.0189208984375f),
	/* one quarter and three quarters, by the windowed sinc */
	MIRRORED(-0.000167441976f, 0.00489598314f, -0.0185260059f, 0.0462650535f, -0.103456726f,
		0.288683356f, 0.896465151f, -0.161458527f, 0.0691584697f, -0.0301077483f, 0.010359955f,
		-0.00163172616f),
};

static const float halfway[HALF] = {
	-0.000986013305f, 0.0103589786f, -0.0337036036f, 0.0801389094f, -0.181129655f, 0.625773626f};

/** A frame's largest, of the twelve frames at x; inlined, so that a loop over it becomes wide. */
static inline __attribute__((always_inline)) float most_at(const float *x)
{
	float sum[HALF], diff[HALF], mid = 0.0f, most = fabsf(x[HALF]);
	for (int k = 0; k < HALF; k++) {
		sum[k] = x[k] + x[FB_TRUEPEAK_TAPS - 1 - k];
		diff[k] = x[k] - x[FB_TRUEPEAK_TAPS - 1 - k];
		mid += sum[k] * halfway[k];
	}
	most = fabsf(mid) > most ? fabsf(mid) : most;
	for (int p = 0; p < PAIRS; p++) {
		float even = 0.0f, odd = 0.0f;
		for (int k = 0; k < HALF; k++) {
			even += sum[k] * pairs[p].even[k];
			odd += diff[k] * pairs[p].odd[k];
		}
		float both = fabsf(even) + fabsf(odd);
		most = both > most ? both : most;
	}
	return most;
}

FB_WIDE static void tick(const float *restrict x, float *restrict out)
{
	for (int i = 0; i < FB_TICK; i++) {
		out[i] = most_at(x + i);
	}
}

void fb_truepeak_tick(const float *x, float out[FB_TICK])
{
	tick(x, out);
}
