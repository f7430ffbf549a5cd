/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hammer.h"

#include "rig.h"

#include "testing.h"

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

enum { CHANNELS = 8, BLOCK = 64 * FB_TICK };

/** The kinds of input, one after the other. */
typedef enum food { NOISE, DC, SQUARE, CLICKS, SILENCE, HUGE_NUMBERS, NO_NUMBERS, N_FOODS } food;

typedef struct hammer {
	fb_rig *rig;
	const fb_node_desc *desc;
	uint32_t n_in, n_out;
	float *in[CHANNELS], *out[CHANNELS];
	uint64_t seed;
} hammer;

static double chance(hammer *h)
{
	h->seed ^= h->seed << 13;
	h->seed ^= h->seed >> 7;
	h->seed ^= h->seed << 17;
	return (double)(h->seed >> 11) * 0x1p-53;
}

static float morsel(hammer *h, food kind, size_t i)
{
	const float odd[] = {NAN, INFINITY, -INFINITY, 1e30f, -3e38f, 1e-40f, 0.5f, -0.0f};
	const float big[] = {1e8f, -1e8f, 3e4f, -1.0f};
	switch (kind) {
	case NOISE:
		return (float)(2.0 * chance(h) - 1.0);
	case DC:
		return 1.0f;
	case SQUARE:
		return i / 50 % 2 ? 1.0f : -1.0f;
	case CLICKS:
		return i % 997 ? 0.0f : 1.0f;
	case HUGE_NUMBERS:
		return big[(size_t)(chance(h) * 4.0)];
	case NO_NUMBERS:
		return odd[(size_t)(chance(h) * 8.0)];
	case SILENCE:
	case N_FOODS:
		break;
	}
	return 0.0f;
}

static void fill(hammer *h, food kind, size_t frames)
{
	for (uint32_t c = 0; c < h->n_in; c++) {
		for (size_t i = 0; i < frames; i++) {
			h->in[c][i] = morsel(h, kind, i);
		}
	}
}

/** A value anywhere in the range, most often at an end. */
static double wild(hammer *h, const fb_param_info *info)
{
	double dice = chance(h);
	double norm = dice < 0.35 ? 0.0 : dice < 0.7 ? 1.0 : chance(h);
	return fb_scale_from_norm(info->scale, (double)info->min, (double)info->max, norm);
}

static void jump_all(hammer *h, bool reprepare)
{
	for (uint32_t i = 0; i < h->desc->n_params; i++) {
		const fb_param_info *info = &h->desc->params[i];
		if (!(info->flags & FB_PARAM_REPREPARE) || reprepare) {
			rig_jump(h->rig, info->symbol, wild(h, info));
		}
	}
	if (reprepare) {
		rig_prepare(h->rig);
	}
}

static void default_all(hammer *h)
{
	bool reprepare = false;
	for (uint32_t i = 0; i < h->desc->n_params; i++) {
		rig_jump(h->rig, h->desc->params[i].symbol, (double)h->desc->params[i].def);
		reprepare |= h->desc->params[i].flags & FB_PARAM_REPREPARE;
	}
	if (reprepare) {
		rig_prepare(h->rig);
	}
}

static void run(hammer *h, size_t first, size_t frames)
{
	const float *in[CHANNELS];
	float *out[CHANNELS];
	for (uint32_t c = 0; c < CHANNELS; c++) {
		in[c] = h->in[c] + first;
		out[c] = h->out[c] + first;
	}
	rig_run(h->rig, in, out, frames);
}

static void check(const hammer *h, food kind, double bound)
{
	for (uint32_t c = 0; c < h->n_out; c++) {
		for (size_t i = 0; i < BLOCK; i++) {
			double y = (double)h->out[c][i];
			if (!isfinite(y) || (kind < HUGE_NUMBERS && fabs(y) > bound)) {
				fail_msg("%s: output %u gives %g on input kind %d, at most %g allowed", h->desc->id,
					c, y, (int)kind, bound);
			}
		}
	}
}

static void hammer_open(hammer *h, const char *node, double rate_hz)
{
	*h = (hammer){.rig = rig_open(node, rate_hz), .seed = 88172645463325252u};
	h->desc = rig_desc(h->rig);
	for (uint32_t i = 0; i < h->desc->n_inputs; i++) {
		h->n_in += h->desc->inputs[i].channels;
	}
	for (uint32_t i = 0; i < h->desc->n_outputs; i++) {
		h->n_out += h->desc->outputs[i].channels;
	}
	for (uint32_t c = 0; c < CHANNELS; c++) {
		h->in[c] = sig_alloc(BLOCK);
		h->out[c] = sig_alloc(BLOCK);
	}
	rig_prepare(h->rig);
}

static void hammer_close(hammer *h)
{
	rig_close(h->rig);
	for (uint32_t c = 0; c < CHANNELS; c++) {
		free(h->in[c]);
		free(h->out[c]);
	}
}

static void hit(hammer *h, double rate_hz, double seconds, double bound)
{
	for (int kind = 0; kind < N_FOODS; kind++) {
		size_t blocks = (size_t)(seconds * rate_hz / (double)N_FOODS / BLOCK) + 1;
		for (size_t b = 0; b < blocks; b++) {
			fill(h, (food)kind, BLOCK);
			jump_all(h, b % 16 == 0);
			for (size_t at = 0; at < BLOCK; at += FB_TICK) {
				jump_all(h, false);
				run(h, at, FB_TICK);
			}
			check(h, (food)kind, bound);
		}
	}
}

static void comes_to_rest(hammer *h, double rate_hz, double tail_s)
{
	default_all(h);
	fill(h, NOISE, BLOCK);
	for (int b = 0; b < 16; b++) {
		run(h, 0, BLOCK);
	}
	rig_reset(h->rig); /* what 1e8 leaves takes ages to fade, and says nothing */
	for (int b = 0; b < 16; b++) {
		run(h, 0, BLOCK);
	}
	fill(h, SILENCE, BLOCK);
	for (double t = 0; t < tail_s; t += BLOCK / rate_hz) {
		run(h, 0, BLOCK);
	}
	run(h, 0, BLOCK); /* all of what is looked at comes after the tail */
	for (uint32_t c = 0; c < h->n_out; c++) {
		double peak = sig_peak(h->out[c], BLOCK);
		if (!(peak <= 1e-6)) {
			fail_msg("%s: %g s after the last sound output %u still gives %g", h->desc->id, tail_s,
				c, peak);
		}
	}
}

/** After reset(), and from a fresh instance: the same bits. */
static void resets_whole(hammer *h)
{
	float *fresh = sig_alloc(16 * BLOCK);
	for (int pass = 0; pass < 2; pass++) {
		default_all(h);
		if (pass == 0) {
			rig_prepare(h->rig);
		} else {
			rig_reset(h->rig);
		}
		h->seed = 5;
		for (int b = 0; b < 16; b++) {
			fill(h, NOISE, BLOCK);
			run(h, 0, BLOCK);
			if (pass == 0) {
				memcpy(fresh + b * BLOCK, h->out[0], BLOCK * sizeof(float));
			} else if (memcmp(fresh + b * BLOCK, h->out[0], BLOCK * sizeof(float)) != 0) {
				fail_msg("%s: not as fresh after reset()", h->desc->id);
			}
		}
		jump_all(h, false);
		run(h, 0, BLOCK);
	}
	free(fresh);
}

static void at_rate(const char *node, double rate_hz, double seconds, double bound, double tail_s)
{
	hammer h;
	hammer_open(&h, node, rate_hz);
	hit(&h, rate_hz, seconds, bound);
	comes_to_rest(&h, rate_hz, tail_s);
	resets_whole(&h);
	hammer_close(&h);
}

void hammer_node(const char *node, double seconds, double bound, double tail_s)
{
	static const double rates_hz[] = {8000, 44100, 48000, 96000, 192000};
#if defined(__SSE__)
	unsigned mode = _mm_getcsr();
	_mm_setcsr(mode | 0x8040u); /* flush to zero, denormals are zero */
#endif
	for (size_t i = 0; i < sizeof rates_hz / sizeof *rates_hz; i++) {
		at_rate(node, rates_hz[i], seconds, bound, tail_s);
	}
#if defined(__SSE__)
	_mm_setcsr(mode);
#endif
}
