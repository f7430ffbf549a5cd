/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cases of EBU Tech 3341 (table 1, 1 to 5 and 9 to 14) and 3342 (1 to 4) as their texts define
   them, and libebur128 on real material. */
/* pytest: slow */
#include "signals.h"

#include <ebur128.h>
#include <sndfile.h>

#define RATE 48000.0
#define METER 0.1 /* LU: what Tech 3341 allows */

typedef struct step {
	double dbfs, seconds;
} step;

/* 1 kHz in both channels, level after level; -200 stands for silence. */
static sig steps(const step *list, int n, int times)
{
	double seconds = 0.0, at = 0.0;
	for (int i = 0; i < n; i++) {
		seconds += times * list[i].seconds;
	}
	sig s = sig_new(RATE, seconds);
	for (int i = 0; i < n * times; i++) {
		const step *now = &list[i % n];
		sig_tone(
			&s, 2, at, now->seconds, 1000.0, from_db(now->dbfs), 2.0 * acos(-1.0) * 1000.0 * at);
		at += now->seconds;
	}
	return s;
}

#define STEPS(times, ...)                                                                          \
	steps((const step[]){__VA_ARGS__}, (int)(sizeof((const step[]){__VA_ARGS__}) / sizeof(step)),  \
		(times))

static fb_metric_set measured(sig s)
{
	fb_metric_set set = measure(&s);
	sig_free(&s);
	return set;
}

static void test_3341_integrated(void **state)
{
	(void)state;
	fb_metric_set one = measured(STEPS(1, {-23, 20}));
	assert_metric(one, FB_M_LUFS_MOMENTARY, -23.0, METER);
	assert_metric(one, FB_M_LUFS_SHORT_TERM, -23.0, METER);
	assert_metric(one, FB_M_LUFS_INTEGRATED, -23.0, METER);
	assert_metric(one, FB_M_LOUDNESS_ERROR, 0.0, METER);
	fb_metric_set two = measured(STEPS(1, {-33, 20}));
	assert_metric(two, FB_M_LUFS_MOMENTARY, -33.0, METER);
	assert_metric(two, FB_M_LUFS_SHORT_TERM, -33.0, METER);
	assert_metric(two, FB_M_LUFS_INTEGRATED, -33.0, METER);
	assert_metric(two, FB_M_LOUDNESS_ERROR, -10.0, METER);
	fb_metric_set three = measured(STEPS(1, {-36, 10}, {-23, 60}, {-36, 10}));
	assert_metric(three, FB_M_LUFS_INTEGRATED, -23.0, METER);
	fb_metric_set four = measured(STEPS(1, {-72, 10}, {-36, 10}, {-23, 60}, {-36, 10}, {-72, 10}));
	assert_metric(four, FB_M_LUFS_INTEGRATED, -23.0, METER);
	fb_metric_set five = measured(STEPS(1, {-26, 20}, {-20, 20.1}, {-26, 20}));
	assert_metric(five, FB_M_LUFS_INTEGRATED, -23.0, METER);
}

/* Cases 9 and 12: the window's loudness stands still once it is full. */
static void assert_constant(sig s, int metric, double from_s)
{
	fb_analyser *analyser = analyser_new(&s, FB_WINDOW_LIVE);
	const size_t hop = (size_t)(RATE / 100);
	for (size_t at = 0; at + hop <= s.n; at += hop) {
		feed(analyser, &s, at, at + hop);
		fb_metric_set set;
		fb_analyser_read(analyser, &set);
		if ((double)(at + hop) >= from_s * RATE) {
			assert_metric(set, metric, -23.0, METER);
		}
	}
	fb_analyser_destroy(analyser);
	sig_free(&s);
}

static void test_3341_constant(void **state)
{
	(void)state;
	assert_constant(STEPS(5, {-20, 1.34}, {-30, 1.66}), FB_M_LUFS_SHORT_TERM, 3.0);
	assert_constant(STEPS(25, {-20, 0.18}, {-30, 0.22}), FB_M_LUFS_MOMENTARY, 1.0);
}

/* Cases 10 and 13: the largest value of a file, whatever the tone's place in it. */
static void test_3341_largest_of_files(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		fb_metric_set ten = measured(STEPS(1, {-200, 0.15 * i}, {-23, 3}, {-200, 1}));
		assert_metric(ten, FB_M_LUFS_SHORT_TERM, -23.0, METER);
		fb_metric_set thirteen = measured(STEPS(1, {-200, 0.02 * i}, {-23, 0.4}, {-200, 1}));
		assert_metric(thirteen, FB_M_LUFS_MOMENTARY, -23.0, METER);
	}
}

/* Cases 11 and 14: twenty tones in one stream, each 1 dB louder and a little later in its slot. */
static void assert_climbing(double tone_s, double shift_s, int metric)
{
	const double slot_s = 2.0 * tone_s;
	const size_t hop = (size_t)(RATE / 100);
	sig s = sig_new(RATE, 20 * slot_s);
	for (int i = 0; i < 20; i++) {
		sig_tone(&s, 2, i * slot_s + i * shift_s, tone_s, 1000.0, from_db(-38.0 + i), 0.0);
	}
	fb_analyser *analyser = analyser_new(&s, FB_WINDOW_LIVE);
	double largest = -120.0;
	int slot = 0;
	for (size_t at = 0; at + hop <= s.n; at += hop) {
		feed(analyser, &s, at, at + hop);
		fb_metric_set set;
		fb_analyser_read(analyser, &set);
		largest = fmax(largest, set.value[metric]);
		if ((double)(at + hop) >= (slot + 1) * slot_s * RATE - 1.0) {
			assert_near(largest, -38.0 + slot, METER);
			largest = -120.0;
			slot++;
		}
	}
	assert_int_equal(slot, 20);
	fb_analyser_destroy(analyser);
	sig_free(&s);
}

static void test_3341_largest_live(void **state)
{
	(void)state;
	assert_climbing(3.0, 0.15, FB_M_LUFS_SHORT_TERM);
	assert_climbing(0.4, 0.02, FB_M_LUFS_MOMENTARY);
}

/* Tech 3342 allows 1 LU; steps of tones leave no room for more than the filter's settling. */
static void test_3342_range(void **state)
{
	(void)state;
	const double close = 0.1;
	fb_metric_set one = measured(STEPS(1, {-20, 20}, {-30, 20}));
	assert_metric(one, FB_M_LRA, 10.0, close);
	fb_metric_set two = measured(STEPS(1, {-20, 20}, {-15, 20}));
	assert_metric(two, FB_M_LRA, 5.0, close);
	fb_metric_set three = measured(STEPS(1, {-40, 20}, {-20, 20}));
	assert_metric(three, FB_M_LRA, 20.0, close);
	fb_metric_set four = measured(STEPS(1, {-50, 20}, {-35, 20}, {-20, 20}, {-35, 20}, {-50, 20}));
	assert_metric(four, FB_M_LRA, 15.0, close);
}

/* --- libebur128 */

static sig read_file(const char *path, double most_s)
{
	SF_INFO info = {0};
	SNDFILE *file = sf_open(path, SFM_READ, &info);
	if (!file) {
		fail_msg("%s: %s", path, sf_strerror(NULL));
	}
	size_t frames = (size_t)info.frames, most = (size_t)(most_s * info.samplerate);
	sig s = sig_new(info.samplerate, (double)(frames < most ? frames : most) / info.samplerate);
	float *samples = calloc(s.n * (size_t)info.channels, sizeof(float));
	sf_count_t got = sf_readf_float(file, samples, (sf_count_t)s.n);
	assert_int_equal(got, (sf_count_t)s.n);
	for (size_t i = 0; i < s.n; i++) {
		s.x[0][i] = samples[i * (size_t)info.channels];
		s.x[1][i] = samples[(i + 1) * (size_t)info.channels - 1];
	}
	free(samples);
	sf_close(file);
	return s;
}

static ebur128_state *reference_of(const sig *s, unsigned long block, double *short_term)
{
	ebur128_state *e = ebur128_init(
		2, (unsigned long)s->rate_hz, EBUR128_MODE_I | EBUR128_MODE_S | EBUR128_MODE_M);
	assert_non_null(e);
	float *both = calloc(2 * block, sizeof(float));
	*short_term = -HUGE_VAL;
	for (size_t at = 0; at < s->n; at += block) {
		size_t n = s->n - at < block ? s->n - at : block;
		for (size_t i = 0; i < n; i++) {
			both[2 * i] = s->x[0][at + i];
			both[2 * i + 1] = s->x[1][at + i];
		}
		assert_int_equal(ebur128_add_frames_float(e, both, n), EBUR128_SUCCESS);
		double now;
		if (at + n >= (size_t)(3.0 * s->rate_hz) && n == block &&
			ebur128_loudness_shortterm(e, &now) == EBUR128_SUCCESS) {
			*short_term = fmax(*short_term, now);
		}
	}
	free(both);
	return e;
}

/* Recorded speech and music, each repeated with pauses and level changes so that the gates work.
   0.01 LU: two exact implementations differ by rounding, and by the gate's bins of 0.01 LU. */
static void test_against_libebur128(void **state)
{
	(void)state;
	static const char *const files[] = {
		"/usr/share/sonic-pi/samples/loop_amen_full.flac",
		"/usr/share/sonic-pi/samples/ambi_piano.flac",
		"/usr/share/sonic-pi/samples/loop_compus.flac",
		"/usr/share/games/fillets-ng/sound/city/cs/vit-hs-vitejteD.ogg",
	};
	for (size_t f = 0; f < sizeof files / sizeof files[0]; f++) {
		sig once = read_file(files[f], 8.0);
		double pause = 1.5, length = (double)once.n / once.rate_hz + pause;
		sig s = sig_new(once.rate_hz, 6.0 * length);
		for (int k = 0; k < 6; k++) {
			size_t from = (size_t)(k * length * s.rate_hz);
			float gain = (float)from_db(-5.0 * (k % 4));
			for (size_t i = 0; i < once.n && from + i < s.n; i++) {
				s.x[0][from + i] = gain * once.x[0][i];
				s.x[1][from + i] = gain * once.x[1][i];
			}
		}
		double short_term, integrated;
		ebur128_state *e = reference_of(&s, (unsigned long)(s.rate_hz / 100.0), &short_term);
		assert_int_equal(ebur128_loudness_global(e, &integrated), EBUR128_SUCCESS);
		fb_metric_set set = measure(&s);
		assert_metric(set, FB_M_LUFS_INTEGRATED, integrated, 0.01);
		assert_metric(set, FB_M_LUFS_SHORT_TERM, short_term, 0.01);
		ebur128_destroy(&e);
		sig_free(&once);
		sig_free(&s);
	}
}

/* --- what is made of loudness */

/* A steady tone: true peak and loudness are known, so are their differences; no range, no drift. */
static void test_ratios(void **state)
{
	(void)state;
	fb_metric_set set = measured(STEPS(1, {-23, 20}));
	assert_metric(set, FB_M_PLR, 0.0, METER);
	assert_metric(set, FB_M_PSR, 0.0, METER);
	assert_metric(set, FB_M_LRA, 0.0, 0.02);
	assert_metric(set, FB_M_DRIFT, 0.0, 0.01);
}

/* A level that rises by 6 dB a minute. The short-term loudness of an exponential rise rises just as
   fast; 0.02 LU/min is the tone's ripple in the windows. */
static void test_drift(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 30.0);
	sig_tone(&s, 2, 0.0, 30.0, 997.0, from_db(-30.0), 0.0);
	for (size_t i = 0; i < s.n; i++) {
		float gain = (float)from_db(6.0 * (double)i / RATE / 60.0);
		s.x[0][i] *= gain;
		s.x[1][i] *= gain;
	}
	fb_metric_set set = measure(&s);
	assert_metric(set, FB_M_DRIFT, 6.0, 0.02);
	sig_free(&s);
}

/* PSR of a run is the smallest: clicks of full scale make the ratio large in one part only. */
static void test_psr_is_the_smallest(void **state)
{
	(void)state;
	sig s = sig_new(RATE, 20.0);
	sig_tone(&s, 2, 0.0, 20.0, 1000.0, from_db(-20.0), 0.0);
	for (double at = 10.5; at < 19.9; at += 1.0) {
		s.x[0][(size_t)(at * RATE)] = 1.0f;
	}
	fb_metric_set set = measure(&s);
	assert_metric(set, FB_M_PSR, 0.0, METER);
	assert_metric(set, FB_M_PLR, 20.0, 0.3); /* a lone sample overshoots by what the filter rings */
	sig_free(&s);
}

/* Reset: what came before no longer counts, in the two that have no window of their own. */
static void test_reset(void **state)
{
	(void)state;
	sig s = STEPS(1, {-13, 20}, {-33, 20});
	fb_analyser *analyser = analyser_new(&s, FB_WINDOW_LIVE);
	feed(analyser, &s, 0, s.n / 2);
	fb_metric_set set;
	fb_analyser_read(analyser, &set);
	assert_metric(set, FB_M_LUFS_INTEGRATED, -13.0, METER);
	feed(analyser, &s, s.n / 2, s.n - 4 * 48000);
	fb_analyser_reset_loudness(analyser);
	feed(analyser, &s, s.n - 4 * 48000, s.n);
	fb_analyser_read(analyser, &set);
	assert_metric(set, FB_M_LUFS_INTEGRATED, -33.0, METER);
	assert_metric(set, FB_M_LRA, 0.0, 0.02);
	assert_metric(set, FB_M_LOUDNESS_ERROR, -10.0, METER);
	fb_analyser_set_target(analyser, -30.0);
	fb_analyser_read(analyser, &set);
	assert_metric(set, FB_M_LOUDNESS_ERROR, -3.0, METER);
	fb_analyser_destroy(analyser);
	sig_free(&s);
}

/* Output 6 dB below the input, which counts in both channels: -6.02 LU whatever the programme. */
static void test_gain_change(void **state)
{
	(void)state;
	sig in = sig_new(RATE, 4.0), out = sig_new(RATE, 4.0);
	sig_noise(&in, 0, 0.0, 4.0, 0.1, 1);
	sig_noise(&in, 1, 0.0, 4.0, 0.05, 2);
	for (size_t i = 0; i < in.n; i++) {
		out.x[0][i] = 0.5f * in.x[0][i];
		out.x[1][i] = 0.5f * in.x[1][i];
	}
	fb_analyser_options options = {.rate_hz = RATE, .window = FB_WINDOW_RUN, .has_input = true};
	fb_analyser *analyser = fb_analyser_create(&options);
	fb_stretch stretch = {.out = {out.x[0], out.x[1]}, .in = {in.x[0], in.x[1]}, .frames = in.n};
	fb_analyser_feed(analyser, &stretch);
	fb_metric_set set;
	fb_analyser_read(analyser, &set);
	assert_metric(set, FB_M_GAIN_CHANGE, 20.0 * log10(0.5), 1e-6);
	fb_analyser_destroy(analyser);
	sig_free(&in);
	sig_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_3341_integrated),
		cmocka_unit_test(test_3341_constant),
		cmocka_unit_test(test_3341_largest_of_files),
		cmocka_unit_test(test_3341_largest_live),
		cmocka_unit_test(test_3342_range),
		cmocka_unit_test(test_against_libebur128),
		cmocka_unit_test(test_ratios),
		cmocka_unit_test(test_drift),
		cmocka_unit_test(test_psr_is_the_smallest),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_gain_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
