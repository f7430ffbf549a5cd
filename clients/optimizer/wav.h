/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The server's audio as a model's server takes it. */
#ifndef FB_OPTIMIZER_WAV_H
#define FB_OPTIMIZER_WAV_H

/** From a WAV file of 32-bit floats to one of 16-bit integers, both in base64. NULL: that is no
	such file, or out of memory. free() it. */
char *fb_wav_for_model(const char *base64);

#endif
