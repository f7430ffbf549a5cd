/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "source.h"

#include <openssl/evp.h>
#include <samplerate.h>
#include <sndfile.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void hash_audio(const fb_source *source, float *const audio[2], char hash[65])
{
	unsigned char digest[32];
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_DigestInit_ex(md, EVP_sha256(), NULL);
	EVP_DigestUpdate(md, &source->rate_hz, sizeof source->rate_hz);
	for (int c = 0; c < 2; c++) {
		EVP_DigestUpdate(md, audio[c], source->frames * sizeof(float));
	}
	EVP_DigestFinal_ex(md, digest, NULL);
	EVP_MD_CTX_free(md);
	for (size_t i = 0; i < sizeof digest; i++) {
		snprintf(hash + 2 * i, 3, "%02x", digest[i]);
	}
}

fb_source *fb_source_create(
	float *const take[2], uint64_t frames, uint64_t frame_start, double rate_hz)
{
	fb_source *source = calloc(1, sizeof *source);
	if (source) {
		source->holders = 1;
		source->audio[0] = take[0];
		source->audio[1] = take[1];
		source->frames = frames;
		source->frame_start = frame_start;
		source->rate_hz = rate_hz;
		hash_audio(source, source->audio, source->hash);
	}
	return source;
}

void fb_source_take_reference(fb_source *source, float *const take[2])
{
	source->reference[0] = take[0];
	source->reference[1] = take[1];
	hash_audio(source, source->reference, source->reference_hash);
}

fb_source *fb_source_hold(fb_source *source)
{
	atomic_fetch_add(&source->holders, 1);
	return source;
}

void fb_source_drop(fb_source *source)
{
	if (source && atomic_fetch_sub(&source->holders, 1) == 1) {
		for (int c = 0; c < 2; c++) {
			free(source->audio[c]);
			free(source->reference[c]);
		}
		json_decref(source->settings);
		free(source);
	}
}

/* --- files */

/** Read all of it, interleaved. */
static fb_status read_interleaved(const char *file, SNDFILE *sound, const SF_INFO *info,
	double seconds_max, float **out, fb_error *error)
{
	if (info->channels > 2) {
		return fb_fail(
			error, FB_INVALID, file, "has %d channels, 1 or 2 are taken", info->channels);
	}
	if (info->frames < 1) {
		return fb_fail(error, FB_INVALID, file, "holds no audio");
	}
	if ((double)info->frames > seconds_max * info->samplerate) {
		return fb_fail(error, FB_TOO_LARGE, file, "is longer than %g s", seconds_max);
	}
	float *audio = malloc((size_t)info->frames * (size_t)info->channels * sizeof *audio);
	if (!audio) {
		return fb_fail(error, FB_NO_MEMORY, file, "out of memory");
	}
	if (sf_readf_float(sound, audio, info->frames) != info->frames) {
		free(audio);
		return fb_fail(error, FB_INVALID, file, "ends too early");
	}
	*out = audio;
	return FB_OK;
}

static fb_status resample(const char *file, float **audio, const SF_INFO *info, double rate_hz,
	uint64_t *frames, fb_error *error)
{
	double ratio = rate_hz / info->samplerate;
	if (ratio == 1.0) {
		return FB_OK;
	}
	size_t room = (size_t)ceil((double)*frames * ratio) + 64;
	float *made = malloc(room * (size_t)info->channels * sizeof *made);
	SRC_DATA job = {.data_in = *audio,
		.data_out = made,
		.input_frames = (long)*frames,
		.output_frames = (long)room,
		.src_ratio = ratio};
	int why = made ? src_simple(&job, SRC_SINC_BEST_QUALITY, info->channels) : -1;
	if (why) {
		free(made);
		return fb_fail(error, FB_INVALID, file, "cannot be brought from %d to %g Hz: %s",
			info->samplerate, rate_hz, made ? src_strerror(why) : "out of memory");
	}
	free(*audio);
	*audio = made;
	*frames = (uint64_t)job.output_frames_gen;
	return FB_OK;
}

static fb_status split(const char *file, const float *audio, int channels, uint64_t frames,
	float *out[2], fb_error *error)
{
	out[0] = malloc(frames * sizeof(float));
	out[1] = malloc(frames * sizeof(float));
	if (!out[0] || !out[1]) {
		free(out[0]);
		free(out[1]);
		return fb_fail(error, FB_NO_MEMORY, file, "out of memory");
	}
	for (uint64_t i = 0; i < frames; i++) {
		const float *frame = audio + i * (uint64_t)channels;
		out[0][i] = frame[0];
		out[1][i] = frame[channels - 1];
	}
	return FB_OK;
}

fb_status fb_audio_read(const char *file, double rate_hz, double seconds_max, float *out[2],
	uint64_t *frames, fb_error *error)
{
	SF_INFO info = {0};
	float *audio = NULL;
	if (access(file, R_OK)) {
		return fb_fail(error, errno == ENOENT ? FB_NOT_FOUND : FB_IO, file, "%s", strerror(errno));
	}
	SNDFILE *sound = sf_open(file, SFM_READ, &info);
	if (!sound) {
		return fb_fail(error, FB_INVALID, file, "is no audio file: %s", sf_strerror(NULL));
	}
	fb_status status = read_interleaved(file, sound, &info, seconds_max, &audio, error);
	sf_close(sound);
	uint64_t n = (uint64_t)info.frames;
	if (!status) {
		status = resample(file, &audio, &info, rate_hz, &n, error);
	}
	if (!status) {
		status = split(file, audio, info.channels, n, out, error);
	}
	if (!status) {
		*frames = n;
	}
	free(audio);
	return status;
}

/* --- WAV in memory */

typedef struct memory_file {
	unsigned char *data;
	sf_count_t len, room, at;
} memory_file;

static sf_count_t memory_len(void *user)
{
	return ((memory_file *)user)->len;
}

static sf_count_t memory_seek(sf_count_t offset, int whence, void *user)
{
	memory_file *m = user;
	m->at = whence == SEEK_SET ? offset : whence == SEEK_CUR ? m->at + offset : m->len + offset;
	return m->at;
}

static sf_count_t memory_read(void *to, sf_count_t count, void *user)
{
	memory_file *m = user;
	count = count < m->len - m->at ? count : m->len - m->at;
	memcpy(to, m->data + m->at, (size_t)count);
	m->at += count;
	return count;
}

static sf_count_t memory_write(const void *from, sf_count_t count, void *user)
{
	memory_file *m = user;
	count = count < m->room - m->at ? count : m->room - m->at;
	memcpy(m->data + m->at, from, (size_t)count);
	m->at += count;
	m->len = m->at > m->len ? m->at : m->len;
	return count;
}

static sf_count_t memory_tell(void *user)
{
	return ((memory_file *)user)->at;
}

unsigned char *fb_wav_from_interleaved(
	const float *audio, uint32_t channels, uint64_t frames, double rate_hz, size_t *len)
{
	SF_VIRTUAL_IO io = {memory_len, memory_seek, memory_read, memory_write, memory_tell};
	SF_INFO info = {.samplerate = (int)lround(rate_hz),
		.channels = (int)channels,
		.format = SF_FORMAT_WAV | SF_FORMAT_FLOAT};
	memory_file m = {.room = (sf_count_t)(frames * channels * sizeof(float) + 4096)};
	m.data = malloc((size_t)m.room);
	SNDFILE *sound = m.data ? sf_open_virtual(&io, SFM_WRITE, &info, &m) : NULL;
	if (!sound) {
		free(m.data);
		return NULL;
	}
	/* the peak chunk would carry the time of writing */
	sf_command(sound, SFC_SET_ADD_PEAK_CHUNK, NULL, SF_FALSE);
	sf_writef_float(sound, audio, (sf_count_t)frames);
	sf_close(sound);
	*len = (size_t)m.len;
	return m.data;
}

unsigned char *fb_wav_encode(
	const float *const *audio, uint32_t channels, uint64_t frames, double rate_hz, size_t *len)
{
	float *woven = malloc(frames * channels * sizeof *woven + 1);
	if (!woven) {
		return NULL;
	}
	for (uint64_t i = 0; i < frames * channels; i++) {
		woven[i] = audio[i % channels][i / channels];
	}
	unsigned char *wav = fb_wav_from_interleaved(woven, channels, frames, rate_hz, len);
	free(woven);
	return wav;
}

char *fb_base64(const unsigned char *data, size_t len)
{
	char *text = malloc((len + 2) / 3 * 4 + 1);
	if (text) {
		EVP_EncodeBlock((unsigned char *)text, data, (int)len);
	}
	return text;
}
