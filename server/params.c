/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A patch's values as {"node.param": value}: what REST, runs and proposals speak. */
#include "server.h"

#include "../graph/param_json.h"

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

/** One value, checked, and with `write` put into the patch. */
static fb_status apply_one(
	fb_patch *patch, const char *key, const json_t *json, bool write, fb_error *error)
{
	char id[FB_ID_LEN];
	size_t len = strcspn(key, ".");
	snprintf(id, sizeof id, "%.*s", (int)len, key);
	int stage = len < sizeof id && key[len] == '.' ? fb_patch_find(patch, id) : -1;
	if (stage < 0) {
		return fb_fail(error, FB_NOT_FOUND, key, "the station has no such node");
	}
	fb_stage *s = &patch->stage[stage];
	const char *symbol = key + len + 1;
	if (!strcmp(symbol, "bypass")) {
		if (!json_is_boolean(json)) {
			return fb_fail(error, FB_WRONG_TYPE, key, "needs true or false");
		}
		s->bypass = write ? json_is_true(json) : s->bypass;
		return FB_OK;
	}
	int param = fb_node_param(s->type, symbol);
	if (param < 0) {
		return fb_fail(error, FB_NOT_FOUND, key, "%s has no such parameter", s->type->id);
	}
	float value;
	fb_status status = fb_param_from_json(&s->type->params[param], key, json, &value, error);
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

json_t *fb_channel_metrics(const fb_channel *channel)
{
	const fb_metric_set *set = &channel->metrics;
	json_t *metrics = json_object(), *invalid = json_array();
	for (int i = 0; i < FB_METRICS; i++) {
		json_object_set_new(metrics, fb_metric_catalogue[i].id, json_real(set->value[i]));
		if (!fb_metric_valid(set, i)) {
			json_array_append_new(invalid, json_string(fb_metric_catalogue[i].id));
		}
	}
	return json_pack("{s:I, s:I, s:f, s:o, s:o}", "frame_start", (json_int_t)set->frame_start,
		"frame_end", (json_int_t)set->frame_end, "sample_rate",
		fb_engine_rate(channel->server->engine), "metrics", metrics, "invalid", invalid);
}
