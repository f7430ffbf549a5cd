/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Finding clicks: feed a node a low tone and look for what has no business far above it. */
#ifndef FB_CLICKS_H
#define FB_CLICKS_H

#include <stddef.h>

/** Peak in dBFS of what x has above cut_hz, by a linear-phase high pass whose stop band (below 0.7
	cut_hz) is 120 dB down; the first and last 1024 frames are left out. floor -300 */
double clicks_peak_db(const float *x, size_t frames, double rate_hz, double cut_hz);

#endif
