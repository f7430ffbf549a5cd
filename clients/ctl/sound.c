/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sound.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RATE_MIN = 8000, RATE_MAX = 192000 };

#define WAV_BYTES_MAX 0xffff0000u /**< of audio: the format counts bytes in 32 bits */

/* --- reading */

static fb_status check_sound(const char *name, const SF_INFO *info, fb_error *error)
{
	if (info->channels < 1 || info->channels > 2) {
		return fb_fail(
			error, FB_INVALID, name, "has %d channels; 1 or 2 can be taken", info->channels);
	}
	if (info->samplerate < RATE_MIN || info->samplerate > RATE_MAX) {
		return fb_fail(error, FB_INVALID, name, "has a sample rate of %d Hz; %d to %d can be taken",
			info->samplerate, RATE_MIN, RATE_MAX);
	}
	return FB_OK;
}

fb_sound *fb_sound_open(const char *name, fb_error *error)
{
	SF_INFO info = {0};
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		fb_fail(error, errno == ENOENT ? FB_NOT_FOUND : FB_IO, name, "%s", strerror(errno));
		return NULL;
	}
	SNDFILE *file = sf_open_fd(fd, SFM_READ, &info, SF_TRUE);
	if (!file) {
		fb_fail(error, FB_INVALID, name, "no audio that can be read: %s", sf_strerror(NULL));
		return NULL;
	}
	fb_sound *sound = check_sound(name, &info, error) ? NULL : calloc(1, sizeof *sound);
	if (!sound) {
		sf_close(file);
		return NULL;
	}
	sound->file = file;
	sound->name = name;
	sound->channels = (uint32_t)info.channels;
	sound->frames = (uint64_t)info.frames;
	sound->rate_hz = (uint32_t)info.samplerate;
	return sound;
}

void fb_sound_close(fb_sound *sound)
{
	if (sound) {
		sf_close(sound->file);
		free(sound);
	}
}

fb_status fb_sound_read(
	fb_sound *sound, float *const *to, uint32_t frames, uint32_t *got, fb_error *error)
{
	sf_count_t n = sf_readf_float(sound->file, sound->work, (sf_count_t)frames);
	if (n < 0 || sf_error(sound->file)) {
		return fb_fail(error, FB_IO, sound->name, "is damaged: %s", sf_strerror(sound->file));
	}
	for (sf_count_t i = 0; i < n; i++) {
		to[0][i] = sound->work[i * sound->channels];
		to[1][i] = sound->work[i * sound->channels + sound->channels - 1];
	}
	*got = (uint32_t)n;
	return FB_OK;
}

/* --- writing */

static int wav_format(int bits, uint64_t frames)
{
	int format = bits == 16 ? SF_FORMAT_PCM_16 : bits == 24 ? SF_FORMAT_PCM_24 : SF_FORMAT_FLOAT;
	bool large = frames > WAV_BYTES_MAX / (2u * (unsigned)bits / 8u);
	return format | (large ? SF_FORMAT_RF64 : SF_FORMAT_WAV);
}

fb_sound_out *fb_sound_create(
	const char *name, uint32_t rate_hz, int bits, uint64_t frames, fb_error *error)
{
	SF_INFO info = {.samplerate = (int)rate_hz, .channels = 2, .format = wav_format(bits, frames)};
	fb_sound_out *out = calloc(1, sizeof *out);
	if (!out) {
		fb_fail(error, FB_NO_MEMORY, name, "out of memory");
		return NULL;
	}
	if (fb_outfile_open(&out->out, name, error)) {
		free(out);
		return NULL;
	}
	out->bits = bits;
	out->noise = 0x9E3779B97F4A7C15u;
	out->file = sf_open_fd(out->out.fd, SFM_WRITE, &info, SF_FALSE);
	if (!out->file) {
		fb_fail(error, FB_IO, name, "cannot be written: %s", sf_strerror(NULL));
		fb_sound_abandon(out);
		return NULL;
	}
	/* the chunk of peaks holds the time of day: no two files would be alike */
	sf_command(out->file, SFC_SET_ADD_PEAK_CHUNK, NULL, SF_FALSE);
	return out;
}

/** -1..1, evenly spread. */
static double even_noise(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (double)(*state >> 11) * 0x1p-52 - 1.0;
}

/** One sample in the upper bits of an int, as libsndfile takes whole numbers. */
static int quantise(fb_sound_out *out, float sample)
{
	double top = out->bits == 16 ? 0x1p15 : 0x1p23, value = (double)sample * top;
	if (value < -top || value > top - 1.0) {
		out->clipped++;
	}
	if (out->bits == 16) {
		value += 0.5 * (even_noise(&out->noise) + even_noise(&out->noise));
	}
	value = rint(value);
	value = value < -top ? -top : value > top - 1.0 ? top - 1.0 : value;
	return (int)(value * (0x1p31 / top));
}

fb_status fb_sound_write(
	fb_sound_out *out, const float *const *from, uint32_t frames, fb_error *error)
{
	sf_count_t done;
	for (uint32_t i = 0; i < frames; i++) {
		out->work[2 * i] = from[0][i];
		out->work[2 * i + 1] = from[1][i];
	}
	if (out->bits == 32) {
		done = sf_writef_float(out->file, out->work, (sf_count_t)frames);
	} else {
		for (uint32_t i = 0; i < 2 * frames; i++) {
			out->whole[i] = quantise(out, out->work[i]);
		}
		done = sf_writef_int(out->file, out->whole, (sf_count_t)frames);
	}
	if (done != (sf_count_t)frames) {
		return fb_fail(
			error, FB_IO, out->out.path, "cannot be written: %s", sf_strerror(out->file));
	}
	return FB_OK;
}

fb_status fb_sound_finish(fb_sound_out *out, fb_error *error)
{
	int code = sf_close(out->file);
	out->file = NULL;
	if (code) {
		fb_fail(error, FB_IO, out->out.path, "cannot be written: %s", sf_error_number(code));
		fb_sound_abandon(out);
		return FB_IO;
	}
	fb_status status = fb_outfile_finish(&out->out, error);
	free(out);
	return status;
}

void fb_sound_abandon(fb_sound_out *out)
{
	if (out) {
		if (out->file) {
			sf_close(out->file);
		}
		fb_outfile_abandon(&out->out);
		free(out);
	}
}
