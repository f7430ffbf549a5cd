/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "slide.h"

#include <stdlib.h>
#include <string.h>

bool fb_slide_init(fb_slide *slide, uint32_t n)
{
	memset(slide, 0, sizeof *slide);
	slide->n = n;
	slide->value = calloc(n, sizeof *slide->value);
	slide->to_end = calloc(n + 1, sizeof *slide->to_end);
	return slide->value && slide->to_end;
}

void fb_slide_finish(fb_slide *slide)
{
	free(slide->value);
	free(slide->to_end);
}

void fb_slide_clear(fb_slide *slide)
{
	slide->at = 0;
	slide->full = false;
	slide->lap = 0.0;
	memset(slide->to_end, 0, (slide->n + 1) * sizeof *slide->to_end);
}

void fb_slide_push(fb_slide *slide, double value)
{
	slide->value[slide->at++] = value;
	slide->lap += value;
	if (slide->at == slide->n) {
		for (uint32_t i = slide->n; i > 0; i--) {
			slide->to_end[i - 1] = slide->to_end[i] + slide->value[i - 1];
		}
		slide->at = 0;
		slide->lap = 0.0;
		slide->full = true;
	}
}

double fb_slide_sum(const fb_slide *slide)
{
	return slide->to_end[slide->at] + slide->lap;
}
