/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What foldbackd was asked to do. */
#ifndef FB_OPTIONS_H
#define FB_OPTIONS_H

#include "../graph/engine.h"
#include "../osc/allow.h"

#include <stdbool.h>

/** What an option may be given several times. */
typedef struct fb_texts {
	const char *text[16];
	uint32_t count;
} fb_texts;

typedef struct fb_options {
	uint32_t stations;
	bool dummy;              ///< own timer instead of JACK
	const char *name;        ///< JACK client
	bool wait;               ///< start without a JACK server too
	bool restore;            ///< connections of the last time, and keep them
	double rate_hz;          ///< dummy driver, and until a JACK server says
	uint32_t period;         ///< the same
	uint32_t threads;        ///< that run stations
	int osc_port, http_port; ///< 0: any free
	const char *listen;
	const char *token_file;       ///< NULL: none
	fb_allow osc_allow;           ///< beyond this machine
	fb_texts cors_origins;        ///< web pages of elsewhere that may use us
	fb_texts host_names;          ///< ours, beside this machine's own
	char *database;               ///< owned; "" = the state folder's
	char *sample_dir;             ///< owned
	const char *node_path;        ///< NULL: default
	char *patch_path;             ///< owned; folders of patches to load by name, ':' between them
	char *patch[FB_STATIONS_MAX]; ///< owned; file for each station, NULL: the default patch
	bool verbose;
} fb_options;

typedef enum fb_options_end {
	FB_OPTIONS_RUN,   ///< go on
	FB_OPTIONS_DONE,  ///< --help or --version was answered: exit 0
	FB_OPTIONS_WRONG, ///< told on standard error: exit 2
} fb_options_end;

fb_options_end fb_options_read(fb_options *options, int argc, char **argv);
void fb_options_finish(fb_options *options);

#endif
