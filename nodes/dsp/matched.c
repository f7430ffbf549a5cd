/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "matched.h"

#include <complex.h>

enum { POINTS = 5 };

/* Where the correction is fitted, in parts of Nyquist: closer together towards the top, where the
   curve bends; the last lies beyond 20 kHz at 44.1 kHz. */
static const double fit_at[POINTS] = {0.0001, 0.35, 0.6, 0.78, 0.91};

static const double FLAT = 1e-3;    /* of squared magnitude: 0.004 dB */
static const double W_MAX = 2.9;    /* a root beyond Nyquist must not fold back into the band */
static const double GROUND = 1e-12; /* keeps 0/0 out where a point falls on a zero */

double fb_analog_power(const fb_analog *a, double w)
{
	double w2 = w * w;
	double n = (a->n0 - a->n2 * w2) * (a->n0 - a->n2 * w2) + a->n1 * a->n1 * w2;
	double d = (a->d0 - a->d2 * w2) * (a->d0 - a->d2 * w2) + a->d1 * a->d1 * w2;
	return n / d;
}

double fb_section_power(const fb_section *k, double w)
{
	/* y = d x + (e f) S, z S = A S + B x with A = (a -b; b 1-c), B = (b c) */
	double complex z = cexp(I * w);
	double complex p = z - k->a, q = z - (1.0 - k->c);
	double complex det = p * q + k->b * k->b;
	double complex s1 = (k->b * q - k->b * k->c) / det;
	double complex s2 = (k->c * p + k->b * k->b) / det;
	double complex h = k->d + k->e * s1 + k->f * s2;
	return creal(h) * creal(h) + cimag(h) * cimag(h);
}

/* The zeros at infinity of a low pass of first and of second order would fold to nothing. These
   quads have the first terms of sin(w/2) / (w/2) and its square in powers of sin^2(w/2): what they
   leave over is smooth and a correction fits it. */
static const fb_quad zeros_at_infinity[] = {
	{1.0, 0.816496581, 0.908248290}, {1.0, 0.557773351, 0.782444892}};

/** The matched z-transform of s2 s^2 + s1 s + s0. */
static fb_quad matched_z(double s2, double s1, double s0)
{
	if (s2 == 0.0) {
		double r = exp(-s0 / s1);
		return (fb_quad){-expm1(-s0 / s1), 1.0 + r, 1.0};
	}
	double half = 0.5 * s1 / s2, product = s0 / s2, disc = half * half - product;
	if (disc >= 0.0) {
		double fast = half + sqrt(disc), slow = fast > 0.0 ? product / fast : 0.0;
		return (fb_quad){expm1(-slow) * expm1(-fast), (1.0 + exp(-slow)) * (1.0 + exp(-fast)),
			-expm1(-(slow + fast))};
	}
	double w = sqrt(-disc);
	w = w < W_MAX ? w : W_MAX;
	double r = exp(-half), e = -expm1(-half), sine = sin(0.5 * w);
	double dc = e * e + 4.0 * r * sine * sine;
	return (fb_quad){dc, e * e + 4.0 * r * (1.0 - sine * sine), e * (1.0 + r)};
}

/** Squared magnitude of a quad at phi = sin^2(w/2). */
static double quad_power(const fb_quad *q, double phi)
{
	double re = q->dc * (1.0 - phi) - q->nyquist * phi;
	return re * re + 4.0 * q->skew * q->skew * phi * (1.0 - phi);
}

/** The minimum-phase quad whose squared magnitude is p0 + p1 phi + p2 phi^2; false if that is not
	positive throughout. */
static bool factor(double p0, double p1, double p2, fb_quad *out)
{
	double nyquist = p0 + p1 + p2;
	if (!(p0 > 0.0 && nyquist > 0.0)) {
		return false;
	}
	double dc = sqrt(p0);
	nyquist = sqrt(nyquist);
	double w = 0.5 * (dc + nyquist), skew2 = w * w - 0.25 * p2;
	if (!(skew2 > 0.0)) {
		return false;
	}
	*out = (fb_quad){dc, nyquist, sqrt(skew2)};
	return true;
}

/** Solve m x = right side (last column) in place; false if it has no single solution. */
static bool solve(double m[POINTS][POINTS + 1], int n)
{
	for (int c = 0; c < n; c++) {
		int best = c;
		for (int r = c + 1; r < n; r++) {
			best = fabs(m[r][c]) > fabs(m[best][c]) ? r : best;
		}
		if (fabs(m[best][c]) < 1e-14) {
			return false;
		}
		for (int k = c; k <= n; k++) {
			double keep = m[c][k];
			m[c][k] = m[best][k];
			m[best][k] = keep;
		}
		for (int r = 0; r < n; r++) {
			double part = m[r][c] / m[c][c];
			for (int k = c; k <= n && r != c; k++) {
				m[r][k] -= part * m[c][k];
			}
		}
	}
	for (int r = 0; r < n; r++) {
		m[r][n] /= m[r][r];
	}
	return true;
}

/** Fit (p0 + .. + p_top phi^top) / (1 + .. + q_bottom phi^bottom) through as many of the points as
   it has freedom for, spread from first to last. */
static bool fit(const double *phi, const double *c, int top, int bottom, fb_section *out)
{
	static const int spread[6][POINTS] = {
		{0}, {0}, {0, 4}, {0, 2, 4}, {0, 1, 3, 4}, {0, 1, 2, 3, 4}};
	int n = top + 1 + bottom;
	double m[POINTS][POINTS + 1];
	for (int r = 0; r < n; r++) {
		int at = spread[n][r];
		double power = 1.0;
		for (int k = 0; k <= top; k++, power *= phi[at]) {
			m[r][k] = power;
		}
		power = phi[at];
		for (int k = 0; k < bottom; k++, power *= phi[at]) {
			m[r][top + 1 + k] = -c[at] * power;
		}
		m[r][n] = c[at];
	}
	if (!solve(m, n)) {
		return false;
	}
	double p[3] = {0.0}, q[3] = {1.0};
	for (int k = 0; k <= top; k++) {
		p[k] = m[k][n];
	}
	for (int k = 0; k < bottom; k++) {
		q[1 + k] = m[top + 1 + k][n];
	}
	fb_quad num, den;
	if (!factor(p[0], p[1], p[2], &num) || !factor(q[0], q[1], q[2], &den)) {
		return false;
	}
	*out = fb_section_make(&num, &den, 1.0);
	return true;
}

int fb_match(const fb_analog *analog, int n, fb_section *out)
{
	double phi[POINTS], curve[POINTS];
	for (int i = 0; i < POINTS; i++) {
		double sine = sin(0.5 * M_PI * fit_at[i]);
		phi[i] = sine * sine;
		curve[i] = 1.0;
	}
	for (int s = 0; s < n; s++) {
		const fb_analog *a = &analog[s];
		fb_quad den = matched_z(a->d2, a->d1, a->d0);
		fb_quad num = a->n2 == 0.0 && a->n1 == 0.0 ? zeros_at_infinity[a->d2 != 0.0]
												   : matched_z(a->n2, a->n1, a->n0);
		double gain = a->n0 != 0.0   ? a->n0 / a->d0 * den.dc / num.dc
					  : a->n2 != 0.0 ? a->n2 / a->d2 * den.nyquist / num.nyquist
									 : a->n1 / a->d1 * den.nyquist / num.nyquist;
		for (int i = 0; i < POINTS; i++) {
			double w = M_PI * fit_at[i];
			double digital = gain * gain * quad_power(&num, phi[i]) / quad_power(&den, phi[i]);
			curve[i] *= (fb_analog_power(a, w) + GROUND * GROUND) / (digital + GROUND * GROUND);
		}
		out[s] = fb_section_make(&num, &den, gain);
	}
	double level = sqrt(curve[0]), bend = 0.0;
	for (int i = POINTS - 1; i >= 0; i--) {
		curve[i] /= curve[0];
		bend = fmax(bend, fabs(curve[i] - 1.0));
	}
	out[0].d *= level;
	out[0].e *= level;
	out[0].f *= level;
	if (bend < FLAT) {
		return n;
	}
	static const int degrees[][2] = {{2, 2}, {2, 1}, {1, 2}, {1, 1}, {1, 0}};
	for (size_t i = 0; i < sizeof degrees / sizeof degrees[0]; i++) {
		if (fit(phi, curve, degrees[i][0], degrees[i][1], &out[n])) {
			return n + 1;
		}
	}
	return n;
}
