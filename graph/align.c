/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "align.h"

#include <stdlib.h>
#include <string.h>

/* The line holds a whole number of ticks, so a tick is written in one piece and read in at most
   two; some more than it needs, so that it is seldom two. */
enum { SPARE = 8 * FB_TICK };

bool fb_align_init(fb_align *align, uint32_t frames)
{
	align->frames = frames;
	align->at = 0;
	align->size = (frames + FB_TICK - 1) / FB_TICK * FB_TICK + SPARE;
	size_t bytes = align->size * sizeof *align->line;
	align->line = aligned_alloc(FB_ALIGN, bytes);
	if (align->line) {
		memset(align->line, 0, bytes); /* not calloc: audio must not fault a page in */
	}
	return align->line != NULL;
}

void fb_align_finish(fb_align *align)
{
	free(align->line);
	align->line = NULL;
}

void fb_align_clear(fb_align *align)
{
	memset(align->line, 0, align->size * sizeof *align->line);
}

void fb_align_tick(fb_align *align, const float *in, float *out)
{
	memcpy(align->line + align->at, in, FB_TICK * sizeof *in);
	/* by comparison: a division would take longer than the copying */
	uint32_t from = align->at + (align->at < align->frames ? align->size : 0) - align->frames;
	uint32_t first = align->size - from;
	if (first >= FB_TICK) {
		memcpy(out, align->line + from, FB_TICK * sizeof *out);
	} else {
		memcpy(out, align->line + from, first * sizeof *out);
		memcpy(out + first, align->line, (FB_TICK - first) * sizeof *out);
	}
	align->at = align->at + FB_TICK < align->size ? align->at + FB_TICK : 0;
}
