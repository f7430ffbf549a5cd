/* SPDX-License-Identifier: GPL-3.0-or-later */
/** foldback watch: values as they change. */
#include "progress.h"
#include "wire.h"

#include <signal.h>

static struct {
	long rate_hz;
	double seconds;
} chosen;

static volatile sig_atomic_t end_asked;

/** What a change needs to know. */
typedef struct listener {
	const fb_ctl *ctl;
	bool gone; ///< the server has not answered; told once
} listener;

static void on_signal(int number)
{
	(void)number;
	end_asked = 1;
}

static void print_change(void *ctx, const char *address, const fb_value *argv, uint32_t argc)
{
	listener *l = ctx;
	if (l->gone) {
		fb_say("it is back");
		l->gone = false;
	}
	if (l->ctl->json) {
		json_t *line = json_pack("{s:s, s:o}", "address", address, "value",
			argc ? fb_value_json(&argv[0]) : json_null());
		json_dumpf(line, stdout, JSON_COMPACT);
		json_decref(line);
	} else {
		fputs(address, stdout);
		for (uint32_t i = 0; i < argc; i++) {
			fputc(' ', stdout);
			fb_value_print(&argv[i]);
		}
	}
	fputc('\n', stdout);
}

/** Until interrupted, or the time is over; a server that goes may come back. */
static int follow(listener *l, fb_client *client)
{
	double end_s = fb_progress_now() + chosen.seconds;
	fb_error error;
	while (!end_asked && !ferror(stdout)) {
		double left_s = chosen.seconds > 0.0 ? end_s - fb_progress_now() : 1.0;
		if (left_s <= 0.0) {
			break;
		}
		int wait_ms = left_s < 0.2 ? (int)(left_s * 1e3) + 1 : 200;
		fb_status status = fb_client_run(client, wait_ms, &error);
		fflush(stdout);
		if (status && status != FB_UNAVAILABLE) {
			return fb_wire_error(l->ctl, &error);
		}
		if (status && !l->gone) {
			fb_wire_error(l->ctl, &error);
			fb_say("waiting for it to come back");
			l->gone = true;
		}
	}
	return FB_EXIT_OK;
}

static int run(const fb_ctl *ctl, int count, char **words)
{
	struct sigaction action = {.sa_handler = on_signal};
	fb_client *client = fb_wire_osc(ctl);
	fb_error error;
	if (!client) {
		return FB_EXIT_FAILED;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	listener l = {ctl, false};
	fb_client_listen(client, print_change, &l);
	int code = FB_EXIT_OK;
	for (int i = 0; i < count && !code; i++) {
		uint32_t leaves = 0;
		if (fb_client_subscribe(client, words[i], (uint32_t)chosen.rate_hz, &leaves, &error)) {
			code = fb_wire_error(ctl, &error);
		} else if (!leaves) {
			fb_say("%s: matches nothing yet", words[i]);
		}
	}
	code = code ? code : follow(&l, client);
	fb_client_close(client);
	return code;
}

static const fb_arg args[] = {
	{"rate", "HZ", "at most so many changes of a value a second (the server's choice)", FB_ARG_INT,
		0, &chosen.rate_hz, 1, 1000},
	{"seconds", "S", "end after so long; without it, when interrupted", FB_ARG_FLOAT, 0,
		&chosen.seconds, 0.001, 1e9},
	{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0},
};

const fb_command fb_cmd_watch = {"watch", "PATTERN...",
	"print values now, and whenever they change",
	"PATTERN is an address (with all below it), or an OSC pattern such as "
	"/station/*/score/quality. With --json every line is an object of its own.",
	1, 64, true, args, run};
