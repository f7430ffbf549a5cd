/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "options.h"

#include "../common/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OK = 0, USAGE = 2 };

/** As the command line has them, before they are what a session takes. */
static struct {
	bool help, version, json, osc, accept, send_audio, dry_run;
	long patience, rounds, auditions, seed, osc_port, http_port, retries;
	double live, epsilon, seconds, max_step, token_budget, tokens, money, price_in, price_out,
		timeout;
	const char *station, *engine, *sample, *reference, *only, *freeze, *host, *token_file, *plot,
		*replay, *base_url, *model, *key_file, *ca_file;
} given = {.patience = 2,
	.rounds = 100,
	.auditions = 150,
	.seed = 1,
	.osc_port = 7770,
	.http_port = 7771,
	.retries = 4,
	.live = 10.0,
	.epsilon = -1.0,
	.max_step = 0.25,
	.token_budget = 24000.0,
	.timeout = 120.0,
	.engine = "local",
	.host = "127.0.0.1",
	.base_url = "https://api.openai.com/v1"};

static const fb_arg table[] = {
	{"station", "N", "which station to tune: 3, several in turn: 1,2,5, or all", FB_ARG_TEXT, 0,
		&given.station, 0, 0},
	{"engine", "E",
		"who says what to try: local (numeric search, no network), llm (a language model), hybrid "
		"(both)",
		FB_ARG_TEXT, 0, &given.engine, 0, 0},
	{"live", "SECONDS", "listen to the station's live input for so long (10)", FB_ARG_FLOAT, 0,
		&given.live, 0.1, 60},
	{"sample", "NAME.wav", "tune on a sample from the server's sample folder instead", FB_ARG_TEXT,
		0, &given.sample, 0, 0},
	{"reference", "NAME.wav", "the sample's clean original", FB_ARG_TEXT, 0, &given.reference, 0,
		0},
	{"only", "PATTERNS", "turn only these: comp.*,eq.b?_gain", FB_ARG_TEXT, 0, &given.only, 0, 0},
	{"freeze", "PATTERNS", "never turn these: limiter.ceiling", FB_ARG_TEXT, 0, &given.freeze, 0,
		0},
	{"epsilon", "E", "a gain below this is none: 0.002 is 0.2 points of 100 (the goal's)",
		FB_ARG_FLOAT, 0, &given.epsilon, 0, 1},
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
	{"replay", "SESSION", "do a stored session again, and say whether it came out the same",
		FB_ARG_TEXT, 0, &given.replay, 0, 0},
	{"plot", "F.svg", "draw the score and the main metrics over the auditions", FB_ARG_TEXT, 0,
		&given.plot, 0, 0},
	{"host", "HOST", "where foldbackd runs (127.0.0.1)", FB_ARG_TEXT, 0, &given.host, 0, 0},
	{"osc-port", "N", "its port for OSC (7770)", FB_ARG_INT, 0, &given.osc_port, 1, 65535},
	{"http-port", "N", "its port for HTTP (7771)", FB_ARG_INT, 0, &given.http_port, 1, 65535},
	{"osc", NULL,
		"learn the station by OSC alone, without OSCQuery; what is heard and stored goes by HTTP "
		"all the same",
		FB_ARG_FLAG, 0, &given.osc, 0, 0},
	{"token-file", "F", "file whose first line is the server's token", FB_ARG_TEXT, 0,
		&given.token_file, 0, 0},
	{"json", NULL, "answer in JSON", FB_ARG_FLAG, 0, &given.json, 0, 0},
	{"help", NULL, "this", FB_ARG_FLAG, 'h', &given.help, 0, 0},
	{"version", NULL, "print the version", FB_ARG_FLAG, 0, &given.version, 0, 0},
	{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0},
};

static const fb_arg model_table[] = {
	{"model", "NAME", "which model to ask", FB_ARG_TEXT, 0, &given.model, 0, 0},
	{"base-url", "URL", "its server, to /v1 (https://api.openai.com/v1)", FB_ARG_TEXT, 0,
		&given.base_url, 0, 0},
	{"key-file", "F", "file whose first line is the key (else OPENAI_API_KEY has it)", FB_ARG_TEXT,
		0, &given.key_file, 0, 0},
	{"ca-file", "F", "certificates to trust instead of the system's", FB_ARG_TEXT, 0,
		&given.ca_file, 0, 0},
	{"max-step", "SHARE", "of its range that a parameter may move in a round (0.25)", FB_ARG_FLOAT,
		0, &given.max_step, 0.001, 1},
	{"send-audio", NULL, "send the sound as well: for models that hear", FB_ARG_FLAG, 0,
		&given.send_audio, 0, 0},
	{"token-budget", "N", "keep a request within so many tokens (24000)", FB_ARG_FLOAT, 0,
		&given.token_budget, 500, 1e7},
	{"tokens", "N", "stop when so many tokens are spent", FB_ARG_FLOAT, 0, &given.tokens, 1, 1e12},
	{"price-in", "P", "price of a million tokens asked", FB_ARG_FLOAT, 0, &given.price_in, 0, 1e6},
	{"price-out", "P", "price of a million tokens answered", FB_ARG_FLOAT, 0, &given.price_out, 0,
		1e6},
	{"money", "M", "stop when so much is spent, by these prices", FB_ARG_FLOAT, 0, &given.money,
		1e-9, 1e9},
	{"timeout", "S", "wait so long for an answer (120)", FB_ARG_FLOAT, 0, &given.timeout, 0.1,
		3600},
	{"retries", "N", "try so often again when the server is busy or out of reach (4)", FB_ARG_INT,
		0, &given.retries, 0, 100},
	{"dry-run", NULL, "print the first request and send nothing", FB_ARG_FLAG, 0, &given.dry_run, 0,
		0},
	{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0},
};

static void print_help(void)
{
	puts("usage: foldback-optimizer --station N [OPTION]...\n"
		 "Tunes a station: captures what comes in, tries settings on a shadow of the station that\n"
		 "nobody hears, and proposes the best to the engineer.\n");
	fb_args_help(table, stdout);
	puts("\nFor the engines llm and hybrid:");
	fb_args_help(model_table, stdout);
	puts("\nCtrl-C ends the search and proposes the best so far; twice ends it at once.\n"
		 "Exit status: 0 done, 1 failed, 2 bad usage.");
}

static bool wrong(int *status, const char *option, const char *text)
{
	fprintf(stderr, "foldback-optimizer: %s: %s\nTry: foldback-optimizer --help\n", option, text);
	*status = USAGE;
	return false;
}

/** "3", "1,2,5" or "all". */
static bool read_stations(fb_tuning_options *options, const char *text, int *status)
{
	bool all = !strcmp(text, "all");
	for (const char *at = text; !all && *at;) {
		size_t len = strcspn(at, ",");
		char part[32], said[96];
		double number;
		snprintf(part, sizeof part, "%.*s", (int)len, at);
		if (!fb_args_number(part, 1, 64, &number) || number != (int)number) {
			snprintf(said, sizeof said, "\"%s\" is no whole number from 1 to 64", part);
			return wrong(status, "--station", said);
		}
		if (options->stations == FB_TUNED_MAX) {
			return wrong(status, "--station", "are too many");
		}
		options->station[options->stations++] = (int)number;
		at += len + (at[len] == ',');
	}
	options->all = all;
	return all || options->stations || wrong(status, "--station", "say which station to tune");
}

static bool check_model(const fb_tuning_engine *engine, int *status)
{
	if (!engine->asks) {
		return given.dry_run ? wrong(status, "--dry-run", "goes with --engine llm or hybrid")
							 : true;
	}
	if (!given.model) {
		return wrong(status, "--model", "say which model to ask");
	}
	if (given.money > 0.0 && given.price_in <= 0.0 && given.price_out <= 0.0) {
		return wrong(status, "--money", "needs --price-in and --price-out");
	}
	return true;
}

static bool check(const fb_tuning_engine *engine, int words, char **argv, int *status)
{
	if (words) {
		return wrong(status, argv[1], "is one word too many");
	}
	if (!strcmp(given.engine, "replay") && !given.replay) {
		return wrong(status, "--engine", "replay needs --replay SESSION");
	}
	if (given.replay) {
		return !given.dry_run || wrong(status, "--dry-run", "does not go with --replay");
	}
	if (!given.station) {
		return wrong(status, "--station", "say which station to tune");
	}
	if (!engine) {
		return wrong(
			status, "--engine", "there is no such engine; there are local, llm and hybrid");
	}
	if (given.reference && !given.sample) {
		return wrong(status, "--reference", "goes with --sample");
	}
	return check_model(engine, status);
}

static fb_relay_options relay_options(void)
{
	return (fb_relay_options){.chat = {.base_url = given.base_url,
								  .ca_file = given.ca_file,
								  .timeout_s = given.timeout,
								  .retries = (int)given.retries},
		.model = given.model,
		.price_in = given.price_in,
		.price_out = given.price_out,
		.tokens_max = given.tokens,
		.money_max = given.money,
		.dry_run = given.dry_run};
}

static fb_session_options session_options(const fb_tuning_engine *engine)
{
	return (fb_session_options){.engine = engine,
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
		.accept = given.accept,
		.relay = relay_options(),
		.max_step = given.max_step,
		.request_tokens_max = given.token_budget,
		.send_audio = given.send_audio};
}

bool fb_tuning_options_read(fb_tuning_options *options, int argc, char **argv, int *status)
{
	fb_error error;
	int words = argc - 1;
	const fb_arg *const tables[] = {table, model_table, NULL};
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
	const fb_tuning_engine *engine = fb_tuning_engine_find(given.engine);
	if (!check(engine, words, argv, status)) {
		return false;
	}
	*options = (fb_tuning_options){.session = session_options(engine),
		.host = given.host,
		.osc_port = given.osc_port,
		.http_port = given.http_port,
		.token_file = given.token_file,
		.key_file = given.key_file,
		.plot = given.plot,
		.replay = given.replay,
		.osc_only = given.osc,
		.json = given.json};
	if (given.replay) {
		options->station[options->stations++] = 1; /* the record says which */
		return true;
	}
	return read_stations(options, given.station, status);
}
