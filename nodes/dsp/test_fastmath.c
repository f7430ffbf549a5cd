/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "../../nodes/dsp/fastmath.h"

/* The stated errors, over every exponent and 4000 mantissas each. */
static void test_log2(void **state)
{
	(void)state;
	double worst = 0;
	for (int e = -126; e < 127; e++) {
		for (int m = 0; m < 4000; m++) {
			float x = ldexpf(1.0f + (float)m / 4000.0f, e);
			double exact = log2((double)x);
			/* beyond 1 the result itself has no finer grid than half its last place */
			double error = fabs((double)fb_log2(x) - exact) - 0x1p-24 * fmax(fabs(exact), 1);
			worst = fmax(worst, error);
		}
	}
	printf("# fb_log2: %.2g\n", worst);
	assert_true(worst < 2e-7);
	assert_true(fb_log2(1.0f) == 0.0f);
	assert_true(fb_log2(0.0f) < -126.0f && fb_log2(0.0f) >= -127.0f);
}

static void test_exp2(void **state)
{
	(void)state;
	double worst = 0;
	for (int i = -1260000; i <= 1260000; i++) {
		float x = (float)i * 1e-4f;
		worst = fmax(worst, fabs((double)fb_exp2(x) / exp2((double)x) - 1));
	}
	printf("# fb_exp2: %.2g\n", worst);
	assert_true(worst < 2.5e-7);
	assert_true(fb_exp2(0.0f) == 1.0f);
	assert_true(fb_exp2(-1e9f) > 0.0f && isfinite(fb_exp2(1e9f)));
}

/* There and back, over the range of audio: what the doc says in dB. */
static void test_decibels(void **state)
{
	(void)state;
	for (double db = -200; db <= 100; db += 0.037) {
		assert_near(fb_gain_to_db((float)pow(10, db / 20)), db, 1e-6 + fabs(db) * 1.2e-7);
		assert_near(20 * log10((double)fb_db_to_gain((float)db)), db, 3e-6 + fabs(db) * 1.2e-7);
	}
	assert_true(fb_db_to_gain(0.0f) == 1.0f && fb_gain_to_db(1.0f) == 0.0f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log2),
		cmocka_unit_test(test_exp2),
		cmocka_unit_test(test_decibels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
