/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What has been heard so far: every parameter set of a session, with what was measured of it. */
#ifndef FB_TRIAL_H
#define FB_TRIAL_H

#include "knob.h"

enum { FB_RUN_ID_MAX = 48, FB_WHY_MAX = 320 };

/** One parameter set. */
typedef struct fb_trial {
	double *value;  ///< [knobs] in their units
	double score;   ///< 0..100
	double merit;   ///< score less what turning knobs has to be worth
	double *metric; ///< [metrics]
	bool *valid;    ///< [metrics]
	double *part;   ///< [aims] 0..1, how well each metric of the goal meets it; NaN left out
	json_t *thirds; ///< its balance in third octaves, a list of dB; NULL: not told
	int round;      ///< 0: as the station was found
	char run_id[FB_RUN_ID_MAX];
	char why[FB_WHY_MAX]; ///< what whoever proposed it wanted to know
} fb_trial;

typedef struct fb_trials {
	const fb_knobs *knobs;
	char **metric_id; ///< [metrics]
	int metrics;
	int *aim; ///< [aims] the metric each is about
	int aims;
	double worth;    ///< points that turning a knob has to bring
	fb_trial *trial; ///< [0] is the baseline
	int count, room;
	int best; ///< the first with the highest merit: what brings nothing stays as it was
} fb_trials;

/** Begin with the baseline's report. The history borrows the knobs.
	errors: FB_IO the report lacks something; FB_NO_MEMORY */
FB_MUST_CHECK fb_status fb_trials_begin(
	fb_trials *history, const fb_knobs *knobs, double worth, const json_t *report, fb_error *error);
void fb_trials_finish(fb_trials *history);

/** Add what came of `value`. errors: as fb_trials_begin */
FB_MUST_CHECK fb_status fb_trials_add(fb_trials *history, const double *value, const char *why,
	int round, const json_t *result, fb_error *error);

/** A trial with exactly these values, -1 if there is none. */
int fb_trials_find(const fb_trials *history, const double *value);

/** The one knob in which they differ, -1: none does, or more do. */
int fb_trials_only_difference(const fb_trials *history, int a, int b);

/** Has it a setting of a section's choice that neither the best trial has nor the station as found?
	What a band does as a notch says nothing of it as a bell. */
bool fb_trials_foreign(const fb_trials *history, int trial);

/** Did these two measure the very same? Auditions are deterministic, so then nothing of what
	differs between them is heard. */
bool fb_trials_sound_alike(const fb_trials *history, int a, int b);

/** 16 hexadecimal digits of all that was measured of a trial: the same bits, the same digits.
	source: FNV-1a over the metrics */
void fb_trials_fingerprint(const fb_trials *history, int trial, char out[17]);

/** {"node.param": value} of what differs from the start. NULL when out of memory. */
json_t *fb_values_json(const fb_knobs *knobs, const double *value);

#endif
