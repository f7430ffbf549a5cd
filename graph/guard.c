/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guard.h"

#include <math.h>
#include <string.h>

#define STAY_MS 50.0    /* longer than half a wave of the lowest sound: no ripple */
#define RISE_DB_S 60.0  /* back from an accident of 20 dB in a third of a second */
#define LET_DB_S 6000.0 /* once it is switched off */
#define MOVE 0.3f       /* of the way to a new ceiling in dB, a tick */
#define NEAR 1.05f      /* a gain hardly below what is wanted is still needed: it stays down */
#define GAIN_MIN 1e-6f /* lower would take long to come back from; the ceiling holds all the same */

static float per_tick(double db_s, double rate_hz)
{
	return (float)pow(10.0, db_s * FB_TICK / rate_hz / 20.0);
}

void fb_guard_init(fb_guard *guard, double rate_hz)
{
	*guard = (fb_guard){.gain = 1.0f,
		.ceiling = (float)pow(10.0, FB_CEILING_DB / 20.0),
		.stay = (uint32_t)ceil(STAY_MS * 1e-3 * rate_hz / FB_TICK),
		.rise = per_tick(RISE_DB_S, rate_hz),
		.let = per_tick(LET_DB_S, rate_hz)};
}

/** The largest magnitude, found among whole numbers: a maximum of floats does not vectorise. */
static float peak_of(const float *x, const float *y)
{
	int32_t most = 0;
	float peak;
	for (int i = 0; i < FB_TICK; i++) {
		int32_t a, b;
		memcpy(&a, &x[i], sizeof a);
		memcpy(&b, &y[i], sizeof b);
		a &= 0x7fffffff;
		b &= 0x7fffffff;
		most = a > most ? a : most;
		most = b > most ? b : most;
	}
	memcpy(&peak, &most, sizeof peak);
	return peak;
}

static float next_ceiling(float now, float aim)
{
	float next = now == aim ? aim : now * powf(aim / now, MOVE);
	return fabsf(next - aim) < 1e-3f * aim ? aim : next;
}

/** The gain at the end of the tick, if `want` is all that the ceiling allows. */
static float next_gain(fb_guard *guard, bool on, float want)
{
	if (on && want < 1.0f && want < guard->gain * NEAR) {
		guard->hold = guard->stay;
		return fmaxf(fminf(want, guard->gain), GAIN_MIN);
	}
	if (on && guard->hold) {
		guard->hold--;
		return guard->gain;
	}
	return fminf(guard->gain * (on ? guard->rise : guard->let), want);
}

void fb_guard_tick(fb_guard *guard, bool on, float ceiling, float *left, float *right)
{
	float from = guard->gain, top = guard->ceiling, next = next_ceiling(top, ceiling);
	float peak = peak_of(left, right), least = fminf(top, next);
	float to = next_gain(guard, on, on && peak > least ? least / peak : 1.0f);
	guard->ceiling = next;
	guard->gain = to;
	if (from == 1.0f && to == 1.0f) {
		return;
	}
	float *const x[2] = {left, right};
	for (int c = 0; c < 2; c++) {
		for (int i = 0; i < FB_TICK; i++) {
			float at = (float)(i + 1) / FB_TICK;
			float y = x[c][i] * (from + (to - from) * at);
			float limit = on ? top + (next - top) * at : INFINITY;
			x[c][i] = y > limit ? limit : y < -limit ? -limit : y;
		}
	}
}
