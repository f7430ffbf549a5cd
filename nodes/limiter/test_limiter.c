/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "hammer.h"
#include "rig.h"

enum { RATE = 48000, LONG = 144000 };

/* --- meters */

/* ITU-R BS.1770-4 Annex 2: order 48, four phases; columns 2 and 3 are 1 and 0 read backwards */
static const double annex[2][12] = {
	{0.0017089843750, 0.0109863281250, -0.0196533203125, 0.0332031250000, -0.0594482421875,
		0.1373291015625, 0.9721679687500, -0.1022949218750, 0.0476074218750, -0.0266113281250,
		0.0148925781250, -0.0083007812500},
	{-0.0291748046875, 0.0292968750000, -0.0517578125000, 0.0891113281250, -0.1665039062500,
		0.4650878906250, 0.7797851562500, -0.2003173828125, 0.1015625000000, -0.0582275390625,
		0.0330810546875, -0.0189208984375},
};

static double annex_dbtp(const float *x, size_t frames)
{
	double peak = 0;
	for (size_t i = 11; i < frames; i++) {
		for (int p = 0; p < 4; p++) {
			double y = 0;
			for (size_t k = 0; k < 12; k++) {
				y += (double)x[i - k] * (p < 2 ? annex[p][k] : annex[3 - p][11 - k]);
			}
			peak = fmax(peak, fabs(y));
		}
	}
	return sig_db(peak);
}

/* Four points a sample by a Hann-windowed sinc of 49 taps: the other grid and filter that meters in
   use have (libebur128). */
static double sinc_dbtp(const float *x, size_t frames)
{
	double peak = sig_peak(x, frames);
	for (int p = 1; p < 4; p++) {
		double h[12];
		for (int k = 0; k < 12; k++) {
			double t = (k * 4 + p - 24) / 4.0;
			h[k] = sin(M_PI * t) / (M_PI * t) * (0.5 + 0.5 * cos(M_PI * t / 6.0));
		}
		for (size_t i = 11; i < frames; i++) {
			double y = 0;
			for (size_t k = 0; k < 12; k++) {
				y += (double)x[i - k] * h[k];
			}
			peak = fmax(peak, fabs(y));
		}
	}
	return sig_db(peak);
}

/* --- material */

static void square(float *x, double freq)
{
	for (size_t i = 0; i < LONG; i++) {
		x[i] = fmod((double)i * freq / RATE, 1.0) < 0.5 ? 1.0f : -1.0f;
	}
}

/** Kick, hats and a chord: bursts of low sine, of bright noise, and steady tones, peaking at 0
 * dBFS. */
static void music(float *x, unsigned seed)
{
	float *hat = sig_alloc(LONG);
	sig_noise(hat, LONG, 1.0, seed);
	double peak = 0;
	for (size_t i = 0; i < LONG; i++) {
		double t = (double)i / RATE, beat = fmod(t, 0.5), eighth = fmod(t, 0.125);
		double kick = exp(-beat * 12) * sin(2 * M_PI * (50 * beat + 8 * (1 - exp(-beat * 60))));
		double chord = 0;
		for (int k = 0; k < 6; k++) {
			chord += sin(2 * M_PI * 220 * pow(2, k * 4 / 12.0) * t + k + seed) / (k + 2);
		}
		x[i] = (float)(kick + 0.5 * exp(-eighth * 80) * (double)hat[i] + 0.25 * chord);
		peak = fmax(peak, fabs((double)x[i]));
	}
	for (size_t i = 0; i < LONG; i++) {
		x[i] = (float)((double)x[i] / peak);
	}
	free(hat);
}

enum { NOISE, BURSTS, MUSIC, SQUARE, SQUARE_HIGH, IMPULSES, MATERIALS };
static const char *const names[] = {
	"noise", "noise bursts", "music", "square 997 Hz", "square 7.1 kHz", "impulses"};

static void fill(rig_sound *s, int material)
{
	for (unsigned c = 0; c < 2; c++) {
		float *x = s->in[c];
		sig_noise(x, LONG, 1.0, 5 + c);
		for (size_t i = 0; i < LONG; i++) {
			if (material == BURSTS && (i / 1000) % 3) {
				x[i] *= 0.03f;
			} else if (material == IMPULSES) {
				x[i] = i % 4801 == 0 ? 1.0f : 0.0f;
			}
		}
		if (material == MUSIC) {
			music(x, c);
		} else if (material == SQUARE || material == SQUARE_HIGH) {
			square(x, material == SQUARE ? 997 : 7100);
		}
	}
}

/* The node's figure: no more than 0.1 dB above the ceiling by the standard's meter, whatever the
   material, drive and look-ahead. 0.2 by the other grid: two meters of the standard's own class
   differ by more than that on noise up to Nyquist. */
static void test_ceiling_holds(void **state)
{
	(void)state;
	static const double drives[] = {0, 6, 24}, aheads[] = {0.5, 2, 10};
	rig_sound s = rig_sound_open(LONG);
	double worst = -100, worst_other = -100;
	for (int m = 0; m < MATERIALS; m++) {
		fill(&s, m);
		for (int k = 0; k < 9; k++) {
			fb_rig *rig = rig_open("limiter", RATE);
			rig_set(rig, "drive", drives[k / 3]);
			rig_set(rig, "lookahead", aheads[k % 3]);
			rig_set(rig, "release", k & 1 ? 5 : 60);
			rig_prepare(rig);
			rig_sound_run(rig, &s);
			double over = fmax(annex_dbtp(s.out[0], LONG), annex_dbtp(s.out[1], LONG)) + 1;
			double other = fmax(sinc_dbtp(s.out[0], LONG), sinc_dbtp(s.out[1], LONG)) + 1;
			if (over > 0.03 || other > 0.1) {
				printf("# %s, drive %g, look-ahead %g: %+.3f dB, other grid %+.3f dB\n", names[m],
					drives[k / 3], aheads[k % 3], over, other);
			}
			worst = fmax(worst, over);
			worst_other = fmax(worst_other, other);
			rig_close(rig);
		}
	}
	printf("# above the ceiling: %+.3f dB, by the other grid %+.3f dB\n", worst, worst_other);
	assert_true(worst < 0.1);
	assert_true(worst_other < 0.1);
	rig_sound_close(&s);
}

/* At other rates too, and for both meters: at 96 kHz and above the standard asks for less. */
static void test_ceiling_holds_at_other_rates(void **state)
{
	(void)state;
	static const double rates[] = {44100, 96000, 192000};
	rig_sound s = rig_sound_open(LONG);
	for (int k = 0; k < 9; k++) {
		static const int materials[] = {BURSTS, MUSIC, SQUARE_HIGH};
		fill(&s, materials[k % 3]);
		fb_rig *rig = rig_open("limiter", rates[k / 3]);
		rig_set(rig, "drive", 18);
		rig_set(rig, "ceiling", -3);
		rig_prepare(rig);
		rig_sound_run(rig, &s);
		for (int c = 0; c < 2; c++) {
			assert_true(annex_dbtp(s.out[c], LONG) < -3 + 0.1);
			assert_true(sinc_dbtp(s.out[c], LONG) < -3 + 0.1);
			assert_true(annex_dbtp(s.out[c], LONG) > -3 - 0.3);
		}
		rig_close(rig);
	}
	rig_sound_close(&s);
}

/* Below the ceiling, or back below it, the very bits come out, as late as the latency says. */
static void test_untouched_below_ceiling(void **state)
{
	(void)state;
	static const double aheads[] = {0.5, 1, 2.5, 10};
	rig_sound s = rig_sound_open(LONG);
	for (int c = 0; c < 2; c++) {
		sig_noise(s.in[c], LONG, 0.4, 3u + (unsigned)c);
	}
	for (int k = 0; k < 4; k++) {
		fb_rig *rig = rig_open("limiter", RATE);
		rig_set(rig, "lookahead", aheads[k]);
		rig_prepare(rig);
		uint32_t delay = rig_latency(rig);
		assert_int_equal(delay, (int)(aheads[k] * RATE / 1000));
		rig_sound_run(rig, &s);
		assert_memory_equal(s.out[0] + delay, s.in[0], (LONG - delay) * sizeof(float));
		float kept = s.in[0][100];
		s.in[0][100] = 4.0f;
		rig_sound_run(rig, &s);
		s.in[0][100] = kept;
		rig_sound_run(rig, &s);
		rig_sound_run(rig, &s);
		assert_memory_equal(s.out[1] + delay, s.in[1], (LONG - delay) * sizeof(float));
		assert_true(rig_meter(rig, "reduction") == 0);
		rig_close(rig);
	}
	rig_sound_close(&s);
}

/** Gain in dB at a frame of a constant signal. */
static double gain_at(const rig_sound *s, size_t frame, uint32_t delay)
{
	return sig_db((double)s->out[0][frame] / (double)s->in[0][frame - delay]);
}

/** Run a step down from +12 dB over the ceiling, `loud` frames long, and give the ms to 63 % of the
	way back. */
static double release_of(double release, bool adaptive, size_t loud)
{
	rig_sound s = rig_sound_open(LONG);
	fb_rig *rig = rig_open("limiter", RATE);
	rig_set(rig, "release", release);
	rig_set(rig, "adaptive", adaptive);
	rig_set(rig, "ceiling", -12);
	rig_prepare(rig);
	uint32_t delay = rig_latency(rig);
	for (size_t i = 0; i < LONG; i++) {
		/* rounded over 1 ms: a sharp step has a true peak of its own */
		double past = fb_clamp(((double)i - (double)loud) / 48, 0, 1);
		s.in[0][i] = s.in[1][i] = (float)(0.55 + 0.45 * cos(M_PI * past));
		s.in[0][i] = s.in[1][i] *= (float)fmin((double)(i + 1) / 96, 1);
	}
	rig_sound_run(rig, &s);
	assert_near(gain_at(&s, loud + delay - 100, delay), -12, 0.03);
	size_t at = loud + delay;
	while (at < LONG - 1 && gain_at(&s, at, delay) < -12 * exp(-1)) {
		at++;
	}
	rig_close(rig);
	rig_sound_close(&s);
	return (double)(at - loud - delay) * 1000 / RATE;
}

/* Hold and boxcars, as long as the look-ahead of 2 ms, come on top of the release. */
static void test_release_times(void **state)
{
	(void)state;
	assert_near(release_of(60, false, 24000), 60 + 1, 3);
	assert_near(release_of(300, false, 24000), 300 + 1, 9);
	/* a peak is let go as if it were not adaptive; a loud second is let go much slower */
	assert_near(release_of(60, true, 480), 60 + 1, 9);
	double slow = release_of(60, true, 96000);
	printf("# adaptive: 60 ms after a second took %.0f ms\n", slow);
	assert_true(slow > 240 && slow < 600);
}

/* Both sides go down together, and equal sides stay equal. */
static void test_linked(void **state)
{
	(void)state;
	rig_sound s = rig_sound_open(LONG);
	sig_sine(s.in[0], LONG, RATE, 440, 1.0, 0);
	sig_sine(s.in[1], LONG, RATE, 440, 0.1, 0);
	fb_rig *rig = rig_open("limiter", RATE);
	rig_set(rig, "drive", 11);
	rig_sound_run(rig, &s);
	assert_near(rig_meter(rig, "reduction"), 12, 0.02);
	assert_near(sig_rms_db(s.out[1] + LONG / 2, LONG / 2), -21 - 3.01, 0.02);
	memcpy(s.in[1], s.in[0], LONG * sizeof(float));
	rig_reset(rig);
	rig_sound_run(rig, &s);
	assert_memory_equal(s.out[0], s.out[1], LONG * sizeof(float));
	rig_close(rig);
	rig_sound_close(&s);
}

/* A bass note held 6 dB down: half a period of 60 Hz is 8 ms, so a release of 60 ms lets go a
   little between crests; the boxcars keep what that leaves below -40 dB, adaptive release below
   -55. */
static void test_distortion(void **state)
{
	(void)state;
	rig_sound s = rig_sound_open(LONG);
	for (int adaptive = 0; adaptive < 2; adaptive++) {
		sig_sine(s.in[0], LONG, RATE, 60, 1.0, 0);
		sig_sine(s.in[1], LONG, RATE, 60, 1.0, 0);
		fb_rig *rig = rig_open("limiter", RATE);
		rig_set(rig, "drive", 5);
		rig_set(rig, "adaptive", adaptive);
		rig_prepare(rig);
		rig_sound_run(rig, &s);
		double sum = 0;
		for (int h = 2; h <= 30; h++) {
			sum += pow(10, sig_level_db(s.out[0] + 96000, 48000, RATE, 60 * h) / 10);
		}
		double thd = 10 * log10(sum) - sig_level_db(s.out[0] + 96000, 48000, RATE, 60);
		printf("# THD at 60 Hz, adaptive %d: %.1f dB\n", adaptive, thd);
		assert_true(thd < (adaptive ? -80 : -40));
		rig_close(rig);
	}
	rig_sound_close(&s);
}

/* Bound: the highest ceiling. */
static void test_hammer(void **state)
{
	(void)state;
	hammer_node("limiter", 2.0, 1.02, 0.1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ceiling_holds),
		cmocka_unit_test(test_ceiling_holds_at_other_rates),
		cmocka_unit_test(test_untouched_below_ceiling),
		cmocka_unit_test(test_release_times),
		cmocka_unit_test(test_linked),
		cmocka_unit_test(test_distortion),
		cmocka_unit_test(test_hammer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
