/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A file that appears whole or not at all: written beside its place under another name, then
	renamed. What is half written goes when the command fails or is interrupted. One at a time. */
#ifndef FB_CTL_OUTFILE_H
#define FB_CTL_OUTFILE_H

#include "../../graph/status.h"

enum { FB_OUTFILE_PATH = 4096 };

typedef struct fb_outfile {
	int fd;                     ///< open for reading and writing
	char path[FB_OUTFILE_PATH]; ///< where it will be
	char temp[FB_OUTFILE_PATH]; ///< where it is
} fb_outfile;

/** errors: FB_IO, FB_INVALID (there is something there that is no regular file) */
FB_MUST_CHECK fb_status fb_outfile_open(fb_outfile *out, const char *path, fb_error *error);
/** To disk, and into its place. On failure it is gone. errors: FB_IO */
FB_MUST_CHECK fb_status fb_outfile_finish(fb_outfile *out, fb_error *error);
void fb_outfile_abandon(fb_outfile *out);

#endif
