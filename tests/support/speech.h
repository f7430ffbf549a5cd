/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Recorded speech, noises to spoil it with, and measures of what a cure did. */
#ifndef FB_SPEECH_H
#define FB_SPEECH_H

#include <stddef.h>
#include <stdint.h>

/** A prompt of the Debian package asterisk-core-sounds-en-g722 (a woman's voice, 16 kHz), decoded
	and resampled by ffmpeg; mono, peak 0.5. prompt: "demo-congrats" (30 s of connected speech).
	Aborts, naming what is missing. owns: the caller, free() */
float *speech_load(const char *prompt, double rate_hz, size_t *frames);

typedef enum noise_kind { NOISE_WHITE, NOISE_PINK, NOISE_FAN, NOISE_KINDS } noise_kind;

/** Noise of mean square 1. NOISE_FAN: a rush falling above 300 Hz, over it blades at 113 Hz and
	their harmonics, breathing slowly. */
void noise_make(float *x, size_t frames, double rate_hz, noise_kind kind, uint64_t seed);

/** Scale-invariant signal-to-distortion ratio in dB, means removed.
	source: J. Le Roux et al., "SDR - half-baked or well done?" (2019) */
double speech_si_sdr_db(const float *clean, const float *heard, size_t frames);

/** Short-time objective intelligibility, 0..1.
	source: C. Taal et al., "An algorithm for intelligibility prediction of time-frequency weighted
			noisy speech" (2011) */
double speech_stoi(const float *clean, const float *heard, size_t frames, double rate_hz);

#endif
