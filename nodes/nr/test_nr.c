/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "clicks.h"
#include "hammer.h"
#include "rig.h"
#include "speech.h"

#include <dlfcn.h>

enum { RATE = 48000 };

typedef struct bench {
	fb_rig *rig;
	size_t frames;
	float *in[2], *out[2];
} bench;

static void bench_open(bench *b, double rate_hz, double seconds)
{
	b->rig = rig_open("nr", rate_hz);
	b->frames = (size_t)(seconds * rate_hz) / FB_TICK * FB_TICK;
	for (int c = 0; c < 2; c++) {
		b->in[c] = sig_alloc(b->frames);
		b->out[c] = sig_alloc(b->frames);
	}
}

static void bench_close(bench *b)
{
	rig_close(b->rig);
	for (int c = 0; c < 2; c++) {
		free(b->in[c]);
		free(b->out[c]);
	}
}

static void run(bench *b, double from_s, double to_s)
{
	size_t first = (size_t)(from_s * RATE) / FB_TICK * FB_TICK;
	size_t end = (size_t)(to_s * RATE) / FB_TICK * FB_TICK;
	const float *in[2] = {b->in[0] + first, b->in[1] + first};
	float *out[2] = {b->out[0] + first, b->out[1] + first};
	rig_run(b->rig, in, out, end - first);
}

static void run_all(bench *b)
{
	rig_run(b->rig, (const float *const *)b->in, b->out, b->frames);
}

/* At strength 0 the delayed bits; at 1e-6, through all transforms, their rounding: -120 dB. */
static void test_transparent_at_0(void **state)
{
	(void)state;
	const double rates[] = {8000, 16000, 44100, 48000, 96000, 192000};
	for (size_t r = 0; r < 6; r++) {
		for (int through = 0; through < 2; through++) {
			bench b;
			bench_open(&b, rates[r], 0.5);
			rig_set(b.rig, "strength", through ? 1e-6 : 0.0);
			sig_noise(b.in[0], b.frames, 1.0, 1);
			sig_noise(b.in[1], b.frames, 1.0, 2);
			run_all(&b);
			size_t late = rig_latency(b.rig);
			assert_in_range(late, (size_t)(0.009 * rates[r]), (size_t)(0.021 * rates[r]));
			for (size_t i = 0; i < b.frames; i++) {
				for (int c = 0; c < 2; c++) {
					double wanted = i < late ? 0.0 : (double)b.in[c][i - late];
					assert_near(b.out[c][i], wanted, through ? 5e-6 : 0.0);
				}
			}
			bench_close(&b);
		}
	}
}

/* The same gain on both sides: a source at 0.9 left, 0.3 right stays there. 1e-6 is rounding. */
static void test_image_stands_still(void **state)
{
	(void)state;
	bench b;
	bench_open(&b, RATE, 3);
	sig_noise(b.in[0], b.frames, 0.9, 1);
	for (size_t i = 0; i < b.frames; i++) {
		b.in[0][i] *= i / 5000 % 3 ? 0.1f : 1.0f;
		b.in[1][i] = b.in[0][i] / 3.0f;
	}
	run_all(&b);
	for (size_t i = 0; i < b.frames; i++) {
		assert_near(b.out[1][i], b.out[0][i] / 3.0f, 1e-6);
	}
	bench_close(&b);
}

static double reduction_db(const bench *b, double from_s, double to_s)
{
	size_t late = rig_latency(b->rig), first = (size_t)(from_s * RATE);
	size_t n = (size_t)((to_s - from_s) * RATE);
	return sig_rms_db(b->in[0] + first, n) - sig_rms_db(b->out[0] + first + late, n);
}

/* Noise alone goes to the floor, which strength scales in dB: within 1.5 dB, the most that what
   flickers above it adds. Both meters tell it within as much. */
static void test_floor_and_meters(void **state)
{
	(void)state;
	const double cases[][2] = {{-20, 0.8}, {-12, 1.0}, {-30, 0.5}, {-40, 0.5}};
	for (size_t k = 0; k < 4; k++) {
		bench b;
		bench_open(&b, RATE, 4);
		rig_set(b.rig, "floor", cases[k][0]);
		rig_set(b.rig, "strength", cases[k][1]);
		sig_noise(b.in[0], b.frames, 0.05, 1);
		sig_noise(b.in[1], b.frames, 0.05, 2);
		run_all(&b);
		double wanted = -cases[k][0] * cases[k][1];
		assert_near(reduction_db(&b, 2, 3.9), wanted, 1.5);
		assert_near(rig_meter(b.rig, "reduction"), wanted, 2.0);
		assert_near(rig_meter(b.rig, "noise"), sig_rms_db(b.in[0], b.frames), 1.5);
		bench_close(&b);
	}
}

/* A noise that rises by 15 dB is down to its floor again within 5 s; one that falls, within 1 s. */
static void test_follows_the_noise(void **state)
{
	(void)state;
	bench b;
	bench_open(&b, RATE, 14);
	sig_noise(b.in[0], b.frames, 0.01, 1);
	sig_noise(b.in[1], b.frames, 0.01, 2);
	for (size_t i = 4 * RATE; i < 10 * RATE; i++) {
		b.in[0][i] *= 5.62f;
		b.in[1][i] *= 5.62f;
	}
	run_all(&b);
	assert_near(reduction_db(&b, 2, 3.9), 16, 1.5);
	assert_near(reduction_db(&b, 9, 9.9), 16, 2.0);
	assert_near(reduction_db(&b, 11, 13.9), 16, 1.5);
	bench_close(&b);
}

/* What learn heard is taken out in mode learned, though the noise has gone on falling since; what
   it did not hear stays: a tone that comes later passes, where adaptive would call it noise. */
static void test_learned(void **state)
{
	(void)state;
	for (int learned = 0; learned < 2; learned++) {
		bench b;
		bench_open(&b, RATE, 12);
		sig_noise(b.in[0], b.frames, 0.02, 1);
		sig_noise(b.in[1], b.frames, 0.02, 2);
		for (size_t i = 2 * RATE; i < b.frames; i++) {
			float tone = 0.1f * (float)sin(2.0 * M_PI * 1000.0 * (double)i / RATE);
			b.in[0][i] += tone;
			b.in[1][i] += tone;
		}
		rig_set(b.rig, "learn", 1);
		run(&b, 0, 1.5);
		rig_set(b.rig, "learn", 0);
		rig_choose(b.rig, "mode", learned ? "learned" : "adaptive");
		run(&b, 1.5, 12);
		double lost = sig_level_db(b.in[0] + 10 * RATE, RATE, RATE, 1000) -
					  sig_level_db(b.out[0] + 10 * RATE, RATE, RATE, 1000);
		assert_true(learned ? lost < 0.5 : lost > 6.0);
		bench_close(&b);
	}
}

/* A muted source keeps what is known of its noise: reduced at once when it comes back. */
static void test_silence_keeps_the_estimate(void **state)
{
	(void)state;
	bench b;
	bench_open(&b, RATE, 6);
	sig_noise(b.in[0], b.frames, 0.02, 1);
	memset(b.in[0] + 2 * RATE, 0, 2 * RATE * sizeof(float));
	memcpy(b.in[1], b.in[0], b.frames * sizeof(float));
	run_all(&b);
	assert_near(reduction_db(&b, 4.2, 4.7), 16, 2.0);
	bench_close(&b);
}

/* However suddenly the gains move, from one spectrum to the next they fade over a short window, 11
   ms of Hann's curve; all of a tone taken or given back in that time reaches -66 dB above 2 kHz. */
static void test_changes_make_no_click(void **state)
{
	(void)state;
	bench b;
	bench_open(&b, RATE, 6);
	sig_sine(b.in[0], b.frames, RATE, 200, 0.5, 0);
	for (size_t i = 0; i < RATE; i++) {
		b.in[0][i] *= (float)(0.5 - 0.5 * cos(M_PI * (double)i / RATE));
	}
	memcpy(b.in[1], b.in[0], b.frames * sizeof(float));
	const double strengths[] = {0, 1, 0.5, 0, 0.8, 0};
	for (int i = 0; i < 6; i++) {
		rig_set(b.rig, "strength", strengths[i]);
		rig_set(b.rig, "floor", i % 2 ? -6 : -40);
		rig_set(b.rig, "learn", i == 2);
		rig_set(b.rig, "mode", i > 3);
		run(&b, i, i + 1);
	}
	assert_true(clicks_peak_db(b.out[0], b.frames, RATE, 2000) < -66);
	bench_close(&b);
}

/* Gains are never above 1, but a window's edges may add: 2. */
static void test_hammer(void **state)
{
	(void)state;
	hammer_node("nr", 2.0, 2.0, 1.0);
}

int main(void)
{
	/* FFTW keeps its planner for the life of the library; held here, as in the server, it lives on
	   when the node's object is closed and is no leak. */
	void *held = dlopen("libfftw3f.so.3", RTLD_NOW);
	(void)held;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transparent_at_0),
		cmocka_unit_test(test_image_stands_still),
		cmocka_unit_test(test_floor_and_meters),
		cmocka_unit_test(test_follows_the_noise),
		cmocka_unit_test(test_learned),
		cmocka_unit_test(test_silence_keeps_the_estimate),
		cmocka_unit_test(test_changes_make_no_click),
		cmocka_unit_test(test_hammer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
