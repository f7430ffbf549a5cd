/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "part.h"

#include <math.h>

#define FITS 1e-4 /* largest error of a part that counts as understood */

/** Two pairs that lie far apart and are off the ends, where a part tells nothing of its metric. */
static bool find_ends(const double *metric, const double *part, int count, int *lo, int *hi)
{
	*lo = *hi = -1;
	for (int i = 0; i < count; i++) {
		if (!(part[i] > 1e-9 && part[i] < 1.0 - 1e-9) || !isfinite(metric[i])) {
			continue;
		}
		*lo = *lo < 0 || metric[i] < metric[*lo] ? i : *lo;
		*hi = *hi < 0 || metric[i] > metric[*hi] ? i : *hi;
	}
	return *lo >= 0 && metric[*hi] - metric[*lo] > 1e-9 * (1.0 + fabs(metric[*hi]));
}

static double worst_error(const fb_part *tried, const double *metric, const double *part, int count)
{
	double worst = 0.0;
	for (int i = 0; i < count; i++) {
		if (isfinite(metric[i]) && isfinite(part[i])) {
			worst = fmax(worst, fabs(fb_part_at(tried, metric[i]) - part[i]));
		}
	}
	return worst;
}

fb_part fb_part_learn(const double *metric, const double *part, int count)
{
	fb_part best = {.kind = FB_PART_RAW}, tried[3];
	int lo, hi;
	if (!find_ends(metric, part, count, &lo, &hi)) {
		return best;
	}
	double span = metric[hi] - metric[lo], rise = (part[hi] - part[lo]) / span;
	tried[0] =
		(fb_part){.kind = FB_PART_SLOPE, .slope = rise, .offset = part[lo] - rise * metric[lo]};
	/* how many tolerances off target each is: on one side of it, or on both */
	double off_lo = sqrt(1.0 / (part[lo] * part[lo]) - 1.0),
		   off_hi = sqrt(1.0 / (part[hi] * part[hi]) - 1.0);
	double nearer = off_hi - off_lo;
	tried[1] = (fb_part){.kind = FB_PART_TARGET,
		.tolerance = span / fmax(fabs(nearer), 1e-12),
		.target = metric[lo] - off_lo * span / (fabs(nearer) > 1e-12 ? nearer : 1e-12)};
	tried[2] = (fb_part){.kind = FB_PART_TARGET,
		.tolerance = span / (off_lo + off_hi),
		.target = metric[lo] + off_lo * span / (off_lo + off_hi)};
	double least = FITS;
	for (int i = 0; i < 3; i++) {
		double error = worst_error(&tried[i], metric, part, count);
		if (error < least) {
			least = error;
			best = tried[i];
		}
	}
	return best;
}

double fb_part_at(const fb_part *part, double metric)
{
	double by_metric, by_variance;
	return fb_part_expected(part, metric, 0.0, &by_metric, &by_variance);
}

double fb_part_expected(
	const fb_part *part, double metric, double variance, double *by_metric, double *by_variance)
{
	*by_variance = 0.0;
	if (part->kind == FB_PART_TARGET) {
		double off = (metric - part->target) / part->tolerance,
			   spread = 1.0 / (part->tolerance * part->tolerance);
		double value = 1.0 / sqrt(1.0 + off * off + variance * spread);
		double cube = value * value * value;
		*by_metric = -off * cube / part->tolerance;
		*by_variance = -0.5 * cube * spread;
		return value;
	}
	bool scaled = part->kind == FB_PART_SLOPE;
	double value = scaled ? part->slope * metric + part->offset : metric;
	*by_metric = scaled ? part->slope : 1.0;
	if (part->kind != FB_PART_FREE && (value <= 0.0 || value >= 1.0)) {
		*by_metric = 0.0;
		return value <= 0.0 ? 0.0 : 1.0;
	}
	return value;
}
