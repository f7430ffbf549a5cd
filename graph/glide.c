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

/** Travel so far, t ticks after the start: over `round` ticks at either end the speed changes
	steadily. */
static double travel_at(const fb_glide *g, double t)
{
	double left = (double)g->ticks - t;
	if (t < g->round) {
		return g->start + t * (g->speed0 + 0.5 * (g->speed - g->speed0) * t / g->round);
	}
	if (left < g->round) {
		return g->target - 0.5 * g->speed * left * left / g->round;
	}
	return g->target - g->speed * (left - 0.5 * g->round);
}

/** Travel a tick, where the last tick ended. */
static double speed_now(const fb_glide *g)
{
	double t = (double)g->done, left = (double)g->ticks - t;
	if (left <= 0.0) {
		return 0.0;
	}
	if (t < g->round) {
		return g->speed0 + (g->speed - g->speed0) * t / g->round;
	}
	return left < g->round ? g->speed * left / g->round : g->speed;
}

void fb_glide_aim(fb_glide *glide, const fb_param_info *info, float now, float value,
	uint32_t ticks, uint32_t own)
{
	double speed = speed_now(glide);
	glide->final = fb_param_fit(info, value);
	glide->done = 0;
	/* at once: one tick that starts and ends on the new value */
	glide->ticks = info->kind == FB_FLOAT ? ticks : 0;
	if (!glide->ticks) {
		return;
	}
	double min = (double)info->min, max = (double)info->max;
	glide->start = fb_scale_to_norm(info->scale, min, max, (double)now);
	glide->target = fb_scale_to_norm(info->scale, min, max, (double)glide->final);
	glide->round = 0.5 * (double)(ticks < own ? ticks : own);
	/* no faster than to stop at the aim, and not at all the wrong way */
	double way = glide->target - glide->start;
	double most = glide->round > 0.0 ? 2.0 * way / glide->round : 0.0;
	glide->speed0 = fb_clamp(speed, fmin(most, 0.0), fmax(most, 0.0));
	glide->speed = (way - 0.5 * glide->round * glide->speed0) / ((double)ticks - glide->round);
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
		*to = (float)fb_scale_from_norm(info->scale, (double)info->min, (double)info->max,
			travel_at(glide, (double)glide->done));
	}
	return true;
}
