/* SPDX-License-Identifier: GPL-3.0-or-later */
/** FFTW plans. Its planner is one for the whole process and is made safe for several threads here.
	FFTW_ESTIMATE, so that a size always gets the same plan and hence the same bits. */
#ifndef FB_FFT_H
#define FB_FFT_H

#include <fftw3.h>
#include <stdint.h>

/** Real to half-complex, forward; NULL when out of memory. thread: any but audio */
fftwf_plan fb_fft_real(uint32_t size, float *in, fftwf_complex *out);
/** The other way, unscaled; spoils its input. */
fftwf_plan fb_fft_real_inverse(uint32_t size, fftwf_complex *in, float *out);
void fb_fft_destroy(fftwf_plan plan); ///< NULL is allowed

#endif
