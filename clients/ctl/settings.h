/* SPDX-License-Identifier: GPL-3.0-or-later */
/** --set NODE.PARAM=V. */
#ifndef FB_CTL_SETTINGS_H
#define FB_CTL_SETTINGS_H

#include "../../graph/patch.h"
#include "../common/args.h"

enum { FB_SETTING_KEY = 2 * FB_ID_LEN };

/** Set what --set asks for; NODE.bypass is true or false.
	errors: FB_INVALID, FB_NOT_FOUND, FB_WRONG_TYPE, `where` naming the setting; the patch may then
			hold some of them */
FB_MUST_CHECK fb_status fb_settings_apply(
	fb_patch *patch, const fb_arg_list *settings, fb_error *error);

/** V as JSON: a number, a number with a unit, true or false, else text; text alone if `text` is
	asked for. *key: the part before '=', of `size` bytes. NULL if there is no '=' or the key is too
	long. */
json_t *fb_setting_json(const char *setting, bool text, char *key, size_t size);

#endif
