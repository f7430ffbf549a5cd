/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FB_OPTIMIZER_OPTIONS_H
#define FB_OPTIMIZER_OPTIONS_H

#include "session.h"

enum { FB_TUNED_MAX = 64 };

typedef struct fb_tuning_options {
	fb_session_options session;
	int station[FB_TUNED_MAX], stations; ///< which, in turn
	bool all; ///< that there are: who has nothing to tune is passed over, and no failure
	const char *host;
	long osc_port, http_port;
	const char *token_file, *key_file, *plot;
	const char *replay; ///< id of the session to do again, NULL: a new one
	bool osc_only;      ///< the tree by OSC alone
	bool json;
} fb_tuning_options;

/** Read the command line. false: end with *status (help, version, or bad usage, told already). */
bool fb_tuning_options_read(fb_tuning_options *options, int argc, char **argv, int *status);

#endif
