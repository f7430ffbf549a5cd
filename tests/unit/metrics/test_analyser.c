/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The analyser as a whole: the same bits however it is fed, windows, gaps, and input that is no
   sound. */
#include "signals.h"

#include <float.h>

#define RATE 48000.0

static void assert_same_bits(const fb_metric_set *a, const fb_metric_set *b)
{
	for (int i = 0; i < FB_METRICS; i++) {
		if (memcmp(&a->value[i], &b->value[i], sizeof a->value[i]) != 0 ||
			fb_metric_valid(a, i) != fb_metric_valid(b, i)) {
			fail_msg("%s: %.17g and %.17g", fb_metric_catalogue[i].id, a->value[i], b->value[i]);
		}
	}
	assert_int_equal(a->frame_start, b->frame_start);
	assert_int_equal(a->frame_end, b->frame_end);
	assert_int_equal(a->bad_samples, b->bad_samples);
}

/* A bit of everything: tones, noise, pulses, pauses, clicks, clipping, in both channels. */
static sig medley(double rate_hz, double seconds)
{
	sig s = sig_new(rate_hz, seconds);
	sig_noise(&s, 0, 0.0, seconds, 0.003, 1);
	sig_noise(&s, 1, 0.0, seconds, 0.002, 2);
	for (double at = 0.1; at < seconds; at += 0.35) {
		sig_tone(&s, 2, at, 0.2, 150.0 + 40.0 * at, 0.25, 0.1);
		sig_tone(&s, 0, at, 0.25, 900.0, 0.1, 0.0);
		sig_noise(&s, 1, at + 0.1, 0.1, 0.2, 3);
	}
	for (size_t i = 777; i < s.n; i += 30011) {
		s.x[0][i] = 1.0f;
		s.x[1][i / 2] = NAN;
	}
	return s;
}

static fb_metric_set run_in_pieces(const sig *s, size_t from, size_t to, size_t least, size_t most)
{
	uint64_t random = 99;
	fb_analyser_options options = {
		.rate_hz = s->rate_hz, .window = FB_WINDOW_RUN, .has_input = true, .has_reference = true};
	fb_analyser *analyser = fb_analyser_create(&options);
	fb_analyser_reset(analyser, 1000);
	for (size_t at = from; at < to;) {
		size_t n = least + (size_t)(fabs(random_next(&random)) * (double)(most - least));
		n = n < to - at ? n : to - at;
		const float *l = s->x[0] + at, *r = s->x[1] + at;
		fb_stretch stretch = {.out = {l, r}, .in = {r, l}, .ref = {l, l}, .frames = n};
		fb_analyser_feed(analyser, &stretch);
		at += n;
	}
	fb_metric_set set, again;
	fb_analyser_read(analyser, &set);
	fb_analyser_read(analyser, &again); /* reading changes nothing */
	assert_same_bits(&set, &again);
	fb_analyser_destroy(analyser);
	return set;
}

static void test_any_split_gives_the_same_bits(void **state)
{
	(void)state;
	static const double rates[] = {8000, 11025, 44100, 48000};
	for (size_t r = 0; r < sizeof rates / sizeof rates[0]; r++) {
		sig s = medley(rates[r], 5.0);
		size_t n = s.n - 123;
		fb_metric_set whole = run_in_pieces(&s, 0, n, n, n);
		fb_metric_set pieces = run_in_pieces(&s, 0, n, 1, 3000);
		fb_metric_set single = run_in_pieces(&s, 0, n, 1, 2);
		assert_same_bits(&whole, &pieces);
		assert_same_bits(&whole, &single);
		assert_int_equal(whole.frame_start, 1000);
		assert_int_equal(whole.frame_end, 1000 + n);
		sig_free(&s);
	}
}

/* A used analyser, reset, is a new one. */
static void test_reset_forgets(void **state)
{
	(void)state;
	sig s = medley(RATE, 5.0);
	for (int live = 0; live < 2; live++) {
		fb_window window = live ? FB_WINDOW_LIVE : FB_WINDOW_RUN;
		fb_analyser *fresh = analyser_new(&s, window), *used = analyser_new(&s, window);
		feed(used, &s, 0, s.n - 77);
		fb_analyser_gap(used, 5);
		feed(used, &s, 0, 5000);
		fb_analyser_reset(used, 0);
		feed(fresh, &s, 1000, s.n);
		feed(used, &s, 1000, s.n);
		fb_metric_set a, b;
		fb_analyser_read(fresh, &a);
		fb_analyser_read(used, &b);
		assert_same_bits(&a, &b);
		fb_analyser_destroy(fresh);
		fb_analyser_destroy(used);
	}
	sig_free(&s);
}

/* Live is the last 3 s: what was before is forgotten, and a run of those 3 s agrees. Filters and
   spectra run on in one and start fresh in the other, and live windows of spectra end up to 43 ms
   earlier, hence the tolerances. */
static void test_live_is_the_last_3_s(void **state)
{
	(void)state;
	sig s = medley(RATE, 12.0);
	for (size_t i = 0; i < (size_t)(9.0 * RATE); i++) {
		s.x[0][i] *= 3.0f;
		s.x[1][i] *= 0.2f;
	}
	fb_analyser *live = analyser_new(&s, FB_WINDOW_LIVE);
	fb_analyser *run = analyser_new(&s, FB_WINDOW_RUN);
	feed(live, &s, 0, s.n);
	feed(run, &s, (size_t)(9.0 * RATE), s.n);
	fb_metric_set a, b;
	fb_analyser_read(live, &a);
	fb_analyser_read(run, &b);
	assert_int_equal(a.frame_start, 9 * 48000);
	assert_int_equal(a.frame_end, 12 * 48000);
	static const struct {
		int metric;
		double tolerance;
	} rows[] = {{FB_M_RMS, 1e-6}, {FB_M_PEAK, 0.0}, {FB_M_CREST, 1e-6}, {FB_M_DC_OFFSET, 1e-7},
		{FB_M_CORRELATION, 1e-6}, {FB_M_WIDTH, 1e-6}, {FB_M_BALANCE, 1e-5}, {FB_M_NOISE_FLOOR, 0.2},
		{FB_M_SILENCE_RATIO, 0.02}, {FB_M_SNR, 0.5}, {FB_M_TRUE_PEAK, 0.05},
		{FB_M_LUFS_SHORT_TERM, 0.01}, {FB_M_CENTROID, 100.0}, {FB_M_BAND_BASS, 0.3},
		{FB_M_PITCH, 5.0}, {FB_M_ZCR, 100.0}, {FB_M_ONSET_RATE, 0.4}};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_metric(a, rows[i].metric, b.value[rows[i].metric], rows[i].tolerance);
	}
	fb_analyser_destroy(live);
	fb_analyser_destroy(run);
	sig_free(&s);
}

/* Lost frames: nothing sliding has an answer until 3 s have passed; what counts since the last
   reset goes on; frames keep their numbers. */
static void test_gap(void **state)
{
	(void)state;
	sig s = medley(RATE, 5.0);
	fb_analyser *analyser = analyser_new(&s, FB_WINDOW_LIVE);
	fb_metric_set set;
	feed(analyser, &s, 0, 4 * 48000);
	fb_analyser_read(analyser, &set);
	assert_true(fb_metric_valid(&set, FB_M_RMS));
	double integrated = set.value[FB_M_LUFS_INTEGRATED];
	fb_analyser_gap(analyser, 777);
	feed(analyser, &s, 0, (size_t)(2.9 * RATE));
	fb_analyser_read(analyser, &set);
	assert_none(set, FB_M_RMS);
	assert_none(set, FB_M_CENTROID);
	assert_none(set, FB_M_LUFS_SHORT_TERM);
	assert_true(fb_metric_valid(&set, FB_M_LUFS_MOMENTARY)); /* 400 ms of sound have come since */
	assert_metric(set, FB_M_LUFS_INTEGRATED, integrated, 0.5);
	assert_int_equal(set.frame_start, 4 * 48000 + 777);
	feed(analyser, &s, 0, (size_t)(0.11 * RATE));
	fb_analyser_read(analyser, &set);
	assert_true(fb_metric_valid(&set, FB_M_RMS));
	assert_true(fb_metric_valid(&set, FB_M_CENTROID));
	fb_analyser_destroy(analyser);
	sig_free(&s);
}

static void assert_all_finite(const fb_metric_set *set)
{
	for (int i = 0; i < FB_METRICS; i++) {
		if (!isfinite(set->value[i]) || fabs(set->value[i]) > 1e6) {
			fail_msg("%s is %g", fb_metric_catalogue[i].id, set->value[i]);
		}
		if (!fb_metric_valid(set, i)) {
			assert_near(set->value[i], fb_metric_catalogue[i].none, 0.0);
		}
	}
}

/* Both windows, all rates, with input and reference: 55 finite numbers. */
static void assert_survives(const sig *s)
{
	for (int live = 0; live < 2; live++) {
		fb_analyser_options options = {.rate_hz = s->rate_hz,
			.window = live ? FB_WINDOW_LIVE : FB_WINDOW_RUN,
			.has_input = true,
			.has_reference = !live};
		fb_analyser *analyser = fb_analyser_create(&options);
		assert_non_null(analyser);
		fb_stretch stretch = {.out = {s->x[0], s->x[1]},
			.in = {s->x[1], s->x[0]},
			.ref = {s->x[1], s->x[1]},
			.frames = s->n};
		fb_analyser_feed(analyser, &stretch);
		fb_metric_set set;
		fb_analyser_read(analyser, &set);
		assert_all_finite(&set);
		fb_analyser_destroy(analyser);
	}
}

static float nasty(int kind, size_t i, uint64_t *random)
{
	static const float values[] = {0.0f, NAN, INFINITY, -INFINITY, 1e30f, -1e30f, FLT_MIN, -FLT_MIN,
		1e-42f, FLT_MAX, 1.0f, -1.0f};
	switch (kind) {
	case 0:
		return values[i % (sizeof values / sizeof values[0])];
	case 1:
		return NAN;
	case 2:
		return 1e30f;
	case 3:
		return i / 48 % 2 ? 1.0f : -1.0f;
	case 4:
		return 0.5f;
	case 5:
		return (float)(random_next(random) * 1e30);
	case 6:
		return i % 2 ? 1e6f : -1e6f;
	case 7:
		return 1e-40f;
	case 8:
		return i == 0 ? 1.0f : 0.0f;
	default:
		return i % 4801 == 0 ? 1e9f : (float)(0.1 * random_next(random));
	}
}

static void test_nasty_signals(void **state)
{
	(void)state;
	static const double rates[] = {8000, 9999, 44100, 96000, 192000};
	for (size_t r = 0; r < sizeof rates / sizeof rates[0]; r++) {
		for (int kind = 0; kind < 10; kind++) {
			uint64_t random = 3;
			sig s = sig_new(rates[r], r < 3 ? 3.7 : 0.7);
			for (size_t i = 0; i < s.n; i++) {
				s.x[0][i] = nasty(kind, i, &random);
				s.x[1][i] = nasty((kind + (int)(i / 1000)) % 10, i, &random);
			}
			assert_survives(&s);
			sig_free(&s);
		}
	}
}

static void test_short_signals(void **state)
{
	(void)state;
	static const size_t lengths[] = {
		0, 1, 2, 7, 8, 9, 479, 480, 481, 2399, 2400, 2401, 4800, 19200};
	for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++) {
		sig s = sig_new(RATE, 1.0);
		sig_noise(&s, 2, 0.0, 1.0, 0.1, 1);
		s.n = lengths[k];
		assert_survives(&s);
		sig_free(&s);
	}
	sig s = sig_new(RATE, 1.0);
	s.n = 0;
	fb_metric_set set = measure(&s);
	assert_int_equal(set.valid, (uint64_t)1 << FB_M_LATENCY);
	s.n = 1;
	s.x[0][0] = s.x[1][0] = 0.5f;
	set = measure(&s);
	assert_metric(set, FB_M_PEAK, -6.0206, 1e-3);
	assert_metric(set, FB_M_RMS, -6.0206, 1e-3);
	assert_metric(set, FB_M_DC_OFFSET, 0.5, 1e-6);
	assert_none(set, FB_M_NOISE_FLOOR);
	assert_none(set, FB_M_CENTROID);
	assert_none(set, FB_M_LUFS_INTEGRATED);
	assert_int_equal(set.frame_end, 1);
	sig_free(&s);
}

/* Bad samples count and read as silence: nothing else changes but the samples themselves. */
static void test_bad_samples(void **state)
{
	(void)state;
	sig bad = sig_new(RATE, 4.0), good = sig_new(RATE, 4.0);
	sig_noise(&bad, 2, 0.0, 4.0, 0.1, 1);
	sig_noise(&good, 2, 0.0, 4.0, 0.1, 1);
	static const float values[] = {NAN, INFINITY, -INFINITY};
	for (size_t i = 0; i < 300; i++) {
		bad.x[i % 2][500 + 601 * i] = values[i % 3];
		good.x[i % 2][500 + 601 * i] = 0.0f;
	}
	fb_metric_set a = measure(&bad), b = measure(&good);
	assert_int_equal(a.bad_samples, 300);
	assert_int_equal(b.bad_samples, 0);
	b.bad_samples = 300;
	assert_same_bits(&a, &b);
	bad.x[0][9] = 1e30f;
	a = measure(&bad);
	assert_int_equal(a.bad_samples, 301);
	assert_metric(a, FB_M_PEAK, 120.0, 1e-3);
	sig_free(&bad);
	sig_free(&good);
}

/* --- which metrics have an answer, at every rate */

static uint64_t set_of(const fb_metric *metrics, size_t n)
{
	uint64_t set = 0;
	for (size_t i = 0; i < n; i++) {
		set |= (uint64_t)1 << metrics[i];
	}
	return set;
}

#define SET(...)                                                                                   \
	set_of((const fb_metric[]){__VA_ARGS__},                                                       \
		sizeof(const fb_metric[]){__VA_ARGS__} / sizeof(fb_metric))

/** 4 s (or a sample) of one value in both channels. */
static fb_metric_set measure_constant(double rate_hz, bool one, float value)
{
	sig s = sig_new(rate_hz, 4.0);
	for (size_t i = 0; i < s.n; i++) {
		s.x[0][i] = s.x[1][i] = value;
	}
	s.n = one ? 1 : s.n;
	fb_metric_set set = measure(&s);
	assert_all_finite(&set);
	sig_free(&s);
	return set;
}

static void assert_valid(const fb_metric_set *set, uint64_t wanted, const char *of, double rate_hz)
{
	for (int i = 0; i < FB_METRICS; i++) {
		if (fb_metric_valid(set, i) != (bool)(wanted >> i & 1)) {
			fail_msg("%s of %s at %g Hz: %s", fb_metric_catalogue[i].id, of, rate_hz,
				wanted >> i & 1 ? "has no answer" : "has an answer");
		}
	}
}

/* Silence answers what is counted and how loud it is, at the floor. What is no number is silence,
   to the bit. A constant has levels, channels that compare, and the loudness of its beginning, but
   no spectrum, voice, noise to compare with or course in time; however great it is. A sample has a
   size and a place. */
static void test_valid_flags(void **state)
{
	(void)state;
	static const double rates[] = {8000, 11025, 22050, 44100, 48000, 96000, 192000};
	const uint64_t silence = SET(FB_M_RMS, FB_M_PEAK, FB_M_TRUE_PEAK, FB_M_DC_OFFSET, FB_M_CLIPPING,
		FB_M_LUFS_MOMENTARY, FB_M_LUFS_SHORT_TERM, FB_M_NOISE_FLOOR, FB_M_HUM, FB_M_ARTIFACTS,
		FB_M_DROPOUTS, FB_M_SILENCE_RATIO, FB_M_ONSET_RATE, FB_M_LATENCY);
	const uint64_t sample = SET(FB_M_RMS, FB_M_PEAK, FB_M_TRUE_PEAK, FB_M_DC_OFFSET, FB_M_CLIPPING,
		FB_M_ARTIFACTS, FB_M_DROPOUTS, FB_M_LATENCY, FB_M_CREST, FB_M_CORRELATION, FB_M_WIDTH,
		FB_M_BALANCE, FB_M_MONO_LOSS);
	const uint64_t constant =
		silence | sample |
		SET(FB_M_LUFS_INTEGRATED, FB_M_LRA, FB_M_PLR, FB_M_PSR, FB_M_LOUDNESS_ERROR);
	for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
		double rate = rates[i];
		fb_metric_set zero = measure_constant(rate, false, 0.0f), set;
		assert_valid(&zero, silence, "silence", rate);
		assert_metric(zero, FB_M_RMS, -120.0, 0.0);
		assert_metric(zero, FB_M_TRUE_PEAK, -120.0, 0.0);
		assert_metric(zero, FB_M_LUFS_SHORT_TERM, -120.0, 0.0);
		const float none[] = {NAN, INFINITY, -INFINITY};
		for (int k = 0; k < 3; k++) {
			set = measure_constant(rate, false, none[k]);
			assert_int_equal(set.bad_samples, (uint64_t)(8.0 * rate));
			set.bad_samples = 0;
			assert_same_bits(&set, &zero);
		}
		set = measure_constant(rate, false, 0.5f);
		assert_valid(&set, constant, "a constant", rate);
		set = measure_constant(rate, false, 1e30f);
		assert_valid(&set, constant, "1e30", rate);
		assert_int_equal(set.bad_samples, (uint64_t)(8.0 * rate));
		set = measure_constant(rate, true, 0.5f);
		assert_valid(&set, sample, "a sample", rate);
	}
}

/* A square wave has a spectrum and a pitch too, at every rate; only these have no answer: what asks
   for an input, a reference, dynamics, a recogniser or an onset. At 8 kHz there are no bands above
   4 kHz. */
static void test_square_answers(void **state)
{
	(void)state;
	static const double rates[] = {8000, 11025, 22050, 44100, 48000, 96000, 192000};
	const uint64_t none = SET(FB_M_GAIN_CHANGE, FB_M_GAIN_REDUCTION, FB_M_TRANSIENT,
		FB_M_STT_CONFIDENCE, FB_M_SI_SDR, FB_M_STOI);
	for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
		sig s = sig_new(rates[i], 4.0);
		for (size_t k = 0; k < s.n; k++) {
			s.x[0][k] = s.x[1][k] = fmod((double)k * 500.0 / rates[i], 1.0) < 0.5 ? 0.5f : -0.5f;
		}
		fb_metric_set set = measure(&s);
		assert_all_finite(&set);
		uint64_t high = rates[i] < 8001.0    ? SET(FB_M_BAND_PRESENCE, FB_M_BAND_AIR)
						: rates[i] < 16001.0 ? SET(FB_M_BAND_AIR)
											 : 0;
		assert_valid(&set, ((uint64_t)1 << FB_METRICS) - 1 - (none | high), "a square", rates[i]);
		assert_metric(set, FB_M_RMS, -6.0206, 1e-3);
		sig_free(&s);
	}
}

/* With everything there, everything answers. */
static void test_all_55(void **state)
{
	(void)state;
	sig s = medley(RATE, 10.0);
	for (int k = 0; k < 60; k++) { /* a voice, which the medley has none of for long */
		sig_tone(&s, 2, 2.0, 3.0, 130.0 * (k % 20 + 1), 0.002, k);
	}
	fb_analyser_options options = {.rate_hz = RATE,
		.window = FB_WINDOW_RUN,
		.latency_ms = 5.0,
		.has_input = true,
		.has_reference = true};
	fb_analyser *analyser = fb_analyser_create(&options);
	static float reduction[15001];
	fb_stretch stretch = {.out = {s.x[0], s.x[1]},
		.in = {s.x[0], s.x[1]},
		.ref = {s.x[0], s.x[1]},
		.reduction_db = reduction,
		.frames = s.n};
	fb_analyser_feed(analyser, &stretch);
	fb_analyser_set_stt(analyser, 0.5);
	fb_metric_set set;
	fb_analyser_read(analyser, &set);
	for (int i = 0; i < FB_METRICS; i++) {
		/* the channels of the medley are related, but by no one delay */
		if (!fb_metric_valid(&set, i) && i != FB_M_INTERCHANNEL_DELAY) {
			fail_msg("%s has no answer", fb_metric_catalogue[i].id);
		}
	}
	assert_metric(set, FB_M_LATENCY, 5.0, 0.0);
	fb_analyser_destroy(analyser);
	sig_free(&s);
}

static void test_rates_out_of_range(void **state)
{
	(void)state;
	static const double rates[] = {0.0, 7999.0, 192001.0, -48000.0, (double)NAN};
	for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
		fb_analyser_options options = {.rate_hz = rates[i]};
		assert_null(fb_analyser_create(&options));
	}
	fb_analyser_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_split_gives_the_same_bits),
		cmocka_unit_test(test_reset_forgets),
		cmocka_unit_test(test_live_is_the_last_3_s),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_nasty_signals),
		cmocka_unit_test(test_short_signals),
		cmocka_unit_test(test_bad_samples),
		cmocka_unit_test(test_valid_flags),
		cmocka_unit_test(test_square_answers),
		cmocka_unit_test(test_all_55),
		cmocka_unit_test(test_rates_out_of_range),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
