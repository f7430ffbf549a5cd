/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "print.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LABEL_WIDTH = 26 };
#define REDRAW_S 0.1

/* --- while it goes on */

static bool shown;
static double shown_s;

void fb_print_progress(const fb_session *session)
{
	const fb_session_options *options = &session->options;
	double now = fb_session_seconds(session);
	if (!session->doing || !isatty(STDERR_FILENO) || (shown && fabs(now - shown_s) < REDRAW_S)) {
		return;
	}
	shown = true;
	shown_s = now;
	fprintf(stderr, "\r\033[K%s", session->doing);
	if (session->history.count) {
		fprintf(stderr, ": %d of %d auditions, %.0f s, score %.2f", session->history.count,
			options->auditions_max, now, fb_session_after(session)->score);
	} else if (!options->sample) {
		fprintf(stderr, ": %.0f of %.0f s", fmin(now, options->live_s), options->live_s);
	}
}

void fb_print_progress_end(void)
{
	if (shown) {
		fputs("\r\033[K", stderr);
		shown = false;
	}
}

void fb_print_head(const fb_session *session)
{
	const fb_session_options *options = &session->options;
	printf("Station %d, engine %s: %d parameters, ", options->station, options->engine->name,
		session->knobs.count);
	if (options->sample) {
		printf("%.1f s of %s", session->source_s, options->sample);
	} else {
		printf("%.1f s of its live input", session->source_s);
	}
	printf("\n\n%-8s %9s %8s %8s %8s\n", "round", "auditions", "time", "score", "gain");
	printf("%-8s %9d %8s %8.2f\n", "as found", 1, "", fb_session_before(session)->score);
	fflush(stdout);
}

void fb_print_round(const fb_session *session, const fb_round *round)
{
	(void)session;
	char name[16];
	snprintf(name, sizeof name, round->tidying ? "tidy" : "%d", round->number);
	printf("%-8s %9d %6.1f s %8.2f %+8.2f\n", name, round->auditions, round->seconds, round->score,
		round->gain);
	fflush(stdout);
}

/* --- what came of it */

static const char *reason(const fb_session *session)
{
	static const char *const reasons[][2] = {{"rounds", "the rounds are used up"},
		{"auditions", "the auditions are used up"}, {"seconds", "the time is used up"},
		{"interrupted", "interrupted"}, {"nothing left to try", "nothing is left to try"}};
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
		if (!strcmp(session->stopped, reasons[i][0])) {
			return reasons[i][1];
		}
	}
	return "another round would hardly help";
}

static void print_turned(const fb_session *session)
{
	const double *after = fb_session_after(session)->value;
	char old[48], now[48];
	printf("\n%-*s %12s    %-12s\n", LABEL_WIDTH, "turned", "from", "to");
	for (int k = 0; k < session->knobs.count; k++) {
		const fb_knob *knob = &session->knobs.knob[k];
		if (after[k] != knob->start) {
			printf("%-*s %12s -> %-12s %s\n", LABEL_WIDTH, knob->key,
				fb_knob_text(knob, knob->start, old), fb_knob_text(knob, after[k], now),
				knob->label);
		}
	}
}

static void print_value(double value, bool valid)
{
	char text[32];
	snprintf(text, sizeof text, fabs(value) < 10.0 ? "%.2f" : "%.1f", value);
	printf(" %10s", valid ? text : "-");
}

/** The metrics of the goal: what the score is made of. */
static void print_metrics(const fb_session *session)
{
	const fb_trials *history = &session->history;
	const fb_trial *before = fb_session_before(session), *after = fb_session_after(session);
	printf(
		"\n%-*s %10s %10s %-10s  %s\n", LABEL_WIDTH, "measured", "before", "after", "", "goal met");
	for (int i = 0; i < history->aims; i++) {
		int metric = history->aim[i];
		const char *label = fb_walk_metric_label(session->tree, history->metric_id[metric]);
		printf("%-*s", LABEL_WIDTH, *label ? label : history->metric_id[metric]);
		print_value(before->metric[metric], before->valid[metric]);
		print_value(after->metric[metric], after->valid[metric]);
		printf(" %-10s", fb_walk_metric_unit(session->tree, history->metric_id[metric]));
		if (!isnan(before->part[i]) && !isnan(after->part[i])) {
			printf("  %3.0f %% -> %3.0f %%", 100.0 * before->part[i], 100.0 * after->part[i]);
		}
		putchar('\n');
	}
}

static void print_proposal(const fb_session *session)
{
	int station = session->options.station;
	if (json_array_size(session->turned_meanwhile)) {
		size_t at;
		json_t *key;
		printf("\nMeanwhile somebody turned");
		json_array_foreach(session->turned_meanwhile, at, key)
		{
			printf("%s %s", at ? "," : "", json_string_value(key));
		}
		printf(": accepting takes that back.\n");
	}
	if (!session->proposal[0]) {
		printf("\nNothing was found that is better: no proposal.\n");
	} else if (session->accepted) {
		printf("\nProposal %s is accepted; `foldback set /station/%d/undo` takes it back.\n",
			session->proposal, station);
	} else {
		printf("\nProposal %s waits: `foldback set /station/%d/proposal/accept` makes it heard.\n",
			session->proposal, station);
	}
}

void fb_print_result(const fb_session *session)
{
	const fb_trial *before = fb_session_before(session), *after = fb_session_after(session);
	printf("\nScore %.2f -> %.2f of 100 with %d auditions in %.1f s; stopped: %s.\n", before->score,
		after->score, session->history.count, fb_session_seconds(session), reason(session));
	if (after != before) {
		print_turned(session);
		print_metrics(session);
	}
	print_proposal(session);
}
