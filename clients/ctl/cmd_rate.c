/* SPDX-License-Identifier: GPL-3.0-or-later */
/** foldback rate: what the engineer thinks of a run. */
#include "wire.h"

#include <stdlib.h>

static struct {
	const char *notes;
} chosen;

static int run_rate(const fb_ctl *ctl, int count, char **words)
{
	double mark;
	json_t *answer = NULL;
	fb_error error;
	(void)count;
	if (!fb_args_number(words[1], 0.0, 5.0, &mark)) {
		return fb_say_usage(&fb_cmd_rate, "\"%s\" is no mark from 0 to 5", words[1]);
	}
	char path[256], *run = fb_fetch_escape(words[0], "");
	json_t *body = json_pack("{s:f}", "subjective", mark);
	if (!run || !body ||
		snprintf(path, sizeof path, "/api/runs/%s/rating", run) >= (int)sizeof path) {
		free(run);
		json_decref(body);
		fb_say("the name of the run is too long");
		return FB_EXIT_FAILED;
	}
	free(run);
	if (chosen.notes) {
		json_object_set_new(body, "notes", json_string(chosen.notes));
	}
	fb_fetch *fetch = fb_wire_http(ctl);
	fb_status status =
		fetch ? fb_fetch_json(fetch, "POST", path, body, 0.0, &answer, &error) : FB_UNAVAILABLE;
	fb_fetch_close(fetch);
	json_decref(body);
	if (!fetch) {
		return FB_EXIT_FAILED;
	}
	if (status) {
		return fb_wire_error(ctl, &error);
	}
	if (ctl->json) {
		return fb_print_json(answer);
	}
	printf("%s: %g of 5, score %.2f\n", words[0], mark,
		json_number_value(json_object_get(answer, "score")));
	json_decref(answer);
	return FB_EXIT_OK;
}

static const fb_arg rate_args[] = {
	{"notes", "TEXT", "and why", FB_ARG_TEXT, 0, &chosen.notes, 0, 0},
	{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0},
};

const fb_command fb_cmd_rate = {
	"rate", "RUN MARK", "what you think of a run, 0 to 5", NULL, 2, 2, true, rate_args, run_rate};
