/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "settings.h"

#include "../../graph/params.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Does this take up the rest of the text as a unit: letters, '%', ':1'? */
static bool is_unit(const char *text)
{
	return *text &&
		   text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ%:1/")] == '\0';
}

static json_t *value_json(const char *text)
{
	char *end;
	double number = strtod(text, &end);
	if (!strcmp(text, "true") || !strcmp(text, "false")) {
		return json_boolean(text[0] == 't');
	}
	if (end == text || !isfinite(number)) {
		return json_string(text);
	}
	if (!*end) {
		return json_real(number);
	}
	const char *unit = end + strspn(end, " ");
	return is_unit(unit) ? json_pack("{s:f, s:s}", "value", number, "unit", unit)
						 : json_string(text);
}

json_t *fb_setting_json(const char *setting, bool text, char *key, size_t size)
{
	const char *equals = strchr(setting, '=');
	if (!equals || (size_t)(equals - setting) >= size) {
		return NULL;
	}
	memcpy(key, setting, (size_t)(equals - setting));
	key[equals - setting] = '\0';
	return text ? json_string(equals + 1) : value_json(equals + 1);
}

static fb_status apply(fb_patch *patch, const char *setting, fb_error *error)
{
	char key[FB_SETTING_KEY];
	uint32_t stage;
	int param;
	json_t *json = fb_setting_json(setting, false, key, sizeof key);
	if (!json) {
		return fb_fail(error, FB_INVALID, setting, "needs the form NODE.PARAM=VALUE");
	}
	fb_status status = fb_params_find(patch, key, &stage, &param, error);
	if (!status) {
		if (param >= 0 && patch->stage[stage].type->params[param].kind == FB_CHOICE) {
			json_decref(json); /* choices may look like numbers */
			json = fb_setting_json(setting, true, key, sizeof key);
		}
		json_t *values = json_pack("{s:O}", key, json);
		status = fb_params_apply(patch, values, error);
		json_decref(values);
	}
	json_decref(json);
	return status;
}

fb_status fb_settings_apply(fb_patch *patch, const fb_arg_list *settings, fb_error *error)
{
	fb_status status = FB_OK;
	for (size_t i = 0; i < settings->count && !status; i++) {
		status = apply(patch, settings->item[i], error);
	}
	return status;
}
