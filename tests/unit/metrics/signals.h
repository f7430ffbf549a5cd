/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Test signals whose answers are known, and a bench to measure them. */
#ifndef FB_TEST_SIGNALS_H
#define FB_TEST_SIGNALS_H

#include "testing.h"

#include "../../../metrics/analyser.h"

typedef struct sig {
	double rate_hz;
	size_t n;
	float *x[2];
} sig;

static inline sig sig_new(double rate_hz, double seconds)
{
	sig s = {rate_hz, (size_t)llround(rate_hz * seconds), {NULL, NULL}};
	s.x[0] = calloc(s.n + 1, sizeof(float));
	s.x[1] = calloc(s.n + 1, sizeof(float));
	assert_non_null(s.x[0]);
	assert_non_null(s.x[1]);
	return s;
}

static inline void sig_free(sig *s)
{
	free(s->x[0]);
	free(s->x[1]);
	s->x[0] = s->x[1] = NULL;
}

static inline double from_db(double db)
{
	return pow(10.0, db / 20.0);
}

/** Add a sine of this peak to one channel (0, 1) or both (2) from `start_s` for `length_s`; its
	phase is 0 where it begins, plus `phase` in radians. */
static inline void sig_tone(
	sig *s, int channel, double start_s, double length_s, double hz, double peak, double phase)
{
	size_t from = (size_t)llround(start_s * s->rate_hz), n = (size_t)llround(length_s * s->rate_hz);
	double turn = 2.0 * acos(-1.0) * hz / s->rate_hz;
	for (size_t i = 0; i < n && from + i < s->n; i++) {
		float v = (float)(peak * sin(turn * (double)i + phase));
		for (int c = 0; c < 2; c++) {
			s->x[c][from + i] += channel == 2 || channel == c ? v : 0.0f;
		}
	}
}

/** Uniform in -1 .. 1: the same sequence for the same seed, everywhere. */
static inline double random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (double)(*state >> 11) / 4503599627370496.0 - 1.0;
}

/** Normal, deviation 1 (sum of 12 uniforms: enough for what is measured here). */
static inline double random_normal(uint64_t *state)
{
	double sum = 0.0;
	for (int i = 0; i < 12; i++) {
		sum += random_next(state);
	}
	return sum * 0.5;
}

/** Add white normal noise of this RMS to one channel or, the same, to both. */
static inline void sig_noise(
	sig *s, int channel, double start_s, double length_s, double rms, uint64_t seed)
{
	uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
	size_t from = (size_t)llround(start_s * s->rate_hz), n = (size_t)llround(length_s * s->rate_hz);
	for (size_t i = 0; i < n && from + i < s->n; i++) {
		float v = (float)(rms * random_normal(&state));
		for (int c = 0; c < 2; c++) {
			s->x[c][from + i] += channel == 2 || channel == c ? v : 0.0f;
		}
	}
}

static inline fb_analyser *analyser_new(const sig *s, fb_window window)
{
	fb_analyser_options options = {.rate_hz = s->rate_hz, .window = window, .target_lufs = -23.0};
	fb_analyser *analyser = fb_analyser_create(&options);
	assert_non_null(analyser);
	return analyser;
}

/** Feed frames from .. to - 1. */
static inline void feed(fb_analyser *analyser, const sig *s, size_t from, size_t to)
{
	fb_stretch stretch = {.out = {s->x[0] + from, s->x[1] + from}, .frames = to - from};
	fb_analyser_feed(analyser, &stretch);
}

/** All of it, as one run. */
static inline fb_metric_set measure_against(const sig *out, const sig *ref)
{
	fb_analyser_options options = {
		.rate_hz = out->rate_hz, .window = FB_WINDOW_RUN, .has_reference = true};
	fb_analyser *analyser = fb_analyser_create(&options);
	fb_stretch stretch = {.out = {out->x[0], out->x[1]},
		.ref = {ref->x[0], ref->x[1]},
		.frames = out->n < ref->n ? out->n : ref->n};
	fb_metric_set set;
	fb_analyser_feed(analyser, &stretch);
	fb_analyser_read(analyser, &set);
	fb_analyser_destroy(analyser);
	return set;
}

static inline fb_metric_set measure(const sig *s)
{
	fb_metric_set set;
	fb_analyser *analyser = analyser_new(s, FB_WINDOW_RUN);
	feed(analyser, s, 0, s->n);
	fb_analyser_read(analyser, &set);
	fb_analyser_destroy(analyser);
	return set;
}

/** The metric has an answer, and it is this. */
#define assert_metric(set, metric, wanted, tolerance)                                              \
	do {                                                                                           \
		if (!fb_metric_valid(&(set), (metric))) {                                                  \
			fail_msg("%s has no answer", fb_metric_catalogue[metric].id);                          \
		}                                                                                          \
		double metric_v = (set).value[metric], metric_w = (double)(wanted);                        \
		if (!(fabs(metric_v - metric_w) <= (double)(tolerance))) {                                 \
			fail_msg("%s is %.9g, wanted %.9g within %g", fb_metric_catalogue[metric].id,          \
				metric_v, metric_w, (double)(tolerance));                                          \
		}                                                                                          \
	} while (0)

/** The metric has no answer, and reads so. */
#define assert_none(set, metric)                                                                   \
	do {                                                                                           \
		if (fb_metric_valid(&(set), (metric)) ||                                                   \
			(set).value[metric] != fb_metric_catalogue[metric].none) {                             \
			fail_msg("%s should have no answer, is %g", fb_metric_catalogue[metric].id,            \
				(set).value[metric]);                                                              \
		}                                                                                          \
	} while (0)

#endif
