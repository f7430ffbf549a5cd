/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "section.h"

enum { CHAIN_MAX = 4 };

const fb_section fb_section_identity = {.d = 1.0};

fb_section fb_section_svf(double g, double k, double n2, double n1, double n0)
{
	double a1 = 1.0 / (1.0 + g * (g + k)), a2 = g * a1, a3 = g * a2;
	double band = n1 - n2 * k, low = n0 - n2;
	return (fb_section){
		.a = 2.0 * a1 - 1.0,
		.b = 2.0 * a2,
		.c = 2.0 * a3,
		.d = n2 + band * a2 + low * a3,
		.e = band * a1 + low * a2,
		.f = low * (1.0 - a3) - band * a2,
	};
}

fb_section fb_section_make(const fb_quad *num, const fb_quad *den, double gain)
{
	double g = sqrt(den->dc / den->nyquist), k = 2.0 * den->skew / (den->nyquist * g);
	return fb_section_svf(g, k, gain * num->nyquist / den->nyquist,
		gain * 2.0 * num->skew / (den->nyquist * g), gain * num->dc / den->dc);
}

static inline fb_stereo both(double v)
{
	return (fb_stereo){v, v};
}

static inline fb_stereo step(const fb_section *k, fb_section_state *s, fb_stereo x)
{
	fb_stereo u = x - s->s2;
	fb_stereo y = both(k->d) * x + (both(k->e) * s->s1 + both(k->f) * s->s2);
	fb_stereo s1 = both(k->a) * s->s1 + both(k->b) * u;
	s->s2 = s->s2 + both(k->b) * s->s1 + both(k->c) * u;
	s->s1 = s1;
	return y;
}

/** n sections at a time; inlined with n known. */
static inline __attribute__((always_inline)) void run_chain(
	int n, const fb_section *const *sections, fb_section_state *const *states, fb_stereo *x)
{
	fb_section k[CHAIN_MAX];
	fb_section_state s[CHAIN_MAX];
	for (int c = 0; c < n; c++) {
		k[c] = *sections[c];
		s[c] = *states[c];
	}
	for (int i = 0; i < FB_TICK; i++) {
		fb_stereo y = x[i];
		for (int c = 0; c < n; c++) {
			y = step(&k[c], &s[c], y);
		}
		x[i] = y;
	}
	for (int c = 0; c < n; c++) {
		*states[c] = s[c];
	}
}

void fb_section_run_all(
	int n, const fb_section *const *sections, fb_section_state *const *states, fb_stereo x[FB_TICK])
{
	for (; n >= CHAIN_MAX; n -= CHAIN_MAX, sections += CHAIN_MAX, states += CHAIN_MAX) {
		run_chain(CHAIN_MAX, sections, states, x);
	}
	if (n == 3) {
		run_chain(3, sections, states, x);
	} else if (n == 2) {
		run_chain(2, sections, states, x);
	} else if (n == 1) {
		run_chain(1, sections, states, x);
	}
}

void fb_section_glide(
	const fb_section *from, const fb_section *to, fb_section_state *state, fb_stereo *x, int frames)
{
	const double part = 1.0 / frames;
	fb_section k = *from;
	fb_section by = {(to->a - k.a) * part, (to->b - k.b) * part, (to->c - k.c) * part,
		(to->d - k.d) * part, (to->e - k.e) * part, (to->f - k.f) * part};
	fb_section_state s = *state;
	for (int i = 0; i < frames; i++) {
		k = (fb_section){k.a + by.a, k.b + by.b, k.c + by.c, k.d + by.d, k.e + by.e, k.f + by.f};
		x[i] = step(&k, &s, x[i]);
	}
	*state = s;
}
