/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Voice: pitch, harmonics to noise, and how steady the voice is. Measured on the mid signal below
	about 4 kHz, 50 times a second, in frames that are periodic and above -60 dBFS.

	Pitch: YIN at about 6 kHz finds the period between 1 and 20 ms, the normalised correlation at
	about 12 kHz refines it and gives the harmonic part r of the power: hnr = 10 log10(r / (1 - r)).
	Within a voiced passage each cycle is matched to the next. With
	  jitter  = mean of |T2 - T1| / ((T1 + T2) / 2)    over pairs of neighbouring periods,
	  shimmer = mean of |20 log10(A2 / A1)|            over the same cycles' RMS levels,
	  pace    = standard deviation / mean of the gaps between onsets (onset.h),
	and steady(x, half) = 1 / (1 + x / half),
	  hume_stability = 0.4 steady(jitter, 0.02) + 0.4 steady(shimmer, 1 dB) + 0.2 steady(pace, 0.5),
	without the last term (over 0.8) when there are fewer than 3 gaps.
	source: A. de Cheveigne, H. Kawahara, "YIN", 2002; P. Boersma, "Accurate short-term analysis of
	the fundamental frequency and the harmonics-to-noise ratio", 1993 */
#ifndef FB_VOICE_H
#define FB_VOICE_H

#include "decimate.h"
#include "hop.h"
#include "tally.h"

enum { FB_VOICE_PHASES = 64, FB_VOICE_REACH = 6 };

typedef struct fb_voice {
	double rate_hz;             ///< of what is fed; half of it in the coarse search
	uint32_t shortest, longest; ///< periods, in samples of the coarse search
	uint32_t window, step;      ///< the same: samples compared, and between frames
	uint32_t fill, coarse_fill;
	uint64_t hop;
	float *x;          ///< at rate_hz: the frame at hand from its start
	float *coarse;     ///< at half the rate
	float *difference; ///< [longest + 2]
	fb_decimate half;
	bool voiced;        ///< the frame before was
	double next_cycle;  ///< where in x the next cycle starts, when it was
	double last_period; ///< of the cycle before, in samples; 0: none
	float taps[FB_VOICE_PHASES][2 * FB_VOICE_REACH]; ///< interpolation between lags
	fb_tally pitch;                                  ///< cents above 50 Hz
} fb_voice;

/** rate_hz: 8000..22000; most: samples a call at most. false: out of memory, finish all the same */
bool fb_voice_init(fb_voice *voice, double rate_hz, uint32_t most, bool live);
void fb_voice_finish(fb_voice *voice);
void fb_voice_clear(fb_voice *voice);
/** The mid signal of hop number `hop`; counts into part->sum[FB_SUM_VOICED ..]. */
void fb_voice_feed(fb_voice *voice, const float *mid, uint32_t n, uint64_t hop, fb_part *part);
void fb_voice_read(const fb_voice *voice, const fb_reading *reading);

#endif
