/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "clicks.h"
#include "hammer.h"
#include "rig.h"

#include <complex.h>

enum { RATE = 48000, FRAMES = 10 * RATE, PLACES = 12 };

/** The response to one click on both sides, 100 % wet. */
static void bench_click(
	rig_bench *b, double rate_hz, double decay, double damping, double size, size_t frames)
{
	rig_bench_open(b, "reverb", rate_hz, FRAMES);
	rig_set(b->rig, "mix", 100);
	rig_set(b->rig, "predelay", 0);
	rig_set(b->rig, "low_cut", 20);
	rig_set(b->rig, "decay", decay);
	rig_set(b->rig, "damping", damping);
	rig_set(b->rig, "size", size);
	b->in[0][0] = b->in[1][0] = 1.0f;
	rig_bench_run(b, 0, frames);
}

static void test_mix_0_is_dry_to_the_bit(void **state)
{
	(void)state;
	rig_bench b;
	rig_bench_open(&b, "reverb", RATE, FRAMES);
	rig_set(b.rig, "mix", 0);
	sig_noise(b.in[0], FRAMES, 1.0, 3);
	sig_noise(b.in[1], FRAMES, 1.0, 4);
	rig_bench_run(&b, 0, RATE);
	assert_memory_equal(b.in[0], b.out[0], RATE * sizeof(float));
	assert_memory_equal(b.in[1], b.out[1], RATE * sizeof(float));
	rig_bench_close(&b);
}

/** Around one frequency: three band passes of Q 3 in a row, a sixth of it wide together. */
static void band(const float *x, double *y, size_t frames, double rate_hz, double freq_hz)
{
	double w = 2.0 * M_PI * freq_hz / rate_hz, alpha = sin(w) / 6.0;
	double b0 = alpha / (1.0 + alpha), a1 = -2.0 * cos(w) / (1.0 + alpha);
	double a2 = (1.0 - alpha) / (1.0 + alpha);
	for (int pass = 0; pass < 3; pass++) {
		double s1 = 0, s2 = 0;
		for (size_t i = 0; i < frames; i++) {
			double in = pass ? y[i] : (double)x[i], out = b0 * in + s1;
			s1 = s2 - a1 * out;
			s2 = -b0 * in - a2 * out;
			y[i] = out;
		}
	}
}

typedef struct fall {
	double rt60, r2;
} fall;

/** Schroeder's backward integral around one frequency, of both sides of a response, added to
	*energy. */
static void integrate(
	const rig_bench *b, double *energy, size_t frames, double rate_hz, double freq_hz)
{
	double *y = malloc(frames * sizeof *y);
	for (int c = 0; c < 2; c++) {
		double sum = 0;
		band(b->out[c], y, frames, rate_hz, freq_hz);
		for (size_t i = frames; i-- > 0;) {
			sum += y[i] * y[i];
			energy[i] += sum;
		}
	}
	free(y);
}

/** A straight line through -5 to -35 dB of it (T30 of ISO 3382). */
static fall decay_of(const double *energy, size_t frames, double rate_hz)
{
	double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0, syy = 0;
	for (size_t i = 0; i < frames; i++) {
		double db = 10.0 * log10(energy[i] / energy[0] + 1e-30), t = (double)i / rate_hz;
		if (db <= -5.0 && db >= -35.0) {
			n += 1;
			sx += t;
			sy += db;
			sxx += t * t;
			sxy += t * db;
			syy += db * db;
		}
	}
	double xx = sxx - sx * sx / n, xy = sxy - sx * sy / n, yy = syy - sy * sy / n;
	return (fall){-60.0 * xx / xy, xy * xy / (xx * yy)};
}

/** The decay the law promises: every line's first-order low pass is exact at DC and at 8 kHz; a
	line of middle length stands for all in between. */
static double promised(double decay, double damping, double size, double rate_hz, double freq_hz)
{
	double loss = 60.0 * 0.064 * size * 0.01 * 0.62 / decay, more = damping / (100.0 - damping);
	double reference = sin(M_PI * fmin(8000, 0.4 * rate_hz) / rate_hz);
	double here = sin(M_PI * freq_hz / rate_hz);
	double b = (pow(10.0, 0.1 * loss * more) - 1.0) / (reference * reference);
	return decay / (1.0 + 10.0 * log10(1.0 + b * here * here) / loss);
}

/* Issue 3: octave by octave within 5 % of the setting as damping predicts, and straight in dB: R^2
   above 0.99. As in a room, where one response tells little about the bass, it is the mean over
   several sources and moments. */
static void test_decay(void **state)
{
	(void)state;
	const struct {
		double rate, decay, damping, size;
	} cases[] = {{48000, 1.8, 40, 100}, {48000, 1, 0, 100}, {48000, 4, 60, 100}, {48000, 2, 50, 30},
		{48000, 3, 30, 200}, {44100, 2, 80, 60}, {96000, 1.5, 50, 100}, {48000, 0.6, 30, 50}};
	const double octaves[] = {125, 250, 500, 1000, 2000, 4000, 8000};
	double worst = 0, least = 1;
	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
		rig_bench b;
		double rate = cases[k].rate, decay = cases[k].decay;
		size_t frames = (size_t)(fmin(1.2 * decay + 0.3, 4.9) * rate) / FB_TICK * FB_TICK;
		double *energy = calloc(7 * frames, sizeof *energy);
		bench_click(&b, rate, decay, cases[k].damping, cases[k].size, 0);
		for (int place = 0; place < PLACES; place++) {
			b.in[place % 2][0] = 1.0f;
			b.in[1 - place % 2][0] = 0.0f;
			rig_bench_run(&b, 0, frames);
			for (int o = 0; o < 7; o++) {
				integrate(&b, energy + (size_t)o * frames, frames, rate, octaves[o]);
			}
		}
		for (int o = 0; o < 7; o++) {
			fall is = decay_of(energy + (size_t)o * frames, frames, rate);
			double law = promised(decay, cases[k].damping, cases[k].size, rate, octaves[o]);
			worst = fmax(worst, fabs(is.rt60 / law - 1.0));
			least = fmin(least, is.r2);
			if (getenv("FB_SHOW")) {
				printf("%zu: %5g Hz %.3f s, law %.3f (%+.1f %%), R2 %.5f\n", k, octaves[o], is.rt60,
					law, 100.0 * (is.rt60 / law - 1.0), is.r2);
			} else {
				assert_near(is.rt60 / law, 1.0, 0.05);
				assert_true(is.r2 > 0.99);
			}
		}
		free(energy);
		rig_bench_close(&b);
	}
	if (getenv("FB_SHOW")) {
		printf("worst %.1f %%, least R2 %.5f\n", 100.0 * worst, least);
	}
}

/* Left and right have less than 0.2 in common (issue 3) in every stretch of a tenth of a second of
   the tail; over the whole tail, 0.1. At width 0 they are the same. */
static void test_sides(void **state)
{
	(void)state;
	rig_bench b;
	bench_click(&b, RATE, 2, 0, 100, 2 * RATE);
	for (int pass = 0; pass < 2; pass++) {
		size_t part = pass ? 3 * RATE / 2 : RATE / 10;
		for (size_t at = RATE / 5; at + part <= 2 * RATE; at += part) {
			double ll = 0, rr = 0, lr = 0;
			for (size_t i = at; i < at + part; i++) {
				double l = (double)b.out[0][i], r = (double)b.out[1][i];
				ll += l * l;
				rr += r * r;
				lr += l * r;
			}
			if (getenv("FB_SHOW")) {
				printf(
					"correlation %.3f balance %.2f dB\n", lr / sqrt(ll * rr), 10 * log10(ll / rr));
			}
			assert_true(fabs(lr / sqrt(ll * rr)) < (pass ? 0.1 : 0.2));
			assert_near(10.0 * log10(ll / rr), 0.0, 1.5);
		}
	}
	rig_bench_close(&b);
	rig_bench_open(&b, "reverb", RATE, FRAMES);
	rig_set(b.rig, "mix", 100);
	rig_set(b.rig, "width", 0);
	sig_noise(b.in[0], RATE, 0.5, 1);
	rig_bench_run(&b, 0, RATE);
	assert_memory_equal(b.out[0], b.out[1], RATE * sizeof(float));
	rig_bench_close(&b);
}

static void transform(double complex *x, size_t n, size_t step, double complex *out)
{
	if (n == 1) {
		out[0] = x[0];
		return;
	}
	transform(x, n / 2, 2 * step, out);
	transform(x + step, n / 2, 2 * step, out + n / 2);
	for (size_t k = 0; k < n / 2; k++) {
		double complex odd = out[k + n / 2] * cexp(-2.0 * I * M_PI * (double)k / (double)n);
		out[k + n / 2] = out[k] - odd;
		out[k] += odd;
	}
}

/** Peak to mean in dB of the power spectrum, 100 Hz to 10 kHz, of the tail from `start` on, its
	decay undone. */
static double peak_to_mean(const rig_bench *b, double start, double decay)
{
	enum { N = 65536 };
	double complex *x = malloc(2 * N * sizeof *x), *y = x + N;
	for (size_t i = 0; i < N; i++) {
		double undo = pow(10.0, 3.0 * (double)i / RATE / decay);
		double window = 0.5 - 0.5 * cos(2.0 * M_PI * ((double)i + 0.5) / N);
		x[i] = (double)b->out[0][(size_t)(start * RATE) + i] * undo * window;
	}
	transform(x, N, 1, y);
	double sum = 0, most = 0, n = 0;
	for (size_t k = 100 * N / RATE; k < 10000 * (size_t)N / RATE; k++) {
		double power = creal(y[k] * conj(y[k]));
		sum += power;
		most = fmax(most, power);
		n += 1;
	}
	free(x);
	return 10.0 * log10(most / (sum / n));
}

/* No modal ringing. The spectrum of Gaussian noise this long (13,500 bins) peaks 10.1 dB above its
   mean on average, and above 12.5 dB once in 4,000 times; a ringing mode stands out more and more
   the later one looks. Small sizes have few modes, whose spectrum is not quite noise: 3 dB more. */
static void test_no_ringing(void **state)
{
	(void)state;
	const double sizes[] = {25, 50, 100, 200};
	for (size_t s = 0; s < 4; s++) {
		for (double start = 0.5; start < 5; start += 3) {
			rig_bench b;
			bench_click(&b, RATE, 6, 0, sizes[s], 5 * RATE);
			double most = peak_to_mean(&b, start, 6);
			if (getenv("FB_SHOW")) {
				printf("size %g from %g s: %.1f dB\n", sizes[s], start, most);
			}
			assert_true(most < (sizes[s] < 100 ? 16 : 13.5));
			rig_bench_close(&b);
		}
	}
}

/* Steady noise comes out as loud as it went in, whatever the decay and size: within 1 dB, without
   damping and low cut. Dense: in the second tenth of a second of a click's response, as many of its
   samples lie within one standard deviation as in Gaussian noise (68.3 %), give or take 4. */
static void test_level_and_density(void **state)
{
	(void)state;
	const double decays[] = {0.3, 1, 4}, sizes[] = {30, 100, 200};
	for (size_t d = 0; d < 3; d++) {
		for (size_t s = 0; s < 3; s++) {
			rig_bench b;
			bench_click(&b, RATE, decays[d], 0, sizes[s], 32);
			sig_noise(b.in[0], FRAMES, 0.5, 1);
			sig_noise(b.in[1], FRAMES, 0.5, 2);
			rig_bench_run(&b, 0, 6 * RATE);
			for (int c = 0; c < 2; c++) {
				double in = sig_rms_db(b.in[c] + 3 * RATE, 3 * RATE);
				double out = sig_rms_db(b.out[c] + 3 * RATE, 3 * RATE);
				if (getenv("FB_SHOW")) {
					printf("decay %g size %g: %+.2f dB\n", decays[d], sizes[s], out - in);
				}
				assert_near(out, in, 1.0);
			}
			rig_bench_close(&b);
		}
	}
	rig_bench b;
	bench_click(&b, RATE, 2, 0, 100, RATE);
	double square = 0, within = 0;
	for (size_t i = RATE / 10; i < RATE / 5; i++) {
		square += (double)b.out[0][i] * (double)b.out[0][i] / (RATE / 10.0);
	}
	for (size_t i = RATE / 10; i < RATE / 5; i++) {
		within += fabs((double)b.out[0][i]) < sqrt(square);
	}
	if (getenv("FB_SHOW")) {
		printf("within one deviation: %.1f %%\n", within / (RATE / 1000.0));
	}
	assert_near(within / (RATE / 1000.0), 68.3, 4.0);
	rig_bench_close(&b);
}

/* The first sound comes after the pre-delay, the shortest all-passes being passed at once. */
static void test_predelay(void **state)
{
	(void)state;
	for (double ms = 0; ms <= 250; ms += 125) {
		rig_bench b;
		rig_bench_open(&b, "reverb", RATE, FRAMES);
		rig_set(b.rig, "mix", 100);
		rig_set(b.rig, "predelay", ms);
		rig_set(b.rig, "size", 25);
		b.in[0][0] = 1.0f;
		rig_bench_run(&b, 0, RATE);
		size_t first = 0;
		while (b.out[0][first] == 0.0f) {
			first++;
		}
		/* the shortest line: 31 % of 16 ms */
		assert_near((double)first, (ms + 0.31 * 16.0) * 48.0, 3.0);
		rig_bench_close(&b);
	}
}

/** Turn something once a second while a 200 Hz tone plays, and look for clicks above 2 kHz. */
static double turning(const char *symbol, const double values[4])
{
	rig_bench b;
	rig_bench_open(&b, "reverb", RATE, FRAMES);
	rig_set(b.rig, "mix", 100);
	for (int c = 0; c < 2; c++) {
		sig_sine(b.in[c], FRAMES, RATE, 200, 0.5, c);
		for (int i = 0; i < RATE / 5; i++) { /* a tone that starts at once is a click itself */
			b.in[c][i] *= (float)(0.5 - 0.5 * cos(M_PI * i / (RATE / 5.0)));
		}
	}
	for (size_t i = 0; i < 4; i++) {
		rig_set(b.rig, symbol, values[i]);
		rig_bench_run(&b, i * RATE, RATE);
	}
	double click = clicks_peak_db(b.out[0], 4 * RATE, RATE, 2000);
	rig_bench_close(&b);
	return click;
}

/* -80 dB is the project's bound on clicks. */
static void test_changes_make_no_click(void **state)
{
	(void)state;
	const struct {
		const char *symbol;
		double values[4];
	} cases[] = {{"predelay", {0, 200, 10, 50}}, {"decay", {1, 8, 0.5, 2}},
		{"size", {100, 25, 200, 90}}, {"damping", {0, 90, 20, 60}}, {"diffusion", {0, 100, 20, 60}},
		{"low_cut", {20, 1000, 50, 300}}, {"width", {0, 100, 20, 60}}, {"mix", {0, 100, 20, 60}}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		double click = turning(cases[i].symbol, cases[i].values);
		if (getenv("FB_SHOW")) {
			printf("%s: %.1f dB\n", cases[i].symbol, click);
		} else if (!(click < -80.0)) {
			fail_msg("%s clicks at %.1f dB", cases[i].symbol, click);
		}
	}
}

/* What a long decay has stored of a square wave on a mode, heard through the higher gain of a short
   one, reaches 20 to 30. The tail at default is 1.8 s to -60 dB. */
static void test_hammer(void **state)
{
	(void)state;
	hammer_node("reverb", 2.0, 40.0, 5.0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mix_0_is_dry_to_the_bit),
		cmocka_unit_test(test_decay),
		cmocka_unit_test(test_sides),
		cmocka_unit_test(test_no_ringing),
		cmocka_unit_test(test_level_and_density),
		cmocka_unit_test(test_predelay),
		cmocka_unit_test(test_changes_make_no_click),
		cmocka_unit_test(test_hammer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
