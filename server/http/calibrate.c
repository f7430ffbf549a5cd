/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Routes of calibration: runs, auditions and the samples they may hear. */
#include "../calibration.h"
#include "../samples.h"
#include "route.h"

static void start(fb_request *request, const fb_asked *asked, bool audition)
{
	fb_error error;
	json_t *body = fb_asked_body(request, asked);
	fb_ticket *ticket = body ? fb_http_defer(request) : NULL;
	if (ticket && fb_calibration_request(
					  asked->server->calibration, body, audition, fb_answer_rows, ticket, &error)) {
		fb_answer_rows(ticket, NULL, &error);
	}
	json_decref(body);
}

static void post_run(fb_request *request, const fb_asked *asked)
{
	start(request, asked, false);
}

static void post_audition(fb_request *request, const fb_asked *asked)
{
	start(request, asked, true);
}

static void put_sample(fb_request *request, const fb_asked *asked)
{
	fb_error error;
	json_t *about;
	if (fb_sample_put(asked->server->options.sample_dir, asked->part[0], asked->body,
			asked->body_len, &about, &error)) {
		fb_http_answer_error(request, &error);
	} else {
		fb_http_answer_json(request, 201, about);
	}
}

static void get_sample(fb_request *request, const fb_asked *asked)
{
	fb_error error;
	void *data;
	size_t len;
	if (fb_sample_get(asked->server->options.sample_dir, asked->part[0], &data, &len, &error)) {
		fb_http_answer_error(request, &error);
	} else {
		fb_http_answer_bytes(request, 200, "audio/wav", data, len);
	}
}

#define SAMPLE_PARAM                                                                               \
	{                                                                                              \
		"name", NULL, 0, 0, "A plain file name that ends in .wav: letters, digits, _, - and dots." \
	}

static const fb_route routes[] = {
	{FB_POST, "/api/calibration/run", post_run,
		"Hear one parameter set on a shadow station, measure it and store the run.",
		.body_max = FB_BODY_MAX, .body = "RunRequest", .answer = "Run",
		.refusals = "404 406 409 503"},
	{FB_POST, "/api/calibration/audition", post_audition,
		"Hear up to 256 parameter sets on one source; the results are in the same order.",
		.body_max = FB_BODY_MAX, .body = "AuditionRequest", .answer = "Audition",
		.refusals = "404 406 409 503"},
	{FB_PUT, "/api/samples/{name}", put_sample,
		"Keep a calibration sample of 1 or 2 channels, replacing an older one as a whole.",
		{SAMPLE_PARAM}, .body_max = FB_SAMPLE_FILE_MAX, .body_type = "audio/wav", .code = 201,
		.answer = "Sample"},
	{FB_GET, "/api/samples/{name}", get_sample, "A calibration sample, as it was put.",
		{SAMPLE_PARAM}, .answer_type = "audio/wav", .refusals = "404 413"},
};

const fb_routes fb_calibration_routes = {"calibration", routes, sizeof routes / sizeof *routes};
