/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "glide.h"

float fb_param_fit(const fb_param_info *info, float value)
{
	if (info->kind != FB_FLOAT) {
		value = roundf(value);
	}
	value = value > info->min ? value : info->min; /* NaN: min */
	return value < info->max ? value : info->max;
}

uint32_t fb_glide_ticks(const fb_param_info *info, double rate_hz)
{
	if (info->kind != FB_FLOAT || info->smooth_ms <= 0.0f) {
		return 0;
	}
	return (uint32_t)ceil((double)info->smooth_ms * 1e-3 * rate_hz / FB_TICK);
}

void fb_glide_aim(
	fb_glide *glide, const fb_param_info *info, float now, float value, uint32_t ticks)
{
	glide->final = fb_param_fit(info, value);
	glide->done = 0;
	/* at once: one tick that starts and ends on the new value */
	glide->ticks = info->kind == FB_FLOAT ? ticks : 0;
	if (glide->ticks) {
		glide->start =
			fb_scale_to_norm(info->scale, (double)info->min, (double)info->max, (double)now);
		glide->target = fb_scale_to_norm(
			info->scale, (double)info->min, (double)info->max, (double)glide->final);
	}
}

bool fb_glide_tick(fb_glide *glide, const fb_param_info *info, float *from, float *to)
{
	if (glide->done >= glide->ticks) {
		*from = glide->final;
		*to = glide->final;
		return false;
	}
	*from = *to;
	glide->done++;
	if (glide->done == glide->ticks) {
		*to = glide->final;
	} else {
		double part = (double)glide->done / (double)glide->ticks;
		*to = (float)fb_scale_from_norm(info->scale, (double)info->min, (double)info->max,
			glide->start + (glide->target - glide->start) * part);
	}
	return true;
}
