/* SPDX-License-Identifier: GPL-3.0-or-later */
/** foldback metrics: the 55, told from the catalogue. */
#include "ctl.h"
#include "metrics_page.h"

#include "../../metrics/catalogue.h"

static struct {
	const char *markdown;
	bool brief;
} chosen;

const char *fb_sense_text(const fb_metric_info *info, char text[FB_SENSE_TEXT])
{
	char target[32], tolerance[32];
	switch (info->sense) {
	case FB_MORE:
		snprintf(text, FB_SENSE_TEXT, "more");
		break;
	case FB_LESS:
		snprintf(text, FB_SENSE_TEXT, "less");
		break;
	default:
		snprintf(text, FB_SENSE_TEXT, "%s within %s", fb_number_text(info->target, target),
			fb_number_text(info->tolerance, tolerance));
		break;
	}
	return text;
}

/* --- for people */

static void print_metric(const fb_metric_info *info)
{
	char none[32], lo[32], hi[32], sense[FB_SENSE_TEXT];
	printf("%s: %s (%s)%s%s\n", info->id, info->label, info->group, info->unit[0] ? ", in " : "",
		info->unit);
	fb_print_wrapped(info->doc, 2);
	printf("  without an answer %s; scored over %s to %s, best: %s\n",
		fb_number_text(info->none, none), fb_number_text(info->scale_lo, lo),
		fb_number_text(info->scale_hi, hi), fb_sense_text(info, sense));
}

static void print_brief(void)
{
	for (int i = 0; i < FB_METRICS; i++) {
		const fb_metric_info *info = &fb_metric_catalogue[i];
		printf("%-18s %-10s %-12s %s\n", info->id, info->group, info->unit, info->label);
	}
}

/* --- for machines */

static json_t *metric_json(const fb_metric_info *info)
{
	static const char *const senses[] = {
		[FB_MORE] = "more", [FB_LESS] = "less", [FB_TARGET] = "target"};
	json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:[o, o], s:s}", "id", info->id,
		"group", info->group, "label", info->label, "unit", info->unit, "doc", info->doc, "none",
		fb_number_json(info->none), "scale", fb_number_json(info->scale_lo),
		fb_number_json(info->scale_hi), "sense", senses[info->sense]);
	if (json && info->sense == FB_TARGET) {
		json_object_set_new(json, "target", fb_number_json(info->target));
		json_object_set_new(json, "tolerance", fb_number_json(info->tolerance));
	}
	return json;
}

static int print_all_json(void)
{
	json_t *list = json_array();
	for (int i = 0; i < FB_METRICS; i++) {
		json_array_append_new(list, metric_json(&fb_metric_catalogue[i]));
	}
	return fb_print_json(list);
}

/* --- */

static int one_metric(const fb_ctl *ctl, const char *id)
{
	int metric = fb_metric_find(id);
	if (metric < 0) {
		fb_say("%s: there is no metric of this name (foldback metrics --brief lists them)", id);
		return FB_EXIT_FAILED;
	}
	if (ctl->json) {
		return fb_print_json(metric_json(&fb_metric_catalogue[metric]));
	}
	print_metric(&fb_metric_catalogue[metric]);
	return FB_EXIT_OK;
}

static int run(const fb_ctl *ctl, int count, char **words)
{
	if (chosen.markdown) {
		return fb_metrics_markdown(chosen.markdown);
	}
	if (count) {
		return one_metric(ctl, words[0]);
	}
	if (ctl->json) {
		return print_all_json();
	}
	if (chosen.brief) {
		print_brief();
		return FB_EXIT_OK;
	}
	for (int i = 0; i < FB_METRICS; i++) {
		fputs(i ? "\n" : "", stdout);
		print_metric(&fb_metric_catalogue[i]);
	}
	return FB_EXIT_OK;
}

static const fb_arg args[] = {
	{"brief", NULL, "a line for each metric", FB_ARG_FLAG, 'b', &chosen.brief, 0, 0},
	{"markdown", "FILE", "write the manual's page of all metrics into FILE", FB_ARG_TEXT, 0,
		&chosen.markdown, 0, 0},
	{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0},
};

const fb_command fb_cmd_metrics = {"metrics", "[ID]",
	"the metrics: meaning, unit, range, how a score reads them", NULL, 0, 1, false, args, run};
