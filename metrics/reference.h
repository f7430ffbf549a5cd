/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Against a reference: si_sdr and stoi of a run whose sample has a clean original.

	Both signals are kept, up to a minute, and measured when asked. First the output is aligned to
	the reference: the lag, within half a second, at which they agree best, to the sample.
	source: J. Le Roux, S. Wisdom, H. Erdogan, J. R. Hershey, "SDR - half-baked or well done?",
	2019; stoi.h */
#ifndef FB_REFERENCE_H
#define FB_REFERENCE_H

#include "hop.h"

#define FB_REFERENCE_SECONDS 60.0

typedef struct fb_reference {
	double rate_hz;
	size_t n, room, most;
	float *out[2], *ref[2];
	bool lost; ///< memory ran out: no answers
} fb_reference;

void fb_reference_init(fb_reference *reference, double rate_hz);
void fb_reference_finish(fb_reference *reference);
void fb_reference_clear(fb_reference *reference);
/** Clean audio of both, in stretches of any length. */
void fb_reference_feed(
	fb_reference *reference, const float *const out[2], const float *const ref[2], uint32_t frames);
void fb_reference_read(const fb_reference *reference, const fb_reading *reading);

#endif
