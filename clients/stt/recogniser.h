/* SPDX-License-Identifier: GPL-3.0-or-later */
/** How sure a speech recogniser is of what it hears: PocketSphinx with its model of US English.

	confidence = sum of (posterior x frames) over the words heard
	             / frames of sound,
	in frames of 10 ms. A word's posterior is the share of its lattice of hypotheses that agrees
	with it. Sound is everything but pauses: what the model takes for silence is one only if it is
	20 dB or more below the level of the whole take. So noise lowers the confidence three times:
	words are less sure, fewer are found, and pauses are no longer silent.
	Owner: one thread. The same takes in the same order give the same answers; what was heard before
	moves one by less than 0.001. */
#ifndef FB_RECOGNISER_H
#define FB_RECOGNISER_H

#include "../../graph/status.h"

#include <stdbool.h>

enum { FB_SPEECH_RATE = 16000 }; ///< Hz: what the model was trained on

typedef struct fb_recogniser fb_recogniser;

typedef struct fb_heard {
	bool any;          ///< false: silence (below -60 dBFS), or no way through the take; no answer
	double confidence; ///< 0..1; 0: sound in which no word was found
	unsigned words;
	char text[2048]; ///< cut if too long
} fb_heard;

/** errors: FB_NOT_FOUND (no model), FB_IO (it cannot be loaded), FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_recogniser_open(fb_recogniser **out, fb_error *error);
void fb_recogniser_close(fb_recogniser *recogniser); ///< NULL is allowed

/** Recognise a whole take.
	shape:  mono[n], n above 0, at FB_SPEECH_RATE; any level
	errors: FB_IO (the recogniser gave up), FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_recogniser_hear(
	fb_recogniser *recogniser, const float *mono, size_t n, fb_heard *heard, fb_error *error);

#endif
