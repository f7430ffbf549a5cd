/* SPDX-License-Identifier: GPL-3.0-or-later */
/** An estimate of the noise in a stream of power spectra, which goes on while somebody speaks: each
	bin is averaged as far as it is unlikely to hold speech. A bin that seems to hold speech without
	a break is let in by a hundredth, so that a noise which has risen is found within seconds.
	source: T. Gerkmann, R. C. Hendriks, "Unbiased MMSE-based noise power estimation with low
			complexity and low tracking delay" (2012), after I. Cohen's minima controlled recursive
			averaging (2003), slower here */
#ifndef FB_NR_NOISE_H
#define FB_NR_NOISE_H

#include "../../graph/node.h"

typedef struct fb_noise {
	uint32_t bins;
	float *level;                    ///< [bins] the estimate
	float *presence;                 ///< [bins] long mean of the probability of speech
	float *profile;                  ///< [bins] what was learned
	uint32_t heard, learned;         ///< spectra that were not silence; in the profile
	uint32_t warm_up;                ///< spectra that start the estimate off
	float keep_level, keep_presence; ///< shares kept from one spectrum to the next
} fb_noise;

size_t fb_noise_room(uint32_t bins); ///< floats
void fb_noise_init(fb_noise *noise, uint32_t bins, double hop_s, float *room);
void fb_noise_reset(fb_noise *noise) FB_RT;
/** The next spectrum. power: [bins], >= 0. */
void fb_noise_feed(fb_noise *noise, const float *power) FB_RT;
/** The next spectrum goes into the profile; `restart` drops what was learned before. */
void fb_noise_learn(fb_noise *noise, const float *power, bool restart) FB_RT;

#endif
