/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What a model is told: the run report, the goal in words and weights, the chain, what each
	parameter does, what has been tried and what each metric did, what steps were seen to do, the
	balance in third octaves. Within a budget of tokens: what matters least goes first. */
#ifndef FB_PACKAGE_H
#define FB_PACKAGE_H

#include "brief.h"
#include "trial.h"

/** Messages of a chat completion.
	range:  live [knobs]: those that were seen to do anything, NULL: not known; refused: remarks on
	        the last answer, NULL: none
	owns:   gives *messages
	errors: FB_TOO_LARGE it does not fit the budget however short; FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_package(const fb_brief *brief, const fb_trials *history,
	const bool *live, const json_t *refused, json_t **messages, fb_error *error);

#endif
