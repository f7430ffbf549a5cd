/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fft.h"

#include <pthread.h>

/* FFTW's own lock, which guards plans made elsewhere in the process (nodes) as well. */
static void make_safe(void)
{
	fftwf_make_planner_thread_safe();
}

static void ready(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, make_safe);
}

fftwf_plan fb_fft_real(uint32_t size, float *in, fftwf_complex *out)
{
	ready();
	return fftwf_plan_dft_r2c_1d((int)size, in, out, FFTW_ESTIMATE);
}

fftwf_plan fb_fft_real_inverse(uint32_t size, fftwf_complex *in, float *out)
{
	ready();
	return fftwf_plan_dft_c2r_1d((int)size, in, out, FFTW_ESTIMATE);
}

void fb_fft_destroy(fftwf_plan plan)
{
	if (plan) {
		fftwf_destroy_plan(plan);
	}
}
