/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The manual's pages about nodes, made from their metadata. */
#include "ctl.h"
#include "markdown.h"
#include "nodes.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define GENERATED "<!-- made by: foldback nodes --markdown; edits are lost -->\n"

static void put_params(FILE *to, const fb_node_desc *desc)
{
	char text[FB_VALUE_TEXT], range[FB_RANGE_TEXT];
	fputs("\n## Parameters\n\n| parameter | range | default | |\n|---|---|---|---|\n", to);
	for (uint32_t i = 0; i < desc->n_params; i++) {
		const fb_param_info *info = &desc->params[i];
		fprintf(to, "| `%s` | ", info->symbol);
		fb_markdown_put(to, fb_param_range(info, range));
		fputs(info->scale == FB_SCALE_LOG ? ", logarithmic | " : " | ", to);
		fb_markdown_put(to, fb_param_text(info, info->def, text));
		fprintf(to, " | **%s.** ", info->label);
		fb_markdown_put(to, info->doc);
		fputs(info->flags & FB_PARAM_REPREPARE ? " (a change is crossfaded) |\n" : " |\n", to);
	}
}

static void put_meters(FILE *to, const fb_node_desc *desc)
{
	fputs("\n## Meters\n\n| meter | range | |\n|---|---|---|\n", to);
	for (uint32_t i = 0; i < desc->n_meters; i++) {
		const fb_meter_info *info = &desc->meters[i];
		char lo[32], hi[32];
		fprintf(to, "| `%s` | %s to %s %s | **%s.** ", info->symbol,
			fb_number_text((double)info->min, lo), fb_number_text((double)info->max, hi),
			info->unit, info->label);
		fb_markdown_put(to, info->doc);
		fputs(info->flags & FB_METER_REDUCTION ? " Counts in the metric `gain_reduction`. |\n"
											   : " |\n",
			to);
	}
}

static void put_ports(FILE *to, const char *title, const fb_port_info *ports, uint32_t n)
{
	fprintf(to, "\n## %s\n\n| port | channels | |\n|---|---|---|\n", title);
	for (uint32_t i = 0; i < n; i++) {
		fprintf(to, "| `%s` | %u | ", ports[i].symbol, ports[i].channels);
		fb_markdown_put(to, ports[i].doc);
		fputs(" |\n", to);
	}
}

static void put_node(FILE *to, const fb_node_desc *desc)
{
	fprintf(to, GENERATED "# `%s`: %s\n\n", desc->id, desc->label);
	fb_markdown_put(to, desc->doc);
	fprintf(to, "\n\nCategory: %s.\n", desc->category);
	if (desc->n_inputs) {
		put_ports(to, "Inputs", desc->inputs, desc->n_inputs);
	}
	put_ports(to, "Outputs", desc->outputs, desc->n_outputs);
	if (desc->n_params) {
		put_params(to, desc);
	}
	if (desc->n_meters) {
		put_meters(to, desc);
	}
}

static void put_list(FILE *to, const fb_nodes *nodes)
{
	fputs(GENERATED "# Node types\n\n| type | category | |\n|---|---|---|\n", to);
	for (size_t i = 0; i < fb_nodes_count(nodes); i++) {
		const fb_node_desc *desc = fb_nodes_at(nodes, i);
		fprintf(to, "| [`%s`](%s.md) | %s | ", desc->id, desc->id, desc->category);
		fb_markdown_put(to, desc->label);
		fputs(" |\n", to);
	}
}

/** Write one page; desc NULL: the list. */
static bool write_page(const fb_nodes *nodes, const fb_node_desc *desc, const char *dir)
{
	char path[1024];
	int len = snprintf(path, sizeof path, "%s/%s.md", dir, desc ? desc->id : "README");
	FILE *to = len < (int)sizeof path ? fopen(path, "w") : NULL;
	if (!to) {
		fb_say("%s: %s", path, strerror(errno));
		return false;
	}
	if (desc) {
		put_node(to, desc);
	} else {
		put_list(to, nodes);
	}
	bool failed = ferror(to);
	if (fclose(to) || failed) {
		fb_say("%s: cannot be written: %s", path, strerror(errno));
		return false;
	}
	return true;
}

int fb_nodes_markdown(const fb_nodes *nodes, const char *dir)
{
	if (mkdir(dir, 0777) && errno != EEXIST) {
		fb_say("%s: %s", dir, strerror(errno));
		return FB_EXIT_FAILED;
	}
	bool good = write_page(nodes, NULL, dir);
	for (size_t i = 0; i < fb_nodes_count(nodes) && good; i++) {
		good = write_page(nodes, fb_nodes_at(nodes, i), dir);
	}
	return good ? FB_EXIT_OK : FB_EXIT_FAILED;
}
