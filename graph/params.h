/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A patch's values as {"node.param": value}: what REST, runs, proposals and --set speak.
	"node.bypass" is true or false. thread: any but audio */
#ifndef FB_PARAMS_H
#define FB_PARAMS_H

#include "patch.h"

#include <jansson.h>

/** Every parameter and bypass of every stage. */
json_t *fb_params_to_json(const fb_patch *patch);

/** Put values into a patch: all or none.
	errors: FB_NOT_FOUND, FB_WRONG_TYPE, FB_INVALID; `where` is the key */
FB_MUST_CHECK fb_status fb_params_apply(fb_patch *patch, const json_t *values, fb_error *error);

/** The stage and the parameter that "node.param" names; *param is -1 for "node.bypass".
	errors: FB_INVALID (no '.'), FB_NOT_FOUND; `where` is the key */
FB_MUST_CHECK fb_status fb_params_find(
	const fb_patch *patch, const char *key, uint32_t *stage, int *param, fb_error *error);

#endif
