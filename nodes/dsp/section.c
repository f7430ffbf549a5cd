/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "section.h"

#include "wide.h"

#include <string.h>

enum { CHAIN_MAX = 6, PLAIN_MAX = 4 };

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

/** n sections at a time, for vectors of two doubles: the processor works ahead on those that do not
	wait; inlined with n known. */
static inline __attribute__((always_inline)) void run_plain(
	int n, const fb_section *const *sections, fb_section_state *const *states, fb_stereo *x)
{
	fb_section k[PLAIN_MAX];
	fb_section_state s[PLAIN_MAX];
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

static void run_all_plain(
	int n, const fb_section *const *sections, fb_section_state *const *states, fb_stereo *x)
{
	for (; n >= PLAIN_MAX; n -= PLAIN_MAX, sections += PLAIN_MAX, states += PLAIN_MAX) {
		run_plain(PLAIN_MAX, sections, states, x);
	}
	if (n == 3) {
		run_plain(3, sections, states, x);
	} else if (n == 2) {
		run_plain(2, sections, states, x);
	} else if (n == 1) {
		run_plain(1, sections, states, x);
	}
}

/* Two sections side by side: lanes 0 and 1 are the earlier one's left and right at one frame, lanes
   2 and 3 the later one's at the frame before. */
typedef double pair __attribute__((vector_size(32)));
typedef struct pair_section {
	pair a, b, c, d, e, f, s1, s2;
} pair_section;

#define INLINE static inline __attribute__((always_inline))
#define BOTH(m) ((pair){k[0]->m, k[0]->m, k[1]->m, k[1]->m})
#define STATES(m) __builtin_shufflevector(s[0]->m, s[1]->m, 0, 1, 2, 3)

INLINE void pair_load(pair_section *p, const fb_section *const k[2], fb_section_state *const s[2])
{
	*p = (pair_section){
		BOTH(a), BOTH(b), BOTH(c), BOTH(d), BOTH(e), BOTH(f), STATES(s1), STATES(s2)};
}

INLINE void pair_store(const pair_section *p, fb_section_state *const s[2])
{
	*s[0] = (fb_section_state){
		__builtin_shufflevector(p->s1, p->s1, 0, 1), __builtin_shufflevector(p->s2, p->s2, 0, 1)};
	*s[1] = (fb_section_state){
		__builtin_shufflevector(p->s1, p->s1, 2, 3), __builtin_shufflevector(p->s2, p->s2, 2, 3)};
}

/** step() for both; next: what either is to do, and then what comes out of either. */
INLINE void pair_step(pair_section *p, fb_stereo next[3])
{
	pair x = __builtin_shufflevector(next[0], next[1], 0, 1, 2, 3);
	pair u = x - p->s2;
	pair y = p->d * x + (p->e * p->s1 + p->f * p->s2);
	pair s1 = p->a * p->s1 + p->b * u;
	p->s2 = p->s2 + p->b * p->s1 + p->c * u;
	p->s1 = s1;
	next[1] = __builtin_shufflevector(y, y, 0, 1);
	next[2] = __builtin_shufflevector(y, y, 2, 3);
}

/** Only the earlier, or only the later one had a frame to do: the other is as it was. */
INLINE void pair_keep(pair_section *p, const pair_section *was, bool earlier)
{
	if (earlier) {
		p->s1 = __builtin_shufflevector(was->s1, p->s1, 0, 1, 6, 7);
		p->s2 = __builtin_shufflevector(was->s2, p->s2, 0, 1, 6, 7);
	} else {
		p->s1 = __builtin_shufflevector(p->s1, was->s1, 0, 1, 6, 7);
		p->s2 = __builtin_shufflevector(p->s2, was->s2, 0, 1, 6, 7);
	}
}

/** n sections, each a frame behind the one before it, so that none waits for another's result; n is
	even, and known where this is inlined. */
INLINE void run_chain(
	int n, const fb_section *const *sections, fb_section_state *const *states, fb_stereo *x)
{
	fb_stereo next[CHAIN_MAX + 1] = {{0}};
	pair_section p[CHAIN_MAX / 2], was;
	for (int m = 0; m < n / 2; m++) {
		pair_load(&p[m], sections + 2 * m, states + 2 * m);
	}
	for (int t = 0; t < n - 1; t++) { /* the later ones begin */
		next[0] = x[t];
		for (int m = t / 2; m >= 0; m--) {
			was = p[m];
			pair_step(&p[m], next + 2 * m);
			if (t == 2 * m) {
				pair_keep(&p[m], &was, false);
			}
		}
	}
	for (int t = n - 1; t < FB_TICK; t++) {
		next[0] = x[t];
		for (int m = n / 2 - 1; m >= 0; m--) {
			pair_step(&p[m], next + 2 * m);
		}
		x[t - n + 1] = next[n];
	}
	for (int t = 1; t < n; t++) { /* the earlier ones have done all */
		for (int m = n / 2 - 1; 2 * m + 1 >= t; m--) {
			was = p[m];
			pair_step(&p[m], next + 2 * m);
			if (t == 2 * m + 1) {
				pair_keep(&p[m], &was, true);
			}
		}
		x[FB_TICK - n + t] = next[n];
	}
	for (int m = 0; m < n / 2; m++) {
		pair_store(&p[m], states + 2 * m);
	}
}

FB_WIDE static void run_some(
	int n, const fb_section *const *sections, fb_section_state *const *states, fb_stereo *x)
{
	if (n == 6) {
		run_chain(6, sections, states, x);
	} else if (n == 4) {
		run_chain(4, sections, states, x);
	} else {
		run_chain(2, sections, states, x);
	}
}

void fb_section_run_all(
	int n, const fb_section *const *sections, fb_section_state *const *states, fb_stereo x[FB_TICK])
{
	if (!FB_WIDE_HERE) {
		run_all_plain(n, sections, states, x);
		return;
	}
	for (; n >= CHAIN_MAX; n -= CHAIN_MAX, sections += CHAIN_MAX, states += CHAIN_MAX) {
		run_some(CHAIN_MAX, sections, states, x);
	}
	if (n % 2) { /* one more, that does nothing, costs nothing */
		fb_section_state none = {{0}, {0}}, *all_states[CHAIN_MAX];
		const fb_section *all[CHAIN_MAX];
		memcpy(all, sections, (size_t)n * sizeof *all);
		memcpy(all_states, states, (size_t)n * sizeof *all_states);
		all[n] = &fb_section_identity;
		all_states[n] = &none;
		run_some(n + 1, all, all_states, x);
	} else if (n) {
		run_some(n, sections, states, x);
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
