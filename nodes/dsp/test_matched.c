/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "../../nodes/dsp/matched.h"

static uint64_t seed = 88172645463325252u;

static double chance(double low, double high)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return low + (high - low) * (double)(seed >> 11) * 0x1p-53;
}

static double chance_log(double low, double high)
{
	return low * pow(high / low, chance(0, 1));
}

enum { BELL, LOW_SHELF, HIGH_SHELF, LOW_PASS, HIGH_PASS, NOTCH, KINDS };
static const char *const names[] = {
	"bell", "low shelf", "high shelf", "low pass", "high pass", "notch"};

typedef struct sample {
	double freq, gain, q;
	int n;
	fb_analog analog[4];
} sample;

/** Anything the equaliser can be set to. */
static sample draw(int kind, double rate)
{
	bool shelf = kind == LOW_SHELF || kind == HIGH_SHELF;
	sample s = {.freq = chance_log(20, 20000),
		.gain = chance(-24, 24),
		.q = chance_log(0.1, shelf ? 1.5 : 30),
		.n = 1};
	double w = 2 * M_PI * s.freq / rate, w2 = w * w, a = pow(10, s.gain / 40),
		   r = sqrt(a) / s.q * w;
	double high = kind == HIGH_PASS, low = 1 - high;
	if (kind == BELL) {
		s.analog[0] = (fb_analog){1, w * a / s.q, w2, 1, w / (a * s.q), w2};
	} else if (kind == LOW_SHELF) {
		s.analog[0] = (fb_analog){a, a * r, a * a * w2, a, r, w2};
	} else if (kind == HIGH_SHELF) {
		s.analog[0] = (fb_analog){a * a, a * r, a * w2, 1, r, a * w2};
	} else if (kind == NOTCH) {
		s.analog[0] = (fb_analog){1, 0, w2, 1, w / s.q, w2};
	} else {
		s.q = chance_log(0.3, 5);
		s.n = 1 + (int)chance(0, 4);
		for (int i = 0; i < s.n; i++) {
			double q = 0.5 / cos(M_PI * (2 * i + 1) / (4.0 * s.n));
			q *= i == s.n - 1 ? s.q * M_SQRT2 : 1;
			s.analog[i] = (fb_analog){high, 0, low * w2, 1, w / q, w2};
		}
	}
	return s;
}

/** Largest distance from the analogue curve in dB, 20 Hz to `top`, where that is above -100 dB. */
static double distance(const sample *s, double rate, double top)
{
	fb_section sections[5];
	int n = fb_match(s->analog, s->n, sections);
	double worst = 0;
	for (int i = 0; i <= 100; i++) {
		double w = 2 * M_PI * 20 * pow(top / 20, i / 100.0) / rate, analog = 1, digital = 1;
		for (int k = 0; k < s->n; k++) {
			analog *= fb_analog_power(&s->analog[k], w);
		}
		for (int k = 0; k < n; k++) {
			digital *= fb_section_power(&sections[k], w);
		}
		double error = fabs(10 * log10(digital / analog));
		worst = analog > 1e-10 && !(error <= worst) ? error : worst;
	}
	return worst;
}

static double worst_of(int kind, double rate, double top, int draws)
{
	double worst = 0;
	for (int i = 0; i < draws; i++) {
		sample s = draw(kind, rate);
		double error = distance(&s, rate, top);
		if (!(error <= worst)) {
			worst = error;
			if (!(error < 0.1)) {
				printf("# %s, %.1f Hz, %.2f dB, Q %.3f, %d sections at %g: %.3f dB off\n",
					names[kind], s.freq, s.gain, s.q, s.n, rate, error);
			}
		}
	}
	return worst;
}

static void test_is_the_analogue_curve(void **state)
{
	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		double at_48 = worst_of(kind, 48000, 20000, 5000),
			   at_96 = worst_of(kind, 96000, 20000, 2000);
		double at_44 = worst_of(kind, 44100, 18000, 2000),
			   at_192 = worst_of(kind, 192000, 20000, 2000);
		printf("# %s: %.4f dB at 48 kHz, %.4f at 96, %.4f at 192, %.4f at 44.1 to 18 kHz\n",
			names[kind], at_48, at_96, at_192, at_44);
		assert_true(at_48 < 0.1);
		assert_true(at_44 < 0.1);
		assert_true(at_96 < 0.01);
		assert_true(at_192 < 0.01);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_the_analogue_curve),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
