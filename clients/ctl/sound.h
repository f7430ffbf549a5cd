/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Audio files, a piece at a time. */
#ifndef FB_CTL_SOUND_H
#define FB_CTL_SOUND_H

#include "outfile.h"

#include <sndfile.h>

#include <stdint.h>

enum { FB_SOUND_PIECE = 8192 }; ///< frames a call at most

/** Whatever libsndfile reads, of one or two channels; one counts as both. */
typedef struct fb_sound {
	SNDFILE *file;
	const char *name;
	uint32_t channels;
	uint64_t frames; ///< as the file says
	uint32_t rate_hz;
	float work[2 * FB_SOUND_PIECE];
} fb_sound;

/** NULL on failure.
	owns:   the name is borrowed until it is closed
	errors: FB_NOT_FOUND, FB_IO, FB_INVALID (no audio, more than 2 channels, 8000..192000 Hz) */
fb_sound *fb_sound_open(const char *name, fb_error *error);
void fb_sound_close(fb_sound *sound); ///< NULL is allowed
/** The next `frames` frames; *got is less at the end alone. errors: FB_IO (a damaged file) */
FB_MUST_CHECK fb_status fb_sound_read(
	fb_sound *sound, float *const *to, uint32_t frames, uint32_t *got, fb_error *error);

/** A WAV file of two channels (RF64 beyond 4 GB), the same bytes for the same audio. */
typedef struct fb_sound_out {
	SNDFILE *file;
	fb_outfile out;
	int bits;         ///< 16 (dithered, triangular, 2 LSB wide), 24, or 32: float
	uint64_t noise;   ///< of the dither; always starts alike
	uint64_t clipped; ///< samples beyond full scale that 16 or 24 bits could not hold
	float work[2 * FB_SOUND_PIECE];
	int whole[2 * FB_SOUND_PIECE];
} fb_sound_out;

/** NULL on failure. `frames`: how many will come. errors: as fb_outfile_open */
fb_sound_out *fb_sound_create(
	const char *name, uint32_t rate_hz, int bits, uint64_t frames, fb_error *error);
FB_MUST_CHECK fb_status fb_sound_write(
	fb_sound_out *out, const float *const *from, uint32_t frames, fb_error *error);
/** Put the file into its place and free `out`. */
FB_MUST_CHECK fb_status fb_sound_finish(fb_sound_out *out, fb_error *error);
void fb_sound_abandon(fb_sound_out *out); ///< NULL is allowed

#endif
