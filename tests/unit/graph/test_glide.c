/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The host's smoothing, and whole-frame delays: exact at their ends. */
#include "testing.h"

#include "../../../graph/align.h"
#include "../../../graph/glide.h"

#include "rig.h"

static const fb_param_info level = {
	.kind = FB_FLOAT, .min = -60, .max = 24, .smooth_ms = 20, .symbol = "level"};
static const fb_param_info rate = {
	.kind = FB_FLOAT, .scale = FB_SCALE_LOG, .min = 20, .max = 20000, .def = 1000, .smooth_ms = 20};
static const fb_param_info steps = {.kind = FB_INT, .min = -4, .max = 8, .smooth_ms = 20};

static void test_fit(void **state)
{
	(void)state;
	assert_true(fb_param_fit(&level, 25) == 24.0f);
	assert_true(fb_param_fit(&level, -61) == -60.0f);
	assert_true(fb_param_fit(&level, -0.3f) == -0.3f);
	assert_true(fb_param_fit(&steps, 2.5f) == 3.0f);
	assert_true(fb_param_fit(&steps, -2.5f) == -3.0f);
	assert_true(fb_param_fit(&steps, 99) == 8.0f);
	/* no node ever sees anything else, whoever forgot to check */
	assert_true(fb_param_fit(&level, NAN) == -60.0f);
	assert_true(fb_param_fit(&level, INFINITY) == 24.0f);
	assert_true(fb_param_fit(&steps, NAN) == -4.0f);
}

static void test_ticks(void **state)
{
	(void)state;
	assert_int_equal(fb_glide_ticks(&level, 48000), 30); /* 960 frames */
	assert_int_equal(fb_glide_ticks(&level, 44100), 28); /* 882 frames: 27.6 ticks */
	assert_int_equal(fb_glide_ticks(&steps, 48000), 0);
}

static double travel(const fb_param_info *info, float value)
{
	return fb_scale_to_norm(info->scale, (double)info->min, (double)info->max, (double)value);
}

/** The line with rounded ends, as the parabola, line and parabola that it is made of. */
static double line(double t, double ticks, double round)
{
	double speed = 1.0 / (ticks - round);
	if (t < round) {
		return 0.5 * speed * t * t / round;
	}
	if (t > ticks - round) {
		return 1.0 - 0.5 * speed * (ticks - t) * (ticks - t) / round;
	}
	return speed * (t - 0.5 * round);
}

/* In the parameter's own taper, each tick starting where the last ended. */
static void follow(const fb_param_info *info, float start, float end, uint32_t ticks, uint32_t own)
{
	fb_glide glide = {.final = start};
	float from = start, to = start, last = start;
	double a = travel(info, start), b = travel(info, end);
	fb_glide_aim(&glide, info, to, end, ticks, own);
	for (uint32_t i = 1; i <= ticks; i++) {
		assert_true(fb_glide_tick(&glide, info, &from, &to));
		assert_true(from == last);
		last = to;
		double part = line(i, ticks, 0.5 * fmin(ticks, own));
		assert_near(travel(info, to), a + (b - a) * part, 1e-7); /* the float of the value */
	}
	assert_true(to == end);
	assert_false(fb_glide_tick(&glide, info, &from, &to));
	assert_true(from == end && to == end);
}

static void test_lines(void **state)
{
	(void)state;
	follow(&level, -60, 24, 30, 30);
	follow(&level, 3.3f, -17.7f, 7, 7);
	follow(&level, 0, -6, 1, 30);
	follow(&rate, 20, 20000, 30, 75);
	follow(&rate, 1234.5f, 77.7f, 9, 0);
	follow(&level, 12, -30, 900, 30); /* a morph: straight but for the ends */
}

static void test_at_once(void **state)
{
	(void)state;
	fb_glide glide = {.final = 0};
	float from = 0, to = 0;
	fb_glide_aim(&glide, &level, to, -6, 0, 30);
	assert_false(fb_glide_tick(&glide, &level, &from, &to));
	assert_true(from == -6.0f && to == -6.0f);
	/* what is whole never glides, whatever is asked */
	glide.final = from = to = 2;
	fb_glide_aim(&glide, &steps, to, 5, 100, 0);
	assert_false(fb_glide_tick(&glide, &steps, &from, &to));
	assert_true(from == 5.0f && to == 5.0f);
}

/* Setting what is already so moves nothing by a bit: through a taper and back, 1 kHz is 999.9999.
 */
static void test_no_change_is_none(void **state)
{
	(void)state;
	for (float value = 20; value < 20000; value *= 1.37f) {
		fb_glide glide = {.final = value};
		float from = value, to = value;
		fb_glide_aim(&glide, &rate, to, value, 30, 75);
		for (int i = 0; i < 31; i++) {
			(void)fb_glide_tick(&glide, &rate, &from, &to);
			assert_true(from == value && to == value);
		}
	}
}

static void test_turned_round(void **state)
{
	(void)state;
	fb_glide glide = {.final = 0};
	float from = 0, to = 0;
	fb_glide_aim(&glide, &level, to, 20, 10, 10);
	for (int i = 0; i < 5; i++) {
		(void)fb_glide_tick(&glide, &level, &from, &to);
	}
	assert_near(to, 10, 1e-5);
	fb_glide_aim(&glide, &level, to, 0, 4, 4);
	(void)fb_glide_tick(&glide, &level, &from, &to);
	assert_near(from, 10, 1e-5);
	assert_near(to, 8.75, 1e-5); /* from a stand: it never went on the wrong way */
}

/* A fader ridden up: a new aim each 5 ticks. No tick goes faster or slower than the one before by
   more than the bend of a glide from rest: speed is carried from one glide into the next. */
static void test_ridden(void **state)
{
	(void)state;
	fb_glide glide = {.final = -60};
	float from = -60, to = -60, speed = 0;
	double most = 0;
	for (int aim = 1; aim <= 40; aim++) {
		fb_glide_aim(&glide, &level, to, -60 + 2 * (float)(aim < 20 ? aim : 20), 30, 30);
		for (int i = 0; i < 5; i++) {
			(void)fb_glide_tick(&glide, &level, &from, &to);
			assert_true(to >= from && to <= -20);
			most = fmax(most, fabs((double)(to - from - speed)));
			speed = to - from;
		}
	}
	/* 2 dB in 5 ticks is 0.4 dB a tick, which a straight line begins and ends at once */
	printf("# ridden: the speed changes by %.4f dB a tick at most\n", most);
	assert_true(most < 0.1);
}

/* Whatever the aims and whenever they come, a glide stays between where it starts and its aim. */
static void test_never_beyond(void **state)
{
	(void)state;
	fb_glide glide = {.final = 0};
	float from = 0, to = 0;
	uint32_t dice = 1;
	for (int k = 0; k < 2000; k++) {
		dice = dice * 1664525u + 1013904223u;
		float start = to, aim = -60 + 84 * (float)(dice >> 8) / 0x1p24f;
		fb_glide_aim(&glide, &level, to, aim, 1 + dice % 97, 30);
		for (uint32_t i = 0; i < dice / 7 % 60; i++) {
			(void)fb_glide_tick(&glide, &level, &from, &to);
			assert_true(to >= fminf(start, aim) - 1e-4f && to <= fmaxf(start, aim) + 1e-4f);
		}
	}
}

/* Every delay from one frame to beyond three ticks, and a long one: exact to the frame. */
static void test_align(void **state)
{
	(void)state;
	enum { FRAMES = 640 * FB_TICK };
	float *x = sig_alloc(FRAMES), *y = sig_alloc(FRAMES);
	sig_noise(x, FRAMES, 1.0, 3);
	for (uint32_t delay = 1; delay <= 5000; delay += delay < 100 ? 1 : 701) {
		fb_align align;
		assert_true(fb_align_init(&align, delay));
		for (size_t at = 0; at < FRAMES; at += FB_TICK) {
			fb_align_tick(&align, x + at, y + at);
		}
		for (size_t i = 0; i < FRAMES; i++) {
			assert_true(y[i] == (i < delay ? 0.0f : x[i - delay]));
		}
		fb_align_finish(&align);
	}
	free(x);
	free(y);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_ticks),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_no_change_is_none),
		cmocka_unit_test(test_turned_round),
		cmocka_unit_test(test_ridden),
		cmocka_unit_test(test_never_beyond),
		cmocka_unit_test(test_align),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
