/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "settings.h"

#include "../../graph/param_json.h"

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

/** The stage and, if it is one, the parameter that a key names. */
static fb_status find(
	const fb_patch *patch, const char *key, int *stage, int *param, fb_error *error)
{
	char id[FB_ID_LEN];
	size_t len = strcspn(key, ".");
	if (!key[len]) {
		return fb_fail(error, FB_INVALID, key, "needs the form NODE.PARAM=VALUE");
	}
	snprintf(id, sizeof id, "%.*s", (int)len, key);
	*stage = len < sizeof id ? fb_patch_find(patch, id) : -1;
	if (*stage < 0) {
		return fb_fail(error, FB_NOT_FOUND, key, "the patch has no such node");
	}
	const fb_node_desc *type = patch->stage[*stage].type;
	*param = fb_node_param(type, key + len + 1);
	if (*param < 0 && strcmp(key + len, ".bypass")) {
		return fb_fail(error, FB_NOT_FOUND, key, "%s has no such parameter", type->id);
	}
	return FB_OK;
}

static fb_status apply(fb_patch *patch, const char *setting, fb_error *error)
{
	char key[FB_SETTING_KEY];
	int stage = -1, param = -1;
	json_t *json = fb_setting_json(setting, false, key, sizeof key);
	if (!json) {
		return fb_fail(error, FB_INVALID, setting, "needs the form NODE.PARAM=VALUE");
	}
	fb_status status = find(patch, key, &stage, &param, error);
	if (!status && param < 0) {
		if (json_is_boolean(json)) {
			patch->stage[stage].bypass = json_is_true(json);
		} else {
			status = fb_fail(error, FB_WRONG_TYPE, key, "needs true or false");
		}
	} else if (!status) {
		const fb_param_info *info = &patch->stage[stage].type->params[param];
		if (info->kind == FB_CHOICE) { /* choices may look like numbers */
			json_decref(json);
			json = fb_setting_json(setting, true, key, sizeof key);
		}
		status = fb_param_from_json(info, key, json, &patch->stage[stage].values[param], error);
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
