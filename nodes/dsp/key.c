/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "key.h"

#include "clean.h"
#include "matched.h"

#include <string.h>

const char *const fb_key_choices[] = {"internal", "external", NULL};

void fb_key_choose(fb_fade *external, const fb_tick *tick, bool want_external,
	const float own[2][FB_TICK], float key[2][FB_TICK])
{
	float from;
	float to = fb_fade_tick(external, want_external && (tick->connected & 2u), &from);
	for (int c = 0; c < 2; c++) {
		if (from == 0.0f && to == 0.0f) {
			memcpy(key[c], own[c], sizeof key[c]);
			continue;
		}
		fb_clean_tick(tick->in[2 + c], key[c]);
		for (int i = 0; i < FB_TICK && from + to < 2.0f; i++) {
			float at = from + (to - from) * (float)(i + 1) / FB_TICK;
			key[c][i] = own[c][i] + (key[c][i] - own[c][i]) * at;
		}
	}
}

static fb_section design(const fb_key_filter *filter, float freq_hz)
{
	double w = 2.0 * M_PI * fmin((double)freq_hz / filter->rate_hz, 0.45), high = filter->high;
	fb_section sections[2];
	/* the correction at the top end would be heard by no detector */
	fb_match(&(fb_analog){high, 0.0, (1.0 - high) * w * w, 1.0, w * M_SQRT2, w * w}, 1, sections);
	return sections[0];
}

void fb_key_filter_start(
	fb_key_filter *filter, double rate_hz, bool high, float off_hz, float freq_hz)
{
	*filter =
		(fb_key_filter){.rate_hz = rate_hz, .high = high, .off_hz = off_hz, .freq_hz = freq_hz};
	filter->section = design(filter, freq_hz);
}

void fb_key_filter_tick(fb_key_filter *filter, float freq_hz, float key[2][FB_TICK])
{
	float from_hz = filter->freq_hz;
	filter->freq_hz = freq_hz;
	if (from_hz == filter->off_hz && freq_hz == filter->off_hz) {
		filter->state = (fb_section_state){{0}, {0}};
		return;
	}
	fb_stereo x[FB_TICK];
	for (int i = 0; i < FB_TICK; i++) {
		x[i] = (fb_stereo){(double)key[0][i], (double)key[1][i]};
	}
	if (from_hz != freq_hz) {
		fb_section to = design(filter, freq_hz);
		fb_section_glide(&filter->section, &to, &filter->state, x, FB_TICK);
		filter->section = to;
	} else {
		const fb_section *section = &filter->section;
		fb_section_state *state = &filter->state;
		fb_section_run_all(1, &section, &state, x);
	}
	for (int i = 0; i < FB_TICK; i++) {
		key[0][i] = (float)x[i][0];
		key[1][i] = (float)x[i][1];
	}
}
