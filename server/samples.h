/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The folder of calibration samples. thread: control */
#ifndef FB_SAMPLES_H
#define FB_SAMPLES_H

#include "../graph/status.h"

#include <jansson.h>

#include <stdbool.h>

#define FB_SAMPLE_FILE_MAX ((size_t)128 << 20) /**< bytes of one sample file */

/** A plain file name that ends in .wav: letters, digits, _ - and . */
bool fb_sample_name_is_good(const char *name);

/** Keep a file under this name, replacing an older one as a whole. *about: {name, frames,
	sample_rate, channels}.
	errors: FB_INVALID (the name, or no audio of 1 or 2 channels), FB_IO */
FB_MUST_CHECK fb_status fb_sample_put(const char *folder, const char *name, const void *data,
	size_t len, json_t **about, fb_error *error);

/** The bytes of a sample; free() them. errors: FB_INVALID, FB_NOT_FOUND, FB_IO */
FB_MUST_CHECK fb_status fb_sample_get(
	const char *folder, const char *name, void **data, size_t *len, fb_error *error);

#endif
