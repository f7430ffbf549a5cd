/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Measures one station: the same code for the sliding live window and for a run over an exact
	stretch of frames. Deterministic: the same frames in any split of feed() calls give the same
   bits.

	Owner: one thread at a time, never audio; it may allocate and block. */
#ifndef FB_ANALYSER_H
#define FB_ANALYSER_H

#include "catalogue.h"

#include <stdbool.h>

typedef struct fb_analyser fb_analyser;

typedef enum fb_window {
	FB_WINDOW_LIVE, ///< the last 3 s (loudness: its standard's windows), read at any time
	FB_WINDOW_RUN,  ///< everything fed since create or reset
} fb_window;

typedef struct fb_analyser_options {
	double rate_hz; ///< 8000..192000
	fb_window window;
	double target_lufs; ///< for loudness_error
	double latency_ms;  ///< for the metric `latency`: the chain's and the driver's
	bool has_input;     ///< feed() gets the station's input: gain_change has an answer
	bool has_reference; ///< feed() gets a clean reference: si_sdr and stoi have one
} fb_analyser_options;

/** A stretch of audio; channels are arrays of `frames` floats. */
typedef struct fb_stretch {
	const float *out[2];
	const float *in[2];  ///< NULL unless has_input
	const float *ref[2]; ///< NULL unless has_reference
	const float
		*reduction_db; ///< one value per 32 frames, or NULL: summed reduction of the dynamics nodes
	uint64_t frames;
} fb_stretch;

/** errors: NULL when out of memory, or when the rate is out of range */
fb_analyser *fb_analyser_create(const fb_analyser_options *options);
void fb_analyser_destroy(fb_analyser *analyser);
/** Forget everything; the next frame fed is `frame`. */
void fb_analyser_reset(fb_analyser *analyser, uint64_t frame);
void fb_analyser_feed(fb_analyser *analyser, const fb_stretch *stretch);
/** `frames` were lost on the way: the live windows that hold them read invalid until they have
	passed. */
void fb_analyser_gap(fb_analyser *analyser, uint64_t frames);
void fb_analyser_set_target(fb_analyser *analyser, double target_lufs);
void fb_analyser_set_latency(fb_analyser *analyser, double latency_ms);
/** What a speech recogniser made of it, 0..1 (stt_confidence); NAN takes it back. Live it holds
	for 10 s of audio, so that a recogniser that has gone does not speak on; of a run, to the end.
	*/
void fb_analyser_set_stt(fb_analyser *analyser, double confidence);
/** Restart lufs_integrated and lra, as a loudness meter's reset does. */
void fb_analyser_reset_loudness(fb_analyser *analyser);
enum { FB_THIRDS = 25 }; ///< third octaves about 50 Hz .. 12.5 kHz

/** Level of each third octave against all from 20 Hz to 20 kHz, over the active frames so far.
	shape: db[FB_THIRDS]
	units: dB, -120 where there is nothing, or half the rate lies below
	source: IEC 61260, base 10 */
void fb_analyser_thirds(const fb_analyser *analyser, double *db);
double fb_third_hz(int index); ///< its middle

/** The 55 numbers now. Reading changes nothing: read twice, get the same. */
void fb_analyser_read(fb_analyser *analyser, fb_metric_set *out);

#endif
