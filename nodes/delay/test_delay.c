/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "clicks.h"
#include "hammer.h"
#include "rig.h"

enum { RATE = 48000, FRAMES = 9 * RATE };

/** Nothing but echoes. */
static void open_wet(rig_bench *b, double rate_hz, double time_ms, double feedback_pc)
{
	rig_bench_open(b, "delay", rate_hz, FRAMES);
	rig_set(b->rig, "time", time_ms);
	rig_set(b->rig, "mix", 100);
	rig_set(b->rig, "feedback", feedback_pc);
}

/** Where the only echo of one click stands. */
static size_t echo_of_click(rig_bench *b)
{
	rig_set(b->rig, "mix", 100);
	rig_set(b->rig, "feedback", 0);
	b->in[0][0] = b->in[1][0] = 1.0f;
	rig_bench_run(b, 0, FRAMES);
	size_t at = 0;
	for (size_t i = 0; i < FRAMES; i++) {
		if (b->out[0][i] != 0.0f) {
			assert_true(at == 0 && b->out[0][i] == 1.0f && b->out[1][i] == 1.0f);
			at = i;
		}
	}
	return at;
}

/* Whole samples: the echo is the very bits, `time` later, rounded to the nearest sample. */
static void test_exact_to_the_sample(void **state)
{
	(void)state;
	const double rates[] = {8000, 44100, 48000, 96000, 192000};
	const double times[] = {1.0, 7.13, 350.0, 999.99, 2000.0};
	for (size_t r = 0; r < 5; r++) {
		for (size_t t = 0; t < 5; t++) {
			rig_bench b;
			open_wet(&b, rates[r], times[t], 0);
			sig_noise(b.in[0], FRAMES, 1.0, 1);
			sig_noise(b.in[1], FRAMES, 1.0, 2);
			rig_bench_run(&b, 0, FRAMES);
			size_t delay = (size_t)floor((double)(float)times[t] * 1e-3 * rates[r] + 0.5);
			for (int c = 0; c < 2; c++) {
				for (size_t i = 0; i < delay; i++) {
					assert_true(b.out[c][i] == 0.0f);
				}
				assert_memory_equal(b.out[c] + delay, b.in[c], (FRAMES - delay) * sizeof(float));
			}
			assert_near(rig_meter(b.rig, "time"), (double)delay * 1e3 / rates[r], 1e-3);
			rig_bench_close(&b);
		}
	}
}

static void test_mix_0_is_dry_to_the_bit(void **state)
{
	(void)state;
	rig_bench b;
	rig_bench_open(&b, "delay", RATE, FRAMES);
	rig_set(b.rig, "mix", 0);
	rig_set(b.rig, "feedback", 95);
	sig_noise(b.in[0], FRAMES, 1.0, 3);
	sig_noise(b.in[1], FRAMES, 1.0, 4);
	rig_bench_run(&b, 0, FRAMES);
	assert_memory_equal(b.in[0], b.out[0], FRAMES * sizeof(float));
	assert_memory_equal(b.in[1], b.out[1], FRAMES * sizeof(float));
	rig_bench_close(&b);
}

/* Echo k stands at k times the delay with feedback^(k-1); 1e-6 is float rounding in nine passes.
   A 1 ms delay at 8 kHz is 8 frames, shorter than a tick. */
static void test_feedback(void **state)
{
	(void)state;
	const double rates[] = {8000, 48000};
	for (size_t r = 0; r < 2; r++) {
		rig_bench b;
		open_wet(&b, rates[r], 1.0, 70);
		b.in[0][5] = 1.0f;
		rig_bench_run(&b, 0, 4800);
		size_t delay = (size_t)(rates[r] / 1000);
		for (size_t i = 0, echoes = 0; i < 9 * delay + 5; i++) {
			bool echo = i > 5 && (i - 5) % delay == 0;
			echoes += echo;
			assert_near(b.out[0][i], echo ? pow(0.7, (double)echoes - 1.0) : 0.0, 1e-6);
			assert_true(b.out[1][i] == 0.0f);
		}
		rig_bench_close(&b);
	}
}

static void test_ping_pong(void **state)
{
	(void)state;
	rig_bench b;
	open_wet(&b, RATE, 10, 50);
	rig_set(b.rig, "ping_pong", 1);
	b.in[0][0] = 1.0f;
	b.in[1][0] = 0.5f;
	rig_bench_run(&b, 0, 4800);
	for (size_t i = 0; i < 4 * 480 + 100; i++) {
		size_t hop = i / 480;
		bool echo = hop > 0 && i % 480 == 0;
		double level = echo ? 0.75 * pow(0.5, (double)hop - 1.0) : 0.0;
		assert_near(b.out[0][i], hop % 2 ? level : 0.0, 1e-7);
		assert_near(b.out[1][i], hop % 2 ? 0.0 : level, 1e-7);
	}
	rig_bench_close(&b);
}

static void test_sync(void **state)
{
	(void)state;
	const struct {
		const char *sync, *note;
		double tempo, transport, seconds;
	} cases[] = {
		{"tempo", "1/4", 120, 0, 0.5},
		{"tempo", "1/8.", 100, 60, 0.45}, /* the transport does not count */
		{"tempo", "1/8t", 90, 0, 2.0 / 9.0},
		{"tempo", "1/1", 60, 0, 2.0},    /* 4 s, halved once */
		{"tempo", "1/2.", 20, 0, 1.125}, /* 9 s, halved three times */
		{"transport", "1/4", 120, 150, 0.4},
		{"transport", "1/4", 120, 0, 0.5}, /* no transport: the tempo set here */
		{"transport", "1/16", 120, 90, 1.0 / 6.0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		rig_bench b;
		rig_bench_open(&b, "delay", RATE, FRAMES);
		rig_choose(b.rig, "sync", cases[i].sync);
		rig_choose(b.rig, "note", cases[i].note);
		rig_set(b.rig, "tempo", cases[i].tempo);
		rig_tempo(b.rig, cases[i].transport);
		assert_int_equal(echo_of_click(&b), (int)floor(cases[i].seconds * RATE + 0.5));
		rig_bench_close(&b);
	}
}

/* Each pass takes 3.01 dB off at the corner and leaves the middle of the band; the trapezoidal
   filter is exact there, so 0.05 dB holds the Hann-windowed reading. */
static void test_cuts(void **state)
{
	(void)state;
	const struct {
		const char *cut;
		double corner;
	} cases[] = {{"low_cut", 300}, {"high_cut", 5000}};
	for (size_t k = 0; k < 2; k++) {
		for (int pass = 0; pass < 2; pass++) {
			rig_bench b;
			rig_bench_open(&b, "delay", RATE, FRAMES);
			rig_set(b.rig, "time", 1);
			rig_set(b.rig, "mix", 100);
			rig_set(b.rig, "feedback", 0);
			rig_set(b.rig, cases[k].cut, cases[k].corner);
			double freq = pass ? (k ? 100.0 : 15000.0) : cases[k].corner;
			sig_sine(b.in[0], FRAMES, RATE, freq, 1.0, 0);
			rig_bench_run(&b, 0, 2 * RATE);
			double level = sig_level_db(b.out[0] + RATE, RATE, RATE, freq);
			assert_near(level, pass ? 0.0 : -3.0103, 0.05);
			rig_bench_close(&b);
		}
	}
}

/** Turn something once a second while a 200 Hz tone plays, and look for clicks above 2 kHz. */
static double turning(const char *symbol, const double values[4], const char *also, double value)
{
	rig_bench b;
	rig_bench_open(&b, "delay", RATE, FRAMES);
	rig_set(b.rig, "feedback", 50);
	rig_set(b.rig, "mix", 100);
	if (also) {
		rig_set(b.rig, also, value);
	}
	sig_sine(b.in[0], FRAMES, RATE, 200, 0.5, 0);
	sig_sine(b.in[1], FRAMES, RATE, 200, 0.5, 1);
	for (int i = 0; i < RATE / 5; i++) { /* a tone that starts at once is a click itself */
		float fade = (float)(0.5 - 0.5 * cos(M_PI * i / (RATE / 5.0)));
		b.in[0][i] *= fade;
		b.in[1][i] *= fade;
	}
	for (size_t i = 0; i < 4; i++) {
		rig_set(b.rig, symbol, values[i]);
		rig_bench_run(&b, i * RATE, RATE);
	}
	double click = clicks_peak_db(b.out[0], 4 * RATE, RATE, 2000);
	rig_bench_close(&b);
	return click;
}

/* -80 dB is the project's bound on clicks; a hard jump between two taps of this tone lands at
   about -20. */
static void test_changes_make_no_click(void **state)
{
	(void)state;
	const double times[] = {50, 53.17, 1.0, 48.6}, bools[] = {0, 1, 0, 1};
	const double lows[] = {20, 1500, 20, 300}, highs[] = {20000, 500, 20000, 900};
	const double notes[] = {11, 13, 10, 11}, syncs[] = {0, 1, 2, 0};
	assert_true(turning("time", times, "feedback", 50) < -80);
	assert_true(turning("ping_pong", bools, "time", 40) < -80);
	assert_true(turning("low_cut", lows, "time", 40) < -80);
	assert_true(turning("high_cut", highs, "time", 40) < -80);
	assert_true(turning("note", notes, "sync", 1) < -80);
	assert_true(turning("sync", syncs, "time", 143) < -80);
}

/* A new time fades, it does not bend pitch: the tone stays on its frequency all the while. Half way
   between two opposite phases it may vanish, so the taps here are whole periods apart. */
static void test_no_pitch_sweep(void **state)
{
	(void)state;
	rig_bench b;
	rig_bench_open(&b, "delay", RATE, FRAMES);
	rig_set(b.rig, "feedback", 0);
	rig_set(b.rig, "mix", 100);
	rig_set(b.rig, "time", 100);
	sig_sine(b.in[0], FRAMES, RATE, 1000, 0.5, 0);
	rig_bench_run(&b, 0, RATE);
	rig_set(b.rig, "time", 900);
	rig_bench_run(&b, RATE, RATE);
	/* 900 ms after the change the line holds nothing but the tone */
	for (size_t i = RATE; i < RATE + RATE / 10; i++) {
		assert_near(b.out[0][i], b.in[0][i], 1e-4);
	}
	rig_bench_close(&b);
}

/** From one time to another: all is the echo at the old time, then a fade of 30 ms, then all is the
	echo at the new one, to the bit and at most `late` frames after the change. Returns how late. */
static size_t raised(rig_bench *b, size_t at, size_t n, size_t from, double to_ms, size_t late)
{
	size_t to = (size_t)floor(to_ms * 1e-3 * RATE + 0.5), fade = RATE * 30 / 1000 + FB_TICK;
	rig_set(b->rig, "time", to_ms);
	rig_bench_run(b, at, n);
	size_t i = at;
	while (i < at + n && b->out[0][i] == b->in[0][i - from] && b->out[1][i] == b->in[1][i - from]) {
		i++;
	}
	size_t waited = i - at;
	assert_true(waited <= late);
	for (i += fade; i < at + n; i++) {
		assert_true(b->out[0][i] == b->in[0][i - to] && b->out[1][i] == b->in[1][i - to]);
	}
	return waited;
}

/* What is kept stays in place when the line becomes longer, wherever it stands: a time that it has
	comes at once, another when it has been heard. Starts lie 70 ms apart, in a ring of 0.5 s. */
static void test_longer_times(void **state)
{
	(void)state;
	for (size_t start = 0; start < 8; start++) {
		rig_bench b;
		rig_bench_open(&b, "delay", RATE, FRAMES);
		rig_set(b.rig, "time", 100);
		rig_set(b.rig, "mix", 100);
		rig_set(b.rig, "feedback", 0);
		rig_prepare(b.rig);
		sig_noise(b.in[0], FRAMES, 1.0, 5);
		sig_noise(b.in[1], FRAMES, 1.0, 6);
		size_t at = RATE + start * 3360;
		rig_bench_run(&b, 0, at);
		assert_true(raised(&b, at, RATE / 10, 4800, 480, FB_TICK) <= FB_TICK);
		at += RATE / 10;
		assert_true(raised(&b, at, RATE, 23040, 900, 43200) > 0);
		assert_true(raised(&b, at + RATE, 4800, 43200, 250, FB_TICK) <= FB_TICK);
		assert_true(raised(&b, at + RATE + 4800, 3 * RATE, 12000, 2000, 96000) <= 96000);
		rig_bench_close(&b);
	}
}

/* After a reset as freshly prepared: shorter again, and nothing of before is heard. */
static void test_reset_after_growth(void **state)
{
	(void)state;
	rig_bench a, b;
	rig_bench_open(&a, "delay", RATE, FRAMES);
	rig_bench_open(&b, "delay", RATE, FRAMES);
	sig_noise(a.in[0], FRAMES, 1.0, 7);
	rig_set(a.rig, "time", 1900);
	rig_bench_run(&a, 0, 5 * RATE);
	rig_set(a.rig, "time", 120);
	rig_bench_run(&a, 5 * RATE, RATE);
	rig_reset(a.rig);
	rig_set(b.rig, "time", 120);
	rig_prepare(b.rig);
	rig_bench *both[] = {&a, &b};
	for (int k = 0; k < 2; k++) {
		sig_noise(both[k]->in[0], FRAMES, 1.0, 8);
		rig_bench_run(both[k], 0, RATE);
		rig_set(both[k]->rig, "time", 700);
		rig_bench_run(both[k], RATE, 3 * RATE);
	}
	assert_memory_equal(a.out[0], b.out[0], 4 * RATE * sizeof(float));
	rig_bench_close(&a);
	rig_bench_close(&b);
}

/* 20 = 1 / (1 - 0.95); the low cut turns in at most another factor of 2 on jumps. Its tail at the
   default 30 % of 350 ms falls 120 dB in 4 s. */
static void test_hammer(void **state)
{
	(void)state;
	hammer_node("delay", 3.0, 40.0, 5.0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact_to_the_sample),
		cmocka_unit_test(test_mix_0_is_dry_to_the_bit),
		cmocka_unit_test(test_feedback),
		cmocka_unit_test(test_ping_pong),
		cmocka_unit_test(test_sync),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_changes_make_no_click),
		cmocka_unit_test(test_no_pitch_sweep),
		cmocka_unit_test(test_longer_times),
		cmocka_unit_test(test_reset_after_growth),
		cmocka_unit_test(test_hammer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
