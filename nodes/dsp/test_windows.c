/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Windows over the last values, held against the plain way to do it. */
#include "testing.h"

#include "rig.h"

#include "../../nodes/dsp/boxcar.h"
#include "../../nodes/dsp/crest.h"
#include "../../nodes/dsp/lookahead.h"
#include "../../nodes/dsp/slidemax.h"

enum { LONG = 9600 };

static void test_slidemax(void **state)
{
	(void)state;
	static const uint32_t lengths[] = {1, 2, 7, 18, 31, 32, 33, 64, 97, 480};
	float x[LONG];
	sig_noise(x, LONG, 1.0, 3);
	for (int i = 0; i < LONG; i++) {
		x[i] = fabsf(x[i]);
	}
	for (int k = 0; k < 10; k++) {
		fb_slidemax slide;
		float *room = aligned_alloc(FB_ALIGN, fb_slidemax_room(lengths[k]) * sizeof *room);
		memset(room, 0, fb_slidemax_room(lengths[k]) * sizeof *room);
		fb_slidemax_init(&slide, lengths[k], room);
		for (int i = 0; i < LONG; i += FB_TICK) {
			float y[FB_TICK];
			memcpy(y, x + i, sizeof y);
			fb_slidemax_tick(&slide, y);
			for (int t = i; t < i + FB_TICK; t++) {
				float most = 0.0f;
				for (int j = t; j >= 0 && j > t - (int)lengths[k]; j--) {
					most = x[j] > most ? x[j] : most;
				}
				assert_true(y[t - i] == most);
			}
		}
		free(room);
	}
}

/* After any length of noise, a constant comes out to the bit: nothing of the noise is left. */
static void test_boxcar_does_not_drift(void **state)
{
	(void)state;
	static const uint32_t lengths[] = {1, 3, 32, 43, 333};
	float x[LONG];
	sig_noise(x, LONG, 1.0, 4);
	for (int k = 0; k < 5; k++) {
		double memory[512], y[FB_TICK];
		int n = (int)lengths[k];
		fb_boxcar box;
		assert_true(fb_boxcar_room(lengths[k]) <= 512);
		fb_boxcar_fill(&box, memory, lengths[k], 1.0);
		for (int i = 0; i < LONG; i += FB_TICK) {
			for (int j = 0; j < FB_TICK; j++) {
				y[j] = (double)fabsf(x[i + j]);
			}
			fb_boxcar_tick(&box, memory, y);
			int t = i + i / FB_TICK % FB_TICK; /* one frame of each tick, another each time */
			double sum = 0;
			for (int j = t - n + 1; j <= t; j++) {
				sum += j < 0 ? 1.0 : (double)fabsf(x[j]);
			}
			assert_near(y[t - i], sum / n, 1e-11);
		}
		for (int i = 0; i < n + FB_TICK; i += FB_TICK) {
			for (int j = 0; j < FB_TICK; j++) {
				y[j] = 0.75;
			}
			fb_boxcar_tick(&box, memory, y);
		}
		assert_true(box.sum == 0.75 * n);
	}
}

/* The window is as long as it says, and a tone with half a period in it reads as one figure. */
static void test_crest(void **state)
{
	(void)state;
	static const double lengths[] = {3, 24, 100, 600, 2400};
	for (int k = 0; k < 5; k++) {
		fb_crest crest = {{0}, 0, 0, 0, 0, 0, 0};
		fb_crest_set(&crest, lengths[k]);
		assert_near(fb_crest_frames(&crest), lengths[k], 4 + lengths[k] / 16);
		int held = 0;
		for (int i = 0; i < 5000; i += FB_TICK) {
			float x[FB_TICK] = {i == 320 ? 1.0f : 0.0f};
			fb_crest_tick(&crest, x);
			for (int j = 0; j < FB_TICK; j++) {
				held += x[j] == 1.0f;
			}
		}
		assert_in_range(held, crest.n * crest.length, (crest.n + 1) * crest.length);
	}
	float tone[LONG];
	sig_sine(tone, LONG, 48000, 41, 0.8, 0);
	fb_crest crest = {{0}, 0, 0, 0, 0, 0, 0};
	fb_crest_set(&crest, 600);
	for (int i = 0; i < LONG; i += FB_TICK) {
		float x[FB_TICK];
		for (int j = 0; j < FB_TICK; j++) {
			x[j] = fabsf(tone[i + j]);
		}
		fb_crest_tick(&crest, x);
		assert_true(i < 640 || (x[0] > 0.79999f && x[FB_TICK - 1] <= 0.8f));
	}
}

static void test_lookahead(void **state)
{
	(void)state;
	static const uint32_t delays[] = {0, 1, 31, 32, 33, 100, 960};
	float x[LONG], y[LONG], memory[1024];
	sig_noise(x, LONG, 1.0, 6);
	for (int k = 0; k < 7; k++) {
		fb_lookahead ahead = fb_lookahead_make(delays[k]);
		assert_true(ahead.size <= 1024);
		memset(memory, 0, sizeof memory);
		for (int i = 0; i < LONG; i += FB_TICK) {
			fb_lookahead_tick(&ahead, memory, x + i, y + i);
			fb_lookahead_advance(&ahead);
		}
		assert_memory_equal(y + delays[k], x, (LONG - delays[k]) * sizeof(float));
		for (uint32_t i = 0; i < delays[k]; i++) {
			assert_true(y[i] == 0.0f);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slidemax),
		cmocka_unit_test(test_boxcar_does_not_drift),
		cmocka_unit_test(test_crest),
		cmocka_unit_test(test_lookahead),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
