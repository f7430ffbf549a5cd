/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The voidline score: how ready a finished master is, 0..100, in six parts that say why. */
#ifndef FB_VOIDLINE_H
#define FB_VOIDLINE_H

#include "catalogue.h"

enum { FB_VOIDLINE_PARTS = 6 };

/** One part of the score. */
typedef struct fb_voidline_part {
	const char *id, *label;
	const char *doc; ///< what is asked, and where the part is 1 and 0
	double share;    ///< of the whole; all shares add up to 1
} fb_voidline_part;

extern const fb_voidline_part fb_voidline_parts[FB_VOIDLINE_PARTS];

/** 100 times the mean of the parts by their shares. A part whose metrics have no answer is left
	out; when all are, 0.
	shape:  parts[FB_VOIDLINE_PARTS] or NULL: each part's own 0..1, -1 where left out
	thread: any */
double fb_voidline(const fb_metric_set *set, double target_lufs, double *parts);

#endif
