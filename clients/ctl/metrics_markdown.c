/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The manual's page about the metrics, made from the catalogue. */
#include "ctl.h"
#include "markdown.h"
#include "metrics_page.h"

#include "../../metrics/voidline.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *id, *title;
} groups[] = {{"level", "Level"}, {"loudness", "Loudness"}, {"noise", "Noise and defects"},
	{"stereo", "Stereo"}, {"spectrum", "Spectrum"}, {"time", "Time and voice"},
	{"reference", "Against a reference"}, {"system", "System"}};

static void put_row(FILE *to, const fb_metric_info *info)
{
	char none[32], lo[32], hi[32], sense[FB_SENSE_TEXT];
	fprintf(to, "| `%s` | %s | %s | %s to %s | %s | **%s.** ", info->id, info->unit,
		fb_number_text(info->none, none), fb_number_text(info->scale_lo, lo),
		fb_number_text(info->scale_hi, hi), fb_sense_text(info, sense), info->label);
	fb_markdown_put(to, info->doc);
	fputs(" |\n", to);
}

static void put_group(FILE *to, const char *id, const char *title)
{
	fprintf(to, "\n## %s\n\n| metric | unit | none | scale | best | |\n|---|---|---|---|---|---|\n",
		title);
	for (int i = 0; i < FB_METRICS; i++) {
		if (!strcmp(fb_metric_catalogue[i].group, id)) {
			put_row(to, &fb_metric_catalogue[i]);
		}
	}
}

static void put_voidline(FILE *to)
{
	fputs("\n## Voidline\n\nThe score of a finished master, 0 to 100: these parts, each 0 to 1, by "
		  "their shares. A part without an answer is\nleft out. Each reads at "
		  "`/station/N/score/voidline/PART`.\n\n| part | share | |\n|---|---|---|\n",
		to);
	for (int i = 0; i < FB_VOIDLINE_PARTS; i++) {
		const fb_voidline_part *part = &fb_voidline_parts[i];
		fprintf(to, "| `%s` | %.0f %% | **%s.** ", part->id, 100.0 * part->share, part->label);
		fb_markdown_put(to, part->doc);
		fputs(" |\n", to);
	}
}

static void put_page(FILE *to)
{
	fprintf(to,
		"<!-- made by: foldback metrics --markdown; edits are lost -->\n# The %d metrics of a "
		"station\n\n"
		"At `/station/N/metric/ID`, live over the last 3 s and ten times a second; of a run or a "
		"file, over its own frames\n(the loudness metrics keep their standards' windows). A metric "
		"is always a number: one that has no answer reads\n*none* and is marked invalid. *scale* "
		"is the span that a score maps to 0..1; *best* is what a goal that only names\nthe metric "
		"asks of it: more, less, or a target, with the distance at which the score has fallen to "
		"0.71.\n\nLevels: 0 dBFS is a full-scale peak, -120 the floor. Frames are 50 ms. Where "
		"activity or a noise floor is\njudged, the mean of the last second is taken out first, "
		"since DC is no sound.\n",
		FB_METRICS);
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
		put_group(to, groups[i].id, groups[i].title);
	}
	put_voidline(to);
}

int fb_metrics_markdown(const char *path)
{
	FILE *to = fopen(path, "w");
	if (!to) {
		fb_say("%s: %s", path, strerror(errno));
		return FB_EXIT_FAILED;
	}
	put_page(to);
	bool failed = ferror(to);
	if (fclose(to) || failed) {
		fb_say("%s: cannot be written: %s", path, strerror(errno));
		return FB_EXIT_FAILED;
	}
	return FB_EXIT_OK;
}
