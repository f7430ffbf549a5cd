/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Short-time objective intelligibility of a processed signal against its clean original.
	source: C. H. Taal, R. C. Hendriks, R. Heusdens, J. Jensen, "An Algorithm for Intelligibility
	Prediction of Time-Frequency Weighted Noisy Speech", IEEE TASLP 19(7), 2011 */
#ifndef FB_STOI_H
#define FB_STOI_H

#include <stdbool.h>
#include <stddef.h>

/** shape:  clean[frames], processed[frames], aligned
	range:  rate_hz 8000..192000; *stoi -1..1, for speech 0..1
	errors: false when there is less than 384 ms of speech in the original, or no memory
	thread: any but audio; takes a few ms for 10 s */
bool fb_stoi(
	const float *clean, const float *processed, size_t frames, double rate_hz, double *stoi);

#endif
