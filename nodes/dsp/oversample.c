/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "oversample.h"

#include "lanes.h"
#include "wide.h"

#include <string.h>

enum { STEEP = FB_OVERSAMPLE_STEEP, UP = FB_OVERSAMPLE_UP, DOWN = FB_OVERSAMPLE_DOWN };

/* Kaiser's window of shape 6.2 is 68 dB down beside its main lobe. */
#define SHAPE 6.2

static double bessel_i0(double x)
{
	double sum = 1.0, term = 1.0;
	for (int k = 1; k < 40; k++) {
		term *= (x / 2.0 / k) * (x / 2.0 / k);
		sum += term;
	}
	return sum;
}

/** A low pass of `taps` taps, corner as a share of half the rate, 1 at DC. */
static void low_pass(double *out, int taps, double corner)
{
	double sum = 0.0;
	int half = taps / 2;
	for (int i = 0; i < taps; i++) {
		double t = i - half, part = t / (half + 1);
		double sinc = i == half ? corner : sin(M_PI * corner * t) / (M_PI * t);
		out[i] = sinc * bessel_i0(SHAPE * sqrt(1.0 - part * part));
		sum += out[i];
	}
	for (int i = 0; i < taps; i++) {
		out[i] /= sum;
	}
}

void fb_oversample_init(fb_oversample *over, double rate_hz)
{
	double taps[STEEP];
	bool four = rate_hz <= 50000.0;
	*over = (fb_oversample){.factor = four ? 4 : 2};
	over->latency = (STEEP - 1) / 2 + (four ? (UP - 1 + DOWN - 1) / 8 : 0);
	low_pass(taps, STEEP, 0.5 * 19.5 / 24.0); /* half way from 15 to 24 kHz of 48 */
	for (int i = 0; i < STEEP; i++) {
		over->steep[i % 2][i / 2] = (float)taps[i];
	}
	low_pass(taps, UP, 0.5);
	for (int i = 0; i < UP; i += 2) {
		over->up[i / 2] = (float)(2.0 * taps[i]);
	}
	low_pass(taps, DOWN, 0.5);
	for (int i = 0; i < DOWN; i += 2) {
		over->down[i / 2] = (float)taps[i];
	}
}

/** out[i] = sum tap[k] x[i + k]; n a multiple of 16. All filters here are their own mirror image.
 */
static inline __attribute__((always_inline)) void fir(
	const float *restrict x, const float *restrict tap, int taps, float *restrict out, int n)
{
	for (int i = 0; i < n; i += 4 * FB_LANES) {
		fb_lanes sum[4] = {{0}, {0}, {0}, {0}};
		for (int k = 0; k < taps; k++) {
			for (int j = 0; j < 4; j++) {
				sum[j] += tap[k] * fb_lanes_load(x + i + k + j * FB_LANES);
			}
		}
		for (int j = 0; j < 4; j++) {
			fb_lanes_store(out + i + j * FB_LANES, sum[j]);
		}
	}
}

FB_WIDE static void up(
	const fb_oversample *over, fb_oversample_state *state, const float *in, float *out)
{
	float phase[2][FB_TICK];
	float *base = state->base, *twice = state->twice;
	memcpy(base + 22, in, FB_TICK * sizeof(float));
	fir(base, over->steep[0], 23, phase[0], FB_TICK);
	fir(base + 1, over->steep[1], 22, phase[1], FB_TICK);
	memmove(base, base + FB_TICK, 22 * sizeof(float));
	float *both = over->factor == 2 ? out : twice + 8;
	if (over->factor == 2) {
		for (int i = 0; i < FB_TICK; i++) {
			out[i] = 2.0f * phase[0][i];
			out[FB_TICK + i] = 2.0f * phase[1][i];
		}
		return;
	}
	for (int i = 0; i < FB_TICK; i++) {
		both[2 * i] = 2.0f * phase[0][i];
		both[2 * i + 1] = 2.0f * phase[1][i];
	}
	fir(twice + 1, over->up, 8, out, 2 * FB_TICK);
	memcpy(out + 2 * FB_TICK, twice + 5, 2 * FB_TICK * sizeof(float)); /* its centre tap is 1/2 */
	memmove(twice, twice + 2 * FB_TICK, 8 * sizeof(float));
}

FB_WIDE static void down(
	const fb_oversample *over, fb_oversample_state *state, const float *in, float *out)
{
	float *back_even = state->back_even + 22, *back_odd = state->back_odd + 22;
	if (over->factor == 2) {
		memcpy(back_even, in, FB_TICK * sizeof(float));
		memcpy(back_odd, in + FB_TICK, FB_TICK * sizeof(float));
	} else {
		float sum[2 * FB_TICK], *even = state->even, *odd = state->odd;
		memcpy(even + 10, in, 2 * FB_TICK * sizeof(float));
		memcpy(odd + 10, in + 2 * FB_TICK, 2 * FB_TICK * sizeof(float));
		fir(even + 1, over->down, 10, sum, 2 * FB_TICK);
		for (int i = 0; i < FB_TICK; i++) {
			back_even[i] = sum[2 * i] + 0.5f * odd[2 * i + 5];
			back_odd[i] = sum[2 * i + 1] + 0.5f * odd[2 * i + 6];
		}
		memmove(even, even + 2 * FB_TICK, 10 * sizeof(float));
		memmove(odd, odd + 2 * FB_TICK, 10 * sizeof(float));
	}
	float part[2][FB_TICK];
	fir(state->back_even, over->steep[0], 23, part[0], FB_TICK);
	fir(state->back_odd, over->steep[1], 22, part[1], FB_TICK);
	for (int i = 0; i < FB_TICK; i++) {
		out[i] = part[0][i] + part[1][i];
	}
	memmove(state->back_even, state->back_even + FB_TICK, 22 * sizeof(float));
	memmove(state->back_odd, state->back_odd + FB_TICK, 22 * sizeof(float));
}

/* Functions made twice must be static: the compiler lets the others out of the shared object. */

void fb_oversample_up(
	const fb_oversample *over, fb_oversample_state *state, const float *in, float *out)
{
	up(over, state, in, out);
}

void fb_oversample_down(
	const fb_oversample *over, fb_oversample_state *state, const float *in, float *out)
{
	down(over, state, in, out);
}
