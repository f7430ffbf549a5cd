/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "params.h"

#include "param_json.h"

#include <stdio.h>
#include <string.h>

json_t *fb_params_to_json(const fb_patch *patch)
{
	json_t *out = json_object();
	for (uint32_t i = 0; i < patch->n_stages; i++) {
		const fb_stage *stage = &patch->stage[i];
		char key[2 * FB_ID_LEN + 2];
		for (uint32_t p = 0; p < stage->type->n_params; p++) {
			const fb_param_info *info = &stage->type->params[p];
			snprintf(key, sizeof key, "%s.%s", stage->id, info->symbol);
			json_object_set_new(out, key, fb_param_to_json(info, stage->values[p]));
		}
		snprintf(key, sizeof key, "%s.bypass", stage->id);
		json_object_set_new(out, key, json_boolean(stage->bypass));
	}
	return out;
}

fb_status fb_params_find(
	const fb_patch *patch, const char *key, uint32_t *stage, int *param, fb_error *error)
{
	char id[FB_ID_LEN];
	size_t len = strcspn(key, ".");
	if (!key[len]) {
		return fb_fail(error, FB_INVALID, key, "needs the form NODE.PARAM");
	}
	snprintf(id, sizeof id, "%.*s", (int)len, key);
	int found = len < sizeof id ? fb_patch_find(patch, id) : -1;
	if (found < 0) {
		return fb_fail(error, FB_NOT_FOUND, key, "the patch has no such node");
	}
	const fb_node_desc *type = patch->stage[found].type;
	*stage = (uint32_t)found;
	*param = fb_node_param(type, key + len + 1);
	if (*param < 0 && strcmp(key + len, ".bypass")) {
		return fb_fail(error, FB_NOT_FOUND, key, "%s has no such parameter", type->id);
	}
	return FB_OK;
}

/** One value, checked, and with `write` put into the patch. */
static fb_status apply_one(
	fb_patch *patch, const char *key, const json_t *json, bool write, fb_error *error)
{
	uint32_t stage;
	int param;
	fb_status status = fb_params_find(patch, key, &stage, &param, error);
	if (status) {
		return status;
	}
	fb_stage *s = &patch->stage[stage];
	if (param < 0) {
		if (!json_is_boolean(json)) {
			return fb_fail(error, FB_WRONG_TYPE, key, "needs true or false");
		}
		s->bypass = write ? json_is_true(json) : s->bypass;
		return FB_OK;
	}
	float value;
	status = fb_param_from_json(&s->type->params[param], key, json, &value, error);
	if (!status && write) {
		s->values[param] = value;
	}
	return status;
}

fb_status fb_params_apply(fb_patch *patch, const json_t *values, fb_error *error)
{
	if (!json_is_object(values)) {
		return fb_fail(
			error, FB_WRONG_TYPE, "parameters", "needs an object {\"node.param\": value}");
	}
	for (int write = 0; write < 2; write++) {
		for (void *it = json_object_iter((json_t *)(uintptr_t)values); it;
			 it = json_object_iter_next((json_t *)(uintptr_t)values, it)) {
			fb_status status = apply_one(
				patch, json_object_iter_key(it), json_object_iter_value(it), write, error);
			if (status) {
				return status;
			}
		}
	}
	return FB_OK;
}
