/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "clicks.h"
#include "hammer.h"
#include "rig.h"

enum { RATE = 48000, FRAMES = 4 * RATE };

/* The latency is exact, and the dry signal passes to the bit. */
static void test_blend_0_is_dry_to_the_bit(void **state)
{
	(void)state;
	const double rates[] = {8000, 44100, 48000, 96000, 192000};
	for (size_t r = 0; r < 5; r++) {
		rig_bench b;
		rig_bench_open(&b, "exciter", rates[r], FRAMES);
		rig_set(b.rig, "blend", 0);
		rig_set(b.rig, "drive", 24);
		sig_noise(b.in[0], FRAMES, 1.0, 3);
		sig_noise(b.in[1], FRAMES, 1.0, 4);
		rig_bench_run(&b, 0, RATE);
		uint32_t late = rig_latency(b.rig);
		assert_int_equal(late, rates[r] > 50000 ? 15 : 18);
		for (int c = 0; c < 2; c++) {
			assert_memory_equal(b.in[c], b.out[c] + late, (RATE - late) * sizeof(float));
		}
		rig_bench_close(&b);
	}
}

/** Run a tone at full scale and full drive, tell the level of one frequency against the tone's. */
typedef struct tone {
	rig_bench b;
	double rate, freq, carrier;
} tone;

static void tone_open(tone *t, double rate, double freq, double balance, double blend)
{
	*t = (tone){.rate = rate, .freq = freq};
	rig_bench_open(&t->b, "exciter", rate, FRAMES);
	rig_set(t->b.rig, "freq", 600);
	rig_set(t->b.rig, "drive", 24);
	rig_set(t->b.rig, "balance", balance);
	rig_set(t->b.rig, "blend", blend);
	sig_sine(t->b.in[0], FRAMES, rate, freq, 1.0, 0);
	rig_bench_run(&t->b, 0, FRAMES);
	t->carrier = sig_level_db(t->b.out[0] + RATE, RATE, rate, freq);
}

static double dbc(const tone *t, double freq)
{
	return sig_level_db(t->b.out[0] + RATE, RATE, t->rate, freq) - t->carrier;
}

/** The loudest of all aliases, up to the 150th harmonic, that fall on no true harmonic. */
static double loudest_alias(const tone *t)
{
	double most = -300;
	for (int k = 1; k <= 150; k++) {
		double f = fmod(k * t->freq, t->rate);
		f = f > t->rate / 2 ? t->rate - f : f;
		double near = fabs(f / t->freq - floor(f / t->freq + 0.5)) * t->freq;
		if (k * t->freq > t->rate / 2 && near > 10 && f > 10) {
			most = fmax(most, dbc(t, f));
		}
	}
	return most;
}

/* Issue 3: below -80 dBc for 5 kHz at full drive. At 5000 Hz and 48 kHz aliases fall on multiples
   of 1 kHz; a little beside it they stand apart from harmonics and from each other. */
static void test_aliases(void **state)
{
	(void)state;
	const double freqs[] = {5000, 4987, 3001}, balances[] = {0, 50, 100};
	for (size_t f = 0; f < 3; f++) {
		for (size_t k = 0; k < 3; k++) {
			tone t;
			tone_open(&t, RATE, freqs[f], balances[k], 100);
			double alias = loudest_alias(&t);
			if (getenv("FB_SHOW")) {
				printf("%g Hz, %g %% even: %.1f dBc\n", freqs[f], balances[k], alias);
			}
			if (!(alias < -80)) {
				fail_msg("%g Hz, %g %% even: %.1f dBc", freqs[f], balances[k], alias);
			}
			rig_bench_close(&t.b);
		}
	}
}

/* Odd is odd, even is even (the rest below -100 dBc: float rounding), and there is plenty of it. */
static void test_balance(void **state)
{
	(void)state;
	for (int even = 0; even < 2; even++) {
		tone t;
		tone_open(&t, RATE, 2000, even ? 100 : 0, 100);
		for (int k = 2; k <= 7; k++) {
			double level = dbc(&t, 2000.0 * k);
			if (k % 2 == even) {
				assert_true(level < -100);
			} else if (k <= 3) {
				assert_true(level > -26);
			}
		}
		rig_bench_close(&t.b);
	}
}

/* A third harmonic rises with the cube of a quiet signal and a second with the square: at 20 dB
   less in, 40 and 20 dB less against the tone; 0.5 dB, for the curves are not quite that yet. */
static void test_quiet_is_left_alone(void **state)
{
	(void)state;
	for (int even = 0; even < 2; even++) {
		double level[2];
		for (int quiet = 0; quiet < 2; quiet++) {
			tone t;
			tone_open(&t, RATE, 2000, even ? 100 : 0, 100);
			rig_set(t.b.rig, "drive", 0);
			for (size_t i = 0; i < FRAMES; i++) {
				t.b.in[0][i] *= quiet ? 0.05f : 0.5f;
			}
			rig_bench_run(&t.b, 0, FRAMES);
			t.carrier = sig_level_db(t.b.out[0] + RATE, RATE, RATE, 2000);
			level[quiet] = dbc(&t, even ? 4000 : 6000);
			rig_bench_close(&t.b);
		}
		assert_near(level[0] - level[1], even ? 20 : 40, 0.5);
	}
}

/* The curves act above `freq` only: a 200 Hz tone far below is given nothing above -80 dBc. */
static void test_frequency(void **state)
{
	(void)state;
	tone t;
	tone_open(&t, RATE, 200, 50, 100);
	rig_set(t.b.rig, "freq", 6000);
	rig_bench_run(&t.b, 0, FRAMES);
	for (int k = 2; k < 50; k++) {
		assert_true(dbc(&t, 200.0 * k) < -80);
	}
	rig_bench_close(&t.b);
}

/** Turn something once a second while a 200 Hz tone plays, and look for clicks above 5 kHz. */
static double turning(const char *symbol, const double values[4])
{
	rig_bench b;
	rig_bench_open(&b, "exciter", RATE, FRAMES);
	rig_set(b.rig, "freq", 600);
	rig_set(b.rig, "blend", 100);
	rig_set(b.rig, "drive", 12);
	sig_sine(b.in[0], FRAMES, RATE, 200, 0.5, 0);
	for (int i = 0; i < RATE / 5; i++) { /* a tone that starts at once is a click itself */
		b.in[0][i] *= (float)(0.5 - 0.5 * cos(M_PI * i / (RATE / 5.0)));
	}
	for (size_t i = 0; i < 4; i++) {
		rig_set(b.rig, symbol, values[i]);
		rig_bench_run(&b, i * RATE, RATE);
	}
	double click = clicks_peak_db(b.out[0], FRAMES, RATE, 5000);
	rig_bench_close(&b);
	return click;
}

/* -80 dB is the project's bound on clicks. */
static void test_changes_make_no_click(void **state)
{
	(void)state;
	const double freqs[] = {600, 6000, 1000, 10000}, drives[] = {0, 18, 6, 12};
	const double balances[] = {0, 100, 30, 60}, blends[] = {0, 100, 10, 60};
	const struct {
		const char *symbol;
		const double *values;
	} cases[] = {{"freq", freqs}, {"drive", drives}, {"balance", balances}, {"blend", blends}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		double click = turning(cases[i].symbol, cases[i].values);
		if (!(click < -80.0)) {
			fail_msg("%s clicks at %.1f dB", cases[i].symbol, click);
		}
	}
}

/* The signal itself, and half as much of harmonics through filters that overshoot to no more than
   four times. */
static void test_hammer(void **state)
{
	(void)state;
	hammer_node("exciter", 2.0, 3.0, 0.5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blend_0_is_dry_to_the_bit),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_balance),
		cmocka_unit_test(test_quiet_is_left_alone),
		cmocka_unit_test(test_frequency),
		cmocka_unit_test(test_changes_make_no_click),
		cmocka_unit_test(test_hammer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
