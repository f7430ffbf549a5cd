/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What the detector of a dynamics node listens to: the signal or an external key, and filters for
	it. Both channels go side by side. */
#ifndef FB_DSP_KEY_H
#define FB_DSP_KEY_H

#include "fade.h"
#include "section.h"

/** Names of the choice that says what is listened to. */
extern const char *const fb_key_choices[];

/** Fill `key` with the signal, with input port 1 if the choice says so and something is connected
	there, or with what lies on the way from one to the other. rt: yes */
void fb_key_choose(fb_fade *external, const fb_tick *tick, bool want_external,
	const float own[2][FB_TICK], float key[2][FB_TICK]);

/** A high or low pass of the key, Butterworth, 12 dB per octave, off at one end of its range. */
typedef struct fb_key_filter {
	double rate_hz;
	bool high;
	float off_hz, freq_hz; ///< where it is off; what the section was made for
	fb_section section;
	fb_section_state state;
} fb_key_filter;

/** At rest at a frequency. */
void fb_key_filter_start(
	fb_key_filter *filter, double rate_hz, bool high, float off_hz, float freq_hz);

/** One tick in place, the frequency gliding to freq_hz. rt: yes */
void fb_key_filter_tick(fb_key_filter *filter, float freq_hz, float key[2][FB_TICK]);

#endif
