/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FB_OPTIMIZER_OPTIONS_H
#define FB_OPTIMIZER_OPTIONS_H

#include "session.h"

typedef struct fb_tuning_options {
	fb_session_options session;
	const char *host;
	long osc_port, http_port;
	const char *token_file;
	bool json;
} fb_tuning_options;

/** Read the command line. false: end with *status (help, version, or bad usage, told already). */
bool fb_tuning_options_read(fb_tuning_options *options, int argc, char **argv, int *status);

#endif
