/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "matched.h"

#include <complex.h>

enum { POINTS = 5 };

/** Where the correction is fitted: radians per frame, and sin^2 of half of it. */
typedef struct point {
	double w, phi;
} point;

#define AT(nyquists, phi)                                                                          \
	{                                                                                              \
		M_PI *(nyquists), phi                                                                      \
	}

/* Closer together towards the top, where the curve bends; the last lies beyond 20 kHz at 44.1 kHz.
   Now and then the fit through one set has a pole in the band; then the next is taken. */
static const point fit_at[][POINTS] = {
	{AT(0.0001, 2.4674010799787785e-08), AT(0.35, 0.27300475013022651),
		AT(0.6, 0.65450849718747373), AT(0.78, 0.88525662138789463), AT(0.91, 0.98014684283847142)},
	{AT(0.0001, 2.4674010799787785e-08), AT(0.3, 0.2061073738537634), AT(0.55, 0.57821723252011559),
		AT(0.75, 0.85355339059327373), AT(0.9, 0.97552825814757682)},
	{AT(0.0001, 2.4674010799787785e-08), AT(0.4, 0.34549150281252627),
		AT(0.65, 0.72699524986977337), AT(0.8, 0.90450849718747361), AT(0.9, 0.97552825814757682)},
	{AT(0.0001, 2.4674010799787785e-08), AT(0.25, 0.14644660940672624),
		AT(0.5, 0.49999999999999989), AT(0.7, 0.79389262614623646), AT(0.88, 0.96488824294412556)},
	{AT(0.0001, 2.4674010799787785e-08), AT(0.45, 0.42178276747988458),
		AT(0.7, 0.79389262614623646), AT(0.83, 0.93037101350197182), AT(0.92, 0.98429158056431565)},
};

enum { SETS = sizeof fit_at / sizeof *fit_at };

static const double DAMPED = 0.01;  /* ((c0 - c2) / (c0 + c2))^2 of any smooth curve is more */
static const double FLAT = 1e-3;    /* of squared magnitude: 0.004 dB */
static const double W_MAX = 2.9;    /* a root beyond Nyquist must not fold back into the band */
static const double GROUND = 1e-24; /* keeps 0/0 out where a point falls on a zero */

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
	positive throughout, or so small somewhere that it must be a pole and a zero side by side, which
	pass through the points but not along the curve. */
static bool factor(double p0, double p1, double p2, fb_quad *out)
{
	double nyquist = p0 + p1 + p2;
	if (!(p0 > 0.0 && nyquist > 0.0)) {
		return false;
	}
	double dc = sqrt(p0);
	nyquist = sqrt(nyquist);
	double w = 0.5 * (dc + nyquist), skew2 = w * w - 0.25 * p2;
	if (!(skew2 > DAMPED * w * w)) {
		return false;
	}
	*out = (fb_quad){dc, nyquist, sqrt(skew2)};
	return true;
}

/** Weights whose sum over values at n points is their divided difference of order n - 1: what
	vanishes for every polynomial of lower degree. */
static void difference_weights(const double *x, int n, double *weight)
{
	for (int i = 0; i < n; i++) {
		double product = 1.0;
		for (int k = 0; k < n; k++) {
			product *= k == i ? 1.0 : x[i] - x[k];
		}
		weight[i] = 1.0 / product;
	}
}

/** The denominator 1 + q1 x + q2 x^2 (q2 = 0 if bottom is 1, and so on) with which c times it is a
	polynomial of degree `top` at all top + 1 + bottom points. `above` is c - 1, as 1 times it is a
	polynomial anyway. */
static bool fit_denominator(const double *x, const double *above, int top, int bottom, double q[3])
{
	double sum[2][3] = {{0.0}};
	for (int e = 0; e < bottom; e++) {
		double weight[POINTS];
		difference_weights(x + e, top + 2, weight);
		for (int i = 0; i < top + 2; i++) {
			double term = weight[i] * above[e + i];
			for (int k = 0; k <= bottom; k++, term *= x[e + i]) {
				sum[e][k] += term;
			}
		}
	}
	q[0] = 1.0;
	q[1] = q[2] = 0.0;
	if (bottom == 1) {
		q[1] = -sum[0][0] / sum[0][1];
	} else if (bottom == 2) {
		double det = sum[0][1] * sum[1][2] - sum[0][2] * sum[1][1];
		q[1] = (sum[0][2] * sum[1][0] - sum[0][0] * sum[1][2]) / det;
		q[2] = (sum[0][0] * sum[1][1] - sum[0][1] * sum[1][0]) / det;
	}
	return isfinite(q[1]) && isfinite(q[2]);
}

/** Fit (p0 + .. + p_top phi^top) / (1 + .. + q_bottom phi^bottom) through as many of the points as
	it has freedom for, spread from first to last; top 1 or 2. */
static bool fit(const point *at, const double *curve, int top, int bottom, fb_section *out)
{
	static const int spread[6][POINTS] = {
		{0}, {0}, {0, 4}, {0, 2, 4}, {0, 1, 3, 4}, {0, 1, 2, 3, 4}};
	double x[POINTS], above[POINTS], q[3], y[3] = {0.0};
	int n = top + 1 + bottom;
	for (int i = 0; i < n; i++) {
		x[i] = at[spread[n][i]].phi;
		above[i] = curve[spread[n][i]] - 1.0;
	}
	if (!fit_denominator(x, above, top, bottom, q)) {
		return false;
	}
	for (int i = 0; i <= top; i++) {
		y[i] = (1.0 + above[i]) * (q[0] + x[i] * (q[1] + x[i] * q[2]));
	}
	/* Newton's form through the first points, multiplied out */
	double slope = (y[1] - y[0]) / (x[1] - x[0]);
	double bend = top == 2 ? ((y[2] - y[1]) / (x[2] - x[1]) - slope) / (x[2] - x[0]) : 0.0;
	fb_quad num, den;
	if (!factor(y[0] - x[0] * (slope - bend * x[1]), slope - bend * (x[0] + x[1]), bend, &num) ||
		!factor(q[0], q[1], q[2], &den)) {
		return false;
	}
	*out = fb_section_make(&num, &den, 1.0);
	return true;
}

/** One analogue section by its poles and zeros, with the right gain at one end of the band. */
typedef struct raw {
	fb_quad num, den;
	double gain;
} raw;

static raw carry_over(const fb_analog *a)
{
	raw out = {.den = matched_z(a->d2, a->d1, a->d0)};
	bool low_pass = a->n2 == 0.0 && a->n1 == 0.0;
	out.num = low_pass ? zeros_at_infinity[a->d2 != 0.0] : matched_z(a->n2, a->n1, a->n0);
	const fb_quad *num = &out.num, *den = &out.den;
	out.gain = a->n0 != 0.0   ? a->n0 / a->d0 * den->dc / num->dc
			   : a->n2 != 0.0 ? a->n2 / a->d2 * den->nyquist / num->nyquist
							  : a->n1 / a->d1 * den->nyquist / num->nyquist;
	return out;
}

/** What is missing of the squared magnitude at one set of points, relative to the first; returns
	the first. */
static double curve_of(
	const fb_analog *analog, const raw *digital, int n, const point *at, double *curve)
{
	for (int i = 0; i < POINTS; i++) {
		curve[i] = 1.0;
		for (int s = 0; s < n; s++) {
			const raw *d = &digital[s];
			double power =
				d->gain * d->gain * quad_power(&d->num, at[i].phi) / quad_power(&d->den, at[i].phi);
			curve[i] *= (fb_analog_power(&analog[s], at[i].w) + GROUND) / (power + GROUND);
		}
	}
	double first = curve[0];
	for (int i = 0; i < POINTS; i++) {
		curve[i] /= first;
	}
	return first;
}

int fb_match(const fb_analog *analog, int n, fb_section *out)
{
	raw digital[4] = {0};
	double curve[POINTS], bend = 0.0;
	for (int s = 0; s < n; s++) {
		digital[s] = carry_over(&analog[s]);
	}
	double level = sqrt(curve_of(analog, digital, n, fit_at[0], curve));
	for (int s = 0; s < n; s++) {
		double gain = digital[s].gain * (s == 0 ? level : 1.0);
		out[s] = fb_section_make(&digital[s].num, &digital[s].den, gain);
	}
	for (int i = 0; i < POINTS; i++) {
		bend = fmax(bend, fabs(curve[i] - 1.0));
	}
	if (bend < FLAT) {
		return n;
	}
	for (int i = 0; i < SETS; i++) {
		if (i > 0) {
			curve_of(analog, digital, n, fit_at[i], curve);
		}
		if (fit(fit_at[i], curve, 2, 2, &out[n])) {
			return n + 1;
		}
	}
	static const int degrees[][2] = {{2, 1}, {1, 1}, {2, 0}};
	curve_of(analog, digital, n, fit_at[0], curve);
	for (size_t i = 0; i < sizeof degrees / sizeof *degrees; i++) {
		if (fit(fit_at[0], curve, degrees[i][0], degrees[i][1], &out[n])) {
			return n + 1;
		}
	}
	return n;
}
