/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "interp.h"

#include <math.h>
#include <threads.h>

enum { N = FB_INTERP_TAPS };

/* Where the fit counts, as shares of half the rate: fully in the first band, and with a small
   weight in the rest of the second, or else the treble would pay for it dearly. */
#define BAND 0.25
#define REST 0.6
#define REST_WEIGHT 1e-6

static double sinc(double x)
{
	return x == 0.0 ? 1.0 : sin(M_PI * x) / (M_PI * x);
}

/** Correlation of two delays over the weighted bands. */
static double correlation(double delay)
{
	return BAND * sinc(BAND * delay) + REST_WEIGHT * REST * sinc(REST * delay);
}

/** Solve a x = b in place for a symmetric positive definite a (Cholesky). */
static void solve(double a[N][N], double b[N])
{
	for (int i = 0; i < N; i++) {
		for (int j = 0; j <= i; j++) {
			double sum = a[i][j];
			for (int k = 0; k < j; k++) {
				sum -= a[i][k] * a[j][k];
			}
			a[i][j] = i == j ? sqrt(sum) : sum / a[j][j];
		}
	}
	for (int i = 0; i < N; i++) {
		for (int k = 0; k < i; k++) {
			b[i] -= a[i][k] * b[k];
		}
		b[i] /= a[i][i];
	}
	for (int i = N - 1; i >= 0; i--) {
		for (int k = i + 1; k < N; k++) {
			b[i] -= a[k][i] * b[k];
		}
		b[i] /= a[i][i];
	}
}

/** Taps for a fraction of phase / FB_INTERP_PHASES. */
static void fit(int phase, float taps[N])
{
	double position = FB_INTERP_BEFORE + (double)phase / FB_INTERP_PHASES;
	double normal[N][N], tap[N];
	for (int i = 0; i < N; i++) {
		for (int j = 0; j < N; j++) {
			normal[i][j] = correlation(i - j);
		}
		tap[i] = correlation(i - position);
	}
	solve(normal, tap);
	for (int i = 0; i < N; i++) {
		taps[i] = (float)tap[i];
	}
}

static fb_interp_row table[FB_INTERP_PHASES];

static void make_table(void)
{
	float next[N];
	fit(FB_INTERP_PHASES, next);
	for (int phase = FB_INTERP_PHASES - 1; phase >= 0; phase--) {
		fb_interp_row *row = &table[phase];
		fit(phase, row->tap);
		for (int i = 0; i < N; i++) {
			row->step[i] = next[i] - row->tap[i];
			next[i] = row->tap[i];
		}
	}
}

const fb_interp_row *fb_interp_table(void)
{
	static once_flag made = ONCE_FLAG_INIT;
	call_once(&made, make_table);
	return table;
}
