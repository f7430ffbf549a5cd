/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What a run is made from: a stretch of audio, and its clean original if there is one. Read-only
	once made, shared by jobs; counted. */
#ifndef FB_SOURCE_H
#define FB_SOURCE_H

#include "../graph/status.h"
#include "../metrics/analyser.h"

#include <jansson.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct fb_source {
	_Atomic uint32_t holders;
	char hash[65];           ///< SHA-256 of the audio and its rate, hexadecimal
	float *audio[2];         ///< [frames]
	float *reference[2];     ///< [frames] or NULL
	char reference_hash[65]; ///< "" without one
	uint64_t frames, frame_start;
	double rate_hz;
	/* the audition thread's, once `measured` */
	fb_metric_set unprocessed;  ///< what is measured of it as it is
	double third_db[FB_THIRDS]; ///< its balance
	bool measured;
	/* control's */
	bool live;        ///< captured of a station's input
	json_t *settings; ///< of the station when it came, {"node.param": value}; NULL: not known
} fb_source;

/** Take two malloc'ed channels. NULL when out of memory (they are the caller's then). */
fb_source *fb_source_create(
	float *const take[2], uint64_t frames, uint64_t frame_start, double rate_hz);
/** Give it its clean original: two malloc'ed channels of its length. */
void fb_source_take_reference(fb_source *source, float *const take[2]);
fb_source *fb_source_hold(fb_source *source);
void fb_source_drop(fb_source *source); ///< NULL is allowed

/** Read an audio file of 1 or 2 channels, at any rate, into `rate_hz`. Two malloc'ed channels.
	range:  seconds_max bounds its length
	errors: FB_NOT_FOUND, FB_INVALID (no audio, more than 2 channels, empty), FB_TOO_LARGE
	thread: any but audio and control: it reads and resamples */
FB_MUST_CHECK fb_status fb_audio_read(const char *file, double rate_hz, double seconds_max,
	float *out[2], uint64_t *frames, fb_error *error);

/** A WAV file in memory, 32-bit float; the same audio gives the same bytes. NULL when it cannot be
	made. free() it. */
unsigned char *fb_wav_from_interleaved(
	const float *audio, uint32_t channels, uint64_t frames, double rate_hz, size_t *len);
/** The same from an array per channel. */
unsigned char *fb_wav_encode(
	const float *const *audio, uint32_t channels, uint64_t frames, double rate_hz, size_t *len);

/** Base64 with padding, NULL when out of memory. free() it. */
char *fb_base64(const unsigned char *data, size_t len);

#endif
