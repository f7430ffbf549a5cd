/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "samples.h"

#include <sndfile.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_LEN = 1024 };

bool fb_sample_name_is_good(const char *name)
{
	size_t len = strlen(name);
	return len > 4 && len < 128 && name[0] != '.' && !strcmp(name + len - 4, ".wav") &&
		   strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == len;
}

static fb_status sample_path(
	const char *folder, const char *name, const char *suffix, char *path, fb_error *error)
{
	if (!fb_sample_name_is_good(name)) {
		return fb_fail(error, FB_INVALID, name,
			"a sample is named with letters, digits, _ - . and ends in .wav");
	}
	int len = snprintf(path, PATH_LEN, "%s/%s%s", folder, name, suffix);
	return len < PATH_LEN ? FB_OK : fb_fail(error, FB_INVALID, name, "the path is too long");
}

/** Is it a file that runs can be made from? */
static fb_status look_into(const char *path, const char *name, json_t **about, fb_error *error)
{
	SF_INFO info = {0};
	SNDFILE *sound = sf_open(path, SFM_READ, &info);
	if (!sound) {
		return fb_fail(error, FB_INVALID, name, "is no audio file: %s", sf_strerror(NULL));
	}
	sf_close(sound);
	if (info.channels > 2 || info.frames < 1) {
		return fb_fail(error, FB_INVALID, name, "needs 1 or 2 channels of audio");
	}
	*about = json_pack("{s:s, s:I, s:i, s:i}", "name", name, "frames", (json_int_t)info.frames,
		"sample_rate", info.samplerate, "channels", info.channels);
	return FB_OK;
}

static fb_status write_file(
	const char *path, const char *name, const void *data, size_t len, fb_error *error)
{
	FILE *file = fopen(path, "wb");
	bool whole = file && fwrite(data, 1, len, file) == len;
	int why = errno;
	if (file && fclose(file)) {
		whole = false;
		why = errno;
	}
	if (file && !whole) { /* a disk that is full should not be kept so by half a file */
		unlink(path);
	}
	return whole ? FB_OK : fb_fail(error, FB_IO, name, "cannot be written: %s", strerror(why));
}

fb_status fb_sample_put(const char *folder, const char *name, const void *data, size_t len,
	json_t **about, fb_error *error)
{
	char path[PATH_LEN], fresh[PATH_LEN];
	fb_status status = sample_path(folder, name, "", path, error);
	if (!status) {
		status = sample_path(folder, name, ".part", fresh, error);
	}
	if (!status) {
		status = write_file(fresh, name, data, len, error);
	}
	if (status) {
		return status;
	}
	status = look_into(fresh, name, about, error);
	if (!status && rename(fresh, path)) {
		json_decref(*about);
		status = fb_fail(error, FB_IO, name, "cannot be written: %s", strerror(errno));
	}
	if (status) {
		unlink(fresh);
	}
	return status;
}

fb_status fb_sample_get(
	const char *folder, const char *name, void **data, size_t *len, fb_error *error)
{
	char path[PATH_LEN];
	fb_status status = sample_path(folder, name, "", path, error);
	if (status) {
		return status;
	}
	FILE *file = fopen(path, "rb");
	if (!file) {
		return fb_fail(error, errno == ENOENT ? FB_NOT_FOUND : FB_IO, name, "%s", strerror(errno));
	}
	struct stat about;
	bool known = !fstat(fileno(file), &about),
		 fits = known && (size_t)about.st_size <= FB_SAMPLE_FILE_MAX;
	char *bytes = fits ? malloc((size_t)about.st_size + 1) : NULL;
	size_t got = bytes ? fread(bytes, 1, (size_t)about.st_size, file) : 0;
	bool bad = !bytes || ferror(file);
	fclose(file);
	if (bad) {
		free(bytes);
		return known && !fits ? fb_fail(error, FB_TOO_LARGE, name, "is larger than %zu MiB",
									FB_SAMPLE_FILE_MAX >> 20)
							  : fb_fail(error, FB_IO, name, "cannot be read");
	}
	*data = bytes;
	*len = got;
	return FB_OK;
}
