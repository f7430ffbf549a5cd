/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "take.h"

#include "recogniser.h"

#include <samplerate.h>
#include <sndfile.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHANNELS_MAX = 64, PIECE = 4096 };

void fb_take_finish(fb_take *take)
{
	free(take->mono);
	take->mono = NULL;
	take->n = 0;
}

fb_status fb_take_make(
	const float *mono, size_t frames, double rate_hz, fb_take *take, fb_error *error)
{
	if (!(rate_hz >= 1000.0 && rate_hz <= 1e6)) {
		return fb_fail(error, FB_INVALID, "sample rate", "%g Hz is none", rate_hz);
	}
	double ratio = FB_SPEECH_RATE / rate_hz;
	size_t room = (size_t)((double)frames * ratio) + 64;
	float *out = malloc(room * sizeof *out);
	if (!out) {
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	SRC_DATA job = {.data_in = mono,
		.data_out = out,
		.input_frames = (long)frames,
		.output_frames = (long)room,
		.src_ratio = ratio};
	int fault = src_simple(&job, SRC_SINC_MEDIUM_QUALITY, 1);
	if (fault) {
		free(out);
		return fb_fail(error, FB_INVALID, "sample rate", "%s", src_strerror(fault));
	}
	take->mono = out;
	take->n = (size_t)job.output_frames_gen;
	return FB_OK;
}

/* --- files */

struct fb_take_file {
	SNDFILE *sound;
	SF_INFO info;
	sf_count_t done;
	const char *name;
};

fb_status fb_take_file_open(const char *name, fb_take_file **out, fb_error *error)
{
	if (access(name, R_OK)) {
		return fb_fail(error, FB_NOT_FOUND, name, "%s", strerror(errno));
	}
	fb_take_file *file = calloc(1, sizeof *file);
	if (!file) {
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	file->name = name;
	file->sound = sf_open(name, SFM_READ, &file->info);
	if (!file->sound || file->info.channels > CHANNELS_MAX) {
		fb_fail(error, FB_INVALID, name, "%s",
			file->sound ? "has more than 64 channels" : sf_strerror(NULL));
		fb_take_file_close(file);
		return FB_INVALID;
	}
	*out = file;
	return FB_OK;
}

void fb_take_file_close(fb_take_file *file)
{
	if (file) {
		if (file->sound) {
			sf_close(file->sound);
		}
		free(file);
	}
}

/** The mean of the channels of up to `most` frames. Returns how many there were. */
static size_t read_mono(fb_take_file *file, float *mono, size_t most)
{
	static float work[PIECE * CHANNELS_MAX];
	size_t n = 0, channels = (size_t)file->info.channels;
	while (n < most) {
		size_t ask = most - n < PIECE ? most - n : PIECE;
		sf_count_t got = sf_readf_float(file->sound, work, (sf_count_t)ask);
		if (got <= 0) {
			break;
		}
		for (size_t i = 0; i < (size_t)got; i++, n++) {
			mono[n] = 0.0f;
			for (size_t c = 0; c < channels; c++) {
				mono[n] += work[i * channels + c] / (float)channels;
			}
		}
	}
	return n;
}

fb_status fb_take_file_next(fb_take_file *file, double seconds, fb_take *take, fb_error *error)
{
	size_t most = (size_t)(seconds * file->info.samplerate);
	float *mono = malloc((most + 1) * sizeof *mono);
	if (!mono) {
		return fb_fail(error, FB_NO_MEMORY, "", "out of memory");
	}
	*take = (fb_take){.start_s = (double)file->done / file->info.samplerate};
	size_t n = read_mono(file, mono, most);
	file->done += (sf_count_t)n;
	fb_status status = n ? fb_take_make(mono, n, file->info.samplerate, take, error) : FB_OK;
	free(mono);
	return status;
}
