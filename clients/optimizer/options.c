/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "options.h"

#include "../common/args.h"

#include <stdio.h>
#include <string.h>

enum { OK = 0, USAGE = 2 };

/** As the command line has them, before they are what a session takes. */
static struct {
	bool help, version, json, accept;
	long station, patience, rounds, auditions, seed, osc_port, http_port;
	double live, epsilon, seconds;
	const char *engine, *sample, *reference, *only, *freeze, *host, *token_file;
} given = {.patience = 2,
	.rounds = 100,
	.auditions = 150,
	.seed = 1,
	.osc_port = 7770,
	.http_port = 7771,
	.live = 10.0,
	.epsilon = 0.002,
	.engine = "local",
	.host = "127.0.0.1"};

static const fb_arg table[] = {
	{"station", "N", "which station to tune", FB_ARG_INT, 0, &given.station, 1, 64},
	{"engine", "E", "who says what to try: local (numeric search, no network)", FB_ARG_TEXT, 0,
		&given.engine, 0, 0},
	{"live", "SECONDS", "listen to the station's live input for so long (10)", FB_ARG_FLOAT, 0,
		&given.live, 0.1, 60},
	{"sample", "NAME.wav", "tune on a sample from the server's sample folder instead", FB_ARG_TEXT,
		0, &given.sample, 0, 0},
	{"reference", "NAME.wav", "the sample's clean original", FB_ARG_TEXT, 0, &given.reference, 0,
		0},
	{"only", "PATTERNS", "turn only these: comp.*,eq.b?_gain", FB_ARG_TEXT, 0, &given.only, 0, 0},
	{"freeze", "PATTERNS", "never turn these: limiter.ceiling", FB_ARG_TEXT, 0, &given.freeze, 0,
		0},
	{"epsilon", "E", "a gain below this is none: 0.002 is 0.2 points of 100", FB_ARG_FLOAT, 0,
		&given.epsilon, 0, 1},
	{"patience", "N", "stop after so many rounds without a gain (2)", FB_ARG_INT, 0,
		&given.patience, 1, FB_SESSION_ROUNDS_MAX},
	{"rounds", "N", "stop after so many rounds (100)", FB_ARG_INT, 0, &given.rounds, 1,
		FB_SESSION_ROUNDS_MAX},
	{"auditions", "N", "stop after so many auditions (150)", FB_ARG_INT, 0, &given.auditions, 2,
		100000},
	{"seconds", "S", "stop after so long", FB_ARG_FLOAT, 0, &given.seconds, 0.1, 1e6},
	{"seed", "N", "of what is random: the same seed, the same session (1)", FB_ARG_INT, 0,
		&given.seed, 0, 1e15},
	{"accept", NULL, "make the proposal heard at once", FB_ARG_FLAG, 0, &given.accept, 0, 0},
	{"host", "HOST", "where foldbackd runs (127.0.0.1)", FB_ARG_TEXT, 0, &given.host, 0, 0},
	{"osc-port", "N", "its port for OSC (7770)", FB_ARG_INT, 0, &given.osc_port, 1, 65535},
	{"http-port", "N", "its port for HTTP (7771)", FB_ARG_INT, 0, &given.http_port, 1, 65535},
	{"token-file", "F", "file whose first line is the server's token", FB_ARG_TEXT, 0,
		&given.token_file, 0, 0},
	{"json", NULL, "answer in JSON", FB_ARG_FLAG, 0, &given.json, 0, 0},
	{"help", NULL, "this", FB_ARG_FLAG, 'h', &given.help, 0, 0},
	{"version", NULL, "print the version", FB_ARG_FLAG, 0, &given.version, 0, 0},
	{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0},
};

static void print_help(void)
{
	puts("usage: foldback-optimizer --station N [OPTION]...\n"
		 "Tunes a station: captures what comes in, tries settings on a shadow of the station that\n"
		 "nobody hears, and proposes the best to the engineer.\n");
	fb_args_help(table, stdout);
	puts("\nCtrl-C ends the search and proposes the best so far; twice ends it at once.\n"
		 "Exit status: 0 done, 1 failed, 2 bad usage.");
}

static bool wrong(int *status, const char *option, const char *text)
{
	fprintf(stderr, "foldback-optimizer: %s: %s\nTry: foldback-optimizer --help\n", option, text);
	*status = USAGE;
	return false;
}

static const fb_tuning_engine *find_engine(const char *name)
{
	static const fb_tuning_engine *const engines[] = {&fb_tuning_local};
	for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
		if (!strcmp(name, engines[i]->name)) {
			return engines[i];
		}
	}
	return NULL;
}

static bool check(const fb_tuning_engine *engine, int words, char **argv, int *status)
{
	if (words) {
		return wrong(status, argv[1], "is one word too many");
	}
	if (!given.station) {
		return wrong(status, "--station", "say which station to tune");
	}
	if (!engine && (!strcmp(given.engine, "llm") || !strcmp(given.engine, "hybrid"))) {
		return wrong(status, "--engine",
			"language models cannot be asked yet; the engine there is is local");
	}
	if (!engine) {
		return wrong(status, "--engine", "there is no such engine; the one there is is local");
	}
	if (given.reference && !given.sample) {
		return wrong(status, "--reference", "goes with --sample");
	}
	return true;
}

bool fb_tuning_options_read(fb_tuning_options *options, int argc, char **argv, int *status)
{
	fb_error error;
	int words = argc - 1;
	const fb_arg *const tables[] = {table, NULL};
	*status = OK;
	if (fb_args_read(tables, &words, argv + 1, &error)) {
		return wrong(status, error.where, error.text);
	}
	if (given.help) {
		print_help();
		return false;
	}
	if (given.version) {
		puts("foldback-optimizer " FB_VERSION);
		return false;
	}
	const fb_tuning_engine *engine = find_engine(given.engine);
	if (!check(engine, words, argv, status)) {
		return false;
	}
	*options = (fb_tuning_options){.session = {.station = (int)given.station,
									   .engine = engine,
									   .limits = {given.only, given.freeze},
									   .sample = given.sample,
									   .reference = given.reference,
									   .live_s = given.live,
									   .epsilon = given.epsilon,
									   .patience = (int)given.patience,
									   .rounds_max = (int)given.rounds,
									   .auditions_max = (int)given.auditions,
									   .seconds_max = given.seconds,
									   .seed = (uint64_t)given.seed,
									   .accept = given.accept},
		.host = given.host,
		.osc_port = given.osc_port,
		.http_port = given.http_port,
		.token_file = given.token_file,
		.json = given.json};
	return true;
}
