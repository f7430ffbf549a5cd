/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Node types and their parameters, as commands that need no server use them. */
#ifndef FB_CTL_NODES_H
#define FB_CTL_NODES_H

#include "../../graph/patch.h"

enum { FB_VALUE_TEXT = 96, FB_RANGE_TEXT = 256 };

/** Load the node types, with warnings on standard error. NULL on failure, which is told. */
fb_nodes *fb_ctl_nodes(const char *path);

/** A parameter's value with its unit, as a person writes it: "-20 dB", "rms", "true". */
const char *fb_param_text(const fb_param_info *info, float value, char text[FB_VALUE_TEXT]);
/** What it may be: "-60 to 0 dB", "peak, rms". Cut if too long. */
const char *fb_param_range(const fb_param_info *info, char text[FB_RANGE_TEXT]);

/** Write DIR/ID.md for each type and DIR/README.md. Returns the exit status; errors are told. */
int fb_nodes_markdown(const fb_nodes *nodes, const char *dir);

#endif
