/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "../../nodes/dsp/interp.h"

#include <complex.h>

/** The largest error of a tone read at any fraction, in dB of the tone. */
static double error_db(double freq)
{
	double worst = 0.0;
	for (int p = 0; p < FB_INTERP_PHASES * 8; p++) {
		double position = p / 8.0;
		int row = (int)position;
		double mix = position - row;
		complex double heard = 0.0;
		for (int k = 0; k < FB_INTERP_TAPS; k++) {
			const fb_interp_row *at = fb_interp_table() + row;
			double tap = (double)at->tap[k] + mix * (double)at->step[k];
			heard += tap * cexp(2.0 * M_PI * I * freq * (k - FB_INTERP_BEFORE));
		}
		complex double wanted = cexp(2.0 * M_PI * I * freq * position / FB_INTERP_PHASES);
		worst = fmax(worst, cabs(heard - wanted));
	}
	return 20.0 * log10(worst);
}

/* The figures of interp.h, whose reason is in the fit itself. */
static void test_error_by_frequency(void **state)
{
	(void)state;
	for (double f = 0.002; f <= 0.125; f += 0.001) {
		assert_true(error_db(f) < -85);
	}
	for (double f = 0.125; f <= 11.0 / 48.0; f += 0.001) {
		assert_true(error_db(f) < -59);
	}
	assert_true(error_db(13.0 / 48.0) < -37);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_error_by_frequency)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
