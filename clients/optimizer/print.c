/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "print.h"

#include "plain.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LABEL_WIDTH = 24, WIDTH = 80, INDENT = 9, LINE_MAX_BYTES = 400 };
#define REDRAW_S 0.1

/* --- while it goes on */

static bool shown;
static double shown_s;
static char shown_doing[40];

/** Behind what a line says already; nothing where no model is asked. */
static int say_spend(char *to, size_t size, const fb_session *session)
{
	fb_spend spend = fb_session_spend(session);
	double tokens = spend.tokens_in + spend.tokens_out;
	return !session->relay ? 0
		   : spend.money > 0.0
			   ? snprintf(to, size, ", %.0f tokens, %.4f of money", tokens, spend.money)
			   : snprintf(to, size, ", %.0f tokens", tokens);
}

/** How many characters a line may have so that it can be drawn over. */
static size_t line_room(void)
{
	struct winsize size;
	bool known = !ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col > 1;
	return known ? size.ws_col - 1u : WIDTH - 1u;
}

void fb_print_progress(const fb_session *session)
{
	char line[LINE_MAX_BYTES + 200], cut[LINE_MAX_BYTES];
	const fb_session_options *options = &session->options;
	double now = fb_session_seconds(session);
	if (!session->doing || !isatty(STDERR_FILENO)) {
		return;
	}
	bool new = strncmp(shown_doing, session->doing, sizeof shown_doing - 1) != 0;
	if (shown && !new &&fabs(now - shown_s) < REDRAW_S) {
		return;
	}
	shown = true;
	shown_s = now;
	snprintf(shown_doing, sizeof shown_doing, "%s", session->doing);
	int len = snprintf(line, LINE_MAX_BYTES, "%s", session->doing);
	size_t at = len < LINE_MAX_BYTES ? (size_t)len : LINE_MAX_BYTES - 1, room = line_room() + 1;
	if (session->history.count) {
		at += (size_t)snprintf(line + at, 100, ": %d of %d auditions, %.0f s, score %.2f",
			session->history.count, options->auditions_max, now, fb_session_after(session)->score);
		say_spend(line + at, sizeof line - at, session);
	} else if (!options->sample && !options->recorded) {
		snprintf(line + at, 100, ": %.0f of %.0f s", fmin(now, options->live_s), options->live_s);
	}
	fb_plain(cut, room < sizeof cut ? room : sizeof cut, line);
	fprintf(stderr, "\r\033[K%s", cut);
}

void fb_print_progress_end(void)
{
	if (shown) {
		fputs("\r\033[K", stderr);
		shown = false;
	}
}

/** A line between what is about one station and what is about the next. */
static void print_apart(bool table)
{
	static bool any, was_table;
	if (any && (table || was_table)) {
		putchar('\n');
	}
	any = true;
	was_table = table;
}

void fb_print_passed_over(int station, const char *why)
{
	print_apart(false);
	printf("Station %d is passed over: %s\n", station, why);
	fflush(stdout);
}

void fb_print_head(const fb_session *session)
{
	const fb_session_options *options = &session->options;
	print_apart(true);
	printf("Station %d, engine %s: %d parameters, %.1f s of %s\n", options->station,
		options->engine->name, session->knobs.count, session->source_s,
		options->recorded ? "the recorded source"
		: options->sample ? options->sample
						  : "its live input");
	if (options->epsilon > 0.0) {
		printf("A gain below %.3g points is none.\n", 100.0 * options->epsilon);
	}
	printf("\n%-8s %9s %8s %8s %8s%s\n", "round", "auditions", "time", "score", "gain",
		session->relay ? "   tokens    money" : "");
	printf("%-8s %9d %8s %8.2f\n", "as found", 1, "", fb_session_before(session)->score);
	fflush(stdout);
}

/** In lines that fit a terminal. The text is printable and one line. */
static void print_wrapped(const char *text, int indent)
{
	const size_t room = (size_t)(WIDTH - indent);
	for (size_t len = strlen(text); len; len = strlen(text)) {
		size_t cut = len <= room ? len : room;
		while (len > room && cut && text[cut] != ' ') {
			cut--;
		}
		for (cut = cut ? cut : room; ((unsigned char)text[cut] & 0xc0) == 0x80;) {
			cut--; /* not within a character */
		}
		printf("%*s%.*s\n", indent, "", (int)cut, text);
		text += cut + strspn(text + cut, " ");
	}
}

/** Why the model wanted what it proposed in this round, as it says. */
static void print_reasoning(const fb_session *session, int round)
{
	static const char mark[] = "model: ";
	for (int i = 1; i < session->history.count; i++) {
		const fb_trial *trial = &session->history.trial[i];
		if (trial->round == round && !strncmp(trial->why, mark, sizeof mark - 1)) {
			print_wrapped(trial->why, INDENT);
		}
	}
}

void fb_print_round(const fb_session *session, const fb_round *round)
{
	char name[16];
	snprintf(name, sizeof name, round->tidying ? "tidy" : "%d", round->number);
	printf("%-8s %9d %6.1f s %8.2f %+8.2f", name, round->auditions, round->seconds, round->score,
		round->gain);
	if (session->relay) {
		printf(
			" %8.0f %8.4f", round->spend.tokens_in + round->spend.tokens_out, round->spend.money);
	}
	putchar('\n');
	if (!round->tidying) {
		print_reasoning(session, round->number);
	}
	fflush(stdout);
}

/* --- what came of it */

static const char *reason(const fb_session *session)
{
	static const char *const reasons[][2] = {{"rounds", "the rounds are used up"},
		{"auditions", "the auditions are used up"}, {"seconds", "the time is used up"},
		{"interrupted", "interrupted"}, {"tokens", "the tokens are used up"},
		{"money", "the money is used up"}, {"model", "the model gave out"},
		{"nothing left to try", "nothing is left to try"}};
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
		if (!strcmp(session->stopped, reasons[i][0])) {
			return reasons[i][1];
		}
	}
	return "another round would hardly help";
}

/** Why a knob is turned: what the score loses where it is put back. */
static void print_worth(const fb_session *session, int knob)
{
	const fb_worth *worth = session->worth ? &session->worth[knob] : NULL;
	if (worth && worth->known) {
		const char *id = session->history.metric_id[worth->metric],
				   *label = fb_walk_metric_label(session->tree, id);
		printf(" %6.2f  %s", worth->points, *label ? label : id);
	}
	putchar('\n');
}

static void print_turned(const fb_session *session)
{
	const double *after = fb_session_after(session)->value;
	char old[48], now[48];
	printf(
		"\n%-*s %10s    %-10s %s\n", LABEL_WIDTH, "turned", "from", "to", "points lost without it");
	for (int k = 0; k < session->knobs.count; k++) {
		const fb_knob *knob = &session->knobs.knob[k];
		if (after[k] != knob->start) {
			printf("%-*s %10s -> %-10s", LABEL_WIDTH, knob->key,
				fb_knob_text(knob, knob->start, old), fb_knob_text(knob, after[k], now));
			print_worth(session, k);
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
		printf(": it stays, unless the proposal turns the same.\n");
	}
	if (!session->proposal[0]) {
		printf("\nNothing was found that is better: no proposal.\n");
	} else if (session->accepted) {
		printf("\nProposal %s is accepted; to take it back:\n  foldback set /station/%d/undo\n",
			session->proposal, station);
	} else {
		printf("\nProposal %s waits; to make it heard:\n"
			   "  foldback set /station/%d/proposal/accept\n",
			session->proposal, station);
	}
}

/** What asking the model came to. */
static void print_model(const fb_session *session)
{
	fb_spend spend = fb_session_spend(session);
	if (!session->relay) {
		return;
	}
	printf("Asked the model %d time%s: %.0f tokens in, %.0f out%s", spend.requests,
		spend.requests == 1 ? "" : "s", spend.tokens_in, spend.tokens_out,
		spend.estimated ? " (in part estimated)" : "");
	if (spend.money > 0.0) {
		printf(", %.4f of money", spend.money);
	}
	putchar('\n');
	if (*session->gave_up) {
		char text[sizeof session->gave_up + 40];
		snprintf(text, sizeof text, "The model was given up: %s.", session->gave_up);
		print_wrapped(text, 0);
	}
}

void fb_print_replay(const fb_session *session)
{
	const json_t *replay = session->replay;
	int runs = (int)json_integer_value(json_object_get(replay, "runs")),
		recorded = (int)json_integer_value(json_object_get(replay, "recorded"));
	const char *of = json_string_value(json_object_get(replay, "of"));
	if (json_is_true(json_object_get(replay, "same"))) {
		printf("\nReplay of %s: all %d runs are the same, bit for bit.\n", of, runs);
	} else {
		const char *other = json_string_value(json_object_get(replay, "other"));
		printf("\nReplay of %s: %d runs, %d recorded; they differ from run %d on.\n", of, runs,
			recorded, 1 + (int)json_integer_value(json_object_get(replay, "first_difference")));
		printf("What is another than then: %s.\n",
			other ? other : "nothing that the record tells (the machine, or a node's code?)");
	}
}

void fb_print_result(const fb_session *session)
{
	const fb_trial *before = fb_session_before(session), *after = fb_session_after(session);
	printf("\nScore %.2f -> %.2f of 100 with %d auditions in %.1f s.\nStopped: %s.\n",
		before->score, after->score, session->history.count, fb_session_seconds(session),
		reason(session));
	print_model(session);
	if (after != before) {
		print_turned(session);
		print_metrics(session);
	}
	print_proposal(session);
}
