/* SPDX-License-Identifier: GPL-3.0-or-later */
/** foldback-stt: listens to a station's tap, recognises speech, and writes how sure it was to the
	station's leaf metric/stt_confidence. */
#include "recogniser.h"
#include "take.h"

#include "../../osc/client.h"
#include "../common/args.h"

#include <jansson.h>

#include <errno.h>
#include <signal.h>
#include <string.h>

enum { OK = 0, FAILED = 1, USAGE = 2 };

static struct {
	bool help, version, json, once;
	long station, osc_port, http_port;
	double seconds;
	const char *point, *host;
	fb_arg_list files;
} given = {
	.osc_port = 7770, .http_port = 7771, .seconds = 5.0, .point = "out", .host = "127.0.0.1"};

static const fb_arg table[] = {
	{"station", "N", "which station to listen to", FB_ARG_INT, 0, &given.station, 1, 64},
	{"point", "P", "where: in or out (out)", FB_ARG_TEXT, 0, &given.point, 0, 0},
	{"seconds", "S", "listen to so much for each estimate (5)", FB_ARG_FLOAT, 0, &given.seconds, 1,
		60},
	{"once", NULL, "end after one estimate (of each file)", FB_ARG_FLAG, 0, &given.once, 0, 0},
	{"file", "F", "listen to a sound file instead, or to several; no server is needed", FB_ARG_LIST,
		0, &given.files, 0, 0},
	{"host", "HOST", "where foldbackd runs (127.0.0.1)", FB_ARG_TEXT, 0, &given.host, 0, 0},
	{"osc-port", "N", "its port for OSC (7770)", FB_ARG_INT, 0, &given.osc_port, 1, 65535},
	{"http-port", "N", "its port for HTTP (7771)", FB_ARG_INT, 0, &given.http_port, 1, 65535},
	{"json", NULL, "answer in JSON, a line for each estimate", FB_ARG_FLAG, 0, &given.json, 0, 0},
	{"help", NULL, "this", FB_ARG_FLAG, 'h', &given.help, 0, 0},
	{"version", NULL, "print the version", FB_ARG_FLAG, 0, &given.version, 0, 0},
	{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0},
};

static volatile sig_atomic_t asked_to_stop;

static void on_signal(int signal)
{
	(void)signal;
	asked_to_stop = 1;
}

static bool go_on(void)
{
	return !asked_to_stop;
}

static int tell(const fb_error *error)
{
	fprintf(stderr, "foldback-stt: %s%s%s\n", error->where, *error->where ? ": " : "", error->text);
	return FAILED;
}

static int wrong(const char *option, const char *text)
{
	fprintf(stderr, "foldback-stt: %s: %s\nTry: foldback-stt --help\n", option, text);
	return USAGE;
}

static int print_help(void)
{
	puts("usage: foldback-stt --station N [OPTION]...\n"
		 "       foldback-stt --file F [OPTION]...\n"
		 "Says how sure a speech recogniser (PocketSphinx, US English) is of what it hears, 0 to "
		 "1,\nand writes it to the station's metric stt_confidence. Silence is no answer, and is "
		 "not written.\n");
	fb_args_help(table, stdout);
	puts("\nExit status: 0 done, 1 failed, 2 bad usage.");
	return OK;
}

/* --- one estimate */

static int print_json(const fb_take *take, const fb_heard *heard)
{
	json_t *line = json_pack("{s:f, s:f, s:b, s:o, s:i, s:s}", "start", take->start_s, "seconds",
		(double)take->n / FB_SPEECH_RATE, "heard", heard->any, "confidence",
		heard->any ? json_real(heard->confidence) : json_null(), "words", (int)heard->words, "text",
		heard->text);
	bool printed = line && !json_dumpf(line, stdout, JSON_REAL_PRECISION(6));
	json_decref(line);
	putchar('\n');
	return printed ? OK : FAILED;
}

static int print(const fb_take *take, const fb_heard *heard)
{
	int code = OK;
	if (given.json) {
		code = print_json(take, heard);
	} else if (!heard->any) {
		puts("nothing heard");
	} else {
		printf("%.3f  %s\n", heard->confidence, heard->words ? heard->text : "(no words)");
	}
	return fflush(stdout) ? FAILED : code;
}

/** client NULL: there is no station to tell. */
static int estimate(
	fb_recogniser *recogniser, const fb_take *take, fb_client *client, fb_error *error)
{
	fb_heard heard;
	if (fb_recogniser_hear(recogniser, take->mono, take->n, &heard, error)) {
		return tell(error);
	}
	if (client && heard.any) {
		char address[64];
		snprintf(address, sizeof address, "/station/%ld/metric/stt_confidence", given.station);
		fb_value value = {.tag = 'f', .f = heard.confidence};
		if (fb_client_set(client, address, &value, NULL, error)) {
			return tell(error);
		}
	}
	return print(take, &heard);
}

/* --- */

static int hear_file(fb_recogniser *recogniser, const char *name, fb_error *error)
{
	fb_take_file *file;
	fb_take take = {0};
	if (fb_take_file_open(name, &file, error)) {
		return tell(error);
	}
	int code;
	bool more;
	do {
		code = fb_take_file_next(file, given.seconds, &take, error) ? tell(error) : OK;
		/* what is left at the end is too little to judge, unless there is no more */
		more = !code && take.n && (take.start_s == 0.0 || take.n >= FB_SPEECH_RATE);
		if (more) {
			code = estimate(recogniser, &take, NULL, error);
		} else if (!code && take.start_s == 0.0) {
			fprintf(stderr, "foldback-stt: %s: holds no sound\n", name);
			code = FAILED;
		}
		fb_take_finish(&take);
	} while (more && !code && !given.once && go_on());
	fb_take_file_close(file);
	return code;
}

static int hear_files(fb_recogniser *recogniser, fb_error *error)
{
	int code = OK;
	for (size_t i = 0; i < given.files.count && !code && go_on(); i++) {
		code = hear_file(recogniser, given.files.item[i], error);
	}
	return code;
}

static int hear_station(fb_recogniser *recogniser, fb_error *error)
{
	fb_take_tap tap = {given.host, (int)given.http_port, (int)given.station, given.point, go_on};
	fb_client *client;
	int code = OK;
	if (fb_client_open(given.host, (uint16_t)given.osc_port, &client, error)) {
		return tell(error);
	}
	do {
		fb_take take = {0};
		fb_status status = fb_take_tap_record(&tap, given.seconds, &take, error);
		if (go_on()) {
			code = status ? tell(error) : estimate(recogniser, &take, client, error);
		}
		fb_take_finish(&take);
	} while (!code && !given.once && go_on());
	fb_client_close(client);
	return code;
}

static int run(void)
{
	fb_error error;
	fb_recogniser *recogniser;
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
	if (fb_recogniser_open(&recogniser, &error)) {
		return tell(&error);
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	int code =
		given.files.count ? hear_files(recogniser, &error) : hear_station(recogniser, &error);
	fb_recogniser_close(recogniser);
	return code;
}

int main(int argc, char **argv)
{
	fb_error error;
	int words = argc - 1;
	const fb_arg *const tables[] = {table, NULL};
	if (fb_args_read(tables, &words, argv + 1, &error)) {
		return wrong(error.where, error.text);
	}
	if (given.help) {
		return print_help();
	}
	if (given.version) {
		puts("foldback-stt " FB_VERSION);
		return OK;
	}
	if (words) {
		return wrong(argv[1], "is one word too many");
	}
	if (!given.station == !given.files.count) {
		return wrong("--station", "say which station to listen to, or which --file");
	}
	if (strcmp(given.point, "in") && strcmp(given.point, "out")) {
		return wrong("--point", "is in or out");
	}
	int code = run();
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "foldback-stt: standard output cannot be written: %s\n", strerror(errno));
		code = FAILED;
	}
	return code;
}
