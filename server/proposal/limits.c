/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What a proposal may turn, and how far. */
#include "../server.h"

#include <ctype.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define TRAVEL_GRAIN 1e-6 /* of what is a float on one way and decimal digits on another */

/** Letters, digits and what fnmatch() knows, with every bracket closed. */
static bool is_pattern(const char *text, size_t len)
{
	bool open = false, empty = false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i]) && !strchr("_.*?[]!-", text[i])) {
			return false;
		}
		if (open && text[i] == ']' && !empty) {
			open = false;
		} else if (!open && (text[i] == '[' || text[i] == ']')) {
			open = text[i] == '[';
			if (!open) {
				return false;
			}
			empty = true;
			continue;
		}
		empty = empty && text[i] == '!';
	}
	return len && !open;
}

fb_status fb_proposal_read_allow(const char *text, char allow[FB_ALLOW_LEN], fb_error *error)
{
	char out[FB_ALLOW_LEN];
	size_t used = 0;
	for (const char *at = text; *text; at++) {
		at += strspn(at, " ");
		size_t len = strcspn(at, ","), bare = len;
		while (bare && at[bare - 1] == ' ') {
			bare--;
		}
		if (!is_pattern(at, bare)) {
			return fb_fail(error, FB_INVALID, "allow",
				"\"%.*s\" is no pattern such as comp.* or eq.b?_gain", (int)fmin((double)bare, 64),
				at);
		}
		if (used + bare + 2 > sizeof out) {
			return fb_fail(error, FB_TOO_LARGE, "allow", "at most %d bytes", FB_ALLOW_LEN - 1);
		}
		used += (size_t)sprintf(out + used, "%s%.*s", used ? "," : "", (int)bare, at);
		at += len;
		if (!*at) {
			break;
		}
	}
	out[used] = '\0';
	memcpy(allow, out, used + 1);
	return FB_OK;
}

/** Comma-separated patterns of "node.param"; one without a dot stands for all of a node. */
static bool allowed(const char *patterns, const char *node, const char *key)
{
	char pattern[FB_ALLOW_LEN];
	for (const char *at = patterns; *at;) {
		size_t len = strcspn(at, ",");
		snprintf(pattern, sizeof pattern, "%.*s", (int)len, at);
		if (!fnmatch(pattern, strchr(pattern, '.') ? key : node, 0)) {
			return true;
		}
		at += len + (at[len] == ',');
	}
	return false;
}

static fb_status refuse(const fb_proposal *proposal, const char *key, fb_error *error)
{
	return fb_fail(error, FB_FORBIDDEN, key, "%s may not be turned here: proposal/allow is \"%s\"",
		key, proposal->allow);
}

static bool has_travel(const fb_param_info *info)
{
	return info->kind == FB_FLOAT || info->kind == FB_INT;
}

static double travel(const fb_param_info *info, float from, float to)
{
	double a = fb_scale_to_norm(info->scale, (double)info->min, (double)info->max, (double)from),
		   b = fb_scale_to_norm(info->scale, (double)info->min, (double)info->max, (double)to);
	return fabs(a - b);
}

static fb_status check_param(const fb_proposal *proposal, const fb_stage *now, const fb_stage *then,
	uint32_t p, fb_error *error)
{
	char key[128];
	const fb_param_info *info = &now->type->params[p];
	float from = now->values[p], to = then->values[p];
	if (from == to) {
		return FB_OK;
	}
	snprintf(key, sizeof key, "%s.%s", now->id, info->symbol);
	if (!allowed(proposal->allow, now->id, key)) {
		return refuse(proposal, key, error);
	}
	if (has_travel(info) && travel(info, from, to) > proposal->max_step + TRAVEL_GRAIN) {
		return fb_fail(error, FB_FORBIDDEN, key,
			"%s from %.6g to %.6g is farther than proposal/max_step lets it go (%.3g of its "
			"travel)",
			key, (double)from, (double)to, proposal->max_step);
	}
	return FB_OK;
}

fb_status fb_proposal_check(
	const fb_proposal *proposal, const fb_patch *now, const fb_patch *then, fb_error *error)
{
	fb_status status = FB_OK;
	for (uint32_t i = 0; i < now->n_stages && !status; i++) {
		const fb_stage *a = &now->stage[i], *b = &then->stage[i];
		for (uint32_t p = 0; p < a->type->n_params && !status; p++) {
			status = check_param(proposal, a, b, p, error);
		}
		char key[128];
		snprintf(key, sizeof key, "%s.bypass", a->id);
		if (!status && a->bypass != b->bypass && !allowed(proposal->allow, a->id, key)) {
			status = refuse(proposal, key, error);
		}
	}
	return status;
}
