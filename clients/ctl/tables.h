/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Tables that more than one command prints. */
#ifndef FB_CTL_TABLES_H
#define FB_CTL_TABLES_H

#include "../../metrics/catalogue.h"

#include <jansson.h>

/** All metrics, by group, with units; "-" for what has no answer. */
void fb_print_metrics(const fb_metric_set *set);
/** The same from a report's "metrics" and "invalid". */
void fb_print_metrics_json(const json_t *metrics, const json_t *invalid);

#endif
