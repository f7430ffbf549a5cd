/* SPDX-License-Identifier: GPL-3.0-or-later */
/** foldback layout: a control surface's file, made from what the server's tree holds. */
#include "layout.h"
#include "outfile.h"
#include "wire.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIDE_MIN = 300, SIDE_MAX = 10000, TOUCHOSC_ELEMENTS = 2800, STAGE_ELEMENTS = 5000 };

static struct {
	long station;
	const char *controls, *size;
} chosen = {.size = "1024x768"};

static fb_status write_whole(const char *path, const void *data, size_t size, fb_error *error)
{
	fb_outfile out;
	fb_status status = fb_outfile_open(&out, path, error);
	if (status) {
		return status;
	}
	for (size_t done = 0; done < size && !status;) {
		ssize_t n = write(out.fd, (const char *)data + done, size - done);
		if (n <= 0) {
			status = fb_fail(error, FB_IO, path, "cannot be written");
		}
		done += n > 0 ? (size_t)n : 0;
	}
	if (status) {
		fb_outfile_abandon(&out);
		return status;
	}
	return fb_outfile_finish(&out, error);
}

static fb_status write_touchosc(
	const fb_layout *layout, const fb_layout_wish *wish, const char *path, fb_error *error)
{
	void *data = NULL;
	size_t size = 0;
	if (!fb_layout_touchosc(layout, wish, &data, &size)) {
		return fb_fail(error, FB_NO_MEMORY, path, "out of memory");
	}
	fb_status status = write_whole(path, data, size, error);
	free(data);
	return status;
}

/** The session, and beside it the module: OUT.json has OUT.js. */
static fb_status write_stage(
	const fb_layout *layout, const fb_layout_wish *wish, const char *path, fb_error *error)
{
	char beside[FB_OUTFILE_PATH];
	size_t n = strlen(path);
	const char *dot = n > 5 && strcmp(path + n - 5, ".json") == 0 ? path + n - 5 : path + n;
	snprintf(beside, sizeof beside, "%.*s.js", (int)(dot - path), path);
	json_t *session = fb_layout_stage_session(layout);
	char *text = session ? json_dumps(session, JSON_INDENT(2)) : NULL;
	char *module = fb_layout_stage_module(layout, wish);
	json_decref(session);
	fb_status status = text && module ? write_whole(path, text, strlen(text), error)
									  : fb_fail(error, FB_NO_MEMORY, path, "out of memory");
	if (!status) {
		status = write_whole(beside, module, strlen(module), error);
	}
	if (!status) {
		fb_say("open-stage-control --load %s --custom-module %s --send %s:%ld", path, beside,
			wish->host, wish->osc_port);
	}
	free(text);
	free(module);
	return status;
}

static const struct {
	const char *name;
	uint32_t elements_max;
	fb_status (*write)(const fb_layout *, const fb_layout_wish *, const char *, fb_error *);
} surfaces[] = {
	{"touchosc", TOUCHOSC_ELEMENTS, write_touchosc},
	{"open-stage-control", STAGE_ELEMENTS, write_stage},
};
enum { SURFACES = sizeof surfaces / sizeof *surfaces };

static bool read_size(fb_layout_wish *wish)
{
	char end;
	return sscanf(chosen.size, "%lfx%lf%c", &wish->width, &wish->height, &end) == 2 &&
		   wish->width >= SIDE_MIN && wish->width <= SIDE_MAX && wish->height >= SIDE_MIN &&
		   wish->height <= SIDE_MAX;
}

static int make(const fb_ctl *ctl, size_t surface, fb_layout_wish *wish, const char *path)
{
	fb_layout layout;
	fb_error error;
	json_t *tree = fb_wire_read(ctl, "/");
	if (!tree) {
		return FB_EXIT_FAILED;
	}
	fb_status status = fb_layout_plan(tree, wish, &layout, &error);
	json_decref(tree);
	if (status) {
		return fb_say_error(&error);
	}
	status = surfaces[surface].write(&layout, wish, path, &error);
	if (!status && layout.left_out) {
		fb_say("%u controls had no room; --station N or --controls LIST chooses", layout.left_out);
	}
	fb_layout_finish(&layout);
	return status ? fb_say_error(&error) : FB_EXIT_OK;
}

static int run(const fb_ctl *ctl, int count, char **words)
{
	fb_layout_wish wish = {.station = chosen.station,
		.controls = chosen.controls,
		.host = ctl->host,
		.osc_port = ctl->osc_port};
	(void)count;
	if (!read_size(&wish)) {
		return fb_say_usage(&fb_cmd_layout, "--size %s: WIDTHxHEIGHT, each %d to %d", chosen.size,
			SIDE_MIN, SIDE_MAX);
	}
	for (size_t i = 0; i < SURFACES; i++) {
		if (strcmp(words[0], surfaces[i].name) == 0) {
			wish.elements_max = surfaces[i].elements_max;
			return make(ctl, i, &wish, words[1]);
		}
	}
	return fb_say_usage(
		&fb_cmd_layout, "\"%s\" is no surface: touchosc or open-stage-control", words[0]);
}

static const fb_arg args[] = {
	{"station", "N", "only this station, with all it has", FB_ARG_INT, 0, &chosen.station, 1, 64},
	{"controls", "LIST", "only these, on one page a station: comp.threshold,eq,mute", FB_ARG_TEXT,
		0, &chosen.controls, 0, 0},
	{"size", "WxH", "of the screen (1024x768; TouchOSC)", FB_ARG_TEXT, 0, &chosen.size, 0, 0},
	{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0},
};

const fb_command fb_cmd_layout = {"layout", "touchosc|open-stage-control OUT",
	"a control surface's file, made from the server's tree",
	"A page for each station, one for each of its nodes, and a master page. The surface subscribes "
	"by itself to what it shows.",
	2, 2, true, args, run};
