/* SPDX-License-Identifier: GPL-3.0-or-later */
/** foldback-optimizer: tunes a station in a loop that stops when another round would no longer
	help. */
#include "options.h"
#include "print.h"
#include "record.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OK = 0, FAILED = 1, TOKEN_MAX = 512 };

static volatile sig_atomic_t asked_to_stop;

static void on_signal(int signal)
{
	(void)signal;
	asked_to_stop = 1;
}

/** The first Ctrl-C ends the search, the second the program. */
static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static int tell(const fb_error *error)
{
	fb_print_progress_end();
	fprintf(stderr, "foldback-optimizer: %s%s%s\n", error->where, *error->where ? ": " : "",
		error->text);
	return FAILED;
}

/* --- what the session tells */

static bool search_goes_on(void *ctx)
{
	(void)ctx;
	return !asked_to_stop;
}

/** A request is given up when the user wants to stop, but not those that keep the best so far. */
static bool request_goes_on(void *ctx)
{
	const fb_session *session = ctx;
	fb_print_progress(session);
	return !asked_to_stop || session->wrapping_up;
}

static void began(void *ctx, const fb_session *session)
{
	const fb_tuning_options *options = ctx;
	fb_print_progress_end();
	if (!options->json) {
		fb_print_head(session);
	}
}

static void progress(void *ctx, const fb_session *session)
{
	(void)ctx;
	fb_print_progress(session);
}

static void round_ended(void *ctx, const fb_session *session, const fb_round *round)
{
	const fb_tuning_options *options = ctx;
	fb_print_progress_end();
	if (!options->json) {
		fb_print_round(session, round);
	}
}

/* --- */

/** When, and which station: "2026-11-20-14-33-01-250-005". */
static void name_session(int station, char id[FB_SESSION_ID_MAX])
{
	struct timespec now;
	struct tm utc;
	char stamp[24];
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(stamp, sizeof stamp, "%Y-%m-%d-%H-%M-%S", &utc);
	snprintf(id, FB_SESSION_ID_MAX, "%s-%03ld-%03d", stamp, now.tv_nsec / 1000000, station);
}

static fb_status read_token(const char *file, char token[TOKEN_MAX], fb_error *error)
{
	FILE *f = fopen(file, "re");
	bool read = f && fgets(token, TOKEN_MAX, f);
	int why = errno;
	if (f) {
		fclose(f);
	}
	if (!read) {
		return fb_fail(error, FB_IO, file, "%s", f ? "is empty" : strerror(why));
	}
	token[strcspn(token, "\r\n")] = '\0';
	return FB_OK;
}

static int print_json(const fb_session *session)
{
	json_t *summary = fb_record_summary(session);
	bool printed = summary && !json_dumpf(summary, stdout, JSON_INDENT(2));
	json_decref(summary);
	putchar('\n');
	return printed ? OK : FAILED;
}

static int tune(const fb_tuning_options *options, fb_session *session, fb_error *error)
{
	fb_status status = fb_session_search(session, error);
	session->doing = NULL;
	fb_print_progress_end();
	if (status) {
		return tell(error);
	}
	status = fb_session_conclude(session, error);
	int code = OK;
	if (options->json) {
		code = print_json(session);
	} else {
		fb_print_result(session);
	}
	return status ? tell(error) : code;
}

static int run(fb_tuning_options *options, fb_error *error)
{
	char token[TOKEN_MAX], id[FB_SESSION_ID_MAX];
	fb_session session = {0};
	fb_link *link = NULL;
	if (options->token_file && read_token(options->token_file, token, error)) {
		return tell(error);
	}
	name_session(options->session.station, id);
	fb_link_options to = {.host = options->host,
		.osc_port = (int)options->osc_port,
		.http_port = (int)options->http_port,
		.token = options->token_file ? token : NULL,
		.station = options->session.station,
		.session = id,
		.go_on = request_goes_on,
		.ctx = &session};
	fb_session_watch watch = {began, progress, round_ended, search_goes_on, options};
	if (fb_link_open(&to, &link, error)) {
		return tell(error);
	}
	int code;
	if (fb_session_begin(&session, &options->session, &watch, link, id, error)) {
		code = tell(error);
	} else {
		code = tune(options, &session, error);
		fb_session_finish(&session);
	}
	fb_link_close(link);
	return code;
}

int main(int argc, char **argv)
{
	fb_tuning_options options;
	fb_error error;
	int status;
	if (!fb_tuning_options_read(&options, argc, argv, &status)) {
		return fflush(stdout) ? FAILED : status;
	}
	catch_signals();
	status = run(&options, &error);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(
			stderr, "foldback-optimizer: standard output cannot be written: %s\n", strerror(errno));
		status = FAILED;
	}
	return status;
}
