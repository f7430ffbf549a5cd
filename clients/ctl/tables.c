/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tables.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/** Four digits behind the point for ratios, none for Hz, else two; no minus before nought. */
static void print_value(const fb_metric_info *info, double value)
{
	double span = info->scale_hi - info->scale_lo;
	int digits = span <= 2.0 ? 4 : span >= 1000.0 ? 0 : 2;
	double least = 0.5 * pow(10.0, -digits);
	printf("  %-20s %10.*f", info->id, digits, fabs(value) < least ? 0.0 : value);
}

void fb_print_metrics(const fb_metric_set *set)
{
	const char *group = "";
	for (int i = 0; i < FB_METRICS; i++) {
		const fb_metric_info *info = &fb_metric_catalogue[i];
		if (strcmp(group, info->group)) {
			group = info->group;
			puts(group);
		}
		if (fb_metric_valid(set, i)) {
			print_value(info, set->value[i]);
		} else {
			printf("  %-20s %10s", info->id, "-");
		}
		printf("%s%s\n", info->unit[0] ? "  " : "", info->unit);
	}
}

static bool listed(const json_t *list, const char *id)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item)
	{
		const char *text = json_string_value(item);
		if (text && !strcmp(text, id)) {
			return true;
		}
	}
	return false;
}

void fb_print_metrics_json(const json_t *metrics, const json_t *invalid)
{
	fb_metric_set set = {.valid = 0};
	for (int i = 0; i < FB_METRICS; i++) {
		const char *id = fb_metric_catalogue[i].id;
		const json_t *value = json_object_get(metrics, id);
		set.value[i] = json_number_value(value);
		if (json_is_number(value) && !listed(invalid, id)) {
			set.valid |= (uint64_t)1 << i;
		}
	}
	fb_print_metrics(&set);
}
