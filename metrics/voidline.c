/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "voidline.h"

#include <math.h>

enum { LOUDNESS, TRUE_PEAK, DYNAMICS, STEREO, SPECTRUM, DEFECTS };

const fb_voidline_part fb_voidline_parts[FB_VOIDLINE_PARTS] = {
	[LOUDNESS] = {"loudness", "Loudness",
		"Integrated loudness at the target: 1 on it, 0.71 when 1 LU off, 0.32 when 3 LU off.",
		0.25},
	[TRUE_PEAK] = {"true_peak", "True peak",
		"Room for converters and codecs: 1 up to -1 dBTP, 0 from +1 dBTP on.", 0.15},
	[DYNAMICS] = {"dynamics", "Dynamics",
		"Not squashed: least peak to short-term ratio (0 at 4 dB, 1 from 9 dB on) and peak to "
		"loudness ratio (0 at 5 dB, 1 from 10 dB on), half each.",
		0.2},
	[STEREO] = {"stereo", "Stereo",
		"Holds up in mono and in the middle: correlation (0 at -0.4, 1 from 0.2 on), mono loss (1 "
		"up to 3 dB, 0 at 9 dB) and balance (1 within 1 dB, 0 at 6 dB), a third each.",
		0.1},
	[SPECTRUM] = {"spectrum", "Spectral balance",
		"The seven bands near the long-term mean of finished music and speech (the catalogue's "
		"targets): each 1 on it, 0.71 one tolerance off.",
		0.15},
	[DEFECTS] = {"defects", "Defects",
		"Free of clipping and clicks (halved by each one a second), dropouts (halved by one in 10 "
		"s) and DC (by 0.01).",
		0.15},
};

/* 0 at `zero`, 1 at `one`, straight between, level beyond. */
static double ramp(double value, double zero, double one)
{
	double x = (value - zero) / (one - zero);
	return x < 0.0 ? 0.0 : x > 1.0 ? 1.0 : x;
}

static double near(double value, double target, double tolerance)
{
	double off = (value - target) / tolerance;
	return 1.0 / sqrt(1.0 + off * off);
}

/* Mean of those of the terms that have an answer. */
typedef struct average {
	double sum, n;
} average;

static void add(average *mean, bool valid, double term)
{
	mean->sum += valid ? term : 0.0;
	mean->n += valid ? 1.0 : 0.0;
}

static double result(const average *mean)
{
	return mean->n > 0.0 ? mean->sum / mean->n : -1.0;
}

static double stereo(const fb_metric_set *set)
{
	const double *v = set->value;
	average m = {0};
	add(&m, fb_metric_valid(set, FB_M_CORRELATION), ramp(v[FB_M_CORRELATION], -0.4, 0.2));
	add(&m, fb_metric_valid(set, FB_M_MONO_LOSS), ramp(v[FB_M_MONO_LOSS], 9.0, 3.0));
	add(&m, fb_metric_valid(set, FB_M_BALANCE), ramp(fabs(v[FB_M_BALANCE]), 6.0, 1.0));
	return result(&m);
}

static double dynamics(const fb_metric_set *set)
{
	average m = {0};
	add(&m, fb_metric_valid(set, FB_M_PSR), ramp(set->value[FB_M_PSR], 4.0, 9.0));
	add(&m, fb_metric_valid(set, FB_M_PLR), ramp(set->value[FB_M_PLR], 5.0, 10.0));
	return result(&m);
}

static double spectrum(const fb_metric_set *set)
{
	average m = {0};
	for (int i = FB_M_BAND_SUB; i <= FB_M_BAND_AIR; i++) {
		const fb_metric_info *info = &fb_metric_catalogue[i];
		add(&m, fb_metric_valid(set, i), near(set->value[i], info->target, info->tolerance));
	}
	return result(&m);
}

static double defects(const fb_metric_set *set)
{
	static const struct {
		int metric;
		double half;
	} rows[] = {
		{FB_M_CLIPPING, 1.0}, {FB_M_ARTIFACTS, 4.0}, {FB_M_DROPOUTS, 0.1}, {FB_M_DC_OFFSET, 0.01}};
	double product = 1.0;
	bool any = false;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (fb_metric_valid(set, rows[i].metric)) {
			product /= 1.0 + fabs(set->value[rows[i].metric]) / rows[i].half;
			any = true;
		}
	}
	return any ? product : -1.0;
}

double fb_voidline(const fb_metric_set *set, double target_lufs, double *parts)
{
	const double *v = set->value;
	double part[FB_VOIDLINE_PARTS] = {
		[LOUDNESS] = fb_metric_valid(set, FB_M_LUFS_INTEGRATED)
						 ? near(v[FB_M_LUFS_INTEGRATED], target_lufs, 1.0)
						 : -1.0,
		[TRUE_PEAK] =
			fb_metric_valid(set, FB_M_TRUE_PEAK) ? ramp(v[FB_M_TRUE_PEAK], 1.0, -1.0) : -1.0,
		[DYNAMICS] = dynamics(set),
		[STEREO] = stereo(set),
		[SPECTRUM] = spectrum(set),
		[DEFECTS] = defects(set),
	};
	double sum = 0.0, shares = 0.0;
	for (int i = 0; i < FB_VOIDLINE_PARTS; i++) {
		if (part[i] >= 0.0) {
			sum += fb_voidline_parts[i].share * part[i];
			shares += fb_voidline_parts[i].share;
		}
		if (parts) {
			parts[i] = part[i];
		}
	}
	return shares > 0.0 ? 100.0 * sum / shares : 0.0;
}
