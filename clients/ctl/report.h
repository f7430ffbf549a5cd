/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Runs as people read them. */
#ifndef FB_CTL_REPORT_H
#define FB_CTL_REPORT_H

#include "ctl.h"

#include <stdint.h>

/** A run report: what was heard, score and its parts, what was turned, all metrics. */
void fb_report_print(const json_t *report);

/** The station a word names; false and told if it names none. */
bool fb_station_number(const fb_command *command, const char *word, long *station);

/** Save the audio of a run that is kept. Returns the exit status. */
int fb_snapshot_save(const fb_ctl *ctl, const char *run_id, const char *file);

/** Unix time in microseconds as local time: "2026-11-20 14:33:01". */
const char *fb_time_text(int64_t time_us, char text[32]);

#endif
