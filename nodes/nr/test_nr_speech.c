/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pytest: slow */
/* The node's figures on recorded speech. */
#include "testing.h"

#include "rig.h"
#include "speech.h"

#include <dlfcn.h>

enum { RATE = 48000, BLOCK = RATE / 50, PITCHES = 48 };

#define SNR_DB 10.0

typedef struct trial {
	size_t frames; ///< of each
	float *clean, *noise, *noisy, *out[2];
} trial;

static double mean_square(const float *x, size_t frames)
{
	return pow(10.0, sig_rms_db(x, frames) / 10.0);
}

static void trial_open(trial *t, noise_kind kind)
{
	t->clean = speech_load("demo-congrats", RATE, &t->frames);
	t->noise = sig_alloc(t->frames);
	t->noisy = sig_alloc(t->frames);
	t->out[0] = sig_alloc(t->frames);
	t->out[1] = sig_alloc(t->frames);
	noise_make(t->noise, t->frames, RATE, kind, 7);
	double gain = sqrt(mean_square(t->clean, t->frames) / pow(10.0, SNR_DB / 10.0));
	for (size_t i = 0; i < t->frames; i++) {
		t->noise[i] *= (float)gain;
		t->noisy[i] = t->clean[i] + t->noise[i];
	}
}

static void trial_close(trial *t)
{
	free(t->clean);
	free(t->noise);
	free(t->noisy);
	free(t->out[0]);
	free(t->out[1]);
}

/** Through the node at strength 0.8; out[0] is moved back by the latency. Returns frames left. */
static size_t through(trial *t, const float *x, double strength)
{
	fb_rig *rig = rig_open("nr", RATE);
	rig_set(rig, "strength", strength);
	rig_prepare(rig);
	const float *in[2] = {x, x};
	rig_run(rig, in, t->out, t->frames);
	size_t late = rig_latency(rig);
	memmove(t->out[0], t->out[0] + late, (t->frames - late) * sizeof(float));
	rig_close(rig);
	return t->frames - late;
}

/** How far the blocks in which nobody has spoken for 120 ms were turned down. */
static double pauses_db(const trial *t, size_t frames)
{
	double before = 0.0, after = 0.0;
	size_t since = 0, count = 0;
	for (size_t at = 0; at + 2 * BLOCK <= frames; at += BLOCK) {
		bool speaks = mean_square(t->clean + at, 2 * BLOCK) > 1e-6;
		since = speaks ? 0 : since + 1;
		if (since > 6 && at > 2 * RATE) {
			before += mean_square(t->noisy + at, BLOCK);
			after += mean_square(t->out[0] + at, BLOCK);
			count++;
		}
	}
	assert_true(count >= 15);
	return 10.0 * log10(before / after);
}

/* The figures at 10 dB: pauses down by 12 dB at least, SI-SDR up by 3 dB at least, STOI not
   worse. The first second, in which the noise is still unknown, does not count. */
static void test_speech_in_noise(void **state)
{
	(void)state;
	for (int kind = 0; kind < NOISE_KINDS; kind++) {
		trial t;
		trial_open(&t, (noise_kind)kind);
		size_t frames = through(&t, t.noisy, 0.8) - RATE;
		const float *clean = t.clean + RATE, *noisy = t.noisy + RATE, *out = t.out[0] + RATE;
		double better =
			speech_si_sdr_db(clean, out, frames) - speech_si_sdr_db(clean, noisy, frames);
		double stoi = speech_stoi(clean, out, frames, RATE);
		double stoi_before = speech_stoi(clean, noisy, frames, RATE);
		double pauses = pauses_db(&t, frames + RATE);
		print_message("noise %d: SI-SDR %+.2f dB, pauses -%.1f dB, STOI %.4f -> %.4f\n", kind,
			better, pauses, stoi_before, stoi);
		assert_true(pauses >= 12.0);
		assert_true(better >= 3.0);
		assert_true(stoi >= stoi_before);
		trial_close(&t);
	}
}

/** Kurtosis of the power at one frequency over time: 2 for Gaussian noise, more where islands of
	it stand out. */
static double kurtosis(const float *x, size_t frames, double freq)
{
	double second = 0.0, fourth = 0.0;
	size_t count = 0;
	for (size_t at = 3 * RATE; at + BLOCK <= frames; at += BLOCK, count++) {
		double re = 0.0, im = 0.0;
		for (size_t i = 0; i < BLOCK; i++) {
			double w = 0.5 - 0.5 * cos(2.0 * M_PI * (double)i / BLOCK);
			double angle = 2.0 * M_PI * freq * (double)i / RATE;
			re += w * (double)x[at + i] * cos(angle);
			im += w * (double)x[at + i] * sin(angle);
		}
		double power = re * re + im * im;
		second += power;
		fourth += power * power;
	}
	return fourth * (double)count / (second * second);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Musical noise is islands of power in what is left of the noise: a kurtosis above that of the
   noise itself. The median ratio is 1 for none. What remains is what reaches above the floor
   (white, pink), and how far the estimate lags behind a fan that breathes. source: Y. Uemura et
   al., "Musical noise generation analysis for noise reduction methods based on spectral subtraction
   and MMSE STSA estimation" (2009) */
static void test_no_musical_noise(void **state)
{
	(void)state;
	for (int kind = 0; kind < NOISE_KINDS; kind++) {
		trial t;
		trial_open(&t, (noise_kind)kind);
		size_t frames = through(&t, t.noise, 0.8);
		double ratio[PITCHES];
		for (int k = 0; k < PITCHES; k++) {
			double freq = 200.0 + 150.0 * k;
			ratio[k] = kurtosis(t.out[0], frames, freq) / kurtosis(t.noise, frames, freq);
		}
		qsort(ratio, PITCHES, sizeof *ratio, ascending);
		print_message("noise %d: kurtosis ratio %.2f\n", kind, ratio[PITCHES / 2]);
		assert_true(ratio[PITCHES / 2] < (kind == NOISE_FAN ? 1.4 : 1.2));
		trial_close(&t);
	}
}

/* Clean speech is nobody's noise: 20 dB of SI-SDR at the least. */
static void test_clean_speech_stays(void **state)
{
	(void)state;
	trial t;
	trial_open(&t, NOISE_WHITE);
	size_t frames = through(&t, t.clean, 0.8) - RATE;
	double si_sdr = speech_si_sdr_db(t.clean + RATE, t.out[0] + RATE, frames);
	double stoi = speech_stoi(t.clean + RATE, t.out[0] + RATE, frames, RATE);
	print_message("clean: SI-SDR %.1f dB, STOI %.4f\n", si_sdr, stoi);
	assert_true(si_sdr > 20.0 && stoi > 0.99);
	trial_close(&t);
}

int main(void)
{
	/* FFTW keeps its planner for the life of the library; held here, as in the server, it lives on
	   when the node's object is closed and is no leak. */
	void *held = dlopen("libfftw3f.so.3", RTLD_NOW);
	(void)held;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_speech_in_noise),
		cmocka_unit_test(test_no_musical_noise),
		cmocka_unit_test(test_clean_speech_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
