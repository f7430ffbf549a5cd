/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The static curve of a compressor with a soft knee.
	source: Giannoulis, Massberg, Reiss, JAES 60 (2012), equation 4 */
#ifndef FB_DSP_KNEE_H
#define FB_DSP_KNEE_H

#include "fastmath.h"

typedef struct fb_knee {
	float threshold_db;
	float slope;   ///< reduction per dB over the threshold: 1 - 1 / ratio
	float half_db; ///< half the width of the knee
	float curve;   ///< 1 / (2 width)
} fb_knee;

static inline fb_knee fb_knee_make(float threshold_db, float ratio, float width_db)
{
	/* no knee at all would divide by nothing; 1/1000 dB is none */
	float width = width_db > 1e-3f ? width_db : 1e-3f;
	return (fb_knee){threshold_db, 1.0f - 1.0f / ratio, 0.5f * width, 0.5f / width};
}

/** Reduction in dB, >= 0, that a level calls for. rt: yes */
static inline float fb_knee_reduction(const fb_knee *knee, float level_db)
{
	float over = level_db - knee->threshold_db;
	float in_knee = over + knee->half_db;
	in_knee = in_knee < 0.0f ? 0.0f : in_knee;
	in_knee = in_knee > 2.0f * knee->half_db ? 2.0f * knee->half_db : in_knee;
	float beyond = over - knee->half_db;
	beyond = beyond < 0.0f ? 0.0f : beyond;
	return knee->slope * (in_knee * in_knee * knee->curve + beyond);
}

#endif
