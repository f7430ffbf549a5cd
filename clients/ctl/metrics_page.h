/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The metrics as text and as a page of the manual. */
#ifndef FB_CTL_METRICS_PAGE_H
#define FB_CTL_METRICS_PAGE_H

#include "../../metrics/catalogue.h"

enum { FB_SENSE_TEXT = 80 };

/** What a goal that only names a metric asks of it: "more", "less", "-23 within 1". */
const char *fb_sense_text(const fb_metric_info *info, char text[FB_SENSE_TEXT]);

/** Write the page. Returns the exit status; errors are told. */
int fb_metrics_markdown(const char *path);

#endif
