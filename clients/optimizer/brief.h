/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What a session knows besides its trials, for engines that tell it to a model. */
#ifndef FB_BRIEF_H
#define FB_BRIEF_H

#include "relay.h"

typedef struct fb_brief {
	const json_t *tree;   ///< the station's place in the address tree
	const json_t *report; ///< the baseline's run report
	const char *audio;    ///< the source as WAV in base64, to go with the first request; NULL: none
	double max_step;      ///< of a knob's travel, in a round; 1: no limit
	double tokens_max;    ///< of one request
	double form_tokens;   ///< that the form of the answer takes of them
	fb_relay *relay;
} fb_brief;

#endif
