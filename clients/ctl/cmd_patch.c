/* SPDX-License-Identifier: GPL-3.0-or-later */
/** foldback patch check, patch show: patches without a server. */
#include "ctl.h"
#include "nodes.h"

#include "../../graph/param_json.h"
#include "../../graph/plan.h"
#include "../../metrics/score.h"

#include <stdlib.h>

#define TRIAL_RATE_HZ 48000.0

static const char *node_path;

/** Read a patch, its goal too, and compile it as a station would. */
static fb_status read_whole(
	const fb_nodes *nodes, const char *file, fb_patch **patch, fb_plan **plan, fb_error *error)
{
	fb_goal goal;
	fb_error inner;
	fb_status status = fb_patch_read(file, nodes, patch, error);
	if (status) {
		return status;
	}
	const json_t *object = fb_patch_goal(*patch);
	status = object ? fb_goal_parse(object, "goal", &goal, &inner) : FB_OK;
	if (!status) {
		status = fb_plan_compile(*patch, TRIAL_RATE_HZ, NULL, 0.0, plan, &inner);
	}
	if (status) {
		fb_fail(error, status, file, "%s: %s", inner.where, inner.text);
		fb_patch_destroy(*patch);
	}
	return status;
}

/* --- check */

static json_t *check_json(const char *file, const fb_patch *patch, const fb_plan *plan)
{
	return json_pack("{s:s, s:b, s:s, s:i, s:i}", "file", file, "ok", 1, "name",
		fb_patch_name(patch), "stages", (int)patch->n_stages, "latency_frames", (int)plan->latency);
}

static json_t *failed_json(const char *file, const fb_error *error)
{
	return json_pack("{s:s, s:b, s:s, s:s}", "file", file, "ok", 0, "where", error->where,
		"message", error->text);
}

static bool check_file(const fb_nodes *nodes, const char *file, json_t *list)
{
	fb_patch *patch;
	fb_plan *plan;
	fb_error error;
	if (read_whole(nodes, file, &patch, &plan, &error)) {
		if (list) {
			json_array_append_new(list, failed_json(file, &error));
		} else {
			fb_say_error(&error);
		}
		return false;
	}
	if (list) {
		json_array_append_new(list, check_json(file, patch, plan));
	} else {
		printf("%s: ok (%s; %u stage%s, %u frames late)\n", file, fb_patch_name(patch),
			patch->n_stages, patch->n_stages == 1 ? "" : "s", plan->latency);
	}
	fb_plan_destroy(plan);
	fb_patch_destroy(patch);
	return true;
}

static int run_check(const fb_ctl *ctl, int count, char **words)
{
	fb_nodes *nodes = fb_ctl_nodes(node_path);
	json_t *list = ctl->json ? json_array() : NULL;
	bool good = nodes != NULL;
	for (int i = 0; i < count && nodes; i++) {
		good = check_file(nodes, words[i], list) && good;
	}
	if (list && nodes) {
		fb_print_json(json_incref(list));
	}
	json_decref(list);
	fb_nodes_close(nodes);
	return good ? FB_EXIT_OK : FB_EXIT_FAILED;
}

/* --- show */

static void print_text(const fb_patch *patch, const char *key)
{
	const char *text = json_string_value(json_object_get(patch->about, key));
	if (text && *text) {
		fb_print_wrapped(text, 2);
	}
}

static void print_goal(const fb_patch *patch)
{
	fb_goal goal;
	fb_error error;
	const json_t *object = fb_patch_goal(patch);
	char number[32];
	if (!object || fb_goal_parse(object, "goal", &goal, &error)) {
		return;
	}
	printf("  goal: %s LUFS;", fb_number_text(goal.target_lufs, number));
	for (uint32_t i = 0; i < goal.n_aims; i++) {
		printf(" %s %s", fb_metric_catalogue[goal.aims[i].metric].id,
			fb_number_text(goal.aims[i].weight, number));
	}
	fputs("\n", stdout);
}

static void print_stage(const fb_stage *stage, uint32_t latency)
{
	char text[FB_VALUE_TEXT];
	printf("%s: %s%s", stage->id, stage->type->label, stage->bypass ? ", bypassed" : "");
	if (latency) {
		printf(" (%u frames late)", latency);
	}
	fputs("\n", stdout);
	for (uint32_t i = 0; i < stage->type->n_params; i++) {
		const fb_param_info *info = &stage->type->params[i];
		printf("  %-16s %s%s\n", info->symbol, fb_param_text(info, stage->values[i], text),
			stage->values[i] == info->def ? "" : "  *");
	}
}

static const char *end_name(const fb_patch *patch, int stage, bool from)
{
	return stage < 0 ? (from ? "in" : "out") : patch->stage[stage].id;
}

static void print_links(const fb_patch *patch)
{
	fputs("connections:\n", stdout);
	for (uint32_t i = 0; i < patch->n_links; i++) {
		const fb_link *link = &patch->link[i];
		char number[32];
		printf("  %s > %s", end_name(patch, link->from, true), end_name(patch, link->to, false));
		if (link->to >= 0 && link->to_port) {
			printf(":%s", patch->stage[link->to].type->inputs[link->to_port].symbol);
		}
		if (link->weight != 1.0f) {
			printf(" x %s", fb_number_text((double)link->weight, number));
		}
		fputs("\n", stdout);
	}
}

static void print_patch(const fb_patch *patch, const fb_plan *plan, const uint32_t *order)
{
	printf("%s\n", fb_patch_name(patch));
	print_text(patch, "description");
	print_goal(patch);
	for (uint32_t i = 0; i < patch->n_stages; i++) {
		const fb_stage *stage = &patch->stage[order[i]];
		print_stage(stage, fb_plan_find(plan, stage->id)->latency);
	}
	print_links(patch);
	printf("latency: %u frames (%.2f ms at %g Hz)\n", plan->latency,
		1e3 * plan->latency / TRIAL_RATE_HZ, TRIAL_RATE_HZ);
}

static json_t *show_json(const fb_patch *patch, const fb_plan *plan, const uint32_t *order)
{
	json_t *root = fb_patch_to_json(patch), *stages = json_array();
	for (uint32_t i = 0; i < patch->n_stages; i++) {
		const char *id = patch->stage[order[i]].id;
		json_array_append_new(stages, json_pack("{s:s, s:i}", "id", id, "latency_frames",
										  (int)fb_plan_find(plan, id)->latency));
	}
	return json_pack(
		"{s:o, s:o, s:i}", "patch", root, "order", stages, "latency_frames", (int)plan->latency);
}

static int run_show(const fb_ctl *ctl, int count, char **words)
{
	fb_nodes *nodes = fb_ctl_nodes(node_path);
	fb_patch *patch;
	fb_plan *plan;
	fb_error error;
	uint32_t order[FB_STAGES_MAX];
	int code = FB_EXIT_FAILED;
	(void)count;
	if (!nodes) {
		return code;
	}
	if (read_whole(nodes, words[0], &patch, &plan, &error)) {
		fb_say_error(&error);
	} else {
		if (fb_patch_order(patch, order, &error)) {
			fb_say_error(&error);
		} else if (ctl->json) {
			code = fb_print_json(show_json(patch, plan, order));
		} else {
			print_patch(patch, plan, order);
			code = FB_EXIT_OK;
		}
		fb_plan_destroy(plan);
		fb_patch_destroy(patch);
	}
	fb_nodes_close(nodes);
	return code;
}

/* --- */

static const fb_arg args[] = {
	{"node-path", "DIRS", "folders to load nodes from, separated by ':'", FB_ARG_TEXT, 0,
		&node_path, 0, 0},
	{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0},
};

const fb_command fb_cmd_patch_check = {"patch check", "FILE...",
	"read patches, their goals too, and compile them",
	"Prints a line for each good one; tells the place and the reason for each that is not, and "
	"exits with 1.",
	1, 10000, false, args, run_check};

const fb_command fb_cmd_patch_show = {"patch show", "FILE",
	"a patch's stages in order, their settings and latency",
	"A star marks what is not at its default. Latency is at 48 kHz.", 1, 1, false, args, run_show};
