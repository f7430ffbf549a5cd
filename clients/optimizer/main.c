/* SPDX-License-Identifier: GPL-3.0-or-later */
/** foldback-optimizer: tunes a station in a loop that stops when another round would no longer
	help. */
#include "options.h"
#include "plot.h"
#include "print.h"
#include "record.h"
#include "replay.h"
#include "stations.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { OK = 0, FAILED = 1, TOKEN_MAX = 8192 };
#define BLANKS " \t\r"

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

static bool is_quiet(const fb_tuning_options *options)
{
	return options->json || options->session.relay.dry_run;
}

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
	if (!is_quiet(options)) {
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
	if (!is_quiet(options)) {
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

/** The first line of a file, less blanks around it. */
static fb_status read_line(const char *file, char line[TOKEN_MAX], fb_error *error)
{
	FILE *f = fopen(file, "re");
	size_t len = f ? fread(line, 1, TOKEN_MAX, f) : 0;
	int why = !f || ferror(f) ? errno : 0;
	if (f) {
		fclose(f);
	}
	if (why) {
		return fb_fail(error, FB_IO, file, "%s", strerror(why));
	}
	const char *end = memchr(line, '\n', len);
	len = end ? (size_t)(end - line) : len;
	if (len == TOKEN_MAX || memchr(line, '\0', len)) {
		return fb_fail(
			error, FB_INVALID, file, "its first line is longer than %d, or no text", TOKEN_MAX - 1);
	}
	line[len] = '\0';
	len = strspn(line, BLANKS);
	memmove(line, line + len, strlen(line + len) + 1);
	for (len = strlen(line); len && strchr(BLANKS, line[len - 1]); len--) {
		line[len - 1] = '\0';
	}
	return len ? FB_OK : fb_fail(error, FB_IO, file, "its first line is empty");
}

/** The model's key, "" for none: a local server needs none. Nothing that would break a header. */
static fb_status read_key(const fb_tuning_options *options, char key[TOKEN_MAX], fb_error *error)
{
	const char *kept = getenv("OPENAI_API_KEY");
	*key = '\0';
	if (options->key_file) {
		fb_status status = read_line(options->key_file, key, error);
		if (status) {
			return status;
		}
	} else if (kept && snprintf(key, TOKEN_MAX, "%s", kept) >= TOKEN_MAX) {
		return fb_fail(error, FB_INVALID, "OPENAI_API_KEY", "is too long for a key");
	}
	for (const char *at = key; *at; at++) {
		if (*at <= ' ' || *at > '~') {
			return fb_fail(error, FB_INVALID,
				options->key_file ? options->key_file : "OPENAI_API_KEY",
				"holds something that is no key: blanks, or characters beyond ASCII");
		}
	}
	if (*key) { /* should this program crash, it leaves no core with a key in it */
		(void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	}
	return FB_OK;
}

/* --- one station */

/** What a run of the program is about, for every station. */
typedef struct job {
	fb_tuning_options *options;
	char token[TOKEN_MAX], key[TOKEN_MAX];
	json_t *summaries; ///< --json, one for each station
	int tuned;         ///< stations that had something to tune
} job;

static int print_json(json_t *take)
{
	bool printed = take && !json_dumpf(take, stdout, JSON_INDENT(2));
	json_decref(take);
	putchar('\n');
	return printed ? OK : FAILED;
}

/** Of several stations each has a picture of its own: evening.svg, evening-1.svg, evening-2.svg. */
static fb_status draw(const job *j, const fb_session *session, fb_error *error)
{
	char name[PATH_MAX];
	const fb_tuning_options *options = j->options;
	const char *plot = options->plot, *end = strrchr(plot, '.');
	if (!options->all && options->stations == 1) {
		return fb_plot_write(session, plot, error);
	}
	if (!end || strchr(end, '/')) {
		end = plot + strlen(plot);
	}
	int len = snprintf(
		name, sizeof name, "%.*s-%d%s", (int)(end - plot), plot, session->options.station, end);
	return len < (int)sizeof name ? fb_plot_write(session, name, error)
								  : fb_fail(error, FB_INVALID, "--plot", "is too long");
}

static void show(job *j, const fb_session *session)
{
	if (j->options->json) {
		json_array_append_new(j->summaries, fb_record_summary(session));
	} else if (session->options.recorded) {
		fb_print_replay(session);
	} else {
		fb_print_result(session);
	}
}

static int tune(job *j, fb_session *session, fb_error *error)
{
	fb_error lost;
	const fb_tuning_options *options = j->options;
	bool again = session->options.recorded != NULL;
	fb_status status = fb_session_search(session, error);
	session->doing = NULL;
	fb_print_progress_end();
	if (status) {
		fb_session_abandon(session, &lost);
		return tell(error);
	}
	if (options->session.relay.dry_run) {
		return OK;
	}
	status = again ? fb_replay_compare(session, error) : fb_session_conclude(session, error);
	int code =
		status || (again && !json_is_true(json_object_get(session->replay, "same"))) ? FAILED : OK;
	show(j, session);
	if (status) {
		tell(error);
	}
	if (options->plot && draw(j, session, error)) {
		code = tell(error);
	}
	return code;
}

/** A session that is done again has its options from its document. */
static fb_status recall(const fb_tuning_options *options, fb_link *link, fb_session_options *to,
	json_t **document, fb_error *error)
{
	fb_status status = fb_link_find(link, options->replay, document, error);
	status = status ? status : fb_replay_read(*document, to, error);
	if (!status) {
		fb_link_set_station(link, to->station);
	}
	return status;
}

/** Of all stations some have nothing to tune. */
static int pass_over(job *j, int station, const fb_error *error)
{
	fb_print_progress_end();
	if (j->options->json) {
		json_array_append_new(
			j->summaries, json_pack("{s:i, s:s}", "station", station, "skipped", error->text));
	} else if (!is_quiet(j->options)) {
		fb_print_passed_over(station, error->text);
	}
	return OK;
}

static fb_link_options link_options(const job *j, int station, const char *id, fb_session *session)
{
	const fb_tuning_options *options = j->options;
	return (fb_link_options){.host = options->host,
		.osc_port = (int)options->osc_port,
		.http_port = (int)options->http_port,
		.osc_only = options->osc_only,
		.token = options->token_file ? j->token : NULL,
		.station = station,
		.session = id,
		.go_on = request_goes_on,
		.ctx = session};
}

static int tune_station(job *j, int station, fb_error *error)
{
	char id[FB_SESSION_ID_MAX];
	fb_session session = {0};
	fb_session_options own = j->options->session;
	fb_link *link = NULL;
	json_t *document = NULL;
	own.station = station;
	own.relay.chat.key = *j->key ? j->key : NULL;
	name_session(station, id);
	fb_link_options to = link_options(j, station, id, &session);
	fb_session_watch watch = {began, progress, round_ended, search_goes_on, j->options};
	if (fb_link_open(&to, &link, error)) {
		return tell(error);
	}
	int code;
	fb_status status =
		j->options->replay ? recall(j->options, link, &own, &document, error) : FB_OK;
	status = status ? status : fb_session_begin(&session, &own, &watch, link, id, error);
	if (status) {
		bool idle = status == FB_EXISTS && j->options->all;
		code = idle ? pass_over(j, station, error) : tell(error);
	} else {
		j->tuned++;
		code = tune(j, &session, error);
		fb_session_finish(&session);
	}
	json_decref(document);
	fb_link_close(link);
	return code;
}

/* --- all of them */

static fb_status prepare(job *j, fb_error *error)
{
	fb_tuning_options *options = j->options;
	fb_status status = FB_OK;
	if (options->token_file) {
		status = read_line(options->token_file, j->token, error);
	}
	if (!status && options->session.engine && options->session.engine->asks) {
		status = read_key(options, j->key, error);
	}
	if (!status && !options->replay) {
		fb_session nothing = {0};
		fb_link_options to = link_options(j, 1, "", &nothing);
		status = fb_stations_find(options, &to, error);
	}
	return status;
}

/** One summary, or a list of those of several stations. */
static int print_summaries(const job *j)
{
	const fb_tuning_options *options = j->options;
	bool one = options->stations == 1 && !options->all;
	return print_json(
		one ? json_incref(json_array_get(j->summaries, 0)) : json_incref(j->summaries));
}

static int run(job *j, fb_error *error)
{
	const fb_tuning_options *options = j->options;
	int code = OK;
	if (prepare(j, error)) {
		return tell(error);
	}
	j->summaries = json_array();
	for (int i = 0; i < options->stations && !asked_to_stop; i++) {
		int one = tune_station(j, options->station[i], error);
		code = one ? one : code;
	}
	explicit_bzero(j->key, sizeof j->key);
	if (options->all && !j->tuned && !code && !asked_to_stop) {
		fb_fail(
			error, FB_EXISTS, "--station", "none of %d has anything to tune", options->stations);
		code = tell(error);
	}
	if (options->json && json_array_size(j->summaries)) {
		int printed = print_summaries(j);
		code = code ? code : printed;
	}
	json_decref(j->summaries);
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
	static job all;
	all.options = &options;
	status = run(&all, &error);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(
			stderr, "foldback-optimizer: standard output cannot be written: %s\n", strerror(errno));
		status = FAILED;
	}
	return status;
}
