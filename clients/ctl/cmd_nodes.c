/* SPDX-License-Identifier: GPL-3.0-or-later */
/** foldback nodes: every node type, told from its own metadata. */
#include "ctl.h"
#include "nodes.h"

static struct {
	const char *node_path, *markdown;
	bool brief;
} chosen;

static void warn_of_node(const fb_error *why)
{
	fb_say("a node is left out: %s: %s", why->where, why->text);
}

fb_nodes *fb_ctl_nodes(const char *path)
{
	fb_nodes *nodes = NULL;
	fb_error error;
	if (fb_nodes_open(path, warn_of_node, &nodes, &error)) {
		fb_say_error(&error);
	}
	return nodes;
}

/* --- values as text */

/** What stands between a number and its unit: "-20 dB", "3:1", "50%". */
static const char *gap(const char *unit)
{
	return unit[0] && unit[0] != ':' && unit[0] != '%' ? " " : "";
}

const char *fb_param_text(const fb_param_info *info, float value, char text[FB_VALUE_TEXT])
{
	char number[32];
	switch (info->kind) {
	case FB_CHOICE:
		snprintf(text, FB_VALUE_TEXT, "%s", info->choices[(int)value]);
		break;
	case FB_BOOL:
		snprintf(text, FB_VALUE_TEXT, "%s", value != 0.0f ? "true" : "false");
		break;
	default:
		snprintf(text, FB_VALUE_TEXT, "%s%s%s", fb_number_text((double)value, number),
			gap(info->unit), info->unit);
		break;
	}
	return text;
}

const char *fb_param_range(const fb_param_info *info, char text[FB_RANGE_TEXT])
{
	char lo[32], hi[32];
	size_t len = 0;
	switch (info->kind) {
	case FB_CHOICE:
		text[0] = '\0';
		for (int i = 0; i <= (int)info->max && len < FB_RANGE_TEXT - 1; i++) {
			len += (size_t)snprintf(
				text + len, FB_RANGE_TEXT - len, "%s%s", i ? ", " : "", info->choices[i]);
		}
		break;
	case FB_BOOL:
		snprintf(text, FB_RANGE_TEXT, "true, false");
		break;
	default:
		snprintf(text, FB_RANGE_TEXT, "%s to %s%s%s", fb_number_text((double)info->min, lo),
			fb_number_text((double)info->max, hi), gap(info->unit), info->unit);
		break;
	}
	return text;
}

/* --- for people */

static void print_ports(const char *title, const fb_port_info *ports, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		printf("  %-6s %-14s %u channel%s\n", i ? "" : title, ports[i].symbol, ports[i].channels,
			ports[i].channels == 1 ? "" : "s");
		fb_print_wrapped(ports[i].doc, 13);
	}
}

static void print_node(const fb_node_desc *desc)
{
	char text[FB_VALUE_TEXT], range[FB_RANGE_TEXT];
	printf("%s: %s (%s)\n", desc->id, desc->label, desc->category);
	fb_print_wrapped(desc->doc, 2);
	print_ports("in", desc->inputs, desc->n_inputs);
	print_ports("out", desc->outputs, desc->n_outputs);
	for (uint32_t i = 0; i < desc->n_params; i++) {
		const fb_param_info *info = &desc->params[i];
		printf("  %s = %s   (%s%s)\n", info->symbol, fb_param_text(info, info->def, text),
			fb_param_range(info, range), info->scale == FB_SCALE_LOG ? ", logarithmic" : "");
		fb_print_wrapped(info->doc, 6);
	}
	for (uint32_t i = 0; i < desc->n_meters; i++) {
		const fb_meter_info *info = &desc->meters[i];
		char lo[32], hi[32];
		printf("  meter/%s   (%s to %s%s%s)\n", info->symbol, fb_number_text((double)info->min, lo),
			fb_number_text((double)info->max, hi), info->unit[0] ? " " : "", info->unit);
		fb_print_wrapped(info->doc, 6);
	}
}

static void print_brief(const fb_nodes *nodes)
{
	for (size_t i = 0; i < fb_nodes_count(nodes); i++) {
		const fb_node_desc *desc = fb_nodes_at(nodes, i);
		printf("%-12s %-12s %s\n", desc->id, desc->category, desc->label);
	}
}

/* --- for machines */

static json_t *param_value(const fb_param_info *info, float value)
{
	return info->kind == FB_CHOICE ? json_string(info->choices[(int)value])
		   : info->kind == FB_BOOL ? json_boolean(value != 0.0f)
		   : info->kind == FB_INT  ? json_integer((json_int_t)value)
								   : fb_number_json((double)value);
}

static json_t *param_json(const fb_param_info *info)
{
	static const char *const kinds[] = {
		[FB_FLOAT] = "float", [FB_INT] = "int", [FB_BOOL] = "bool", [FB_CHOICE] = "choice"};
	json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "symbol", info->symbol, "label",
		info->label, "unit", info->unit, "doc", info->doc, "kind", kinds[info->kind], "default",
		param_value(info, info->def));
	if (info->kind == FB_CHOICE) {
		json_t *choices = json_array();
		for (int i = 0; i <= (int)info->max; i++) {
			json_array_append_new(choices, json_string(info->choices[i]));
		}
		json_object_set_new(json, "choices", choices);
	} else if (info->kind != FB_BOOL) {
		json_object_set_new(json, "min", param_value(info, info->min));
		json_object_set_new(json, "max", param_value(info, info->max));
	}
	if (info->kind == FB_FLOAT) {
		json_object_set_new(
			json, "scale", json_string(info->scale == FB_SCALE_LOG ? "log" : "linear"));
		json_object_set_new(json, "smooth_ms", fb_number_json((double)info->smooth_ms));
	}
	json_object_set_new(json, "prepares", json_boolean(info->flags & FB_PARAM_REPREPARE));
	return json;
}

static json_t *meter_json(const fb_meter_info *info)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:b}", "symbol", info->symbol, "label",
		info->label, "unit", info->unit, "doc", info->doc, "min", fb_number_json((double)info->min),
		"max", fb_number_json((double)info->max), "reduction",
		(info->flags & FB_METER_REDUCTION) != 0);
}

static json_t *ports_json(const fb_port_info *ports, uint32_t n)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < n; i++) {
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:i}", "symbol", ports[i].symbol, "label",
					  ports[i].label, "doc", ports[i].doc, "channels", (int)ports[i].channels));
	}
	return list;
}

static json_t *node_json(const fb_node_desc *desc)
{
	json_t *params = json_array(), *meters = json_array();
	for (uint32_t i = 0; i < desc->n_params; i++) {
		json_array_append_new(params, param_json(&desc->params[i]));
	}
	for (uint32_t i = 0; i < desc->n_meters; i++) {
		json_array_append_new(meters, meter_json(&desc->meters[i]));
	}
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "id", desc->id, "label",
		desc->label, "category", desc->category, "doc", desc->doc, "inputs",
		ports_json(desc->inputs, desc->n_inputs), "outputs",
		ports_json(desc->outputs, desc->n_outputs), "parameters", params, "meters", meters);
}

static int print_all_json(const fb_nodes *nodes)
{
	json_t *list = json_array();
	for (size_t i = 0; i < fb_nodes_count(nodes); i++) {
		json_array_append_new(list, node_json(fb_nodes_at(nodes, i)));
	}
	return fb_print_json(list);
}

/* --- */

static int one_node(const fb_ctl *ctl, const fb_nodes *nodes, const char *id)
{
	const fb_node_desc *desc = fb_nodes_find(nodes, id);
	if (!desc) {
		fb_say("%s: there is no node type of this name (foldback nodes --brief lists them)", id);
		return FB_EXIT_FAILED;
	}
	if (ctl->json) {
		return fb_print_json(node_json(desc));
	}
	print_node(desc);
	return FB_EXIT_OK;
}

static int all_nodes(const fb_ctl *ctl, const fb_nodes *nodes)
{
	if (ctl->json) {
		return print_all_json(nodes);
	}
	if (chosen.brief) {
		print_brief(nodes);
		return FB_EXIT_OK;
	}
	for (size_t i = 0; i < fb_nodes_count(nodes); i++) {
		fputs(i ? "\n" : "", stdout);
		print_node(fb_nodes_at(nodes, i));
	}
	return FB_EXIT_OK;
}

static int run(const fb_ctl *ctl, int count, char **words)
{
	fb_nodes *nodes = fb_ctl_nodes(chosen.node_path);
	if (!nodes) {
		return FB_EXIT_FAILED;
	}
	int code = chosen.markdown ? fb_nodes_markdown(nodes, chosen.markdown)
			   : count         ? one_node(ctl, nodes, words[0])
							   : all_nodes(ctl, nodes);
	fb_nodes_close(nodes);
	return code;
}

static const fb_arg args[] = {
	{"brief", NULL, "a line for each type", FB_ARG_FLAG, 'b', &chosen.brief, 0, 0},
	{"markdown", "DIR", "write a page for each type, and README.md that lists them, into DIR",
		FB_ARG_TEXT, 0, &chosen.markdown, 0, 0},
	{"node-path", "DIRS", "folders to load nodes from, separated by ':'", FB_ARG_TEXT, 0,
		&chosen.node_path, 0, 0},
	{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0},
};

const fb_command fb_cmd_nodes = {"nodes", "[ID]",
	"the node types: parameters, ranges, defaults, ports, meters", NULL, 0, 1, false, args, run};
