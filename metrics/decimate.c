/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "decimate.h"

#include "fir.h"
#include "wide.h"

#include <stdlib.h>
#include <string.h>

/* The transition band of an 80 dB Kaiser low-pass is 5 / taps wide: from 0.35 to 0.65 of the new
   rate folds back to 0.35 at most. */
enum { TAPS_PER_FACTOR = 16 };

bool fb_decimate_init(fb_decimate *decimate, uint32_t factor, uint32_t most)
{
	memset(decimate, 0, sizeof *decimate);
	decimate->factor = factor;
	decimate->taps = TAPS_PER_FACTOR * factor;
	decimate->coefficients = calloc(decimate->taps, sizeof(float));
	decimate->line = calloc(decimate->taps + most, sizeof(float));
	if (!decimate->coefficients || !decimate->line) {
		return false;
	}
	if (factor > 1) {
		fb_fir_low_pass(decimate->coefficients, decimate->taps, 0.5 / factor);
	} else {
		decimate->coefficients[0] = 1.0f;
	}
	fb_decimate_clear(decimate);
	return true;
}

void fb_decimate_finish(fb_decimate *decimate)
{
	free(decimate->coefficients);
	free(decimate->line);
}

void fb_decimate_clear(fb_decimate *decimate)
{
	decimate->kept = decimate->taps - 1;
	memset(decimate->line, 0, decimate->kept * sizeof(float));
}

FB_WIDE uint32_t fb_decimate_run(fb_decimate *decimate, const float *in, uint32_t n, float *out)
{
	memcpy(decimate->line + decimate->kept, in, n * sizeof *in);
	uint32_t have = decimate->kept + n, made = 0, at = 0;
	for (; at + decimate->taps <= have; at += decimate->factor) {
		const float *x = decimate->line + at, *c = decimate->coefficients;
		fb_v8 sum = {0}, other = {0}; /* two chains of additions */
		for (uint32_t i = 0; i < decimate->taps; i += 16) {
			sum += FB_LOAD8(x + i) * FB_LOAD8(c + i);
			other += FB_LOAD8(x + i + 8) * FB_LOAD8(c + i + 8);
		}
		sum += other;
		out[made++] = FB_FOLD8(sum);
	}
	decimate->kept = have - at;
	memmove(decimate->line, decimate->line + at, decimate->kept * sizeof(float));
	return made;
}
